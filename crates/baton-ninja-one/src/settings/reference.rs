//! The support of every flag, variable and config key of the reference (baton-sdk v0.25.0, docs/reference/conductorone.md
//! §1.4), equal in all three forms. Supported flags are [`SETTINGS`](super::SETTINGS). The others are listed here, so that
//! no part of a command line, environment or config file of the reference is silently ignored.

use super::keys;
use super::setting::{Setting, SettingScope, ValueType};

/// The support of a flag of the reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SettingStatus {
    /// It is a setting of this program.
    Works,
    /// It is accepted without effect, with a warning.
    NoEffect(&'static str),
    /// It requests an unsupported operation.
    Refused {
        /// Why.
        reason: &'static str,
        /// The alternative.
        instead: &'static str,
    },
}

/// A flag or a variable of the reference.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reference {
    /// The flag without dashes. A `*` at the end stands for any rest.
    pub(crate) name: &'static str,
    /// The type of values.
    pub(crate) value_type: ValueType,
    /// Where the reference accepts it.
    pub(crate) scope: SettingScope,
    /// Its support.
    pub(crate) fate: SettingStatus,
}

const fn works(setting: &Setting) -> Reference {
    Reference {
        name: setting.name,
        value_type: setting.value_type,
        scope: SettingScope::All,
        fate: SettingStatus::Works,
    }
}

const fn variable_works(setting: &Setting) -> Reference {
    Reference {
        scope: SettingScope::Environment,
        ..works(setting)
    }
}

const fn no_effect(name: &'static str, value_type: ValueType, reason: &'static str) -> Reference {
    Reference {
        name,
        value_type,
        scope: SettingScope::All,
        fate: SettingStatus::NoEffect(reason),
    }
}

const fn variable_without_effect(name: &'static str, reason: &'static str) -> Reference {
    Reference {
        scope: SettingScope::Environment,
        ..no_effect(name, ValueType::Text, reason)
    }
}

