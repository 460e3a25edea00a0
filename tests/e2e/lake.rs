//! A simulated bucket, `s3://lake`, and the program with its credentials.

use std::process::Command;

use s3_sim::{S3Sim, S3SimConfig};

use crate::harness::TestContext;

const ACCESS_KEY: &str = "AKIATEST";
const SECRET_KEY: &str = "lake-secret";

/// The bucket. Keys that begin with `read_only_prefix` cannot be written.
pub(crate) fn lake(read_only_prefix: Option<&str>) -> S3Sim {
    S3Sim::start(S3SimConfig {
        bucket: "lake".to_owned(),
        access_key: ACCESS_KEY.to_owned(),
        secret_key: SECRET_KEY.to_owned(),
        read_only_prefix: read_only_prefix.map(str::to_owned),
    })
    .unwrap()
}

/// The program with the bucket's endpoint and credentials.
pub(crate) fn command(context: &TestContext, s3: &S3Sim, arguments: &[&str]) -> Command {
    let mut command = context.command(arguments);
    command
        .env("AWS_ENDPOINT", s3.endpoint())
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY);
    command
}
