//! A large upload needs little memory.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use std::fs::{self, File};

use c1_service::{C1Client, C1Config, Credentials, HostId, TaskId};
use c1_sim::{C1Sim, C1SimConfig};

fn resident_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    line.trim().trim_end_matches(" kB").trim().parse().unwrap()
}

/// `UPLOAD_MIB=1024` makes the file large. The simulated ConductorOne runs in the same process.
#[test]
fn upload_memory_does_not_depend_on_the_file() {
    let mib: u64 = std::env::var("UPLOAD_MIB").map_or(96, |mib| mib.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large");
    File::create(&path).unwrap().set_len(mib << 20).unwrap();
    let ca = folder.path().join("ca.pem");
    let sim = C1Sim::start(C1SimConfig::default()).unwrap();
    fs::write(&ca, sim.ca_pem()).unwrap();
    let credentials = sim.credentials();
    let client = C1Client::new(C1Config {
        credentials: Credentials::parse(&credentials.client_id, &credentials.client_secret).unwrap(),
        host_id: HostId::choose(Some("test")),
        api_host: None,
        ca_file: Some(ca),
        user_agent_version: "0".to_owned(),
    })
    .unwrap();
    let id = sim.tasks().push(None);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        client.get_task().await.unwrap();
        let before = resident_kib();
        let receipt = client
            .upload(&TaskId::parse(id.as_str()).unwrap(), &path)
            .await
            .unwrap();
        let after = resident_kib();
        println!("{mib} MiB: peak {before} KiB before, {after} KiB after");
        assert_eq!(receipt.bytes, mib << 20);
        assert!(after < before + 32 * 1024, "{before} KiB became {after} KiB");
    });
}
