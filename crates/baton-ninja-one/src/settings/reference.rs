//! What becomes of every flag, variable and config key of the reference (baton-sdk v0.25.0,
//! docs/reference/conductorone.md §1.4): the same in all three forms. Flags that work are [`SETTINGS`](super::SETTINGS); the
//! others are known here, so that a command line, an environment or a config file of the reference is never half understood.

use super::definitions::SettingScope;
use super::definitions::ValueKind;

/// What becomes of a flag of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SettingStatus {
    /// It is a setting of this program.
    Works,
    /// It is accepted and changes nothing; one warning says why.
    NoEffect(&'static str),
    /// It asks for something that is not done.
    Refused {
        /// Why.
        reason: &'static str,
        /// What to use instead.
        instead: &'static str,
    },
}

/// A flag or a variable of the reference.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference {
    /// The flag without dashes. A `*` at the end stands for any rest.
    pub(crate) name: &'static str,
    /// What values look like; of no importance where the setting works.
    pub(crate) kind: ValueKind,
    /// Where the reference takes it from.
    pub(crate) given_by: SettingScope,
    /// What becomes of it.
    pub(crate) fate: SettingStatus,
}

const fn works(name: &'static str) -> Reference {
    Reference {
        name,
        kind: ValueKind::Text,
        given_by: SettingScope::All,
        fate: SettingStatus::Works,
    }
}

const fn variable_works(name: &'static str) -> Reference {
    Reference {
        given_by: SettingScope::Environment,
        ..works(name)
    }
}

const fn no_effect(name: &'static str, kind: ValueKind, reason: &'static str) -> Reference {
    Reference {
        name,
        kind,
        given_by: SettingScope::All,
        fate: SettingStatus::NoEffect(reason),
    }
}

const fn variable_without_effect(name: &'static str, reason: &'static str) -> Reference {
    Reference {
        given_by: SettingScope::Environment,
        ..no_effect(name, ValueKind::Text, reason)
    }
}

const fn refused(
    name: &'static str,
    kind: ValueKind,
    (reason, instead): (&'static str, &'static str),
) -> Reference {
    Reference {
        name,
        kind,
        given_by: SettingScope::All,
        fate: SettingStatus::Refused { reason, instead },
    }
}

const TICKETS: (&str, &str) = (
    "this connector has no tickets",
    "leave it out; tickets are created in NinjaOne or through another ConductorOne connector",
);
const EVENTS: (&str, &str) = (
    "events are read in service mode only",
    "give --client-id and --client-secret; ConductorOne then reads the feed ninja-one-activities",
);
const ROTATION: (&str, &str) = (
    "the NinjaOne API cannot rotate the credentials of an account",
    "leave it out; the user resets the password in NinjaOne",
);
const DIFF: (&str, &str) = (
    "this program does not write difference syncs into a c1z file",
    "`baton-ninja-one diff FILE --old-sync ID --new-sync ID` shows what differs",
);
const COMPACTION: (&str, &str) = (
    "this program does not merge c1z files",
    "leave it out; BATON_KEEP_SYNC_COUNT limits the syncs that a file keeps, and `baton-ninja-one export` copies one of them",
);
const RESOURCE_ACTIONS: (&str, &str) = (
    "no resource type of this connector has actions of its own, and the reference never reads this flag",
    "`baton-ninja-one --list-action-schemas` lists the actions of the connector",
);
const LAMBDA: (&str, &str) = (
    "only the AWS Lambda build of the reference has it",
    "run this program as a process or a container; docs/OPERATIONS.md shows how",
);
const EVENT_LOG: (&str, &str) = (
    "the Windows event log is written by the reference's Windows build only",
    "--log-path writes log lines to a file",
);
const STREAMED: &str = "lists are read as streams and written by one thread for each sink";
const NO_PRINCIPALS_OF_OTHERS: &str =
    "NinjaOne names no principals of other systems, so no grant would be matched with them";
const NO_CACHE: &str = "answers of NinjaOne are never cached";
const NO_SESSIONS: &str = "this connector keeps no sessions";

