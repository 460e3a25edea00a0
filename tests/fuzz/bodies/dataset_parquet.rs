//! A Parquet file of a dataset as others may have written it, or damaged it (docs/development/testing.md): the other files, the manifest and
//! the pointer are sound. It uses what the crates show to all: the fuzz target includes this file, and so does the test that
//! replays the corpus.
#![expect(clippy::expect_used, reason = "the fuzzer learns of what is wrong by a panic")]

#[path = "pipeline.rs"]
mod pipeline;

use std::fmt::Write as _;
use std::io::Write;
use std::ops::ControlFlow::Continue;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once, OnceLock};

use access_core::ports::{AccessSnapshot, EntitlementQuery, GrantQuery, ResourceQuery, SourceError};
use access_core::{Diagnostic, StatusCode};
use access_dataset::{Column, ColumnKind, FileFormat, Formats, Location, Table};
use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, ListArray, RecordBatch, StringArray, StringDictionaryBuilder,
    TimestampMicrosecondArray,
};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Int32Type};
use serde_json::json;
use sha2::{Digest, Sha256};
use sink_parquet::{Codec, ParquetFormat};
use source_dataset::{DatasetConfig, DatasetSource};
use tokio::runtime::{Builder, Runtime};

use pipeline::run_pipeline;

const SYNC: &str = "2vU7QmBvvjK3kdYyV0000000001";
const TABLES: [Table; 5] = [
    Table::ResourceTypes,
    Table::Resources,
    Table::Users,
    Table::Entitlements,
    Table::Grants,
];
const CODECS: [Codec; 4] = [Codec::None, Codec::Zstd, Codec::Snappy, Codec::Gzip];
const MAX_ROWS: usize = 64;

/// The first byte says which table; its high bit, whether the rest is the file itself or a program that makes rows for a
/// sound file.
///
/// # Panics
/// If reading the dataset breaks a promise.
pub fn file(input: &[u8]) {
    let [which, rest @ ..] = input else { return };
    let table = TABLES[usize::from(which & 0x0f) % TABLES.len()];
    let file = if which & 0x80 == 0 {
        rest.to_vec()
    } else {
        parquet(table, CODECS[usize::from(which >> 4 & 3)], &mut Bytes(rest))
    };
    catch_library_panics();
    let folder = tempfile::tempdir_in(fast_folder()).expect("a folder");
    let (dataset, temp) = (folder.path().join("dataset"), folder.path().join("temp"));
    std::fs::create_dir(&temp).expect("a folder");
    let rows = count_rows(table, &file, folder.path());
    publish(&dataset, table, &file, rows.unwrap_or(1));
    let config = DatasetConfig {
        location: Location::Folder(dataset.clone()),
        formats: formats(),
        temp_folder: temp.clone(),
        sync: None,
    };
    let runtime = runtime();
    // A dataset that is dropped needs it too.
    let _entered = runtime.enter();
    match runtime.block_on(DatasetSource::open(config)) {
        Ok(source) => {
            // Damage in unread bytes is not detected, so a damaged file can pass.
            if let Err(error) = runtime.block_on(run_pipeline(&source)) {
                judge(&error);
            }
            ask_everything(&source.snapshot());
        }
        Err(error) => judge(&error),
    }
    let verified = runtime.block_on(access_dataset::verify(
        &Location::Folder(dataset),
        &formats(),
        &temp,
        None,
    ));
    let findings = verified.expect("the folder can be read").findings;
    assert!(
        rows.is_none() || findings.is_empty() || findings.iter().all(|finding| !finding.problem.is_empty()),
        "a finding without a problem"
    );
    let left = std::fs::read_dir(&temp).expect("the folder").count();
    assert_eq!(left, 0, "temporary files were left behind");
}

/// No contents of a file may be reported as a fault of the program, the machine or the network.
fn judge<E: Diagnostic + std::fmt::Debug>(error: &E) {
    let status = error.status();
    assert!(
        matches!(
            status,
            StatusCode::DataLoss | StatusCode::ResourceExhausted | StatusCode::FailedPrecondition
        ),
        "{error:?} has the status {status:?}"
    );
    assert!(!error.retryable(), "{error:?} is tried again");
}

