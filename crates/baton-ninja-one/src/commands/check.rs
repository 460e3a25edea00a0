//! `check`: tests whether a sync would work. It does everything that a sync does before it reads rows.

mod footprint;

use std::path::Path;

use access_core::Diagnostic;
use access_core::ports::{AccessSource, CheckOutcome, CheckReport, NoopObserver};
use access_core::sync::{SinkReadiness, SyncPipeline, SyncRequest};
use ninjaone::{NinjaOneClient, NinjaOneSource};
use serde::Serialize;

use self::footprint::Footprint;
use crate::commands::context::CommandContext;
use crate::commands::provision::AuditFile;
use crate::commands::service;
use crate::failure::Failure;
use crate::output::console::Text;
use crate::output::console::print;
use crate::runtime;
use crate::runtime::cancellation::{STOPPED, cancel_on_signal};
use crate::runtime::system::KsuidGenerator;
use crate::runtime::system::SystemClock;
use crate::runtime::system::shutdown_signal;
use crate::settings::{Output, ProvisioningMode, Settings};
use crate::sinks::SinkConfig;

/// The findings of a check.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    source: CheckReport,
    sinks: Vec<SinkCheck>,
}

/// The result of opening and aborting a sink.
#[derive(Serialize)]
struct SinkCheck {
    sink: String,
    #[serde(flatten)]
    outcome: CheckOutcome,
}

/// Makes the calls, opens the sinks and prints the findings. Fails if a sync would.
pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let _context = CommandContext::new(settings)?;
    let output = settings.output()?;
    let request = SyncRequest {
        scope: settings.scope()?,
        sync_type: None,
        identity: None,
        guard: settings.shrink_guard()?,
        provenance: settings.provenance()?,
    };
    let named = validate_settings(settings)?;
    let source = NinjaOneSource::new(
        NinjaOneClient::new(settings.client()?)?,
        settings.source_options()?,
    );
    let mut footprint = Footprint::default();
    for sink in &named {
        footprint.expect_sink(sink.as_ref());
    }
    if let Some(path) = audit_log(settings)? {
        footprint.expect_file(&path);
        AuditFile::open(&path)?;
    }
    let sinks = settings.build_sinks(&named)?;
    let pipeline = SyncPipeline {
        source: &source,
        sinks: &sinks,
        clock: &SystemClock,
        ids: &KsuidGenerator,
        observer: &NoopObserver,
    };
    let runtime = runtime::start()?;
    let checked = runtime.block_on(async {
        let report = cancel_on_signal(source.check(), STOPPED).await;
        let id_scheme = report.as_ref().ok().and_then(|report| report.id_scheme.as_ref());
        let readiness = pipeline
            .check_sinks(&request, id_scheme, shutdown_signal())
            .await?;
        Ok::<_, Failure>((report?, readiness))
    });
    runtime.shutdown_background();
    footprint.remove();
    let (source, readiness) = checked.map_err(|failure| failure.with_hint(without_check_advice))?;
    let report = Report {
        source,
        sinks: readiness.into_iter().map(SinkCheck::from).collect(),
    };
    print(&match output {
        Output::Json => Text::from_json(&report),
        Output::Text => text(&report),
    });
    report.failure().map_or(Ok(()), Err)
}

/// Validates every setting like a sync or the service, and returns the sinks.
fn validate_settings(settings: &Settings) -> Result<Vec<Box<dyn SinkConfig>>, Failure> {
    let serves = settings.serves()?;
    let named = if serves {
        settings.named_sinks()?
    } else {
        settings.sinks()?
    };
    settings.c1z(Path::new("sync.c1z").to_owned())?;
    settings.html(Path::new("report.html").to_owned())?;
    settings.history()?;
    settings.progress()?;
    settings.telemetry()?;
    settings.health_check()?;
    settings.health_address()?;
    settings.service()?;
    settings.skip_full_sync()?;
    settings.requested_by()?;
    settings.allow_admin_delete()?;
    settings.provisioning_mode(false)?;
    if serves {
        service::client(&settings.service()?)?;
    }
    Ok(named)
}

