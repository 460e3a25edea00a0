//! Published datasets, read as a reader would: from the pointer to the manifest to the files.

use std::collections::{BTreeMap, BTreeSet};

use access_dataset::{Contract, Manifest, POINTER, Pointer, Table};
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::datatypes::TimestampMicrosecondType;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use sha2::{Digest, Sha256};

/// The columns of datasets as the program writes them.
pub(crate) const CONTRACT: Contract = Contract::new(ninjaone::USER_ATTRIBUTES);

/// Files by their path from the root.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;
/// Rows of one table: a value or none for each column.
pub(crate) type Rows = Vec<BTreeMap<String, Option<String>>>;

/// The manifest that the pointer names. Every file it lists must be complete and match it.
pub(crate) fn latest(files: &Files) -> Option<Manifest> {
    let pointer: Pointer = serde_json::from_slice(files.get(POINTER)?).unwrap();
    let bytes = &files[&pointer.latest.manifest];
    assert_eq!(sha256(bytes), pointer.latest.sha256);
    let manifest: Manifest = serde_json::from_slice(bytes).unwrap();
    assert_eq!(manifest.sync.id, pointer.latest.sync_id);
    assert_eq!(manifest.files.len(), manifest.rows.len());
    for file in &manifest.files {
        let bytes = &files[&file.path];
        assert_eq!(bytes.len() as u64, file.bytes, "{}", file.path);
        assert_eq!(sha256(bytes), file.sha256, "{}", file.path);
    }
    for file in manifest.history.iter().flat_map(|history| &history.files) {
        assert_eq!(sha256(&files[&file.path]), file.sha256, "{}", file.path);
    }
    for dataset in Table::ALL {
        let rows = rows(files, &manifest, dataset);
        assert_eq!(rows.len() as u64, manifest.rows[dataset.name()], "{dataset}");
    }
    Some(manifest)
}

/// All files that belong to what is published, once everything is swept: those of every manifest, histories of the last two syncs
/// that were the latest.
pub(crate) fn named(files: &Files) -> BTreeSet<String> {
    let latest = latest(files).unwrap();
    let previous = latest.previous.map(|link| link.sync_id);
    let mut named = BTreeSet::new();
    for (_, bytes) in files.iter().filter(|(path, _)| path.starts_with("_manifests/")) {
        let manifest: Manifest = serde_json::from_slice(bytes).unwrap();
        let recent = [Some(&latest.sync.id), previous.as_ref()].contains(&Some(&manifest.sync.id));
        named.extend(manifest.files.into_iter().map(|file| file.path));
        let history = manifest.history.into_iter().flat_map(|history| history.files);
        let kept = history.filter(|file| recent || file.dataset == Table::Changes.name());
        named.extend(kept.map(|file| file.path));
    }
    named
}

/// All files of tables.
pub(crate) fn parts(files: &Files) -> BTreeSet<String> {
    let parts = files.keys().filter(|path| path.contains("/part-"));
    parts.cloned().collect()
}

fn sha256(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    hash.iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat()
}

/// The rows of a table, in the order of the file.
pub(crate) fn rows(files: &Files, manifest: &Manifest, dataset: Table) -> Rows {
    let mut rows = Rows::new();
    for file in manifest.entries(dataset) {
        let bytes = &files[&file.path];
        rows.extend(match manifest.format.as_str() {
            "parquet" => parquet_rows(bytes),
            _ => csv_rows(bytes),
        });
    }
    rows
}

fn parquet_rows(bytes: &[u8]) -> Rows {
    let bytes = bytes::Bytes::copy_from_slice(bytes);
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .unwrap()
        .build()
        .unwrap();
    let mut rows = Rows::new();
    for batch in reader {
        let batch = batch.unwrap();
        let schema = batch.schema();
        for row in 0..batch.num_rows() {
            let cells = schema.fields().iter().zip(batch.columns());
            let cells = cells.map(|(field, column)| (field.name().clone(), cell(column, row)));
            rows.push(cells.collect());
        }
    }
    rows
}

fn cell(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    if let Some(times) = column.as_primitive_opt::<TimestampMicrosecondType>() {
        let nanoseconds = i128::from(times.value(row)) * 1_000;
        let time = time::OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).unwrap();
        let form = time::macros::format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:6]Z"
        );
        return Some(time.format(form).unwrap());
    }
    let shown = arrow::util::display::array_value_to_string(column, row);
    Some(shown.unwrap())
}

/// Splits CSV by hand, because common readers do not distinguish an empty text from a missing one.
fn csv_rows(bytes: &[u8]) -> Rows {
    let text = std::str::from_utf8(bytes).unwrap();
    let mut lines = records(text).into_iter();
    let header: Vec<String> = lines.next().unwrap().into_iter().map(Option::unwrap).collect();
    lines
        .map(|cells| {
            assert_eq!(cells.len(), header.len());
            header.iter().cloned().zip(cells).collect()
        })
        .collect()
}

fn records(text: &str) -> Vec<Vec<Option<String>>> {
    let (mut records, mut record) = (Vec::new(), Vec::new());
    let mut rest = text;
    while !rest.is_empty() {
        let cell;
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut end = 0;
            loop {
                end += quoted[end..].find('"').unwrap();
                if quoted[end + 1..].starts_with('"') {
                    end += 2;
                } else {
                    break;
                }
            }
            cell = Some(quoted[..end].replace("\"\"", "\""));
            rest = &quoted[end + 1..];
        } else {
            let end = rest.find([',', '\r']).unwrap();
            cell = Some(rest[..end].to_owned()).filter(|cell| !cell.is_empty());
            rest = &rest[end..];
        }
        record.push(cell);
        if let Some(next) = rest.strip_prefix("\r\n") {
            records.push(std::mem::take(&mut record));
            rest = next;
        } else {
            rest = rest.strip_prefix(',').unwrap();
        }
    }
    records
}