/// Counts the rows of a file, all columns read; none if it cannot be read. With fewer columns there must be as many.
fn count_rows(table: Table, bytes: &[u8], folder: &Path) -> Option<u64> {
    let path = folder.join("file.parquet");
    std::fs::write(&path, bytes).expect("room for a file");
    let count = |columns: Option<&[&str]>| {
        let file = std::fs::File::open(&path).expect("the file is there");
        let mut rows = 0;
        for batch in ParquetFormat::default().read(table, file, columns).ok()? {
            let batch = batch.ok()?;
            rows += u64::try_from(batch.num_rows()).expect("a batch is in memory");
        }
        Some(rows)
    };
    let all = count(None)?;
    let fewer = count(Some(table.key()));
    assert_eq!(fewer, Some(all), "the number of rows depends on the columns");
    Some(all)
}

fn ask_everything(snapshot: &dyn AccessSnapshot) {
    let answers: [Result<(), SourceError>; 6] = [
        snapshot.resource_types().map(drop),
        snapshot.resource_type_stats().map(drop),
        snapshot.holder_counts().map(drop),
        snapshot.resources(ResourceQuery::All, &mut |_| Continue(())),
        snapshot.entitlements(EntitlementQuery::All, &mut |_| Continue(())),
        snapshot.grants(GrantQuery::All, &mut |_| Continue(())),
    ];
    for error in answers.into_iter().filter_map(Result::err) {
        judge(&error);
    }
}

/// The fuzzer's own hook ends the process at once, also where a panic of the library is caught and becomes an error.
fn catch_library_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| std::panic::set_hook(Box::new(|_| {})));
}

/// A dataset in which one table has this file, and the others a sound one.
fn publish(root: &Path, table: Table, file: &[u8], rows: u64) {
    let mut files = Vec::new();
    let sound = sound_files();
    for (known, bytes) in TABLES.iter().zip(sound) {
        let is_given = *known == table;
        let bytes = if is_given { file } else { bytes };
        let path = format!(
            "{}/sync_date=2026-11-24/sync={SYNC}/part-00000.parquet",
            known.name()
        );
        write(&root.join(&path), bytes);
        files.push(json!({
            "dataset": known.name(),
            "path": path,
            "rows": if is_given { rows } else { SOUND_ROWS },
            "bytes": bytes.len(),
            "sha256": hex(bytes),
            "min_key": null,
            "max_key": null,
        }));
    }
    let manifest = json!({
        "schema_version": 1,
        "format": "parquet",
        "sync": {
            "id": SYNC,
            "sync_type": "full",
            "tenant": "https://tenant.example",
            "started_at": "2026-11-24T12:00:00Z",
            "ended_at": "2026-11-24T12:00:07Z",
        },
        "files": files,
        "rows": {},
        "completeness": {},
        "ledger": {},
        "previous": null,
        "generator": "a fuzzer",
    });
    let manifest = manifest.to_string();
    let path = format!("_manifests/{SYNC}.json");
    write(&root.join(&path), manifest.as_bytes());
    let pointer = json!({
        "schema_version": 1,
        "sync_id": SYNC,
        "started_at": "2026-11-24T12:00:00Z",
        "manifest": path,
        "sha256": hex(manifest.as_bytes()),
    });
    write(
        &root.join(access_dataset::POINTER),
        pointer.to_string().as_bytes(),
    );
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("within a folder")).expect("room for a folder");
    std::fs::write(path, bytes).expect("room for a file");
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Rows of a sound table: the program of zeros makes one.
const SOUND_ROWS: u64 = 1;

fn sound_files() -> &'static [Vec<u8>] {
    static FILES: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    FILES.get_or_init(|| {
        let sound = |table: &Table| parquet(*table, Codec::None, &mut Bytes(&[0]));
        TABLES.iter().map(sound).collect()
    })
}

