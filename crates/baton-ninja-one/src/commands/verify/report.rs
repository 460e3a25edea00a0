//! `verify` for reports: checks each against its seal and against its predecessor.

use std::path::{Path, PathBuf};

use access_core::StatusCode;
use c1z::Container;
use serde_json::{Value, json};
use sink_html::{ReportError, Verification};

use crate::failure::Failure;
use crate::output::console::Text;
use crate::output::console::print;
use crate::output::text_table::{counted, with_seconds};
use crate::settings::Output;

/// Verifies reports in chronological order and prints the findings; an alteration is a failure. `known` is a hash recorded
/// earlier, which one of them must have or name as its predecessor.
pub(crate) fn verify(paths: &[&Path], known: Option<&str>, output: Output) -> Result<(), Failure> {
    let mut reports: Vec<(PathBuf, Verification)> = Vec::new();
    for path in paths {
        let mut found = sink_html::verify(path, crate::cli::version::PROGRAM, ninjaone::REPORT_SCHEMA)
            .map_err(|error| unreadable(path, error))?;
        if let Some((_, before)) = reports.last() {
            found.problems.extend(before.precedes(&found));
        }
        reports.push(((*path).to_owned(), found));
    }
    let unknown = known.filter(|hash| !reports.iter().any(|(_, report)| fixes(report, hash)));
    print(&match output {
        Output::Json => Text::from_json(&in_json(&reports, unknown)),
        Output::Text => text(&reports, unknown),
    });
    let problems: usize = reports.iter().map(|(_, report)| report.problems.len()).sum();
    let problems = problems + usize::from(unknown.is_some());
    if problems == 0 {
        return Ok(());
    }
    let names: Vec<String> = paths.iter().map(|path| path.display().to_string()).collect();
    Err(Failure::new(
        format!(
            "{}: does not match what was written; {}",
            names.join(", "),
            counted(problems as u64, "finding", "findings")
        ),
        Some("compare with a backup and with the hash you recorded".to_owned()),
        StatusCode::DataLoss,
    ))
}

/// The failure of a file that is not a report, without the sink's advice about overwriting.
fn unreadable(path: &Path, error: ReportError) -> Failure {
    let advice = "verify takes a dataset or reports (.html)";
    if matches!(Container::detect(path), Ok(Container::V1 | Container::V3)) {
        return Failure::new(
            format!("{} is a c1z file, which has no seal", path.display()),
            Some(format!(
                "{advice}; `baton-ninja-one inspect {}` shows what a c1z file holds",
                path.display()
            )),
            StatusCode::InvalidArgument,
        );
    }
    Failure::from(error).with_hint(|hint| {
        let of_writing = hint.contains("--replace-existing");
        Some(if of_writing { advice } else { hint }.to_owned())
    })
}

fn fixes(report: &Verification, hash: &str) -> bool {
    let previous = report.seal.previous.as_ref();
    report.fingerprint.eq_ignore_ascii_case(hash)
        || previous.is_some_and(|link| link.seal_sha256.eq_ignore_ascii_case(hash))
}

fn without(hash: &str) -> String {
    format!("no report has the SHA-256 {hash}, or follows one that has")
}

fn text(reports: &[(PathBuf, Verification)], unknown: Option<&str>) -> Text {
    let mut text = Text::new();
    for (path, report) in reports {
        let seal = &report.seal;
        text.line(format_args!(
            "{}: {} of {}, sync {}",
            path.display(),
            with_seconds(&seal.started_at),
            seal.tenant,
            seal.sync_id,
        ));
        text.line(format_args!("  SHA-256 {}", report.fingerprint));
        if let Some(link) = &seal.previous {
            text.line(format_args!(
                "  after   {}, sync {}",
                link.seal_sha256, link.sync_id
            ));
        }
        for problem in &report.problems {
            text.line(format_args!("  {problem}"));
        }
        if report.problems.is_empty() {
            text.line("  unaltered since it was written");
        }
    }
    if let Some(hash) = unknown {
        text.line(without(hash));
    }
    text
}

fn in_json(reports: &[(PathBuf, Verification)], unknown: Option<&str>) -> Value {
    let each = reports.iter().map(|(path, report)| {
        json!({
            "path": path.display().to_string(),
            "sha256": report.fingerprint,
            "seal": report.seal,
            "findings": report.problems,
        })
    });
    json!({ "reports": each.collect::<Vec<_>>(), "findings": unknown.map(without).into_iter().collect::<Vec<_>>() })
}