/// Checks the audit log, if changes are enabled.
fn audit_log(settings: &Settings) -> Result<Option<std::path::PathBuf>, Failure> {
    let on = settings.provisioning_mode(false)? == ProvisioningMode::On;
    Ok(settings.audit_log()?.filter(|_| on))
}

impl From<SinkReadiness> for SinkCheck {
    fn from(readiness: SinkReadiness) -> Self {
        let outcome = match readiness.result {
            Ok(()) => CheckOutcome::Ok {
                detail: "takes a sync".to_owned(),
            },
            Err(error) => CheckOutcome::Failed {
                status: error.status(),
                message: access_core::error_chain(&error),
                hint: error.hint(),
            },
        };
        Self {
            sink: readiness.sink,
            outcome,
        }
    }
}

impl Report {
    /// The first problem that would fail a sync.
    fn failure(&self) -> Option<Failure> {
        let endpoints = self.source.endpoints.iter().map(|check| &check.outcome);
        let mut outcomes = endpoints.chain(self.sinks.iter().map(|check| &check.outcome));
        outcomes.find_map(|outcome| match outcome {
            CheckOutcome::Failed {
                status,
                message,
                hint,
            } => {
                let failure = Failure::new(message.clone(), hint.clone(), *status);
                Some(failure.with_hint(without_check_advice))
            }
            CheckOutcome::Ok { .. } | CheckOutcome::Degraded { .. } => None,
        })
    }
}

/// A hint without the advice to run `check`, which is running.
fn without_check_advice(hint: &str) -> Option<String> {
    let is_advice =
        |clause: &&str| clause.contains("`baton-ninja-one check`") || clause.contains("run `check`");
    let clauses = hint.split("; ").filter_map(|clause| {
        if !is_advice(&clause) {
            return Some(clause);
        }
        let (_, more) = clause.split_once(": ").or_else(|| clause.split_once(", and "))?;
        Some(more)
    });
    let clauses: Vec<&str> = clauses.collect();
    (!clauses.is_empty()).then(|| clauses.join("; "))
}

fn text(report: &Report) -> Text {
    let mut text = Text::new();
    text.line(format_args!("Signed in at {}", report.source.tenant));
    text.blank();
    for check in &report.source.endpoints {
        let what = format!("{}  ({})", check.endpoint, check.purpose);
        outcome(&mut text, &what, &check.outcome);
    }
    text.blank();
    text.line("Scopes");
    for scope in &report.source.scopes {
        text.line(format_args!("  {:12}{}", scope.scope, scope.advice));
    }
    if !report.sinks.is_empty() {
        text.blank();
        text.line("Sinks");
    }
    for check in &report.sinks {
        outcome(&mut text, &check.sink, &check.outcome);
        if let CheckOutcome::Failed { hint: Some(hint), .. } = &check.outcome
            && let Some(hint) = without_check_advice(hint)
        {
            text.line(format_args!("          hint: {hint}"));
        }
    }
    text
}

fn outcome(text: &mut Text, what: &str, outcome: &CheckOutcome) {
    let (mark, detail) = match outcome {
        CheckOutcome::Ok { detail } => ("ok", detail),
        CheckOutcome::Degraded { detail } => ("without", detail),
        CheckOutcome::Failed { message, .. } => ("FAILED", message),
    };
    text.line(format_args!("  {mark:8}{what}"));
    text.line(format_args!("          {detail}"));
}

#[cfg(test)]
mod tests {
    use super::without_check_advice;

    #[test]
    fn check_hints_do_not_recommend_check() {
        for (hint, left) in [
            ("check --ninja-one-base-url", Some("check --ninja-one-base-url")),
            (
                "run `baton-ninja-one check`, which tries every call that a sync needs",
                None,
            ),
            (
                "the token was refused; run `baton-ninja-one check`, and see whether the app was changed",
                Some("the token was refused; see whether the app was changed"),
            ),
            (
                "run `check`: the instance may lack lists for a moment; or write elsewhere",
                Some("the instance may lack lists for a moment; or write elsewhere"),
            ),
        ] {
            assert_eq!(without_check_advice(hint).as_deref(), left, "{hint}");
        }
    }
}
