//! CSV as a file format of datasets.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use access_dataset::{
    Batches, Contract, FileFormat, FileWriter, FormatError, FormatOptions, HashingReader, Table,
};
use arrow::array::RecordBatch;

use crate::batch_reader;
use crate::cell::Content;
use crate::column::Column;
use crate::compression::CompressedWriter;
use crate::compression::Compression;
use crate::dialect::{Delimiter, Dialect, SpreadsheetSafety};
use crate::preamble;
use crate::row_counter;

/// The end of a line (RFC 4180).
const LINE_END: &[u8] = b"\r\n";
/// Bytes of lines that are written at a time.
const BLOCK: usize = 1 << 18;
/// The options' names in manifests.
const SAFE: &str = "spreadsheet_safe";
const COMPRESSION: &str = "compression";
const DELIMITER: &str = "delimiter";
const BOM: &str = "bom";
const SEP_LINE: &str = "sep";
/// Option: which texts are changed if `spreadsheet_safe` is true, i.e. those with a piece that is a formula. Older manifests lack it.
const GUARDED: &str = "guarded";
const GUARDED_PIECES: &str = "pieces";

/// Writes CSV.
#[derive(Debug, Clone, Copy, Default)]
pub struct CsvFormat {
    /// The columns of each table.
    pub contract: Contract,
    /// Compression.
    pub compression: Compression,
    /// How formulas are treated.
    pub safety: SpreadsheetSafety,
    /// The delimiter between cells.
    pub delimiter: Delimiter,
    /// Whether files begin with a byte order mark, by which Excel knows UTF-8.
    pub bom: bool,
    /// Whether the first line is `sep=` and the delimiter, by which Excel splits whatever its locale.
    pub sep_line: bool,
}

impl CsvFormat {
    fn dialect(self) -> Dialect {
        Dialect {
            delimiter: self.delimiter,
            safety: self.safety,
        }
    }
}

impl FileFormat for CsvFormat {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn extension(&self) -> &'static str {
        self.compression.extension()
    }

    fn contract(&self) -> Contract {
        self.contract
    }

    /// One file a table, whatever its size.
    fn rows_per_file(&self) -> u64 {
        u64::MAX
    }

    fn create(&self, dataset: Table, out: Box<dyn Write + Send>) -> Result<Box<dyn FileWriter>, FormatError> {
        let columns = self.contract.columns(dataset);
        let mut lines = Vec::new();
        preamble::write(self.bom, self.sep_line, self.delimiter, LINE_END, &mut lines);
        for (n, column) in columns.iter().enumerate() {
            if n > 0 {
                lines.push(self.delimiter.byte());
            }
            lines.extend_from_slice(column.name.as_bytes());
        }
        lines.extend_from_slice(LINE_END);
        let contents = columns.iter().map(|column| Content::from(column.kind));
        Ok(Box::new(CsvFile {
            out: self.compression.compressor(out)?,
            dialect: self.dialect(),
            contents: contents.collect(),
            lines,
        }))
    }

    fn count_rows(&self, back: &mut HashingReader) -> Result<u64, FormatError> {
        let text = preamble::skip(self.compression.decompressor(back)?)?;
        Ok(row_counter::rows(text, self.delimiter)?)
    }

    fn read(&self, dataset: Table, file: File, columns: Option<&[&str]>) -> Result<Batches, FormatError> {
        batch_reader::batches(
            &self.contract.columns(dataset),
            self.contract.schema_of(dataset, columns),
            file,
            self.dialect(),
        )
    }

    /// Readers of all files of a folder need one delimiter and one form of preamble.
    fn layout(&self) -> String {
        let defaults = Self::default();
        let differing = [
            (self.extension() != self.name()).then(|| format!(".{}", self.extension())),
            (self.delimiter != defaults.delimiter).then(|| format!("delimiter {}", self.delimiter.word())),
            self.bom.then(|| "byte order mark".to_owned()),
            self.sep_line.then(|| "sep line".to_owned()),
            (self.safety == SpreadsheetSafety::Raw).then(|| "without spreadsheet safety".to_owned()),
        ];
        let differing: Vec<String> = differing.into_iter().flatten().collect();
        if differing.is_empty() {
            self.name().to_owned()
        } else {
            format!("{} ({})", self.name(), differing.join(", "))
        }
    }

    fn options(&self) -> FormatOptions {
        let safe = self.safety != SpreadsheetSafety::Raw;
        let guarded = (self.safety == SpreadsheetSafety::Safe).then_some((GUARDED, GUARDED_PIECES));
        let options = [
            (SAFE, if safe { "true" } else { "false" }),
            (COMPRESSION, self.compression.word()),
            (DELIMITER, self.delimiter.word()),
            (BOM, if self.bom { "true" } else { "false" }),
            (SEP_LINE, if self.sep_line { "true" } else { "false" }),
        ];
        let named = options.into_iter().chain(guarded);
        named
            .map(|(name, word)| (name.to_owned(), word.to_owned()))
            .collect()
    }

    fn with_options(&self, options: &FormatOptions) -> Arc<dyn FileFormat> {
        let word = |name| options.get(name).map(String::as_str);
        let safety = match (word(SAFE), word(GUARDED)) {
            (Some("false"), _) => SpreadsheetSafety::Raw,
            (_, Some(GUARDED_PIECES)) => SpreadsheetSafety::Safe,
            // The usual way of old manifests, and the likely one where one does not say.
            _ => SpreadsheetSafety::SafeAtStart,
        };
        Arc::new(Self {
            contract: self.contract,
            compression: word(COMPRESSION)
                .and_then(Compression::named)
                .unwrap_or(self.compression),
            safety,
            delimiter: word(DELIMITER).and_then(Delimiter::named).unwrap_or_default(),
            bom: word(BOM) == Some("true"),
            sep_line: word(SEP_LINE) == Some("true"),
        })
    }
}

