//! Hints of errors: each names one action, and none refers back to itself.

use std::fs;

use baton_proto::c1z_v3::{C1zManifestV3, PayloadEncoding};
use baton_proto::prost::Message;
use ninjaone_sim::{Scopes, SimConfig, Tenant};

use crate::harness::TestContext;

#[test]
fn an_unknown_role_has_a_hint() {
    let context = TestContext::msp();
    context.run(&[]);
    for (role, words) in [
        ("Netwrk Engineering", "close to it: role:3 (Network Engineering)"),
        ("network engin", "close to it: role:3 (Network Engineering)"),
    ] {
        let ran = context.run(&["grant", role, "--to", "16", "--dry-run"]);
        assert_eq!(ran.code, Some(5), "{role}: {}", ran.stderr);
        assert!(ran.stderr.contains(words), "{role}: {}", ran.stderr);
        // `inspect` names it too.
        let ran = context.run(&["inspect", "sync.c1z", "who", role]);
        assert!(
            ran.stderr.contains("role:3 (Network Engineering)"),
            "{role}: {}",
            ran.stderr
        );
    }
    for name in [
        "System Administrator",
        "system administrator",
        "All organizations",
    ] {
        let ran = context.run(&["grant", name, "--to", "16", "--dry-run"]);
        assert_eq!(ran.code, Some(12), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("is not a role") && ran.stderr.contains("in the tenant's own console"),
            "{}",
            ran.stderr
        );
    }
    let ran = context.run(&["grant", "zzzzzz", "--to", "16", "--dry-run"]);
    assert!(!ran.stderr.contains("close to it"), "{}", ran.stderr);
}

