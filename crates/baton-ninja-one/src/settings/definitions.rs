//! The definitions of all settings. Keys, flags, environment variables, config keys, help and documents are generated from
//! this table. Settings of the reference keep its names and defaults (docs/reference/conductorone.md §1.4). The reference's
//! other settings are in `reference.rs`.

use super::setting::{choice, integer, json, lenient_choice, list, path, settings, switch, text};

settings! {
    ACCEPT_DROP: List = list("accept-drop", "",
        "Resource types allowed to shrink by more than --max-drop-percent in this run, `all` for every type; in a variable, or to accept one loss only, TYPE@SYNC with the id of the sync before").not_in_config_file();
    ALLOW_ADMIN_DELETE: Switch = switch("allow-admin-delete",
        "Delete an account although it is a System Administrator, even the last one");
    AUDIT_LOG: Path = path("audit-log", "",
        "File to which every attempted change is appended, as JSON lines; a change that cannot be recorded is not made");
    C1_API_HOST: Text = text("c1-api-host", "",
        "Host of ConductorOne for sign-in and calls, instead of the one in the client id").environment_only();
    C1Z_TEMP_DIR: Path = path("c1z-temp-dir", "",
        "Folder for temporary files; it must exist. Falls back to BATON_TMPDIR, then to the system's");
    CA_FILE: Path = path("ca-file", "",
        "PEM file with additional certificate authorities to trust for all connections, e.g. of a proxy that inspects TLS");
    CLIENT_ID: Text = text("client-id", "",
        "Client id of this connector in ConductorOne; starts service mode").credential();
    CLIENT_SECRET: Text = text("client-secret", "",
        "Client secret of this connector in ConductorOne").secret();
    CONFIG_PATH: Path = path("config-path", "",
        "Config file, .yaml, .yml or .toml. Default: ./.baton.yaml, .yml or .toml if it exists; refused if others can write to it").not_in_config_file();
    CREATE_ACCOUNT_EMAIL: Text = text("create-account-email", "",
        "E-mail of the account to create, if the profile has none");
    CREATE_ACCOUNT_LOGIN: Text = text("create-account-login", "",
        "Create an account with this login (in NinjaOne: the e-mail address)");
    CREATE_ACCOUNT_PROFILE: Json = json("create-account-profile",
        "Create an account with these attributes, a JSON object; `create-account --schema` lists them");
    CREATE_ACCOUNT_RESOURCE_TYPE: Text = text("create-account-resource-type", "",
        "Resource type of the account to create; user is the only one");
    DATASET_HISTORY: Switch = switch("dataset-history",
        "Keep the history of a dataset: changes from sync to sync, and the validity intervals of grants").on_by_default();
    DECODER_MAX_DECODED_SIZE_MB: Integer = integer("decoder-max-decoded-size-mb", 1, 1 << 20, "10240",
        "Maximum unpacked size of a c1z file to continue or export, in MiB").environment_only().zero_is_default();
    DECODER_MAX_MEMORY_MB: Integer = integer("decoder-max-memory-mb", 1, 1 << 20, "128",
        "Maximum memory for the zstd window and for each row of a c1z file to read, in MiB").environment_only().zero_is_default();
    DELETE_RESOURCE: Text = text("delete-resource", "",
        "Delete the resource with this id; only accounts can be deleted");
    DELETE_RESOURCE_TYPE: Text = text("delete-resource-type", "",
        "Resource type of the resource to delete; user is the only one");
    DRY_RUN: Switch = switch("dry-run",
        "Show the plan of a change and its requests without sending them");
    FILE: Path = path("file", "sync.c1z",
        "The c1z file to write, on this machine or in a bucket (s3://BUCKET/sync.c1z, gs://, az://); it keeps up to BATON_KEEP_SYNC_COUNT syncs").short('f');
    GRANT_ENTITLEMENT: Text = text("grant-entitlement", "",
        "Grant this entitlement, e.g. role:7:assigned");
    GRANT_PRINCIPAL: Text = text("grant-principal", "",
        "Id of the principal to grant to, e.g. 901");
    GRANT_PRINCIPAL_TYPE: Text = text("grant-principal-type", "",
        "Resource type of the principal to grant to; user is the only one");
    HEALTH_CHECK: Switch = switch("health-check",
        "Answer /health, /ready, /live and /metrics over HTTP in service mode");
    HEALTH_CHECK_BIND_ADDRESS: Text = text("health-check-bind-address", "127.0.0.1",
        "Address to listen on for health checks; 0.0.0.0 for all interfaces");
    HEALTH_CHECK_PORT: Integer = integer("health-check-port", 1, 65535, "8081",
        "Port to listen on for health checks");
    HOST_ID: Text = text("host-id", "",
        "Name of this process among several with one client id, 1 to 256 characters. Default: the host name").environment_only();
    HTTP_TIMEOUT_SECONDS: Integer = integer("http-timeout-seconds", 1, 1800, "300",
        "Read timeout for NinjaOne requests, in seconds");
    INVOKE_ACTION: Text = text("invoke-action", "",
        "Invoke this action; --list-action-schemas lists them");
    INVOKE_ACTION_ARGS: Json = json("invoke-action-args",
        "Arguments of the action, a JSON object");
    INVOKE_ACTION_RESOURCE_TYPE: Text = text("invoke-action-resource-type", "",
        "Resource type of the action to invoke; this connector has no actions for resource types");
    KEEP_SYNC_COUNT: Integer = integer("keep-sync-count", 1, 1000, "2",
        "Number of full syncs that a c1z file keeps, including the new one").environment_only().zero_is_default();
    LIST_ACTION_SCHEMAS: Switch = switch("list-action-schemas",
        "Print the actions with their arguments, as JSON");
    LIST_ACTION_SCHEMAS_RESOURCE_TYPE: Text = text("list-action-schemas-resource-type", "",
        "Print only the actions for this resource type; this connector has none");
    LOG_FORMAT: Choice = lenient_choice("log-format", &["json", "console"], "json", "",
        "Log format. Default: console if standard output is a terminal, else json; an unknown value means json");
    LOG_LEVEL: Choice = lenient_choice("log-level", &["debug", "info", "warn", "error", "dpanic", "panic", "fatal"], "info", "info",
        "Minimum log level, in any case; an unknown value means info");
    LOG_PATH: List = list("log-path", "stderr",
        "Log destinations: files, stdout, stderr; only the owner can read a new file");
    MAX_DROP_PERCENT: Integer = integer("max-drop-percent", 0, 100, "50",
        "Maximum decrease in resources or grants per type, in percent; a larger drop, or a type that becomes empty, blocks publishing");
    MAX_MEMORY_MIB: Integer = integer("max-memory-mib", 64, 1 << 20, "448",
        "Maximum memory of the program, in MiB; a run that needs more ends with exit code 8");
    NINJA_ONE_BASE_URL: Text = text("ninja-one-base-url", "",
        "Address of the NinjaOne instance, e.g. https://eu.ninjarmm.com").required().credential();
    NINJA_ONE_CLIENT_ID: Text = text("ninja-one-client-id", "",
        "Client id of the API client app in NinjaOne").required().credential();
    NINJA_ONE_CLIENT_SECRET: Text = text("ninja-one-client-secret", "",
        "Client secret of the API client app in NinjaOne").required().secret();
    NINJA_ONE_INCLUDE_DEVICES: Switch = switch("ninja-one-include-devices",
        "Also sync devices, and the end users who can access them or are assigned to them");
    NINJA_ONE_REQUESTS_PER_SECOND: Integer = integer("ninja-one-requests-per-second", 0, 1000, "20",
        "Maximum average number of requests to NinjaOne per second; 0 for no limit");
    NINJA_ONE_RETRY_SECONDS: Integer = integer("ninja-one-retry-seconds", 0, 3600, "300",
        "Maximum total wait between the tries of one request, in seconds; 0 disables retries");
    NINJA_ONE_SCOPE: Text = text("ninja-one-scope", "",
        "OAuth scopes to request, separated by spaces or commas; a sync needs `monitoring management`. Default: all scopes of the app").credential();
    NINJA_ONE_TOKEN_PATH: Text = text("ninja-one-token-path", ninjaone::DEFAULT_TOKEN_PATH,
        "Path of the OAuth token endpoint");
    NO_PROGRESS: Switch = switch("no-progress",
        "Show no progress on a terminal");
    OTEL_COLLECTOR_ENDPOINT: Text = text("otel-collector-endpoint", "",
        "OpenTelemetry collector for traces and logs, over OTLP/gRPC, e.g. collector:4317");
    OTEL_COLLECTOR_ENDPOINT_TLS_CERT: Text = text("otel-collector-endpoint-tls-cert", "",
        "Certificate authority of the collector: its PEM text in unpadded base64url");
    OTEL_COLLECTOR_ENDPOINT_TLS_CERT_PATH: Path = path("otel-collector-endpoint-tls-cert-path", "",
        "PEM file with the certificate authority of the collector");
    OTEL_COLLECTOR_ENDPOINT_TLS_INSECURE: Switch = switch("otel-collector-endpoint-tls-insecure",
        "Send to the collector without TLS");
    OTEL_LOGGING_DISABLED: Switch = switch("otel-logging-disabled",
        "Send no logs to the collector");
    OTEL_TRACING_DISABLED: Switch = switch("otel-tracing-disabled",
        "Send no traces to the collector");
    OUTPUT: Choice = choice("output", &["text", "table", "console", "json", "csv"], "text",
        "Output format: text (also table or console), json, or csv for lists");
    PROVISIONING: Switch = switch("provisioning",
        "Allow changes to the tenant; without it only a flag that requests a change sends one").short('p');
    REPLACE_EXISTING: Switch = switch("replace-existing",
        "Overwrite existing output that is damaged, of another tenant, connector, format or version, or from a later time; a dataset keeps its files and starts a new chain of syncs");
    REQUESTED_BY: Text = text("requested-by", "",
        "Who requests a change, for the audit log. Default: the login name");
    REVOKE_GRANT: Text = text("revoke-grant", "",
        "Revoke this grant, e.g. role:7:assigned:user:901");
    SHUTDOWN_GRACE_SECONDS: Integer = integer("shutdown-grace-seconds", 0, 3600, "20",
        "How long to wait for running tasks on shutdown before cancelling them, in seconds");
    SINK: List = list("sink", "",
        "Output as KIND=TARGET, repeatable: c1z=FILE, html=FILE, parquet=LOCATION, csv=LOCATION; a location is a folder or an s3://, gs:// or az:// URL, and c1z can be such a URL too. Default: the c1z file of --file");
    SKIP_CLEANUP: Switch = switch("skip-cleanup",
        "Keep all syncs of a c1z file").environment_only();
    SKIP_ENTITLEMENTS_AND_GRANTS: Switch = switch("skip-entitlements-and-grants",
        "Sync resources only");
    SKIP_FULL_SYNC: Switch = switch("skip-full-sync",
        "In service mode, answer full syncs with an empty one: for connectors that only provision");
    SKIP_GRANTS: Switch = switch("skip-grants",
        "With --sync-resources: sync resources and entitlements without grants");
    STATE_DIR: Path = path("state-dir", "",
        "Folder for the state of service mode: the ids of the last delivered full sync, for the drop guard after a restart; replicas of one connector share it");
    STORAGE_ENGINE: Choice = choice("storage-engine", &["sqlite", "pebble"], "",
        "Storage engine for new c1z files: sqlite (v1, default) or pebble (v3); existing v3 files stay v3");
    SYNC_RESOURCE_TYPES: List = list("sync-resource-types", "",
        "Resource types to sync, e.g. user,role. Default: all");
    SYNC_RESOURCES: List = list("sync-resources", "",
        "Resources to sync, with their grants, e.g. bid:r:role/7. Default: all");
    SYNC_TIMEOUT_MINUTES: Integer = integer("sync-timeout-minutes", 0, 10_080, "360",
        "Maximum duration of a sync, in minutes; 0 for no limit");
    TASK_CONCURRENCY: Integer = integer("task-concurrency", 1, 100, "3",
        "Maximum number of ConductorOne tasks in progress at the same time");
    TMPDIR: Path = path("tmpdir", "",
        "Folder for temporary files if --c1z-temp-dir is not set").environment_only();
}

/// Prefixes of the commands and flags that change the tenant or allow changes.
const CHANGING: [&str; 9] = [
    "allow-admin-delete",
    "apply-review",
    "create-",
    "delete-",
    "grant",
    "invoke-",
    "provisioning",
    "revoke",
    "update-",
];

/// Whether a command or a flag changes the tenant or allows changes. These are never suggested for typing errors.
pub(crate) fn changes_tenant(name: &str) -> bool {
    CHANGING.iter().any(|start| name.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_in_order_and_named_once() {
        let names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(names, sorted);
    }

    #[test]
    fn every_changing_prefix_has_a_setting_or_command() {
        for start in CHANGING {
            let known = SETTINGS
                .iter()
                .any(|setting| changes_tenant(setting.name) && setting.name.starts_with(start));
            assert!(known || ["apply-review", "update-"].contains(&start), "{start}");
        }
    }
}
