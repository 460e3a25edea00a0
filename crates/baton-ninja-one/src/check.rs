//! `check`: can a sync work, and if not, why.

use std::fmt::Write;

use access_core::StatusCode;
use access_core::ports::{AccessSource, CheckOutcome, SourceReport};
use indicatif::MultiProgress;
use ninjaone::{NinjaOneClient, NinjaOneSource};

use crate::console::print;
use crate::exit::Failure;
use crate::logs;
use crate::settings::{Output, Settings};
use crate::sync::runtime;
use crate::system::stop_wanted;

/// Makes the calls and prints what came of them. Fails if a sync would.
pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let _telemetry = logs::start(settings, &MultiProgress::new())?;
    let output = settings.output()?;
    let client = NinjaOneClient::new(settings.client()?)?;
    let source = NinjaOneSource::new(client, settings.source_options()?);
    let runtime = runtime()?;
    let report = runtime.block_on(async {
        tokio::select! {
            report = source.check() => report.map_err(Failure::from),
            () = stop_wanted() => Err(Failure::found("stopped on request".to_owned(), None, StatusCode::Cancelled)),
        }
    });
    runtime.shutdown_background();
    let report = report?;
    print(&match output {
        Output::Json => format!("{}\n", serde_json::to_string_pretty(&report).unwrap_or_default()),
        Output::Text => text(&report),
    });
    let failed = report
        .endpoints
        .into_iter()
        .find_map(|check| match check.outcome {
            CheckOutcome::Failed {
                status,
                message,
                hint,
            } => Some(Failure::found(message, hint, status)),
            CheckOutcome::Ok { .. } | CheckOutcome::Degraded { .. } => None,
        });
    failed.map_or(Ok(()), Err)
}

fn text(report: &SourceReport) -> String {
    let mut text = format!("Signed in at {}\n\n", report.tenant);
    for check in &report.endpoints {
        let (mark, detail) = match &check.outcome {
            CheckOutcome::Ok { detail } => ("ok", detail),
            CheckOutcome::Degraded { detail } => ("without", detail),
            CheckOutcome::Failed { message, .. } => ("FAILED", message),
        };
        let _ = writeln!(
            text,
            "  {mark:8}{}  ({})\n          {detail}",
            check.endpoint, check.purpose
        );
    }
    text.push_str("\nScopes\n");
    for scope in &report.scopes {
        let _ = writeln!(text, "  {:12}{}", scope.scope, scope.advice);
    }
    text
}