/// Every flag of the reference, in its order, then its other variables.
pub(crate) const REFERENCE: &[Reference] = &[
    refused("create-ticket", ValueKind::Bool, TICKETS),
    refused("bulk-create-ticket", ValueKind::Bool, TICKETS),
    refused("bulk-ticket-template-path", ValueKind::Text, TICKETS),
    refused("get-ticket", ValueKind::Bool, TICKETS),
    refused("list-ticket-schemas", ValueKind::Bool, TICKETS),
    works("provisioning"),
    no_effect("ticketing", ValueKind::Bool, "this connector has no tickets"),
    works("c1z-temp-dir"),
    works("client-id"),
    works("client-secret"),
    works("create-account-email"),
    works("create-account-login"),
    works("create-account-profile"),
    works("create-account-resource-type"),
    works("delete-resource"),
    works("delete-resource-type"),
    // A text in the reference, read as a flag.
    refused("event-feed", ValueKind::Text, EVENTS),
    refused("event-feed-id", ValueKind::Text, EVENTS),
    refused("event-feed-start-at", ValueKind::Text, EVENTS),
    refused("event-feed-cursor", ValueKind::Text, EVENTS),
    works("file"),
    works("grant-entitlement"),
    works("grant-principal"),
    works("grant-principal-type"),
    works("log-format"),
    works("log-path"),
    works("revoke-grant"),
    refused("rotate-credentials", ValueKind::Text, ROTATION),
    refused("rotate-credentials-type", ValueKind::Text, ROTATION),
    refused("ticket-id", ValueKind::Text, TICKETS),
    refused("ticket-template-path", ValueKind::Text, TICKETS),
    works("log-level"),
    no_effect(
        "log-level-debug-expires-at",
        ValueKind::Text,
        "the log level stays as --log-level sets it",
    ),
    works("skip-full-sync"),
    works("sync-resources"),
    works("sync-resource-types"),
    works("skip-entitlements-and-grants"),
    works("skip-grants"),
    no_effect("external-resource-c1z", ValueKind::Text, NO_PRINCIPALS_OF_OTHERS),
    no_effect(
        "external-resource-entitlement-id-filter",
        ValueKind::Text,
        NO_PRINCIPALS_OF_OTHERS,
    ),
    no_effect(
        "external-resource-traits",
        ValueKind::List,
        NO_PRINCIPALS_OF_OTHERS,
    ),
    no_effect(
        "keep-previous-sync-c1z",
        ValueKind::Bool,
        "every sync reads the whole tenant, because NinjaOne sends no ETags",
    ),
    refused("diff-syncs", ValueKind::Bool, DIFF),
    refused("base-sync-id", ValueKind::Text, DIFF),
    refused("applied-sync-id", ValueKind::Text, DIFF),
    refused("compact-sync-ids", ValueKind::List, COMPACTION),
    refused("compact-file-paths", ValueKind::List, COMPACTION),
    refused("compact-output-path", ValueKind::Text, COMPACTION),
    refused("compact-syncs", ValueKind::Bool, COMPACTION),
    works("invoke-action"),
    works("invoke-action-args"),
    works("invoke-action-resource-type"),
    works("list-action-schemas"),
    works("list-action-schemas-resource-type"),
    refused("list-resource-actions", ValueKind::Text, RESOURCE_ACTIONS),
    refused("invoke-resource-action", ValueKind::Text, RESOURCE_ACTIONS),
    refused(
        "invoke-resource-action-resource-type",
        ValueKind::Text,
        RESOURCE_ACTIONS,
    ),
    refused("invoke-resource-action-args", ValueKind::Text, RESOURCE_ACTIONS),
    no_effect("session-store-maximum-size", ValueKind::Number, NO_SESSIONS),
    no_effect("workers", ValueKind::Number, STREAMED),
    no_effect("parallel-sync", ValueKind::Bool, STREAMED),
    works("otel-collector-endpoint"),
    works("otel-collector-endpoint-tls-cert-path"),
    works("otel-collector-endpoint-tls-cert"),
    works("otel-collector-endpoint-tls-insecure"),
    works("otel-tracing-disabled"),
    works("otel-logging-disabled"),
    no_effect(
        "auth-method",
        ValueKind::Text,
        "this connector signs in in one way only, with client id and secret",
    ),
    works("health-check"),
    works("health-check-port"),
    works("health-check-bind-address"),
    works("http-timeout-seconds"),
    works("storage-engine"),
    works("task-concurrency"),
    refused("log-event-log", ValueKind::Bool, EVENT_LOG),
    refused("lambda-client-id", ValueKind::Text, LAMBDA),
    refused("lambda-client-secret", ValueKind::Text, LAMBDA),
    refused("lambda-auth-jwt-signer", ValueKind::Text, LAMBDA),
    refused("lambda-auth-jwt-jwks-url", ValueKind::Text, LAMBDA),
    refused("lambda-auth-jwt-expected-issuer", ValueKind::Text, LAMBDA),
    refused("lambda-auth-jwt-expected-subject", ValueKind::Text, LAMBDA),
    refused("lambda-auth-jwt-expected-audience", ValueKind::Text, LAMBDA),
    variable_works("config-path"),
    variable_works("tmpdir"),
    variable_works("host-id"),
    variable_works("c1-api-host"),
    variable_works("keep-sync-count"),
    variable_works("skip-cleanup"),
    variable_works("decoder-max-decoded-size-mb"),
    variable_works("decoder-max-memory-mb"),
    variable_without_effect(
        "get-tasks",
        "tasks are always fetched one by one; --task-concurrency says how many run at once",
    ),
    variable_without_effect("disable-http-cache", NO_CACHE),
    variable_without_effect("http-cache-backend", NO_CACHE),
    variable_without_effect("http-cache-ttl", NO_CACHE),
    variable_without_effect("http-cache-max-size", NO_CACHE),
    variable_without_effect(
        "debug-print-response-body",
        "answers of NinjaOne are never printed, because they hold personal data",
    ),
    variable_without_effect(
        "c1z-finalize-timeout",
        "a c1z file is finished without a time limit",
    ),
    variable_without_effect("graph-expand-*", "grants of this connector need no expansion"),
    variable_without_effect(
        "connector-service-listener-fd",
        "this program runs without a child process",
    ),
    variable_without_effect("lambda-token-host", LAMBDA.0),
    variable_without_effect("lambda-configuration-host", LAMBDA.0),
    variable_without_effect("lambda-ca-cert-path", LAMBDA.0),
];

