//! Parquet as a file format of datasets.

use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use access_dataset::{
    Batches, Column, ColumnKind, Contract, FileFormat, FileWriter, FormatError, FormatOptions, HashingReader,
    Table,
};
use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::arrow::{ArrowWriter, ProjectionMask, add_encoded_arrow_schema_to_metadata};
use parquet::basic::{Compression, GzipLevel, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;

use crate::guard;
use crate::reader;

/// Rows of a row group. Readers work on row groups side by side; a million rows give each of eight readers one.
const ROWS_PER_GROUP: usize = 1 << 17;
/// Rows of a file. A file of grants is some tens of megabytes then, which object stores and Spark like.
const ROWS_PER_FILE: u64 = 1 << 21;
/// One answer in a hundred of a bloom filter is a wrong "perhaps": about 160 kB in a full row group.
const BLOOM_WRONG: f64 = 0.01;

/// The option's name in manifests.
const CODEC: &str = "compression";

/// How pages are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Codec {
    /// zstd: the smallest files; every reader of recent years has it.
    #[default]
    Zstd,
    /// Snappy, which every reader has.
    Snappy,
    /// gzip.
    Gzip,
    /// Not at all.
    None,
}

impl Codec {
    /// The names in settings.
    pub const WORDS: [&'static str; 4] = ["zstd", "snappy", "gzip", "none"];

    /// Parses a name of settings.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "zstd" => Some(Self::Zstd),
            "snappy" => Some(Self::Snappy),
            "gzip" => Some(Self::Gzip),
            "none" => Some(Self::None),
            _ => None,
        }
    }

    /// The name in settings and manifests.
    const fn word(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Snappy => "snappy",
            Self::Gzip => "gzip",
            Self::None => "none",
        }
    }

    fn compression(self) -> Result<Compression, ParquetError> {
        Ok(match self {
            Self::Zstd => Compression::ZSTD(ZstdLevel::try_new(1)?),
            Self::Snappy => Compression::SNAPPY,
            Self::Gzip => Compression::GZIP(GzipLevel::default()),
            Self::None => Compression::UNCOMPRESSED,
        })
    }
}

/// Writes Parquet.
#[derive(Debug, Clone, Copy, Default)]
pub struct ParquetFormat {
    /// The columns of each table.
    pub contract: Contract,
    /// Compression.
    pub codec: Codec,
}

impl FileFormat for ParquetFormat {
    fn name(&self) -> &'static str {
        "parquet"
    }

    fn extension(&self) -> &'static str {
        "parquet"
    }

    fn contract(&self) -> Contract {
        self.contract
    }

    fn rows_per_file(&self) -> u64 {
        ROWS_PER_FILE
    }

    fn create(&self, dataset: Table, out: Box<dyn Write + Send>) -> Result<Box<dyn FileWriter>, FormatError> {
        let columns = self.contract.columns(dataset);
        let mut properties = properties(dataset, &columns, self.codec)?;
        let schema = self.contract.schema(dataset);
        add_encoded_arrow_schema_to_metadata(&without_dictionaries(&schema), &mut properties);
        // The writer's own schema has dictionaries.
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(out, schema, options).map_err(cause)?;
        Ok(Box::new(ParquetFile(writer)))
    }

    fn count_rows(&self, back: &mut HashingReader) -> Result<u64, FormatError> {
        let file = back.seekable()?;
        guard::check_footer(&file)?;
        let looked_at = file.try_clone()?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
        let rows = guard::batch_rows(&looked_at, &[0])?;
        // One column is enough to check that every page of rows is there; the hash covers the bytes.
        let first = ProjectionMask::leaves(builder.parquet_schema(), [0]);
        let reader = builder.with_projection(first).with_batch_size(rows).build()?;
        let mut count = 0;
        for batch in reader {
            count += batch?.num_rows() as u64;
        }
        Ok(count)
    }

    fn read(&self, dataset: Table, file: File, columns: Option<&[&str]>) -> Result<Batches, FormatError> {
        reader::batches(self.contract.schema_of(dataset, columns), file)
    }

    fn options(&self) -> FormatOptions {
        FormatOptions::from([(CODEC.to_owned(), self.codec.word().to_owned())])
    }

    fn with_options(&self, options: &FormatOptions) -> Arc<dyn FileFormat> {
        let codec = options.get(CODEC).and_then(|word| Codec::named(word));
        Arc::new(Self {
            contract: self.contract,
            codec: codec.unwrap_or_default(),
        })
    }
}

