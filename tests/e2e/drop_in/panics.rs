//! No variable and no argument leads to a panic, or to a secret in a message.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;

use crate::harness::{SECRET, TestContext, workspace};

/// Panics are internal errors; no variable read by this program or the stores may cause exit code 101 or show the secret.
#[test]
fn no_variable_causes_a_panic() {
    assert!(
        !fs::read_to_string(workspace().join("Cargo.toml"))
            .unwrap()
            .contains("panic = \"abort\""),
        "the release must unwind"
    );
    let long = "x".repeat(70_000);
    let canary = format!("http://user:{SECRET}@[::bad");
    let junk = [
        "",
        ":",
        "http://",
        "[::",
        "\u{1}\u{7f}ü",
        "%zz",
        "-1",
        "99999999999999999999",
        "{",
        &long,
        &canary,
    ];
    let settings = workspace().join("docs/reference/settings.md");
    let settings = fs::read_to_string(settings).unwrap();
    let own = settings
        .split('`')
        .filter(|word| word.starts_with("BATON_") && !word.contains(['*', '=', '…']));
    let mut variables: Vec<&str> = own.collect();
    variables.sort_unstable();
    variables.dedup();
    variables.extend([
        "HTTPS_PROXY",
        "https_proxy",
        "HTTP_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "TZ",
        "HOME",
        "USER",
        "PAGER",
        "TERM",
    ]);
    assert!(variables.len() > 100, "{}", variables.len());
    let context = TestContext::msp();
    for variable in variables {
        // Values of other settings are shown where they are wrong.
        let is_hidden = ["SECRET", "_URL", "TOKEN_PATH", "ENDPOINT", "PROXY", "proxy"]
            .iter()
            .any(|part| variable.contains(part));
        for value in junk.into_iter().filter(|value| is_hidden || *value != canary) {
            let mut run =
                context.command(&["check", "--ninja-one-retry-seconds=0", "--http-timeout-seconds=1"]);
            run.env(variable, value);
            let output = run.output().unwrap();
            let code = output.status.code();
            assert!(
                code.is_some_and(|code| code < 17),
                "{variable}={value:.20}: {code:?}"
            );
            let printed = format!(
                "{}{}",
                String::from_utf8_lossy(&output.stdout),
                String::from_utf8_lossy(&output.stderr)
            );
            assert!(!printed.contains(SECRET), "{variable}: {printed}");
        }
    }
}

/// Names, values and arguments that are not Unicode.
#[test]
fn invalid_unicode_does_not_panic() {
    let invalid = OsStr::from_bytes(b"\xff\xfe\xf0");
    let context = TestContext::msp();
    for variable in [
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "BATON_CA_FILE",
        "BATON_CONFIG_PATH",
        "BATON_FILE",
        "BATON_LOG_LEVEL",
        "BATON_NINJA_ONE_CLIENT_SECRET",
        "BATON_NINJA_ONE_CLIENT_SECRET_FILE",
        "BATON_SOMETHING_ELSE",
        "HOME",
        "HTTPS_PROXY",
        "LANG",
        "NO_PROXY",
        "OTEL_RESOURCE_ATTRIBUTES",
        "PAGER",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TERM",
        "TMPDIR",
        "TZ",
        "USER",
    ] {
        for arguments in [&["check"][..], &["check", "--sink", "parquet=s3://bucket/access"]] {
            let mut run = context.command(arguments);
            run.args(["--ninja-one-retry-seconds=0"])
                .env("AWS_ENDPOINT", "http://127.0.0.1:1")
                .env(variable, invalid);
            let code = run.output().unwrap().status.code();
            assert!(code.is_some_and(|code| code < 17), "{variable}: {code:?}");
        }
    }
    let mut run = context.command(&["check"]);
    run.env(invalid, "x").env(OsStr::from_bytes(b"BATON_\xff"), "x");
    assert_eq!(context.finish(&mut run).code, Some(0));
    for arguments in [&["inspect"][..], &["--file"], &["check"], &[], &["grant"]] {
        let mut run = context.command(arguments);
        run.arg(invalid);
        let code = run.output().unwrap().status.code();
        assert!(code.is_some_and(|code| code < 17), "{arguments:?}: {code:?}");
    }
}

