//! Compiles our `.proto` files without `protoc`.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use prost::Message;
use prost_types::FileDescriptorSet;

const FILES: [&str; 20] = [
    "c1/c1z/v3/manifest.proto",
    "c1/config/v1/config.proto",
    "c1/config/v1/rules.proto",
    "c1/connector/v2/access.proto",
    "c1/connector/v2/actions.proto",
    "c1/connector/v2/annotations.proto",
    "c1/connector/v2/capabilities.proto",
    "c1/connector/v2/connector.proto",
    "c1/connector/v2/credentials.proto",
    "c1/connector/v2/events.proto",
    "c1/connector/v2/provisioning.proto",
    "c1/connector/v2/resource.proto",
    "c1/connector/v2/traits.proto",
    "c1/connectorapi/baton/v1/baton.proto",
    "c1/ratelimit/v1/ratelimit.proto",
    "c1/reader/v2/sync.proto",
    "c1/storage/v3/records.proto",
    "c1/storage/v3/refs.proto",
    "google/rpc/error_info.proto",
    "google/rpc/status.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    fs::write(out.join("storage.bin"), storage(&descriptors).encode_to_vec())?;
    let mut messages = tonic_prost_build::Config::new();
    messages
        // Maps are encoded in key order, so that equal objects have equal bytes (docs/reference/c1z.md §2.3).
        .btree_map(["."])
        .enable_type_names()
        .type_name_domain(["."], "type.googleapis.com");
    tonic_prost_build::configure().compile_fds_with_config(descriptors, messages)?;
    Ok(())
}

/// The descriptors embedded in c1z v3 files: the record files and their imports, sorted by path.
fn storage(all: &FileDescriptorSet) -> FileDescriptorSet {
    let mut files_needed: Vec<&str> = vec!["c1/storage/v3/records.proto"];
    let mut at = 0;
    while let Some(name) = files_needed.get(at) {
        let imports = all.file.iter().filter(|file| file.name() == *name);
        let imports: Vec<&str> = imports
            .flat_map(|file| file.dependency.iter().map(String::as_str))
            .collect();
        for import in imports {
            if !files_needed.contains(&import) {
                files_needed.push(import);
            }
        }
        at += 1;
    }
    files_needed.sort_unstable();
    let find = |name: &&str| all.file.iter().find(|file| file.name() == *name).cloned();
    let mut files: Vec<_> = files_needed.iter().filter_map(find).collect();
    for file in &mut files {
        file.source_code_info = None;
    }
    FileDescriptorSet { file: files }
}