/// The Arrow schema in files: plain texts. Dictionaries are an encoding in memory and in Parquet, not the type: a reader that sees
/// dictionaries in the schema makes categories of them.
fn without_dictionaries(schema: &Schema) -> Schema {
    let plain = |field: &Arc<Field>| match field.data_type() {
        DataType::Dictionary(_, words) => {
            Arc::new(field.as_ref().clone().with_data_type(words.as_ref().clone()))
        }
        _ => Arc::clone(field),
    };
    Schema::new(schema.fields().iter().map(plain).collect::<Vec<_>>())
}

struct ParquetFile(ArrowWriter<Box<dyn Write + Send>>);

impl FileWriter for ParquetFile {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), FormatError> {
        self.0.write(batch).map_err(cause)
    }

    fn finish(self: Box<Self>) -> Result<(), FormatError> {
        let mut out = self.0.into_inner().map_err(cause)?;
        Ok(out.flush()?)
    }
}

/// Restores the file system's error, which Parquet's errors hide from `source`.
fn cause(error: ParquetError) -> FormatError {
    match error {
        ParquetError::External(inner) => inner,
        other => other.into(),
    }
}

fn properties(dataset: Table, columns: &[Column], codec: Codec) -> Result<WriterProperties, ParquetError> {
    let mut properties = WriterProperties::builder()
        .set_compression(codec.compression()?)
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(sorting(dataset, columns)))
        .set_created_by(concat!("baton-ninja-one ", env!("CARGO_PKG_VERSION")).to_owned());
    for column in columns {
        properties = column_properties(properties, column);
    }
    Ok(properties.build())
}

fn column_properties(properties: WriterPropertiesBuilder, column: &Column) -> WriterPropertiesBuilder {
    let path = ColumnPath::from(column.name);
    match column.kind {
        // Every value differs: a dictionary would be given up half-way.
        ColumnKind::Json => properties.set_column_dictionary_enabled(path, false),
        ColumnKind::Text if is_id(column) => properties
            .set_column_dictionary_enabled(path.clone(), column.name != "grant_id")
            .set_column_bloom_filter_enabled(path.clone(), true)
            .set_column_bloom_filter_fpp(path, BLOOM_WRONG),
        ColumnKind::Dictionary if is_id(column) && column.name != "sync_id" => properties
            .set_column_bloom_filter_enabled(path.clone(), true)
            .set_column_bloom_filter_fpp(path, BLOOM_WRONG),
        _ => properties,
    }
}

fn is_id(column: &Column) -> bool {
    column.name.ends_with("_id") || matches!(column.name, "login" | "email" | "principal_login")
}