impl Reference {
    /// Those that are no settings of this program.
    pub(crate) fn others() -> impl Iterator<Item = &'static Self> {
        REFERENCE.iter().filter(|row| row.fate != SettingStatus::Works)
    }

    /// Whether a name in lower case with dashes is this one.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => self.name == name,
        }
    }

    /// Whether a value leaves things as they are without it: a switch that is off, a number that is the reference's default.
    pub(crate) fn is_default(&self, value: &str) -> bool {
        match self.kind {
            ValueKind::Bool => is_off(value),
            ValueKind::Number => value == "0",
            _ => self.name == "event-feed" && is_off(value),
        }
    }
}

fn is_off(value: &str) -> bool {
    ["false", "f", "0"]
        .iter()
        .any(|off| value.eq_ignore_ascii_case(off))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::SETTINGS;
    use super::*;

    #[test]
    fn what_works_is_a_setting_and_what_does_not_is_none() {
        let names: BTreeSet<&str> = REFERENCE.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), REFERENCE.len(), "named twice");
        for row in REFERENCE {
            let setting = SETTINGS.iter().find(|setting| setting.name == row.name);
            assert_eq!(
                setting.is_some(),
                row.fate == SettingStatus::Works,
                "{}",
                row.name
            );
            if let Some(setting) = setting {
                let variable_only =
                    setting.given_by == SettingScope::Environment || row.name == "config-path";
                assert_eq!(
                    row.given_by == SettingScope::Environment,
                    variable_only,
                    "{}",
                    row.name
                );
            }
        }
    }

    #[test]
    fn the_flags_of_the_reference_are_all_here() {
        let flags = REFERENCE
            .iter()
            .filter(|row| row.given_by != SettingScope::Environment);
        let flags = flags.filter(|row| !row.name.starts_with("lambda-") && row.name != "log-event-log");
        assert_eq!(flags.count(), 74);
    }
}
