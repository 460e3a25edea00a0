//! Where the tables of a store are: in its folder, or elsewhere, to be fetched one by one.

use std::fmt::Debug;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::error::damaged;

/// The file of a table.
pub(crate) trait TableFile: Read + Seek + Send + Debug {}

impl<T: Read + Seek + Send + Debug> TableFile for T {}

/// The tables of a store.
pub(crate) trait TableFiles {
    /// Why a table cannot be opened.
    type Error: From<StoreError>;

    /// Bytes of the tables that are not in the store's folder.
    fn bytes_elsewhere(&self) -> u64;

    /// Whether there is a table with this number.
    fn contains(&self, number: u64) -> Result<bool, Self::Error>;

    /// Opens the table with this number.
    fn open(&self, number: u64) -> Result<Box<dyn TableFile>, Self::Error>;
}

/// Tables in the store's folder.
#[derive(Debug)]
pub(crate) struct FolderTables(PathBuf);

impl FolderTables {
    pub(crate) fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    fn path(&self, number: u64) -> PathBuf {
        self.0.join(table_name(number))
    }
}

impl TableFiles for FolderTables {
    type Error = StoreError;

    fn bytes_elsewhere(&self) -> u64 {
        0
    }

    fn contains(&self, number: u64) -> Result<bool, StoreError> {
        Ok(self.path(number).try_exists()?)
    }

    fn open(&self, number: u64) -> Result<Box<dyn TableFile>, StoreError> {
        Ok(Box::new(File::open(self.path(number))?))
    }
}

/// The file name of the table with a number.
pub(super) fn table_name(number: u64) -> String {
    format!("{number:06}.sst")
}

/// The number of the table with a file name; `None` if the file is no table.
pub(crate) fn table_number(name: &str) -> Option<u64> {
    let number = name.strip_suffix(".sst")?.parse().ok()?;
    (table_name(number) == name).then_some(number)
}

pub(super) fn missing() -> StoreError {
    damaged("a table of its store is missing")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_numbers_in_file_names() {
        assert_eq!(table_number("000012.sst"), Some(12));
        assert_eq!(table_number("1234567.sst"), Some(1_234_567));
        for other in [
            "12.sst",
            "0000012.sst",
            "+00012.sst",
            "000012.log",
            "a/000012.sst",
            ".sst",
        ] {
            assert_eq!(table_number(other), None, "{other}");
        }
    }
}
