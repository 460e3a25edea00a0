//! Settings by topic, for people who look for one.

/// Topics with their settings, in the order of the help. Every setting has one topic.
pub(crate) const TOPICS: &[(&str, &[&str])] = &[
    (
        "Connection",
        &[
            "ninja-one-base-url",
            "ninja-one-client-id",
            "ninja-one-client-secret",
            "ninja-one-scope",
            "ninja-one-token-path",
            "config-path",
            "ca-file",
            "http-timeout-seconds",
            "ninja-one-requests-per-second",
            "ninja-one-retry-seconds",
        ],
    ),
    (
        "What is synced",
        &[
            "sync-resource-types",
            "sync-resources",
            "ninja-one-include-devices",
            "skip-entitlements-and-grants",
            "skip-grants",
        ],
    ),
    (
        "Where it goes",
        &[
            "sink",
            "file",
            "storage-engine",
            "keep-sync-count",
            "skip-cleanup",
            "dataset-history",
            "replace-existing",
        ],
    ),
    ("What a sync may lose", &["max-drop-percent", "accept-drop"]),
    ("Output", &["output", "no-progress"]),
    (
        "Changes",
        &[
            "provisioning",
            "dry-run",
            "audit-log",
            "requested-by",
            "allow-admin-delete",
        ],
    ),
    (
        "Changes by flags, as ConductorOne makes them",
        &[
            "grant-entitlement",
            "grant-principal",
            "grant-principal-type",
            "revoke-grant",
            "create-account-login",
            "create-account-email",
            "create-account-profile",
            "create-account-resource-type",
            "delete-resource",
            "delete-resource-type",
            "invoke-action",
            "invoke-action-args",
            "invoke-action-resource-type",
            "list-action-schemas",
            "list-action-schemas-resource-type",
        ],
    ),
    (
        "Service",
        &[
            "client-id",
            "client-secret",
            "c1-api-host",
            "host-id",
            "task-concurrency",
            "shutdown-grace-seconds",
            "skip-full-sync",
            "state-dir",
            "health-check",
            "health-check-bind-address",
            "health-check-port",
        ],
    ),
    (
        "Logs and traces",
        &[
            "log-level",
            "log-format",
            "log-path",
            "otel-collector-endpoint",
            "otel-collector-endpoint-tls-cert",
            "otel-collector-endpoint-tls-cert-path",
            "otel-collector-endpoint-tls-insecure",
            "otel-logging-disabled",
            "otel-tracing-disabled",
        ],
    ),
    (
        "Time, memory and temporary files",
        &[
            "sync-timeout-minutes",
            "max-memory-mib",
            "decoder-max-decoded-size-mb",
            "decoder-max-memory-mb",
            "c1z-temp-dir",
            "tmpdir",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SETTINGS;

    #[test]
    fn every_setting_has_one_topic() {
        let mut listed: Vec<&str> = TOPICS.iter().flat_map(|(_, names)| *names).copied().collect();
        listed.sort_unstable();
        let all: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(listed, all);
    }
}