/// A sound file with the rows that a program makes.
fn parquet(table: Table, codec: Codec, input: &mut Bytes<'_>) -> Vec<u8> {
    let rows = usize::from(input.byte()) % MAX_ROWS + 1;
    let contract = ParquetFormat::default().contract;
    let columns = contract.columns(table);
    let columns = columns.iter().map(|column| match column.kind {
        ColumnKind::Text | ColumnKind::Json => {
            Arc::new(StringArray::from(texts(column, rows, input))) as ArrayRef
        }
        ColumnKind::Dictionary => {
            let mut builder = StringDictionaryBuilder::<Int32Type>::new();
            for text in texts(column, rows, input) {
                builder.append_option(text);
            }
            Arc::new(builder.finish())
        }
        ColumnKind::Boolean => Arc::new(BooleanArray::from(values(column, rows, input, |input| {
            input.byte() & 1 == 0
        }))),
        ColumnKind::Int64 => Arc::new(Int64Array::from(values(column, rows, input, |input| {
            input.number()
        }))),
        ColumnKind::Time => {
            let times = values(column, rows, input, |input: &mut Bytes<'_>| input.number());
            Arc::new(TimestampMicrosecondArray::from(times).with_timezone("UTC"))
        }
        ColumnKind::TextList => Arc::new(lists(column, rows, input)),
    });
    let batch =
        RecordBatch::try_new(contract.schema(table), columns.collect()).expect("columns of the contract");
    let out = Shared::default();
    let mut writer = ParquetFormat { codec, contract }
        .create(table, Box::new(out.clone()))
        .expect("a new file");
    writer.write(&batch).expect("memory is there");
    writer.finish().expect("memory is there");
    out.0.lock().map(|bytes| bytes.clone()).expect("one thread")
}

fn values<T>(
    column: &Column,
    rows: usize,
    input: &mut Bytes<'_>,
    mut value: impl FnMut(&mut Bytes<'_>) -> T,
) -> Vec<Option<T>> {
    let mut row = |_| {
        let is_null = column.nullable && input.byte() % 4 == 3;
        (!is_null).then(|| value(input))
    };
    (0..rows).map(&mut row).collect()
}

fn texts(column: &Column, rows: usize, input: &mut Bytes<'_>) -> Vec<Option<String>> {
    values(column, rows, input, |input| input.text_of(column.name))
}

fn lists(column: &Column, rows: usize, input: &mut Bytes<'_>) -> ListArray {
    let rows: Vec<Vec<String>> = (0..rows)
        .map(|_| {
            let count = input.byte() % 4;
            (0..count).map(|_| input.text_of("entitlement_id")).collect()
        })
        .collect();
    let field = Table::ALL
        .iter()
        .find_map(|table| element_of(*table, column))
        .expect("a column of a table");
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(Vec::len));
    let elements = StringArray::from_iter_values(rows.into_iter().flatten());
    ListArray::try_new(field, offsets, Arc::new(elements), None).expect("lists of texts")
}

fn element_of(table: Table, column: &Column) -> Option<Arc<Field>> {
    let contract = ParquetFormat::default().contract;
    contract.columns(table).contains(column).then_some(())?;
    match contract
        .schema(table)
        .field_with_name(column.name)
        .ok()?
        .data_type()
    {
        DataType::List(element) => Some(Arc::clone(element)),
        _ => None,
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("one thread").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The rest of the input; zeros after its end.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// Most often small.
    fn number(&mut self) -> i64 {
        match self.byte() {
            255 => i64::from_le_bytes(std::array::from_fn(|_| self.byte())),
            few => i64::from(few) - 8,
        }
    }

    /// Most often one that makes sense in the column, so that rows refer to each other.
    fn text_of(&mut self, column: &str) -> String {
        let byte = self.byte();
        if byte == 255 {
            let length = usize::from(self.byte()).min(self.0.len());
            let (text, rest) = self.0.split_at(length);
            self.0 = rest;
            return String::from_utf8_lossy(text).into_owned();
        }
        let pick = |words: &[&str]| words[usize::from(byte) % words.len()].to_owned();
        match column {
            "entitlement_id" => format!(
                "{}:{}:assigned",
                pick(&["user", "role", "group", "app"]),
                byte >> 2 & 7
            ),
            "trait_kind" => pick(&["user", "role", "group", "app", "managed_device", "other", "x"]),
            "status" => pick(&["enabled", "disabled", "deleted", "unspecified", ""]),
            "profile" => pick(&[
                "{}",
                r#"{"a":1,"b":[true,null],"c":{"d":-0.0}}"#,
                r#"{"a":18446744073709551615}"#,
                "[1]",
                "{",
            ]),
            "entitlement_slug" | "slug" => "assigned".to_owned(),
            name if name.ends_with("type_id") => pick(&["user", "role", "group", "app", ""]),
            name if name.ends_with("_id") => (byte & 7).to_string(),
            _ => pick(&["Zoë", "", "a:b", "\u{0}", "\u{202e}x"]),
        }
    }
}

fn formats() -> Formats {
    Formats::new([Arc::new(ParquetFormat::default()) as Arc<dyn FileFormat>])
}

/// Memory where there is some for files.
fn fast_folder() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        memory.to_owned()
    } else {
        std::env::temp_dir()
    }
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let build = || {
        Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .expect("a runtime")
    };
    RUNTIME.get_or_init(build)
}