fn sorting(dataset: Table, columns: &[Column]) -> Vec<SortingColumn> {
    let index = |key: &&str| columns.iter().position(|column| column.name == *key);
    let columns = dataset.key().iter().filter_map(index);
    columns
        .filter_map(|index| i32::try_from(index).ok())
        .map(|column_idx| SortingColumn {
            column_idx,
            descending: false,
            nulls_first: false,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader, SerializedFileReader};

    use std::path::Path;

    use super::*;

    fn count(path: &Path) -> Result<u64, FormatError> {
        ParquetFormat::default().count_rows(&mut HashingReader::new(File::open(path).unwrap()))
    }

    #[test]
    fn an_empty_table_is_a_file_with_its_columns_and_field_ids() {
        let folder = tempfile::tempdir().unwrap();
        for dataset in Table::ALL {
            let path = folder.path().join(dataset.name());
            let file = ParquetFormat::default()
                .create(dataset, Box::new(File::create(&path).unwrap()))
                .unwrap();
            file.finish().unwrap();
            assert_eq!(count(&path).unwrap(), 0);
            let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
            let schema = reader.metadata().file_metadata().schema().clone();
            let ids: Vec<(&str, i32)> = schema
                .get_fields()
                .iter()
                .map(|field| (field.name(), field.get_basic_info().id()))
                .collect();
            let expected: Vec<(&str, i32)> = Contract::default()
                .columns(dataset)
                .iter()
                .map(|column| (column.name, column.field_id))
                .collect();
            assert_eq!(ids, expected);
        }
    }

    #[test]
    fn older_files_may_lack_nullable_columns_only() {
        let columns = |names: &[&str]| {
            let schema = Contract::default().schema_of(Table::Users, Some(names));
            let columns = schema
                .fields()
                .iter()
                .map(|field| arrow::array::new_empty_array(field.data_type()));
            let batch = RecordBatch::try_new(Arc::clone(&schema), columns.collect()).unwrap();
            let file = tempfile::tempfile().unwrap();
            let mut writer = ArrowWriter::try_new(file.try_clone().unwrap(), schema, None).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            let batches = ParquetFormat::default().read(Table::Users, file, Some(&["user_id", "email"]))?;
            batches
                .map(|batch| batch.map(|batch| batch.num_columns()))
                .collect::<Result<Vec<_>, _>>()
        };
        columns(&["user_id", "email"]).unwrap();
        columns(&["login", "user_id"]).unwrap();
        columns(&["login", "email"]).unwrap_err();
        let wrong = ParquetFormat::default().create(Table::Syncs, Box::new(std::io::sink()));
        wrong.unwrap().finish().unwrap();
    }

    #[test]
    fn dictionary_hints_are_not_written_but_are_read() {
        let names = ["sync_id", "user_id", "status"];
        let schema = Contract::default().schema_of(Table::Users, Some(&names));
        let mut words = access_dataset::DictionaryBuilder::new();
        words.append_option(Some("w"));
        let word: arrow::array::ArrayRef = Arc::new(words.finish());
        let text: arrow::array::ArrayRef = Arc::new(arrow::array::StringArray::from(vec!["t"]));
        let batch = RecordBatch::try_new(Arc::clone(&schema), vec![Arc::clone(&word), text, word]).unwrap();
        for plain in [false, true] {
            let file = tempfile::tempfile().unwrap();
            let mut properties = properties(
                Table::Users,
                &Contract::default().columns(Table::Users),
                Codec::Snappy,
            )
            .unwrap();
            let written = if plain {
                without_dictionaries(&schema)
            } else {
                schema.as_ref().clone()
            };
            add_encoded_arrow_schema_to_metadata(&written, &mut properties);
            let options = ArrowWriterOptions::new()
                .with_properties(properties)
                .with_skip_arrow_metadata(true);
            let out = file.try_clone().unwrap();
            let mut writer = ArrowWriter::try_new_with_options(out, Arc::clone(&schema), options).unwrap();
            writer.write(&batch).unwrap();
            writer.close().unwrap();
            let found = ParquetRecordBatchReaderBuilder::try_new(file.try_clone().unwrap()).unwrap();
            let is_word = matches!(found.schema().field(0).data_type(), DataType::Dictionary(..));
            assert_eq!(is_word, !plain);
            let read = ParquetFormat::default()
                .read(Table::Users, file, Some(&names))
                .unwrap();
            let read: Vec<RecordBatch> = read.collect::<Result<_, _>>().unwrap();
            assert_eq!(read, std::slice::from_ref(&batch));
        }
    }

    #[test]
    fn a_file_that_is_no_parquet_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        std::fs::write(&path, b"PAR1 but not really PAR1").unwrap();
        count(&path).unwrap_err();
    }
}
