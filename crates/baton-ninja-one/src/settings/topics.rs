//! Settings by topic, for help and documents.

use super::keys;
use super::setting::Setting;

/// Topics with their settings, in the order of the help. Every setting has one topic.
pub(crate) static TOPICS: &[(&str, &[&Setting])] = &[
    (
        "Connection",
        &[
            &keys::NINJA_ONE_BASE_URL.setting,
            &keys::NINJA_ONE_CLIENT_ID.setting,
            &keys::NINJA_ONE_CLIENT_SECRET.setting,
            &keys::NINJA_ONE_SCOPE.setting,
            &keys::NINJA_ONE_TOKEN_PATH.setting,
            &keys::CONFIG_PATH.setting,
            &keys::CA_FILE.setting,
            &keys::HTTP_TIMEOUT_SECONDS.setting,
            &keys::NINJA_ONE_REQUESTS_PER_SECOND.setting,
            &keys::NINJA_ONE_RETRY_SECONDS.setting,
        ],
    ),
    (
        "What is synced",
        &[
            &keys::SYNC_RESOURCE_TYPES.setting,
            &keys::SYNC_RESOURCES.setting,
            &keys::NINJA_ONE_INCLUDE_DEVICES.setting,
            &keys::SKIP_ENTITLEMENTS_AND_GRANTS.setting,
            &keys::SKIP_GRANTS.setting,
        ],
    ),
    (
        "Where it goes",
        &[
            &keys::SINK.setting,
            &keys::FILE.setting,
            &keys::STORAGE_ENGINE.setting,
            &keys::KEEP_SYNC_COUNT.setting,
            &keys::SKIP_CLEANUP.setting,
            &keys::DATASET_HISTORY.setting,
            &keys::REPLACE_EXISTING.setting,
        ],
    ),
    (
        "What a sync may lose",
        &[&keys::MAX_DROP_PERCENT.setting, &keys::ACCEPT_DROP.setting],
    ),
    ("Output", &[&keys::OUTPUT.setting, &keys::NO_PROGRESS.setting]),
    (
        "Changes",
        &[
            &keys::PROVISIONING.setting,
            &keys::DRY_RUN.setting,
            &keys::AUDIT_LOG.setting,
            &keys::REQUESTED_BY.setting,
            &keys::ALLOW_ADMIN_DELETE.setting,
        ],
    ),
    (
        "Changes by flags, as ConductorOne makes them",
        &[
            &keys::GRANT_ENTITLEMENT.setting,
            &keys::GRANT_PRINCIPAL.setting,
            &keys::GRANT_PRINCIPAL_TYPE.setting,
            &keys::REVOKE_GRANT.setting,
            &keys::CREATE_ACCOUNT_LOGIN.setting,
            &keys::CREATE_ACCOUNT_EMAIL.setting,
            &keys::CREATE_ACCOUNT_PROFILE.setting,
            &keys::CREATE_ACCOUNT_RESOURCE_TYPE.setting,
            &keys::DELETE_RESOURCE.setting,
            &keys::DELETE_RESOURCE_TYPE.setting,
            &keys::INVOKE_ACTION.setting,
            &keys::INVOKE_ACTION_ARGS.setting,
            &keys::INVOKE_ACTION_RESOURCE_TYPE.setting,
            &keys::LIST_ACTION_SCHEMAS.setting,
            &keys::LIST_ACTION_SCHEMAS_RESOURCE_TYPE.setting,
        ],
    ),
    (
        "Service",
        &[
            &keys::CLIENT_ID.setting,
            &keys::CLIENT_SECRET.setting,
            &keys::C1_API_HOST.setting,
            &keys::HOST_ID.setting,
            &keys::TASK_CONCURRENCY.setting,
            &keys::SHUTDOWN_GRACE_SECONDS.setting,
            &keys::SKIP_FULL_SYNC.setting,
            &keys::STATE_DIR.setting,
            &keys::HEALTH_CHECK.setting,
            &keys::HEALTH_CHECK_BIND_ADDRESS.setting,
            &keys::HEALTH_CHECK_PORT.setting,
        ],
    ),
    (
        "Logs and traces",
        &[
            &keys::LOG_LEVEL.setting,
            &keys::LOG_FORMAT.setting,
            &keys::LOG_PATH.setting,
            &keys::OTEL_COLLECTOR_ENDPOINT.setting,
            &keys::OTEL_COLLECTOR_ENDPOINT_TLS_CERT.setting,
            &keys::OTEL_COLLECTOR_ENDPOINT_TLS_CERT_PATH.setting,
            &keys::OTEL_COLLECTOR_ENDPOINT_TLS_INSECURE.setting,
            &keys::OTEL_LOGGING_DISABLED.setting,
            &keys::OTEL_TRACING_DISABLED.setting,
        ],
    ),
    (
        "Time, memory and temporary files",
        &[
            &keys::SYNC_TIMEOUT_MINUTES.setting,
            &keys::MAX_MEMORY_MIB.setting,
            &keys::DECODER_MAX_DECODED_SIZE_MB.setting,
            &keys::DECODER_MAX_MEMORY_MB.setting,
            &keys::C1Z_TEMP_DIR.setting,
            &keys::TMPDIR.setting,
        ],
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SETTINGS;

    #[test]
    fn every_setting_has_one_topic() {
        let mut listed: Vec<&str> = TOPICS
            .iter()
            .flat_map(|(_, settings)| *settings)
            .map(|setting| setting.name)
            .collect();
        listed.sort_unstable();
        let all: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        assert_eq!(listed, all);
    }
}
