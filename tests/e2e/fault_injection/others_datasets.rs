//! Datasets of other writers, or altered ones: their contents never block the program, redirect it, or use
//! much memory.
#![expect(clippy::format_collect, reason = "tests are plain")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use sha2::{Digest, Sha256};

use super::memory::wait_measured;
use crate::harness::TestContext;

pub(super) const MAX_RESIDENT: u64 = 256 << 20;

/// Runs the program and requires that it ends by itself.
pub(super) fn run(context: &TestContext, arguments: &[&str]) -> (Option<i32>, u64, String) {
    let mut command: Command = context.command(arguments);
    let log = tempfile::NamedTempFile::new().unwrap();
    command
        .stdout(Stdio::from(log.reopen().unwrap()))
        .stderr(Stdio::from(
            fs::OpenOptions::new().append(true).open(log.path()).unwrap(),
        ));
    let mut child = command.spawn().unwrap();
    let (status, resident) = wait_measured(&mut child);
    (status.code(), resident, fs::read_to_string(log.path()).unwrap())
}

fn dataset(format: &str) -> TestContext {
    let context = TestContext::msp();
    let (code, _, output) = run(&context, &["--sink", &format!("{format}=ds")]);
    assert_eq!(code, Some(0), "{output}");
    context
}

/// The files of a table.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}

fn fifo(path: &Path) {
    let mkfifo = Command::new("mkfifo").arg(path).status().unwrap();
    assert!(mkfifo.success());
}

/// Every command that reads a dataset.
const READERS: [&[&str]; 5] = [
    &["verify", "ds"],
    &["history", "rebuild", "ds"],
    &["diff", "ds", "ds"],
    &["inspect", "ds", "users"],
    &["--sink", "parquet=ds"],
];

#[test]
fn special_files_are_named_and_do_not_block() {
    type Replace = fn(&Path);
    let replacements: [(&str, Replace); 3] = [
        ("a FIFO", fifo),
        ("an endless device behind a link", |path| {
            symlink("/dev/zero", path).unwrap();
        }),
        ("a link to another file", |path| {
            symlink("/etc/hostname", path).unwrap();
        }),
    ];
    for (what, replace) in replacements {
        for which in ["latest.json", "users", "_lock"] {
            let context = dataset("parquet");
            let root = context.path("ds");
            let path = match which {
                "users" => files(&root.join("users")).remove(0),
                name => root.join(name),
            };
            fs::remove_file(&path).unwrap();
            replace(&path);
            for arguments in READERS {
                let (code, resident, output) = run(&context, arguments);
                let is_fine = code == Some(0) && which == "_lock" && arguments[0] != "--sink";
                let is_fine = is_fine || (code == Some(0) && which == "users" && arguments[0] == "history");
                assert!(
                    is_fine || matches!(code, Some(2 | 3 | 5 | 8 | 9 | 10 | 13 | 15)),
                    "{what} as {which}, {arguments:?}: {code:?} {output}"
                );
                assert!(!is_fine || code == Some(0));
                assert!(resident < MAX_RESIDENT, "{what} as {which}, {arguments:?}");
            }
        }
    }
}

#[test]
fn folder_walks_follow_no_link() {
    let context = dataset("parquet");
    let users = context.path("ds/users");
    for name in ["a", "b"] {
        symlink("..", users.join(name)).unwrap();
    }
    let (code, _, output) = run(&context, &["verify", "ds"]);
    assert_eq!(code, Some(15), "{output}");
    assert!(
        output.contains("users/a") && output.contains("users/b"),
        "{output}"
    );
    assert!(output.len() < 10_000, "{} bytes", output.len());
    for arguments in READERS {
        run(&context, arguments);
    }
}

/// Puts texts of this length into the users' table and updates the manifest and the pointer.
fn with_long_names(context: &TestContext, bytes: usize, dictionary: bool) {
    let root = context.path("ds");
    let path = files(&root.join("users")).remove(0);
    let file = fs::File::open(&path).unwrap();
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let schema = Arc::clone(builder.schema());
    let batch = builder.build().unwrap().next().unwrap().unwrap();
    let index = schema.index_of("display_name").unwrap();
    let mut columns = batch.columns().to_vec();
    let names = (0..batch.num_rows()).map(|n| format!("{n}{}", "x".repeat(bytes)));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(names));
    columns[index] = names;
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns).unwrap();
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap()))
        .set_dictionary_enabled(dictionary)
        .set_dictionary_page_size_limit(1 << 30)
        .set_data_page_size_limit(1 << 30)
        .build();
    let out = fs::File::create(&path).unwrap();
    let mut writer = ArrowWriter::try_new(out, schema, Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();

    let packed = fs::read(&path).unwrap();
    assert!(packed.len() < 1 << 20, "{} bytes", packed.len());
    let hash = |bytes: &[u8]| {
        let digest = Sha256::digest(bytes);
        digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    };
    let manifest_path = files(&root.join("_manifests")).remove(0);
    let relative = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
    let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&manifest_path).unwrap()).unwrap();
    for entry in manifest["files"].as_array_mut().unwrap() {
        if entry["path"] == relative.as_str() {
            entry["bytes"] = packed.len().into();
            entry["sha256"] = hash(&packed).into();
        }
    }
    let manifest = serde_json::to_vec(&manifest).unwrap();
    fs::write(&manifest_path, &manifest).unwrap();
    let pointer_path = root.join("latest.json");
    let mut pointer: serde_json::Value = serde_json::from_slice(&fs::read(&pointer_path).unwrap()).unwrap();
    set_hash(&mut pointer, &hash(&manifest));
    fs::write(&pointer_path, serde_json::to_vec(&pointer).unwrap()).unwrap();
}

/// Sets the hash of the link, wherever it is.
fn set_hash(value: &mut serde_json::Value, hash: &str) {
    if let Some(object) = value.as_object_mut() {
        for (key, value) in object {
            if key == "sha256" {
                *value = hash.into();
            } else {
                set_hash(value, hash);
            }
        }
    }
}

#[test]
fn a_small_file_with_long_texts_needs_little_memory() {
    for (bytes, dictionary) in [(20 << 20, true), (6 << 20, false), (200_000, true)] {
        let context = dataset("parquet");
        with_long_names(&context, bytes, dictionary);
        for arguments in READERS {
            let (code, resident, output) = run(&context, arguments);
            assert!(
                resident < MAX_RESIDENT,
                "{bytes} {arguments:?}: {} MiB, {code:?} {output:.2000}",
                resident >> 20
            );
            assert!(
                matches!(code, Some(0 | 1 | 8 | 15)),
                "{bytes} {arguments:?}: {code:?} {output:.2000}"
            );
            if bytes == 20 << 20 && arguments[0] == "diff" {
                assert!(
                    matches!(code, Some(8 | 15)) && output.contains("users"),
                    "{arguments:?}: {code:?} {output:.2000}"
                );
            }
        }
    }
}
