//! Large v3 files of the reference, with all types of rows: we read what it reads.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Instant;

use baton_proto::connector_v2 as v2;
use baton_proto::prost::Message;
use c1z::C1zError;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::rows::{reader, text};
use super::{Operations, Reference};
use crate::harness::TestContext;

/// For each type of rows: their number and the sum of their hashes, independent of their order.
type Sums = BTreeMap<String, (u64, u64)>;

#[expect(clippy::unnecessary_wraps, reason = "what the reader's callbacks return")]
fn add(sums: &mut Sums, kind: &str, parts: &[&[u8]]) -> Result<(), C1zError> {
    let mut hash = Sha256::new();
    for part in parts {
        // With lengths, so that no two lists of parts are the same bytes.
        hash.update(u32::try_from(part.len()).unwrap().to_le_bytes());
        hash.update(part);
    }
    let first = u64::from_le_bytes(hash.finalize()[..8].try_into().unwrap());
    let (rows, sum) = sums.entry(kind.to_owned()).or_default();
    *rows += 1;
    *sum = sum.wrapping_add(first);
    Ok(())
}

fn ours(path: &Path) -> Sums {
    let (reader, _temp) = reader(path);
    let sync = reader.latest_finished().unwrap().sync_id;
    let mut sums = Sums::new();
    let found = &mut sums;
    reader
        .resource_types(&sync, |row| add(found, "resource_type", &[&row.encode_to_vec()]))
        .unwrap();
    reader
        .resources(&sync, |row| add(found, "resource", &[&row.encode_to_vec()]))
        .unwrap();
    reader
        .entitlements(&sync, |row| add(found, "entitlement", &[&row.encode_to_vec()]))
        .unwrap();
    reader
        .grants(&sync, |mut row: v2::Grant| {
            // By themselves, as maps are not written alike everywhere.
            let sources = row.sources.take().unwrap_or_default().sources;
            let mut through = String::new();
            for (id, source) in &sources {
                writeln!(through, "{id} {}", source.is_direct).unwrap();
            }
            add(found, "grant", &[&row.encode_to_vec(), through.as_bytes()])
        })
        .unwrap();
    reader
        .expandable_grants(&sync, |row| {
            let parts = [row.entitlement, row.principal_type, row.principal].map(str::as_bytes);
            let rule = row.expansion.encode_to_vec();
            add(found, "expansion", &[&rule, parts[0], parts[1], parts[2]])
        })
        .unwrap();
    sums
}

fn theirs(lines: &[Value]) -> Sums {
    let sums = lines.iter().map(|line| {
        let sum = u64::from_str_radix(&text(line, "sum"), 16).unwrap();
        (text(line, "kind"), (line["rows"].as_u64().unwrap(), sum))
    });
    sums.collect()
}

/// Writes a file with this number of grants and this payload format, and compares what both read in it.
#[expect(clippy::print_stderr, reason = "figures for people")]
fn assert_read_alike(reference: &Reference, context: &TestContext, grants: u64, form: &str) {
    let folder = context.folder.path();
    reference.invoke(folder, &["bulk", "bulk.c1z", &grants.to_string(), form]);
    let theirs = theirs(&reference.json_lines(folder, &["digest", "bulk.c1z"]));
    assert_eq!(theirs["grant"].0, grants);
    assert!(theirs["expansion"].0 > 5 && theirs["resource_type"].0 == 14);
    let begin = Instant::now();
    let ours = ours(&context.path("bulk.c1z"));
    eprintln!("interop: {grants} grants read in {:?}", begin.elapsed());
    assert_eq!(ours, theirs, "{grants} {form}");
    fs::remove_file(context.path("bulk.c1z")).unwrap();
}

#[test]
fn our_reader_reads_the_references_large_v3_files() {
    let Some(reference) = Reference::here("reading the reference's large v3 files") else {
        return;
    };
    let mut operations = Operations::on("the reference's large v3 files read");
    let context = TestContext::bare();
    let mut files = vec![
        (1_000, "indexed"),
        (1_000, "tar"),
        (1_000, "tar-zstd"),
        (100_000, "indexed"),
    ];
    if std::env::var_os("INTEROP_MILLION").is_some() {
        files.push((1_000_000, "indexed"));
    }
    for (grants, form) in files {
        assert_read_alike(reference, &context, grants, form);
        operations.pass();
    }
    operations.print_counts();
}
