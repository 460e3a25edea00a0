//! Settings from flags, variables and files.

use std::fs;

use insta::assert_snapshot;

use crate::harness::{SECRET, TestContext, example_configurations};

/// The fixture tenant without any setting in the environment.
fn unset() -> TestContext {
    let mut context = TestContext::msp();
    context.base_url = None;
    context
}

fn yaml(context: &TestContext) -> String {
    let base_url = context.sim().base_url();
    format!(
        "ninja-one-base-url: {base_url}\nninja-one-client-id: sim-client\nninja-one-client-secret: {SECRET}\n"
    )
}

#[test]
fn a_config_file_is_enough() {
    for (name, text) in [
        (".baton.yaml", yaml as fn(&TestContext) -> String),
        (".baton.toml", |context| {
            let text = yaml(context);
            let quoted = text.lines().map(|line| {
                let (key, value) = line.split_once(": ").unwrap();
                format!("{key} = {value:?}")
            });
            quoted.collect::<Vec<_>>().join("\n")
        }),
    ] {
        let context = unset();
        fs::write(context.path(name), text(&context)).unwrap();
        let ran = context.run(&[]);
        assert_eq!(ran.code, Some(0), "{name}: {}", ran.stderr);
    }
}

/// The harness searches all output for the secret.
#[test]
fn a_broken_line_with_a_secret_is_not_shown() {
    for (name, text) in [
        (".baton.toml", format!("ninja-one-client-secret = \"{SECRET}\nx")),
        (".baton.yaml", format!("ninja-one-client-secret: \"{SECRET}\nx")),
    ] {
        let context = unset();
        fs::write(context.path(name), text).unwrap();
        let ran = context.run(&[]);
        assert_eq!(ran.code, Some(3), "{}", ran.stderr);
        assert!(
            ran.stderr.contains(name) && ran.stderr.contains("line "),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn named_config_files() {
    let context = unset();
    fs::write(context.path("my.yml"), yaml(&context)).unwrap();
    assert_eq!(context.run(&["--config", "my.yml"]).code, Some(0));
    let mut command = context.command(&[]);
    assert_eq!(
        context.finish(command.env("BATON_CONFIG_PATH", "my.yml")).code,
        Some(0)
    );
    fs::write(context.path("my.ini"), "").unwrap();
    assert_snapshot!(
        "other_extension",
        context.error_snapshot(&context.run(&["--config", "my.ini"]))
    );
    assert_snapshot!(
        "no_such_file",
        context.error_snapshot(&context.run(&["--config", "nowhere.yaml"]))
    );
}

#[test]
fn flag_over_variable_over_file_over_default() {
    let context = TestContext::msp();
    let published = |files: &[&str]| {
        files
            .iter()
            .map(|file| u8::from(context.path(file).exists()).to_string())
            .collect::<String>()
    };
    let files = ["sync.c1z", "file.c1z", "variable.c1z", "flag.c1z"];
    assert_eq!(context.run(&[]).code, Some(0));
    assert_eq!(published(&files), "1000");
    fs::write(context.path(".baton.yaml"), "file: file.c1z\n").unwrap();
    assert_eq!(context.run(&[]).code, Some(0));
    assert_eq!(published(&files), "1100");
    let mut command = context.command(&[]);
    assert_eq!(
        context.finish(command.env("BATON_FILE", "variable.c1z")).code,
        Some(0)
    );
    assert_eq!(published(&files), "1110");
    let mut command = context.command(&["-f", "flag.c1z"]);
    assert_eq!(
        context.finish(command.env("BATON_FILE", "variable.c1z")).code,
        Some(0)
    );
    assert_eq!(published(&files), "1111");
}

#[test]
fn a_secret_from_a_file() {
    let context = TestContext::msp();
    fs::write(context.path("secret"), format!("{SECRET}\n")).unwrap();
    let mut command = context.command(&[]);
    command
        .env_remove("BATON_NINJA_ONE_CLIENT_SECRET")
        .env("BATON_NINJA_ONE_CLIENT_SECRET_FILE", "secret");
    assert_eq!(context.finish(&mut command).code, Some(0));
    command.env("BATON_NINJA_ONE_CLIENT_SECRET_FILE", "nowhere");
    assert_snapshot!(context.error_snapshot(&context.finish(&mut command)));
}

#[test]
fn mistakes_are_reported_with_their_location() {
    for (name, text) in [
        ("unknown_key", "provisionning: true\n"),
        ("malformed_yaml", "file: [unclosed\n"),
        ("not_a_number", "http-timeout-seconds: soon\n"),
        ("out_of_range", "http-timeout-seconds: 0\n"),
        ("not_a_flag", "skip-entitlements-and-grants: maybe\n"),
        ("not_a_choice", "storage-engine: rocks\n"),
        ("a_list_for_a_text", "file: [a, b]\n"),
    ] {
        let context = TestContext::msp();
        fs::write(context.path(".baton.yaml"), text).unwrap();
        assert_snapshot!(name, context.error_snapshot(&context.run(&[])));
    }
    let context = TestContext::msp();
    for (name, arguments) in [
        ("flag_value", &["--http-timeout-seconds", "soon"][..]),
        ("no_such_engine", &["--storage-engine", "rocksdb"]),
        ("unknown_flag", &["--tickets"]),
        ("unknown_subcommand", &["snc"]),
        ("unknown_type", &["--sync-resource-types", "user,robot"]),
        ("target", &["--sync-resources", "role/7"]),
        ("token_path", &["--ninja-one-token-path", "oauth"]),
    ] {
        assert_snapshot!(name, context.error_snapshot(&context.run(arguments)));
    }
    let mut command = context.command(&[]);
    command.env("BATON_OUTPUT", "xml");
    assert_snapshot!(
        "variable_value",
        context.error_snapshot(&context.finish(&mut command))
    );
    let mut command = context.command(&[]);
    command.env("BATON_CLIENT_ID", "c1-client");
    assert_snapshot!(
        "service_mode",
        context.error_snapshot(&context.finish(&mut command))
    );
    assert!(context.sim().ledger().calls().is_empty());
}

#[test]
fn log_lines_in_both_forms_without_the_secret() {
    let context = TestContext::msp();
    let ran = context.run(&["--log-level", "debug", "--log-format", "json"]);
    let lines: Vec<serde_json::Value> = ran
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(lines.len() > 5);
    assert!(lines.iter().all(|line| {
        ["level", "ts", "caller", "msg"]
            .iter()
            .all(|key| line.get(key).is_some())
            && line["ts"].is_f64()
    }));
    assert!(!ran.stderr.contains("sim-token"), "a token was told");
    let ran = context.run(&["--log-format", "console", "--log-path", "run.log"]);
    assert_eq!(ran.stderr, "");
    let log = fs::read_to_string(context.path("run.log")).unwrap();
    assert!(
        log.contains("\tINFO\toutput/outcome.rs:") && log.contains("\tsync published\t{"),
        "{log}"
    );
}

#[test]
fn unknown_variables_are_reported() {
    let context = TestContext::msp();
    let mut command = context.command(&[]);
    let ran = context.finish(command.env("BATON_TICKETING", "true"));
    assert_eq!(ran.code, Some(0));
    let warning = ran
        .stderr
        .lines()
        .find(|line| line.contains(r#""level":"warn""#))
        .unwrap();
    assert!(warning.contains(r#""setting":"BATON_TICKETING""#), "{warning}");
}

#[test]
fn commands_that_need_no_settings() {
    let context = TestContext::bare();
    for arguments in [
        &["capabilities"][..],
        &["config"],
        &["completion", "bash"],
        &["--help"],
        &["--version"],
    ] {
        let ran = context.run(arguments);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(!ran.stdout.is_empty());
    }
    assert_eq!(context.run(&["-v"]).stdout, "baton-ninja-one version 0.1.0\n");
}

#[test]
fn the_examples_in_config_can_be_loaded() {
    for path in example_configurations() {
        let context = TestContext::msp();
        let ran = context.run(&["--config", path.to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{}: {}", path.display(), ran.stderr);
        // Every commented-out setting can be switched on.
        let text = fs::read_to_string(&path).unwrap();
        let all: String = text
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n")
            .collect();
        assert_ne!(all, text);
        let copy = context.path("all").with_extension(path.extension().unwrap());
        fs::write(&copy, all).unwrap();
        let ran = context.run(&["config", "--config", copy.to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{}: {}", path.display(), ran.stderr);
        let ran = context.run(&["capabilities", "--config", copy.to_str().unwrap()]);
        assert_eq!(ran.code, Some(0), "{}: {}", path.display(), ran.stderr);
    }
}