#[test]
fn an_unknown_account_has_a_hint() {
    let context = TestContext::msp();
    for name in ["margaret", "Margaret Okafor", "margret okafor", "OKAFOR"] {
        let ran = context.run(&["grant", "role:3", "--to", name, "--dry-run"]);
        assert_eq!(ran.code, Some(5), "{name}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("user:2 (Margaret Okafor, "),
            "{name}: {}",
            ran.stderr
        );
        assert!(ran.stderr.contains("name it by its id"), "{name}: {}", ran.stderr);
    }
}

#[test]
fn account_attributes_are_named_like_their_flags() {
    let ran = TestContext::msp().run(&["create-account", "--kind", "tech", "--email", "a@example.com"]);
    assert_eq!(ran.code, Some(3), "{}", ran.stderr);
    for words in [
        "--kind: `tech` is neither technician nor end-user",
        "--first-name is missing",
        "--last-name is missing",
    ] {
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
    }
}

/// A boolean attribute of an account is true without a value, or takes one after an equals sign or a space.
#[test]
fn full_portal_access_in_three_forms() {
    for form in [
        &["--full-portal-access"][..],
        &["--full-portal-access=true"],
        &["--full-portal-access", "true"],
        &["--full-portal-access", "TRUE"],
    ] {
        let context = TestContext::msp();
        let create = [
            "create-account",
            "--kind",
            "end-user",
            "--first-name",
            "Ada",
            "--last-name",
            "Nyström",
            "--email",
            "ada.n@example.com",
            "--organization",
            "2",
            "--dry-run",
        ];
        let ran = context.run(&[&create[..], form].concat());
        assert_eq!(ran.code, Some(0), "{form:?}: {}", ran.stderr);
        assert!(
            ran.stdout.contains(r#""fullPortalAccess": true"#)
                || ran.stdout.contains(r#""fullPortalAccess":true"#),
            "{form:?}: {}",
            ran.stdout
        );
        // The account is never read as the value.
        for arguments in [
            [&["update-account"][..], form, &["903", "--dry-run"]].concat(),
            [&["update-account", "903", "--dry-run"][..], form].concat(),
        ] {
            let ran = context.run(&arguments);
            assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
        }
    }
    let context = TestContext::msp();
    let ran = context.run(&[
        "update-account",
        "903",
        "--full-portal-access",
        "false",
        "--dry-run",
    ]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
}

#[test]
fn the_missing_scope_is_named() {
    for (has, missing) in [("monitoring", "management"), ("management", "monitoring")] {
        let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
        config.app.scopes = Scopes::parse(has);
        let context = TestContext::with(&config);
        let ran = context.run(&["check", "--ninja-one-scope", "monitoring management"]);
        assert_eq!(ran.code, Some(7), "{}", ran.stderr);
        assert!(
            ran.stderr
                .contains(&format!("does not have the scope `{missing}`")),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn verify_of_a_file_without_a_seal() {
    let context = TestContext::msp();
    context.run(&[]);
    fs::write(context.path("notes.txt"), "notes").unwrap();
    for (file, words) in [
        ("sync.c1z", "sync.c1z is a c1z file, which has no seal"),
        ("notes.txt", "notes.txt is not a report"),
    ] {
        let ran = context.run(&["verify", file]);
        assert_ne!(ran.code, Some(0), "{file}");
        assert!(
            ran.stderr.contains(words) && ran.stderr.contains("verify takes a dataset or reports"),
            "{file}: {}",
            ran.stderr
        );
        assert!(!ran.stderr.contains("--replace-existing"), "{}", ran.stderr);
    }
}

#[test]
fn check_never_recommends_check() {
    let server = TestContext::msp();
    for (variable, value) in [
        ("BATON_NINJA_ONE_TOKEN_PATH", "/nowhere"),
        ("BATON_NINJA_ONE_BASE_URL", "http://127.0.0.1:1"),
        ("BATON_NINJA_ONE_CLIENT_ID", "nobody"),
        ("BATON_NINJA_ONE_CLIENT_SECRET", "wrong"),
        ("BATON_SINK", "html=s3://bucket/report.html"),
    ] {
        let mut run = server.command(&["check", "--ninja-one-retry-seconds=0"]);
        run.env(variable, value);
        let ran = server.finish(&mut run);
        assert_ne!(ran.code, Some(0), "{variable}");
        assert!(!ran.stderr.contains("one check`"), "{variable}: {}", ran.stderr);
        assert!(
            !ran.stderr.contains("create the folder"),
            "{variable}: {}",
            ran.stderr
        );
    }
}

/// Files of engines that are not supported, with a hint.
#[test]
fn older_engines_of_v3() {
    let context = TestContext::bare();
    for (engine, words, other) in [
        ("pebble", "such a file cannot be converted", "baton export"),
        (
            "pebble2",
            "baton export c1z --file old.c1z",
            "cannot be converted",
        ),
    ] {
        let manifest = C1zManifestV3 {
            engine: engine.to_owned(),
            payload_encoding: PayloadEncoding::Tar.into(),
            ..C1zManifestV3::default()
        };
        let manifest = manifest.encode_to_vec();
        let length = u32::try_from(manifest.len()).unwrap().to_be_bytes();
        let file = [&b"C1Z3\0"[..], &length, &manifest, &[0; 1024]].concat();
        fs::write(context.path("old.c1z"), file).unwrap();
        for arguments in [
            &["inspect", "old.c1z", "syncs"][..],
            &["inspect", "old.c1z"],
            &["convert", "old.c1z", "new.c1z"],
        ] {
            let ran = context.run(arguments);
            assert_eq!(ran.code, Some(12), "{engine} {arguments:?}: {}", ran.stderr);
            assert!(
                ran.stderr.contains(words) && !ran.stderr.contains(other),
                "{engine} {arguments:?}: {}",
                ran.stderr
            );
        }
    }
}

#[test]
fn resources_lists_every_type() {
    let context = TestContext::msp();
    assert_eq!(context.run(&["sync"]).code, Some(0));
    let ran = context.run(&["inspect", "sync.c1z", "resources", "--output", "csv"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for id in ["\nuser,", "\nrole,", "\norganization,", "\ntenant,"] {
        assert!(ran.stdout.contains(id), "{id}: {}", ran.stdout);
    }
    let ran = context.run(&[
        "inspect",
        "sync.c1z",
        "resources",
        "--type",
        "tenant",
        "--output",
        "csv",
    ]);
    assert_eq!(ran.stdout.lines().count(), 2, "{}", ran.stdout);
    for word in ["principals", "accounts", "resource-types"] {
        let ran = context.run(&["inspect", "sync.c1z", word]);
        assert_eq!(ran.code, Some(2), "{}", ran.stderr);
        assert!(
            ran.stderr.contains("use `baton-ninja-one inspect sync.c1z "),
            "{word}: {}",
            ran.stderr
        );
    }
}