struct CsvFile {
    out: CompressedWriter,
    dialect: Dialect,
    /// The content type of each column's texts.
    contents: Vec<Content>,
    /// Lines that are not written yet.
    lines: Vec<u8>,
}

impl FileWriter for CsvFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        let columns = batch.columns().iter().zip(&self.contents);
        let columns = columns.map(|(array, content)| Column::of(array, *content, self.dialect));
        let columns: Option<Vec<Column<'_>>> = columns.collect();
        let mut columns = columns.ok_or("a column of a kind that tables do not have")?;
        for row in 0..batch.num_rows() {
            for (n, column) in columns.iter_mut().enumerate() {
                if n > 0 {
                    self.lines.push(self.dialect.delimiter.byte());
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
            .create(Table::Syncs, Box::new(File::create(&path).unwrap()))
            .unwrap();
        // The header is that of a table; only the rows matter here.
        file.write(&batch).unwrap();
        file.finish().unwrap();
        std::fs::read(&path).unwrap()
    }

    #[test]
    fn every_packing_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        for word in Compression::WORDS {
            let format = CsvFormat {
                compression: Compression::named(word).unwrap(),
                ..CsvFormat::default()
            };
            let path = folder.path().join(format.extension());
            let mut file = format
                .create(Table::Users, Box::new(File::create(&path).unwrap()))
                .unwrap();
            let columns = format.contract().columns(Table::Users);
            let width = columns.len();
            let column: ArrayRef = Arc::new(StringArray::from(vec!["x,\"y\"\r\nz"; 3]));
            let named = columns.iter().map(|one| (one.name, column.clone()));
            file.write(&RecordBatch::try_from_iter(named).unwrap()).unwrap();
            file.finish().unwrap();
            let count = || format.count_rows(&mut HashingReader::new(File::open(&path).unwrap()));
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
        fn any_text_round_trips(text in ".{0,40}", quoted in "[\",\r\n\0\u{202e}=+@-]{0,12}") {
            let format = CsvFormat { safety: SpreadsheetSafety::Raw, ..CsvFormat::default() };
            let bytes = texts(format, vec![Some(&text), Some(&quoted)]);
            let mut reader = ReaderBuilder::new().flexible(true).from_reader(bytes.as_slice());
            let rows: Vec<Vec<String>> = reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect();
            prop_assert_eq!(rows, vec![vec![text.clone(), text], vec![quoted.clone(), quoted]]);
        }
    }
}
