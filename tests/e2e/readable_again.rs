//! Published files can be opened again, by the next run and by `inspect`, with the same limit (issue 17, item 11).

use std::fs;

use ninjaone_sim::{GeneratedSize, SimConfig, Tenant};

use crate::harness::TestContext;

fn unpacked(context: &TestContext) -> u64 {
    let file = fs::read(context.path("sync.c1z")).unwrap();
    zstd::decode_all(&file[5..]).unwrap().len() as u64
}

#[test]
fn a_file_never_grows_too_large_to_continue() {
    let size = GeneratedSize {
        end_users: 900,
        technicians: 60,
        grants: 2_700,
        ..GeneratedSize::default()
    };
    let context = TestContext::with(&SimConfig::new(Tenant::generated(size).unwrap()));
    let alone = context.run(&[]);
    assert_eq!(alone.code, Some(0), "{}", alone.stderr);
    let one = unpacked(&context);
    fs::remove_file(context.path("sync.c1z")).unwrap();
    let mib = (one * 3 / 2).div_ceil(1 << 20);
    assert!(one * 2 > mib << 20, "two of them must not fit");
    let run = |arguments: &[&str], mib: u64| {
        let mut command = context.command(arguments);
        context.finish(command.env("BATON_DECODER_MAX_DECODED_SIZE_MB", mib.to_string()))
    };
    for n in 1..=4 {
        let ran = run(&["--output", "json"], mib);
        assert_eq!(ran.code, Some(0), "run {n}: {}", ran.stderr);
        let is_reported =
            ran.stdout.contains("syncs_not_kept") && ran.stdout.contains("1 earlier sync is not kept");
        assert_eq!(is_reported, n > 1, "run {n}: {}", ran.stdout);
        assert!(unpacked(&context) <= mib << 20);
        let looked = run(&["inspect", "sync.c1z"], mib);
        assert_eq!(looked.code, Some(0), "run {n}: {}", looked.stderr);
    }
    // Where not even one fits, nothing is published.
    let before = fs::read(context.path("sync.c1z")).unwrap();
    fs::rename(context.path("sync.c1z"), context.path("kept.c1z")).unwrap();
    let ran = run(&[], one.div_ceil(1 << 20) - 1);
    assert_eq!(ran.code, Some(8), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("would unpack to") && ran.stderr.contains("BATON_DECODER_MAX_DECODED_SIZE_MB"),
        "{}",
        ran.stderr
    );
    assert!(!context.path("sync.c1z").exists() && !context.path("sync.c1z.tmp").exists());
    assert_eq!(fs::read(context.path("kept.c1z")).unwrap(), before);
}

/// With any limit of readers: a published v3 file can be read with it, and one that could not be is not published.
#[test]
fn a_v3_file_fits_the_limit_of_its_readers() {
    let size = GeneratedSize {
        end_users: 4_000,
        technicians: 60,
        grants: 4_000,
        ..GeneratedSize::default()
    };
    let context = TestContext::with(&SimConfig::new(Tenant::generated(size).unwrap()));
    let run = |arguments: &[&str], mib: u64| {
        let mut command = context.command(arguments);
        context.finish(command.env("BATON_DECODER_MAX_DECODED_SIZE_MB", mib.to_string()))
    };
    let (mut published, mut refused) = (0, 0);
    for mib in [1, 2, 4, 8] {
        let before = fs::read(context.path("sync.c1z")).ok();
        let ran = run(&["--storage-engine", "pebble"], mib);
        match ran.code {
            Some(0) => {
                published += 1;
                for question in [
                    &["inspect", "sync.c1z"][..],
                    &["inspect", "sync.c1z", "grants", "--limit", "1"],
                ] {
                    let read = run(question, mib);
                    assert_eq!(read.code, Some(0), "{mib} MiB: {}", read.stderr);
                }
            }
            Some(8) => {
                refused += 1;
                assert!(
                    ran.stderr.contains("would unpack to"),
                    "{mib} MiB: {}",
                    ran.stderr
                );
                assert_eq!(fs::read(context.path("sync.c1z")).ok(), before);
            }
            other => panic!("{mib} MiB: {other:?}: {}", ran.stderr),
        }
    }
    assert!(
        published > 0 && refused > 0,
        "{published} published, {refused} refused"
    );
}
