//! The same tenant at the same time is the same v3 file, to the byte. The program asks the system for time and chance, so the clock
//! and the sync's id are fixed one level below it: the real source over HTTP, the real pipeline, the real file. A v1 has the same
//! rows in the same order, but two threads make its indexes, and of a large tenant the pages of these lie as they were done.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use access_core::ports::{AccessSink, NoopObserver};
use access_core::sync::{SyncPipeline, SyncRequest};
use ninjaone::{NinjaOneSource, SourceOptions, WritePolicy};
use ninjaone_sim::{GeneratedSize, Sim, SimConfig, Tenant};
use sink_c1z::{C1zSink, C1zSinkConfig, Compression, ExistingFilePolicy, Limits, Retention, StorageEngine};

use crate::fault_injection::in_process_run::{Fixed, client, runtime};

/// Reads a tenant into a new file.
fn sync(base_url: &str, folder: &Path, threads: u32) -> Vec<u8> {
    let path = folder.join("sync.c1z");
    let sink = C1zSink::new(C1zSinkConfig {
        path: path.clone(),
        temp_folder: folder.to_owned(),
        on_foreign: ExistingFilePolicy::Refuse,
        engine: Some(StorageEngine::Pebble),
        retention: Retention::default(),
        compression: Compression {
            threads,
            ..Compression::default()
        },
        limits: Limits::default(),
    });
    let client = client(base_url, Duration::from_secs(20), WritePolicy::Disabled);
    let source = NinjaOneSource::new(client, SourceOptions { devices: true });
    let pipeline = SyncPipeline {
        source: &source,
        sinks: &[Arc::new(sink) as Arc<dyn AccessSink>],
        clock: &Fixed,
        ids: &Fixed,
        observer: &NoopObserver,
    };
    let request = SyncRequest::default();
    let ran = pipeline.run(&request, std::future::pending());
    let runtime = runtime();
    let outcome = runtime.block_on(ran).unwrap();
    // Parser threads may still wait for a body that is no longer needed.
    runtime.shutdown_background();
    assert!(outcome.summary.ledger.imbalance().is_none());
    let file = fs::read(&path).unwrap();
    fs::remove_file(path).unwrap();
    file
}

#[test]
fn same_tenant_and_time_give_the_same_file() {
    let generated = GeneratedSize {
        technicians: 50,
        end_users: 950,
        roles: 40,
        grants: 20_000,
        ..GeneratedSize::default()
    };
    for tenant in [
        Tenant::fixture("msp").unwrap(),
        Tenant::generated(generated).unwrap(),
    ] {
        let sim = Sim::start(&SimConfig::new(tenant)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let read = |threads| sync(&sim.base_url(), folder.path(), threads);
        let first = read(1);
        assert!(first.starts_with(b"C1Z3\0"));
        assert!(first == read(1));
        // Each frame is one thread's, so that it does not matter how many there are.
        assert!(first == read(3), "with more threads");
    }
}
