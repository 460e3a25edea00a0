//! Buckets as locations: their addresses, c1z files in them, and a stop while one hangs.
#![cfg(unix)]

mod c1z;
mod locations;
mod stop;

use std::process::Command;

use s3_sim::S3Sim;

use crate::harness::{RunOutput, TestContext};
use crate::lake;

/// The program with the bucket's address in `AWS_ENDPOINT_URL`; plain HTTP to this machine needs no permission.
fn command(context: &TestContext, s3: &S3Sim, arguments: &[&str]) -> Command {
    let mut command = lake::command(context, s3, arguments);
    command
        .env_remove("AWS_ENDPOINT")
        .env_remove("AWS_ALLOW_HTTP")
        .env("AWS_ENDPOINT_URL", s3.endpoint());
    command
}

fn run(context: &TestContext, s3: &S3Sim, arguments: &[&str]) -> RunOutput {
    context.finish(&mut command(context, s3, arguments))
}

fn run_ok(context: &TestContext, s3: &S3Sim, arguments: &[&str]) -> RunOutput {
    let ran = run(context, s3, arguments);
    assert_eq!(ran.code, Some(0), "{arguments:?}: {}", ran.stderr);
    ran
}