/// Any value of a variable that a store's library reads gives an error with a code and without secrets.
fn sweep_variables(sink: &str, variables: &[&str]) {
    let canary = format!("http://user:{SECRET}@[::bad");
    let password = format!("user:{SECRET}@host");
    let junk = [
        ":",
        "http://",
        "[::",
        "\u{1}\u{7f}ü",
        "-1",
        "{",
        &canary,
        &password,
    ];
    for variable in variables {
        for value in junk {
            let context = TestContext::msp();
            let mut run = context.command(&[
                "--sink",
                sink,
                "--ninja-one-retry-seconds=0",
                "--http-timeout-seconds=1",
            ]);
            // Nothing listens there, and nothing leaves this machine.
            run.env("HTTPS_PROXY", "http://127.0.0.1:1")
                .env("HTTP_PROXY", "http://127.0.0.1:1")
                .env("AWS_EC2_METADATA_DISABLED", "true");
            run.env(variable, value);
            let ran = context.finish(&mut run);
            assert!(
                ran.code.is_some_and(|code| code < 17),
                "{variable}={value}: {:?} {}",
                ran.code,
                ran.stderr
            );
        }
    }
}

#[test]
fn no_aws_variable_causes_a_panic() {
    sweep_variables(
        "parquet=s3://bucket/access",
        &[
            "AWS_ENDPOINT",
            "AWS_ENDPOINT_URL",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_ALLOW_HTTP",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_ARN",
            "AWS_METADATA_ENDPOINT",
            "AWS_CONDITIONAL_PUT",
            "AWS_COPY_IF_NOT_EXISTS",
            "AWS_CHECKSUM_ALGORITHM",
            "AWS_BUCKET",
            "AWS_ENDPOINT_URL_S3",
            "AWS_ENDPOINT_URL_STS",
            "AWS_IMDSV1_FALLBACK",
            "AWS_ROLE_SESSION_NAME",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            "AWS_SKIP_SIGNATURE",
            "AWS_UNSIGNED_PAYLOAD",
            "AWS_S3_EXPRESS",
            "AWS_REQUEST_PAYER",
            "AWS_VIRTUAL_HOSTED_STYLE_REQUEST",
            "AWS_SERVER_SIDE_ENCRYPTION",
            "AWS_SSE_KMS_KEY_ID",
            "AWS_SSE_CUSTOMER_KEY_BASE64",
            "AWS_PROXY_URL",
            "AWS_TIMEOUT",
            "AWS_USER_AGENT",
            "HTTPS_PROXY",
            "NO_PROXY",
        ],
    );
}

#[test]
fn no_azure_variable_causes_a_panic() {
    sweep_variables(
        "parquet=az://container/access",
        &[
            "AZURE_STORAGE_ACCOUNT_NAME",
            "AZURE_STORAGE_ACCOUNT_KEY",
            "AZURE_STORAGE_ENDPOINT",
            "AZURE_STORAGE_SAS_KEY",
            "AZURE_CLIENT_ID",
            "AZURE_CLIENT_SECRET",
            "AZURE_TENANT_ID",
            "AZURE_AUTHORITY_HOST",
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_STORAGE_TOKEN",
            "AZURE_STORAGE_USE_EMULATOR",
            "AZURE_USE_FABRIC_ENDPOINT",
            "AZURE_USE_AZURE_CLI",
            "AZURE_MSI_ENDPOINT",
            "AZURE_OBJECT_ID",
            "AZURE_CONTAINER_NAME",
            "AZURE_SKIP_SIGNATURE",
            "AZURITE_BLOB_STORAGE_URL",
            "MSI_ENDPOINT",
            "IDENTITY_HEADER",
            "IDENTITY_ENDPOINT",
        ],
    );
}

#[test]
fn no_google_variable_causes_a_panic() {
    sweep_variables(
        "parquet=gs://bucket/access",
        &[
            "GOOGLE_SERVICE_ACCOUNT",
            "GOOGLE_SERVICE_ACCOUNT_KEY",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "GOOGLE_BUCKET",
            "GOOGLE_BASE_URL",
            "GOOGLE_BUCKET_NAME",
            "GOOGLE_SERVICE_ACCOUNT_PATH",
            "GOOGLE_SKIP_SIGNATURE",
            "GOOGLE_PROXY_URL",
        ],
    );
}

#[test]
fn an_unreadable_proxy_is_refused() {
    for value in [
        "http://user:pw@[::bad",
        "ftp://proxy:3128",
        "socks5://proxy:1080",
        "http://",
        "://",
    ] {
        let context = TestContext::msp();
        let ran = context.finish(context.command(&["check"]).env("HTTPS_PROXY", value));
        assert_eq!(ran.code, Some(3), "{value}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("HTTPS_PROXY") && !ran.stderr.contains("pw"),
            "{}",
            ran.stderr
        );
    }
}
