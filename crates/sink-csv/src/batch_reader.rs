//! Records as the columns of a table.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::sync::Arc;

use access_dataset::{Batches, Column, DictionaryBuilder, FormatError};
use arrow::array::timezone::Tz;
use arrow::array::{
    ArrayRef, BooleanBuilder, Int64Builder, ListBuilder, RecordBatch, RecordBatchOptions, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::compute::kernels::cast_utils::string_to_datetime;
use arrow::datatypes::{DataType, Field, SchemaRef};

use crate::cell::{Content, restore};
use crate::compression::Compression;
use crate::dialect::{Dialect, SpreadsheetSafety};
use crate::preamble;
use crate::record_reader::Records;
use crate::record_reader::damaged;

/// Rows of a batch.
const BATCH_ROWS: usize = 8_192;
/// Bytes of a batch, beyond which it has fewer rows.
const BATCH_BYTES: usize = 16 << 20;

/// Rows of a file in its order, with the requested columns.
pub(crate) fn batches(
    of_table: &[Column],
    schema: SchemaRef,
    mut file: File,
    dialect: Dialect,
) -> Result<Batches, FormatError> {
    file.rewind()?;
    let compression = Compression::of(&mut file)?;
    file.rewind()?;
    let text: Box<dyn Read + Send> = Box::new(preamble::skip(compression.decompressor(file)?)?);
    let mut records = Records::new(text, dialect.delimiter);
    let header = records.next()?.ok_or_else(|| damaged("there is no header"))?;
    let names: Vec<Option<Cow<'_, str>>> = (0..header.len())
        .map(|n| header.cell(n))
        .collect::<Result<_, _>>()?;
    let mut columns = Vec::new();
    for field in schema.fields() {
        let index = names
            .iter()
            .position(|name| name.as_deref() == Some(field.name().as_str()));
        if index.is_none() && !field.is_nullable() {
            return Err(format!("there is no column {}", field.name()).into());
        }
        let of_contract = of_table.iter().find(|column| column.name == field.name());
        let content = of_contract.map_or(Content::Text, |column| Content::from(column.kind));
        columns.push((index, Cells::of(field, content, dialect.safety)?));
    }
    let width = names.len();
    Ok(Box::new(BatchReader {
        records,
        width,
        schema,
        columns,
        over: false,
    }))
}

struct BatchReader {
    records: Records<Box<dyn Read + Send>>,
    /// Cells of every row.
    width: usize,
    schema: SchemaRef,
    /// The index of each column in a row, and its collected cells.
    columns: Vec<(Option<usize>, Cells)>,
    over: bool,
}

impl BatchReader {
    fn batch(&mut self) -> Result<Option<RecordBatch>, FormatError> {
        let (mut rows, mut bytes) = (0, 0);
        while rows < BATCH_ROWS && bytes < BATCH_BYTES {
            let Some(record) = self.records.next()? else { break };
            if record.len() != self.width {
                return Err(damaged("a row with more or fewer cells than columns").into());
            }
            for (index, cells) in &mut self.columns {
                let cell = index.map(|index| record.cell(index)).transpose()?.flatten();
                cells.push(cell.as_deref())?;
            }
            rows += 1;
            bytes += record.bytes();
        }
        if rows == 0 {
            return Ok(None);
        }
        let columns = self.columns.iter_mut().map(|(_, cells)| cells.finish()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(Some(RecordBatch::try_new_with_options(
            Arc::clone(&self.schema),
            columns,
            &options,
        )?))
    }
}

impl Iterator for BatchReader {
    type Item = Result<RecordBatch, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let batch = self.batch().transpose();
        self.over = !matches!(batch, Some(Ok(_)));
        batch
    }
}

/// Cells of one column.
struct Cells {
    content: Content,
    safety: SpreadsheetSafety,
    kind: Kind,
}

enum Kind {
    Texts(StringBuilder),
    DictionaryColumn(DictionaryBuilder),
    Flags(BooleanBuilder),
    Counts(Int64Builder),
    Times(TimestampMicrosecondBuilder, Option<(Box<str>, i64)>),
    Lists(ListBuilder<StringBuilder>),
}

impl Cells {
    fn of(field: &Field, content: Content, safety: SpreadsheetSafety) -> Result<Self, FormatError> {
        let kind = match field.data_type() {
            DataType::Utf8 => Kind::Texts(StringBuilder::new()),
            DataType::Dictionary(..) => Kind::DictionaryColumn(DictionaryBuilder::new()),
            DataType::Boolean => Kind::Flags(BooleanBuilder::new()),
            DataType::Int64 => Kind::Counts(Int64Builder::new()),
            DataType::Timestamp(..) => {
                Kind::Times(TimestampMicrosecondBuilder::new().with_timezone("UTC"), None)
            }
            DataType::List(element) => {
                Kind::Lists(ListBuilder::new(StringBuilder::new()).with_field(Arc::clone(element)))
            }
            _ => return Err("a column of a kind that tables do not have".into()),
        };
        Ok(Self {
            content,
            safety,
            kind,
        })
    }

    fn push(&mut self, cell: Option<&str>) -> Result<(), FormatError> {
        let text = |cell| restore(cell, self.content, self.safety);
        match &mut self.kind {
            Kind::Texts(texts) => texts.append_option(cell.map(text)),
            Kind::DictionaryColumn(words) => words.append_option(cell.map(text).as_deref()),
            Kind::Flags(flags) => flags.append_option(cell.map(flag).transpose()?),
            Kind::Counts(counts) => counts.append_option(cell.map(str::parse).transpose()?),
            Kind::Times(times, last) => times.append_option(cell.map(|cell| time(cell, last)).transpose()?),
            Kind::Lists(lists) => match cell {
                None => lists.append(false),
                Some(cell) => {
                    if cell != "[]" {
                        for text in serde_json::from_str::<Vec<Cow<'_, str>>>(cell)? {
                            lists.values().append_value(text);
                        }
                    }
                    lists.append(true);
                }
            },
        }
        Ok(())
    }

    fn finish(&mut self) -> ArrayRef {
        match &mut self.kind {
            Kind::Texts(texts) => Arc::new(texts.finish()),
            Kind::DictionaryColumn(words) => Arc::new(words.finish()),
            Kind::Flags(flags) => Arc::new(flags.finish()),
            Kind::Counts(counts) => Arc::new(counts.finish()),
            Kind::Times(times, _) => Arc::new(times.finish()),
            Kind::Lists(lists) => Arc::new(lists.finish()),
        }
    }
}

