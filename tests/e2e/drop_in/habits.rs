//! Habits of the reference lead to the right command.

use std::fs;

use crate::harness::{TestContext, example_configurations, workspace};

#[test]
fn habits_lead_to_the_command() {
    let context = TestContext::msp();
    assert_eq!(context.run(&["sync"]).code, Some(0));
    assert_eq!(context.run(&["validate"]).code, Some(0));
    assert_eq!(
        context.run(&["version"]).stdout,
        context.run(&["--version"]).stdout
    );
    assert!(context.run(&["help"]).stdout.contains("Usage: "));
    for (arguments, start) in [
        (&["inspect", "-f", "sync.c1z", "users", "-o", "json"][..], "["),
        (
            &["inspect", "users", "--file=sync.c1z", "--output-format", "json"],
            "[",
        ),
        (&["-o", "json", "inspect", "-fsync.c1z", "roles"], "["),
    ] {
        let ran = context.run(arguments);
        assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
        assert!(
            ran.stdout.starts_with(['[', '{']),
            "{arguments:?} {start}: {}",
            ran.stdout
        );
    }
    fs::copy(context.path("sync.c1z"), context.path("old.c1z")).unwrap();
    for arguments in [
        &["diff", "-f", "old.c1z", "sync.c1z"][..],
        &["diff", "old.c1z", "-f", "sync.c1z"],
        &["diff", "-f", "old.c1z", "-f", "sync.c1z"],
    ] {
        assert_eq!(context.run(arguments).code, Some(0), "{arguments:?}");
    }
    for (word, suggestion) in [
        ("resources", "inspect my.c1z"),
        ("access", "inspect my.c1z access USER"),
        ("grants", "inspect my.c1z grants"),
        ("entitlements", "inspect my.c1z entitlements"),
        ("users", "inspect my.c1z users"),
        ("stats", "inspect my.c1z stats"),
        ("syncs", "inspect my.c1z syncs"),
        ("start", "Windows"),
    ] {
        let ran = context.run(&[word, "-f", "my.c1z"]);
        assert_eq!(ran.code, Some(2), "{word}: {}", ran.stderr);
        assert!(ran.stderr.contains(suggestion), "{word}: {}", ran.stderr);
    }
    let ran = context.run(&["export", "csv", "-f", "my.c1z"]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.stderr.contains("export --from my.c1z --sink csv="),
        "{}",
        ran.stderr
    );
}

#[test]
fn no_suggestion_changes_the_tenant() {
    for arguments in [
        &["grants-all"][..],
        &["revok"],
        &["revoked"],
        &["grnat"],
        &["granted"],
        &["delete"],
        &["delete-acount"],
        &["create-acount"],
        &["update-acount"],
        &["apply-reviews"],
        &["--delete-resources"],
        &["--invoke-acton"],
        &["--grant-entitlment"],
        &["--revoke-grnat"],
        &["--provisionning"],
        &["--allow-admin-deletes"],
        &["--create-account-emails"],
    ] {
        let ran = TestContext::bare().run(arguments);
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains("hint: "), "{arguments:?}: {}", ran.stderr);
        assert!(
            !ran.stderr.contains("did you mean") && !ran.stderr.contains("tip:"),
            "{arguments:?}: {}",
            ran.stderr
        );
        assert!(!ran.stderr.contains("of the reference"), "{}", ran.stderr);
    }
    // The same for variables and keys.
    for (variable, value) in [
        ("BATON_PROVISIONNING", "true"),
        ("BATON_GRANT_ENTITLEMNT", "role:7:assigned"),
        ("BATON_DELETE_RESOURCES", "901"),
        ("BATON_INVOKE_ACTON", "update-account"),
        ("BATON_ALLOW_ADMIN_DELETES", "true"),
    ] {
        let context = TestContext::msp();
        let ran = context.finish(context.command(&[]).env(variable, value));
        assert_eq!(ran.code, Some(3), "{variable}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(variable) && !ran.stderr.contains("did you mean"),
            "{}",
            ran.stderr
        );
        let key = variable
            .trim_start_matches("BATON_")
            .to_lowercase()
            .replace('_', "-");
        fs::write(context.path(".baton.yaml"), format!("{key}: {value}\n")).unwrap();
        let ran = context.run(&[]);
        assert_eq!(ran.code, Some(3), "{key}: {}", ran.stderr);
        assert!(
            ran.stderr.contains(&key) && !ran.stderr.contains("did you mean"),
            "{}",
            ran.stderr
        );
        assert!(context.sim().ledger().calls().is_empty());
    }
    let ran = TestContext::bare().run(&["--log-levle", "debug"]);
    assert!(ran.stderr.contains("did you mean --log-level?"), "{}", ran.stderr);
    let ran = TestContext::bare().run(&["inspct"]);
    assert!(
        ran.stderr.contains("did you mean `baton-ninja-one inspect`?"),
        "{}",
        ran.stderr
    );
}

/// As `docker --env-file` reads them: the rest of the line is the value, quotes and all.
#[test]
fn published_env_files_run_unmodified() {
    for file in ["config/systemd/feed.env", "config/systemd/service.env"] {
        let context = TestContext::msp();
        let mut run = context.command(&["check", "--ninja-one-client-id=sim-client"]);
        let text = fs::read_to_string(workspace().join(file)).unwrap();
        for line in text
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (name, value) = line.split_once('=').unwrap();
            // Placeholders of a tenant and of ConductorOne are replaced, and so is the unit's folder.
            if name != "BATON_NINJA_ONE_BASE_URL" && name != "BATON_CLIENT_ID" {
                run.env(name, value.replace("/var/lib/baton-ninja-one-feed/", "./"));
            }
        }
        let ran = context.finish(&mut run);
        assert_eq!(ran.code, Some(0), "{file}: {}", ran.stderr);
    }
    assert!(!example_configurations().is_empty());
}