const fn refused(
    name: &'static str,
    value_type: ValueType,
    (reason, instead): (&'static str, &'static str),
) -> Reference {
    Reference {
        name,
        value_type,
        scope: SettingScope::All,
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
    "run this program as a process or a container; docs/guides/deploy.md shows how",
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
pub(crate) static REFERENCE: &[Reference] = &[
    refused("create-ticket", ValueType::Switch, TICKETS),
    refused("bulk-create-ticket", ValueType::Switch, TICKETS),
    refused("bulk-ticket-template-path", ValueType::Text, TICKETS),
    refused("get-ticket", ValueType::Switch, TICKETS),
    refused("list-ticket-schemas", ValueType::Switch, TICKETS),
    works(&keys::PROVISIONING.setting),
    no_effect("ticketing", ValueType::Switch, "this connector has no tickets"),
    works(&keys::C1Z_TEMP_DIR.setting),
    works(&keys::CLIENT_ID.setting),
    works(&keys::CLIENT_SECRET.setting),
    works(&keys::CREATE_ACCOUNT_EMAIL.setting),
    works(&keys::CREATE_ACCOUNT_LOGIN.setting),
    works(&keys::CREATE_ACCOUNT_PROFILE.setting),
    works(&keys::CREATE_ACCOUNT_RESOURCE_TYPE.setting),
    works(&keys::DELETE_RESOURCE.setting),
    works(&keys::DELETE_RESOURCE_TYPE.setting),
    // The reference parses this text as a flag.
    refused("event-feed", ValueType::Text, EVENTS),
    refused("event-feed-id", ValueType::Text, EVENTS),
    refused("event-feed-start-at", ValueType::Text, EVENTS),
    refused("event-feed-cursor", ValueType::Text, EVENTS),
    works(&keys::FILE.setting),
    works(&keys::GRANT_ENTITLEMENT.setting),
    works(&keys::GRANT_PRINCIPAL.setting),
    works(&keys::GRANT_PRINCIPAL_TYPE.setting),
    works(&keys::LOG_FORMAT.setting),
    works(&keys::LOG_PATH.setting),
    works(&keys::REVOKE_GRANT.setting),
    refused("rotate-credentials", ValueType::Text, ROTATION),
    refused("rotate-credentials-type", ValueType::Text, ROTATION),
    refused("ticket-id", ValueType::Text, TICKETS),
    refused("ticket-template-path", ValueType::Text, TICKETS),
    works(&keys::LOG_LEVEL.setting),
    no_effect(
        "log-level-debug-expires-at",
        ValueType::Text,
        "the log level stays as --log-level sets it",
    ),
    works(&keys::SKIP_FULL_SYNC.setting),
    works(&keys::SYNC_RESOURCES.setting),
    works(&keys::SYNC_RESOURCE_TYPES.setting),
    works(&keys::SKIP_ENTITLEMENTS_AND_GRANTS.setting),
    works(&keys::SKIP_GRANTS.setting),
    no_effect("external-resource-c1z", ValueType::Text, NO_PRINCIPALS_OF_OTHERS),
    no_effect(
        "external-resource-entitlement-id-filter",
        ValueType::Text,
        NO_PRINCIPALS_OF_OTHERS,
    ),
    no_effect(
        "external-resource-traits",
        ValueType::List,
        NO_PRINCIPALS_OF_OTHERS,
    ),
    no_effect(
        "keep-previous-sync-c1z",
        ValueType::Switch,
        "every sync reads the whole tenant, because NinjaOne sends no ETags",
    ),
    refused("diff-syncs", ValueType::Switch, DIFF),
    refused("base-sync-id", ValueType::Text, DIFF),
    refused("applied-sync-id", ValueType::Text, DIFF),
    refused("compact-sync-ids", ValueType::List, COMPACTION),
    refused("compact-file-paths", ValueType::List, COMPACTION),
    refused("compact-output-path", ValueType::Text, COMPACTION),
    refused("compact-syncs", ValueType::Switch, COMPACTION),
    works(&keys::INVOKE_ACTION.setting),
    works(&keys::INVOKE_ACTION_ARGS.setting),
    works(&keys::INVOKE_ACTION_RESOURCE_TYPE.setting),
    works(&keys::LIST_ACTION_SCHEMAS.setting),
    works(&keys::LIST_ACTION_SCHEMAS_RESOURCE_TYPE.setting),
    refused("list-resource-actions", ValueType::Text, RESOURCE_ACTIONS),
    refused("invoke-resource-action", ValueType::Text, RESOURCE_ACTIONS),
    refused(
        "invoke-resource-action-resource-type",
        ValueType::Text,
        RESOURCE_ACTIONS,
    ),
    refused("invoke-resource-action-args", ValueType::Text, RESOURCE_ACTIONS),
    no_effect("session-store-maximum-size", ValueType::Number, NO_SESSIONS),
    no_effect("workers", ValueType::Number, STREAMED),
    no_effect("parallel-sync", ValueType::Switch, STREAMED),
    works(&keys::OTEL_COLLECTOR_ENDPOINT.setting),
    works(&keys::OTEL_COLLECTOR_ENDPOINT_TLS_CERT_PATH.setting),
    works(&keys::OTEL_COLLECTOR_ENDPOINT_TLS_CERT.setting),
    works(&keys::OTEL_COLLECTOR_ENDPOINT_TLS_INSECURE.setting),
    works(&keys::OTEL_TRACING_DISABLED.setting),
    works(&keys::OTEL_LOGGING_DISABLED.setting),
    no_effect(
        "auth-method",
        ValueType::Text,
        "this connector signs in in one way only, with client id and secret",
    ),
    works(&keys::HEALTH_CHECK.setting),
    works(&keys::HEALTH_CHECK_PORT.setting),
    works(&keys::HEALTH_CHECK_BIND_ADDRESS.setting),
    works(&keys::HTTP_TIMEOUT_SECONDS.setting),
    works(&keys::STORAGE_ENGINE.setting),
    works(&keys::TASK_CONCURRENCY.setting),
    refused("log-event-log", ValueType::Switch, EVENT_LOG),
    refused("lambda-client-id", ValueType::Text, LAMBDA),
    refused("lambda-client-secret", ValueType::Text, LAMBDA),
    refused("lambda-auth-jwt-signer", ValueType::Text, LAMBDA),
    refused("lambda-auth-jwt-jwks-url", ValueType::Text, LAMBDA),
    refused("lambda-auth-jwt-expected-issuer", ValueType::Text, LAMBDA),
    refused("lambda-auth-jwt-expected-subject", ValueType::Text, LAMBDA),
    refused("lambda-auth-jwt-expected-audience", ValueType::Text, LAMBDA),
    variable_works(&keys::CONFIG_PATH.setting),
    variable_works(&keys::TMPDIR.setting),
    variable_works(&keys::HOST_ID.setting),
    variable_works(&keys::C1_API_HOST.setting),
    variable_works(&keys::KEEP_SYNC_COUNT.setting),
    variable_works(&keys::SKIP_CLEANUP.setting),
    variable_works(&keys::DECODER_MAX_DECODED_SIZE_MB.setting),
    variable_works(&keys::DECODER_MAX_MEMORY_MB.setting),
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
    /// The rows that are not settings of this program.
    pub(crate) fn others() -> impl Iterator<Item = &'static Self> {
        REFERENCE.iter().filter(|row| row.fate != SettingStatus::Works)
    }

    /// Whether the row matches a name in lower case with dashes.
    pub(crate) fn is_named(&self, name: &str) -> bool {
        match self.name.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => self.name == name,
        }
    }

    /// Whether a value has no effect: a switch that is off, or the reference's default number.
    pub(crate) fn is_default(&self, value: &str) -> bool {
        match self.value_type {
            ValueType::Switch => is_off(value),
            ValueType::Number => value == "0",
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
    fn supported_flags_are_settings_and_others_are_not() {
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
                let variable_only = setting.scope == SettingScope::Environment || row.name == "config-path";
                assert_eq!(
                    row.scope == SettingScope::Environment,
                    variable_only,
                    "{}",
                    row.name
                );
            }
        }
    }

    #[test]
    fn every_flag_of_the_reference_is_listed() {
        let flags = REFERENCE
            .iter()
            .filter(|row| row.scope != SettingScope::Environment);
        let flags = flags.filter(|row| !row.name.starts_with("lambda-") && row.name != "log-event-log");
        assert_eq!(flags.count(), 74);
    }
}
