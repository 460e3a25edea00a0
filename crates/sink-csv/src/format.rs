//! CSV as a file format of datasets.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use access_dataset::{Batches, Dataset, FileFormat, FileWriter, FormatError, FormatOptions, ReadBack};
use arrow::array::RecordBatch;

use crate::column::Column;
use crate::counting;
use crate::packing::{Packer, Packing};
use crate::reading;

/// The end of a line (RFC 4180).
const LINE_END: &[u8] = b"\r\n";
/// Bytes of lines that are written at a time.
const BLOCK: usize = 1 << 18;
/// The options' names in manifests.
const SAFE: &str = "spreadsheet_safe";
const PACKING: &str = "compression";

/// Whether texts that a spreadsheet would take for formulas are changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SpreadsheetSafety {
    /// An apostrophe is put before them.
    #[default]
    Safe,
    /// Every text stays as it is, for programs.
    Raw,
}

/// Writes CSV.
#[derive(Debug, Clone, Copy, Default)]
pub struct CsvFormat {
    /// Compression.
    pub packing: Packing,
    /// What becomes of formulas.
    pub safety: SpreadsheetSafety,
}

impl FileFormat for CsvFormat {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn extension(&self) -> &'static str {
        self.packing.extension()
    }

    /// One file a table, whatever its size.
    fn rows_per_file(&self) -> u64 {
        u64::MAX
    }

    fn create(
        &self,
        dataset: Dataset,
        out: Box<dyn Write + Send>,
    ) -> Result<Box<dyn FileWriter>, FormatError> {
        let header: Vec<&str> = dataset.columns().iter().map(|column| column.name).collect();
        let mut lines = header.join(",").into_bytes();
        lines.extend_from_slice(LINE_END);
        Ok(Box::new(CsvFile {
            out: self.packing.pack(out)?,
            safety: self.safety,
            lines,
        }))
    }

    fn count_rows(&self, back: &mut ReadBack) -> Result<u64, FormatError> {
        Ok(counting::rows(self.packing.unpack(back)?)?)
    }

    fn read(&self, dataset: Dataset, file: File, columns: Option<&[&str]>) -> Result<Batches, FormatError> {
        reading::batches(dataset, file, columns, self.safety)
    }

    fn options(&self) -> FormatOptions {
        let safe = (self.safety == SpreadsheetSafety::Safe).to_string();
        let options = [(SAFE, safe.as_str()), (PACKING, self.packing.word())];
        options
            .map(|(name, word)| (name.to_owned(), word.to_owned()))
            .into()
    }

    fn with_options(&self, options: &FormatOptions) -> Arc<dyn FileFormat> {
        let safety = match options.get(SAFE).map(String::as_str) {
            Some("false") => SpreadsheetSafety::Raw,
            // The usual way, and the likely one where an old manifest does not say.
            _ => SpreadsheetSafety::Safe,
        };
        let packing = options.get(PACKING).and_then(|word| Packing::named(word));
        Arc::new(Self {
            packing: packing.unwrap_or(self.packing),
            safety,
        })
    }
}

struct CsvFile {
    out: Packer,
    safety: SpreadsheetSafety,
    /// Lines that are not written yet.
    lines: Vec<u8>,
}

impl FileWriter for CsvFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        let columns = batch.columns().iter().map(|array| Column::of(array, self.safety));
        let columns: Option<Vec<Column<'_>>> = columns.collect();
        let mut columns = columns.ok_or("a column of a kind that tables do not have")?;
        for row in 0..batch.num_rows() {
            for (n, column) in columns.iter_mut().enumerate() {
                if n > 0 {
                    self.lines.push(b',');
                }
                column.write(row, &mut self.lines)?;
            }
            self.lines.extend_from_slice(LINE_END);
            if self.lines.len() >= BLOCK {
                self.out.write_all(&self.lines)?;
                self.lines.clear();
            }
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), FormatError> {
        self.out.write_all(&self.lines)?;
        Ok(self.out.finish()?)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{ArrayRef, StringArray};
    use csv::ReaderBuilder;
    use proptest::prelude::*;

    use super::*;

    fn texts(format: CsvFormat, texts: Vec<Option<&str>>) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let column: ArrayRef = Arc::new(StringArray::from(texts));
        let batch = RecordBatch::try_from_iter([("text", column.clone()), ("again", column)]).unwrap();
        let mut file = format
            .create(Dataset::Syncs, Box::new(File::create(&path).unwrap()))
            .unwrap();
        // The header is that of a table; only the rows matter here.
        file.write(&batch).unwrap();
        file.finish().unwrap();
        std::fs::read(&path).unwrap()
    }

    #[test]
    fn every_packing_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        for word in Packing::WORDS {
            let format = CsvFormat {
                packing: Packing::named(word).unwrap(),
                ..CsvFormat::default()
            };
            let path = folder.path().join(format.extension());
            let mut file = format
                .create(Dataset::Users, Box::new(File::create(&path).unwrap()))
                .unwrap();
            let width = Dataset::Users.columns().len();
            let column: ArrayRef = Arc::new(StringArray::from(vec!["x,\"y\"\r\nz"; 3]));
            let named = Dataset::Users
                .columns()
                .iter()
                .map(|one| (one.name, column.clone()));
            file.write(&RecordBatch::try_from_iter(named).unwrap()).unwrap();
            file.finish().unwrap();
            let count = || format.count_rows(&mut ReadBack::new(File::open(&path).unwrap()));
            assert_eq!(count().unwrap(), 3, "{word} {width}");
            // A file that is cut is not a shorter one.
            let bytes = std::fs::read(&path).unwrap();
            if word != "none" {
                std::fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
                count().unwrap_err();
            }
        }
    }

    #[test]
    fn safe_and_raw() {
        let rows = |safety| {
            let format = CsvFormat {
                safety,
                ..CsvFormat::default()
            };
            let bytes = texts(format, vec![Some("=HYPERLINK(\"x\")"), None, Some("")]);
            let text = String::from_utf8(bytes).unwrap();
            let rows = text.split_once("\r\n").unwrap().1;
            rows.replace("\r\n", "|")
        };
        // A text that is not there is nothing, a text without characters is a pair of quotes.
        assert_eq!(
            rows(SpreadsheetSafety::Safe),
            r#""'=HYPERLINK(""x"")","'=HYPERLINK(""x"")"|,|"",""|"#
        );
        assert_eq!(
            rows(SpreadsheetSafety::Raw),
            r#""=HYPERLINK(""x"")","=HYPERLINK(""x"")"|,|"",""|"#
        );
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in ".{0,40}", quoted in "[\",\r\n\0\u{202e}=+@-]{0,12}") {
            let format = CsvFormat { safety: SpreadsheetSafety::Raw, ..CsvFormat::default() };
            let bytes = texts(format, vec![Some(&text), Some(&quoted)]);
            let mut reader = ReaderBuilder::new().flexible(true).from_reader(bytes.as_slice());
            let rows: Vec<Vec<String>> = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(rows, vec![vec![text.clone(), text], vec![quoted.clone(), quoted]]);
        }
    }
}
