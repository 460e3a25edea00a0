//! Reads Parquet files.

use std::fs::File;
use std::sync::Arc;

use access_dataset::{Batches, FormatError};
use arrow::array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};

use crate::guard;

/// Rows of a file in its order, with the requested columns.
pub(crate) fn batches(requested: SchemaRef, file: File) -> Result<Batches, FormatError> {
    guard::check_footer(&file)?;
    let metadata = ArrowReaderMetadata::load(&file, ArrowReaderOptions::new())?;
    let options = ArrowReaderOptions::new().with_schema(with_dictionaries(metadata.schema(), &requested));
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(metadata.metadata()), options)?;
    let looked_at = file.try_clone()?;
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, metadata);
    let there: Vec<&str> = requested
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .filter(|name| builder.schema().column_with_name(name).is_some())
        .collect();
    for field in requested.fields() {
        let Ok(found) = builder.schema().field_with_name(field.name()) else {
            if field.is_nullable() {
                continue;
            }
            return Err(format!("there is no column {}", field.name()).into());
        };
        if found.data_type() != field.data_type() {
            let (name, found) = (field.name(), found.data_type());
            return Err(format!("column {name} is of the type {found}").into());
        }
    }
    let roots: Vec<usize> = there
        .iter()
        .filter_map(|name| builder.schema().index_of(name).ok())
        .collect();
    let mask = ProjectionMask::roots(builder.parquet_schema(), roots);
    let leaves: Vec<usize> = (0..builder.parquet_schema().num_columns())
        .filter(|leaf| mask.leaf_included(*leaf))
        .collect();
    let rows = guard::batch_rows(&looked_at, &leaves)?;
    let reader = builder.with_projection(mask).with_batch_size(rows).build()?;
    Ok(Box::new(BatchReader { reader, requested }))
}

/// A file's schema in which texts are read into dictionaries where the contract has them. Older files say so themselves.
fn with_dictionaries(found: &Schema, requested: &Schema) -> SchemaRef {
    let field = |field: &Arc<Field>| match requested.field_with_name(field.name()) {
        Ok(of_contract)
            if *field.data_type() == DataType::Utf8
                && matches!(of_contract.data_type(), DataType::Dictionary(_, words) if **words == DataType::Utf8) =>
        {
            Arc::new(
                field
                    .as_ref()
                    .clone()
                    .with_data_type(of_contract.data_type().clone()),
            )
        }
        _ => Arc::clone(field),
    };
    let fields: Vec<Arc<Field>> = found.fields().iter().map(field).collect();
    Arc::new(Schema::new_with_metadata(fields, found.metadata().clone()))
}

struct BatchReader {
    reader: ParquetRecordBatchReader,
    requested: SchemaRef,
}

impl BatchReader {
    fn arranged(&self, batch: &RecordBatch) -> Result<RecordBatch, FormatError> {
        let rows = batch.num_rows();
        let columns = self.requested.fields().iter().map(|field| {
            let found = batch.column_by_name(field.name());
            found.map_or_else(|| new_null_array(field.data_type(), rows), Arc::clone)
        });
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        Ok(RecordBatch::try_new_with_options(
            Arc::clone(&self.requested),
            columns.collect(),
            &options,
        )?)
    }
}

impl Iterator for BatchReader {
    type Item = Result<RecordBatch, FormatError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.reader.next()?;
        Some(
            batch
                .map_err(FormatError::from)
                .and_then(|batch| self.arranged(&batch)),
        )
    }
}
