//! The definitions of all metrics. The registry and docs/reference/metrics.md are generated from this table. Names contain
//! units, like Prometheus recommends.

use std::fmt::Write;

/// The prefix of all names.
pub(super) const PREFIX: &str = "baton_ninja_one";

/// A metric, with one value for each combination of labels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Described {
    /// The name without the prefix, and without the suffix of its type.
    pub(super) name: &'static str,
    /// The Prometheus type.
    pub(super) kind: Kind,
    /// The labels.
    pub(super) labels: &'static [&'static str],
    /// The description, without a full stop.
    pub(super) help: &'static str,
}

/// Prometheus types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A value that only grows.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// A distribution of values.
    Histogram,
}

impl Kind {
    /// The name in documents.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Described {
    Described {
        name,
        kind: Kind::Counter,
        labels,
        help,
    }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Described {
    Described {
        kind: Kind::Gauge,
        ..counter(name, labels, help)
    }
}

pub(super) const SYNCS: Described = counter(
    "syncs",
    &["result"],
    "Syncs that ended, by result: ok, or the class of the failure",
);
pub(super) const SYNC_DURATION: Described = Described {
    kind: Kind::Histogram,
    ..counter("sync_duration_seconds", &[], "Duration of published syncs")
};
pub(super) const API_CALLS: Described = counter(
    "api_calls",
    &[],
    "Requests sent to NinjaOne, sign-in and repeats included",
);
pub(super) const API_RETRIES: Described =
    counter("api_retries", &[], "Requests sent to NinjaOne that were repeats");
pub(super) const API_THROTTLED: Described = counter(
    "api_throttled",
    &[],
    "Answers of NinjaOne that asked to slow down: 429 and throttle pages",
);
pub(super) const API_WAIT: Described = counter(
    "api_wait_seconds",
    &[],
    "Time spent waiting before requests were repeated",
);
pub(super) const API_RECEIVED: Described = counter(
    "api_received_bytes",
    &[],
    "Bytes of NinjaOne's answers, decompressed",
);
pub(super) const TASKS: Described = counter(
    "tasks",
    &["kind", "result"],
    "Tasks from ConductorOne that ended, by kind and result: ok, or the class of the failure",
);
pub(super) const CHANGES: Described = counter(
    "changes",
    &["kind", "result"],
    "Requested changes of the tenant, by kind and result: changed, already, accepted (not verified), or the class of the failure",
);
pub(super) const UPLOADED: Described =
    counter("uploaded_bytes", &[], "Bytes of c1z files sent to ConductorOne");
pub(super) const LAST_SYNC_ROWS: Described = gauge(
    "last_sync_rows",
    &["kind", "resource_type"],
    "Rows of the last published sync; entitlements and grants by the type of the resource they are held on",
);
pub(super) const LAST_SYNC_SUCCESS: Described = gauge(
    "last_sync_success_timestamp_seconds",
    &[],
    "When the last sync was published, in seconds since 1970; absent before the first",
);
pub(super) const LAST_SYNC_SUCCESS_AGE: Described = gauge(
    "last_sync_success_age_seconds",
    &[],
    "How long ago the last sync was published; absent before the first",
);

pub(super) const SYNCS_RUNNING: Described = gauge("running_syncs", &[], "Syncs that are running now");
pub(super) const SYNC_PROGRESS: Described = gauge(
    "sync_last_progress_timestamp_seconds",
    &[],
    "When a running sync last made progress (a new phase, a row, a byte from NinjaOne), in seconds since 1970; 0 before the first sync",
);

/// All metrics, in the order of the output.
pub(super) const ALL: [&Described; 15] = [
    &SYNCS,
    &SYNC_DURATION,
    &API_CALLS,
    &API_RETRIES,
    &API_THROTTLED,
    &API_WAIT,
    &API_RECEIVED,
    &TASKS,
    &CHANGES,
    &UPLOADED,
    &LAST_SYNC_ROWS,
    &LAST_SYNC_SUCCESS,
    &LAST_SYNC_SUCCESS_AGE,
    &SYNCS_RUNNING,
    &SYNC_PROGRESS,
];

/// The table of docs/reference/metrics.md.
pub(crate) fn document() -> String {
    let mut text = String::from("| Metric | Type | Labels | What it says |\n|---|---|---|---|\n");
    for described in ALL {
        let ending = if described.kind == Kind::Counter {
            "_total"
        } else {
            ""
        };
        let labels: Vec<String> = described
            .labels
            .iter()
            .map(|label| format!("`{label}`"))
            .collect();
        let labels = if labels.is_empty() {
            "–".to_owned()
        } else {
            labels.join(", ")
        };
        let _ = writeln!(
            text,
            "| `{PREFIX}_{}{ending}` | {} | {labels} | {} |",
            described.name,
            described.kind.as_str(),
            described.help
        );
    }
    text
}