fn flag(cell: &str) -> Result<bool, FormatError> {
    match cell {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(damaged("neither true nor false").into()),
    }
}

/// A time; often that of the row before.
fn time(cell: &str, last: &mut Option<(Box<str>, i64)>) -> Result<i64, FormatError> {
    if let Some((text, time)) = last
        && **text == *cell
    {
        return Ok(*time);
    }
    let time = string_to_datetime(&"+00:00".parse::<Tz>()?, cell)?.timestamp_micros();
    *last = Some((cell.into(), time));
    Ok(time)
}

impl Compression {
    /// The compression of a file by its first bytes: our headers begin with a letter.
    fn of(file: &mut File) -> std::io::Result<Self> {
        let mut magic = Vec::new();
        BufReader::with_capacity(4, file)
            .take(4)
            .read_to_end(&mut magic)?;
        Ok(match magic.as_slice() {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => Self::Zstd,
            _ => Self::None,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::dialect::Delimiter;
    use crate::format::CsvFormat;
    use access_dataset::{Column, ColumnKind, Contract, FileFormat, HashingReader, Table};
    use arrow::array::{Array, AsArray, BooleanArray, Int64Array, StringArray, TimestampMicrosecondArray};
    use arrow::datatypes::TimestampMicrosecondType;
    use arrow::util::display::array_value_to_string;
    use proptest::prelude::*;

    /// Cells: texts that stand for values of any type, or null.
    type Seeds = Vec<Option<String>>;

    fn array(column: &Column, field: &Field, seeds: &Seeds) -> ArrayRef {
        let value = |seed: &Option<String>| seed.clone().or_else(|| (!column.nullable).then(String::new));
        let values: Seeds = seeds.iter().map(value).collect();
        let numbers = values.iter().map(|value| {
            value
                .as_ref()
                .map(|text| i64::try_from(text.len()).unwrap() * -77_777_777)
        });
        match column.kind {
            ColumnKind::Text | ColumnKind::Json => Arc::new(StringArray::from(values)),
            ColumnKind::Dictionary => {
                let mut words = DictionaryBuilder::new();
                for word in &values {
                    words.append_option(word.as_deref());
                }
                Arc::new(words.finish())
            }
            ColumnKind::Boolean => Arc::new(numbers.map(|n| n.map(|n| n % 2 == 0)).collect::<BooleanArray>()),
            ColumnKind::Int64 => Arc::new(numbers.collect::<Int64Array>()),
            ColumnKind::Time => Arc::new(
                numbers
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
            ColumnKind::TextList => {
                let Kind::Lists(mut lists) = Cells::of(field, Content::Text, SpreadsheetSafety::Raw)
                    .unwrap()
                    .kind
                else {
                    unreachable!()
                };
                for value in values {
                    for text in value.iter().flat_map(|text| text.split('a')).skip(1) {
                        lists.values().append_value(text);
                    }
                    lists.append(value.is_some());
                }
                Arc::new(lists.finish())
            }
        }
    }

    fn written(dataset: Table, seeds: &[Seeds], format: CsvFormat) -> (RecordBatch, File) {
        let contract = Contract::default();
        let schema = contract.schema(dataset);
        let columns = contract.columns(dataset);
        let columns = columns.iter().zip(schema.fields()).zip(seeds.iter().cycle());
        let columns = columns
            .map(|((column, field), seeds)| array(column, field, seeds))
            .collect();
        let batch = RecordBatch::try_new(schema.clone(), columns).unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let mut out = format
            .create(dataset, Box::new(file.try_clone().unwrap()))
            .unwrap();
        out.write(&batch).unwrap();
        out.finish().unwrap();
        file.rewind().unwrap();
        (batch, file)
    }

    fn read(
        dataset: Table,
        file: File,
        columns: Option<&[&str]>,
        format: &dyn FileFormat,
    ) -> Result<RecordBatch, FormatError> {
        let batches: Vec<RecordBatch> = format.read(dataset, file, columns)?.collect::<Result<_, _>>()?;
        Ok(arrow::compute::concat_batches(
            &Contract::default().schema_of(dataset, columns),
            &batches,
        )?)
    }

    /// As texts, so that dictionaries of other numbers are the same.
    fn cells(batch: &RecordBatch) -> Vec<Vec<Option<String>>> {
        let cell = |column: &ArrayRef, row| {
            if let Some(times) = column.as_primitive_opt::<TimestampMicrosecondType>() {
                return times.is_valid(row).then(|| times.value(row).to_string());
            }
            column
                .is_valid(row)
                .then(|| array_value_to_string(column, row).unwrap())
        };
        (0..batch.num_rows())
            .map(|row| batch.columns().iter().map(|column| cell(column, row)).collect())
            .collect()
    }

    fn seeds() -> impl Strategy<Value = Vec<Seeds>> {
        let cell = prop::option::of("['=+@\t\r]{0,3}[a\",;|\t=\n\u{fc}-]{0,5}");
        (1_usize..6)
            .prop_flat_map(move |rows| prop::collection::vec(prop::collection::vec(cell.clone(), rows), 7))
    }

    proptest! {
        #[test]
        fn every_table_round_trips(
            seeds in seeds(),
            compression in prop::sample::select(Compression::WORDS.to_vec()),
            delimiter in prop::sample::select(Delimiter::WORDS.to_vec()),
            safety in prop::sample::select(vec![SpreadsheetSafety::Safe, SpreadsheetSafety::Raw]),
            bom: bool,
            sep_line: bool,
        ) {
            let format = CsvFormat {
                contract: Contract::default(),
                compression: Compression::named(compression).unwrap(),
                delimiter: Delimiter::named(delimiter).unwrap(),
                safety,
                bom,
                sep_line,
            };
            // A reader needs the options of the manifest only.
            let reader = CsvFormat::default().with_options(&format.options());
            prop_assert_eq!(reader.options(), format.options());
            for dataset in Table::ALL {
                let (batch, file) = written(dataset, &seeds, format);
                let names: Vec<&str> = Contract::default().columns(dataset).iter().map(|column| column.name).rev().step_by(2).collect();
                let some = read(dataset, file.try_clone().unwrap(), Some(&names), &*reader).unwrap();
                prop_assert_eq!(cells(&some), cells(&batch.project(&indices(dataset, &names)).unwrap()));
                prop_assert_eq!(some.schema(), Contract::default().schema_of(dataset, Some(&names)));
                let mut back = file.try_clone().unwrap();
                back.rewind().unwrap();
                prop_assert_eq!(reader.count_rows(&mut HashingReader::new(back)).unwrap(), batch.num_rows() as u64);
                prop_assert_eq!(cells(&read(dataset, file.try_clone().unwrap(), None, &*reader).unwrap()), cells(&batch));
            }
        }
    }

    fn indices(dataset: Table, names: &[&str]) -> Vec<usize> {
        let columns = Contract::default().columns(dataset).into_iter().enumerate();
        columns
            .filter(|(_, column)| names.contains(&column.name))
            .map(|(n, _)| n)
            .collect()
    }

    #[test]
    fn more_rows_than_a_batch_come_in_order() {
        let many: Vec<Seeds> = vec![(0..20_000).map(|n| Some(n.to_string())).collect()];
        let format = CsvFormat::default();
        let (batch, file) = written(Table::Grants, &many, format);
        assert_eq!(
            cells(&read(Table::Grants, file, Some(&["principal_id"]), &format).unwrap()).len(),
            20_000
        );
        assert_eq!(batch.num_rows(), 20_000);
    }

    #[test]
    fn files_of_other_columns() {
        let read = |text: &str| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            let format = CsvFormat::default();
            read(
                Table::Users,
                file,
                Some(&["user_id", "email", "role_names", "mfa_enabled"]),
                &format,
            )
        };
        // An older file lacks columns, a newer one has more, and their order is not fixed.
        let batch = read("new,role_names,user_id\r\nx,[],7\r\n").unwrap();
        assert_eq!(
            cells(&batch),
            [vec![Some("7".to_owned()), None, None, Some("[]".to_owned())]]
        );
        for damage in [
            "",
            "email,role_names\r\n",
            "user_id,role_names,mfa_enabled\r\n7,[],yes\r\n",
            "user_id,role_names,mfa_enabled\r\n,[],true\r\n",
            "user_id,role_names,mfa_enabled\r\n7,[\r\n",
            "user_id,role_names,mfa_enabled\r\n7,[],true,\r\n",
            "user_id,role_names,mfa_enabled\r\n7,[]\r\n",
            "user_id,role_names,mfa_enabled\r\n7,[],tr",
        ] {
            read(damage).expect_err(damage);
        }
    }
}
