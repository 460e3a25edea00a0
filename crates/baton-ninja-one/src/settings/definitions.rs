//! Every setting, once: keys, flags, environment variables, config keys, help and documents are made of this table. Names and
//! defaults that the reference has too are its own (docs/reference/conductorone.md §1.4). Every setting here works; what
//! becomes of the reference's others is in `reference.rs`.

use super::setting::{choice, integer, json, lenient_choice, list, path, settings, switch, text};

settings! {
    ACCEPT_DROP: List = list("accept-drop", "",
        "Resource types allowed to shrink by more than --max-drop-percent in this run, `all` for every type; in a variable, or to accept one loss only, TYPE@SYNC with the id of the sync before").not_in_config_file();
    ALLOW_ADMIN_DELETE: Switch = switch("allow-admin-delete",
        "Delete an account although it is a System Administrator, even the last one");
    AUDIT_LOG: Path = path("audit-log", "",
        "File that every attempted change is appended to, as JSON lines; changes that cannot be written there are not made");
    C1_API_HOST: Text = text("c1-api-host", "",
        "Another host of ConductorOne for sign-in and calls than the client id names").environment_only();
    C1Z_TEMP_DIR: Path = path("c1z-temp-dir", "",
        "Folder for temporary files; it must exist. Falls back to BATON_TMPDIR, then to the system's");
    CA_FILE: Path = path("ca-file", "",
        "PEM file with certificate authorities to trust besides the usual ones, e.g. of a proxy that inspects TLS; for every connection");
    CLIENT_ID: Text = text("client-id", "",
        "Client id that ConductorOne gave out for this connector; with it the program serves ConductorOne until stopped").credential();
    CLIENT_SECRET: Text = text("client-secret", "",
        "Client secret that ConductorOne gave out for this connector").secret();
    CONFIG_PATH: Path = path("config-path", "",
        "Config file, YAML or TOML by its extension; without it ./.baton.yaml, .yml or .toml is read if it is there, and refused if others may write to it").not_in_config_file();
    CREATE_ACCOUNT_EMAIL: Text = text("create-account-email", "",
        "E-mail of the account to create, where the profile has none");
    CREATE_ACCOUNT_LOGIN: Text = text("create-account-login", "",
        "Create an account with this login, which NinjaOne takes for the e-mail");
    CREATE_ACCOUNT_PROFILE: Json = json("create-account-profile",
        "Create an account with these attributes, a JSON object; `create-account --schema` lists them");
    CREATE_ACCOUNT_RESOURCE_TYPE: Text = text("create-account-resource-type", "",
        "Resource type of the account to create; user is the only one");
    DATASET_HISTORY: Switch = switch("dataset-history",
        "Keep the history of a dataset: what changed from sync to sync, and who held what from when to when").on_by_default();
    DECODER_MAX_DECODED_SIZE_MB: Integer = integer("decoder-max-decoded-size-mb", 1, 1 << 20, "10240",
        "Largest unpacked size, in MiB, of an existing c1z file that is continued or exported").environment_only().zero_is_default();
    DECODER_MAX_MEMORY_MB: Integer = integer("decoder-max-memory-mb", 1, 1 << 20, "128",
        "Most memory at once, in MiB, for an existing c1z file that is read: its zstd window, and each of its rows").environment_only().zero_is_default();
    DELETE_RESOURCE: Text = text("delete-resource", "",
        "Delete the resource with this id; accounts can be deleted");
    DELETE_RESOURCE_TYPE: Text = text("delete-resource-type", "",
        "Resource type of the resource to delete; user is the only one");
    DRY_RUN: Switch = switch("dry-run",
        "Show the plan of a change and the requests it would send, and send none of them");
    FILE: Path = path("file", "sync.c1z",
        "The c1z file to write, on this machine or in a bucket (s3://BUCKET/sync.c1z, gs://, az://); syncs that it holds are kept up to BATON_KEEP_SYNC_COUNT").short('f');
    GRANT_ENTITLEMENT: Text = text("grant-entitlement", "",
        "Grant this entitlement, e.g. role:7:assigned");
    GRANT_PRINCIPAL: Text = text("grant-principal", "",
        "Id of the principal to grant to, e.g. 901");
    GRANT_PRINCIPAL_TYPE: Text = text("grant-principal-type", "",
        "Resource type of the principal to grant to; user is the only one");
    HEALTH_CHECK: Switch = switch("health-check",
        "Answer /health, /ready, /live and /metrics over HTTP in service mode");
    HEALTH_CHECK_BIND_ADDRESS: Text = text("health-check-bind-address", "127.0.0.1",
        "Address of this machine that health checks are answered at; 0.0.0.0 for all of them");
    HEALTH_CHECK_PORT: Integer = integer("health-check-port", 1, 65535, "8081",
        "Port that health checks are answered at");
    HOST_ID: Text = text("host-id", "",
        "Which of several processes with one client id this is, 1 to 256 characters; the host name without it").environment_only();
    HTTP_TIMEOUT_SECONDS: Integer = integer("http-timeout-seconds", 1, 1800, "300",
        "Longest silence on a connection to NinjaOne before it is given up, in seconds");
    INVOKE_ACTION: Text = text("invoke-action", "",
        "Invoke this action; --list-action-schemas lists them");
    INVOKE_ACTION_ARGS: Json = json("invoke-action-args",
        "Arguments of the action, a JSON object");
    INVOKE_ACTION_RESOURCE_TYPE: Text = text("invoke-action-resource-type", "",
        "With --invoke-action: invoke an action of this resource type; no type of this connector has any");
    KEEP_SYNC_COUNT: Integer = integer("keep-sync-count", 1, 1000, "2",
        "Full syncs that a c1z file keeps, the new one included").environment_only().zero_is_default();
    LIST_ACTION_SCHEMAS: Switch = switch("list-action-schemas",
        "Print the actions with their arguments, as JSON");
    LIST_ACTION_SCHEMAS_RESOURCE_TYPE: Text = text("list-action-schemas-resource-type", "",
        "With --list-action-schemas: print the actions of this resource type only; no type of this connector has any");
    LOG_FORMAT: Choice = lenient_choice("log-format", &["json", "console"], "json", "",
        "Format of log lines: by default console if standard output is a terminal, else json; an unknown word means json");
    LOG_LEVEL: Choice = lenient_choice("log-level", &["debug", "info", "warn", "error", "dpanic", "panic", "fatal"], "info", "info",
        "Minimum log level; case does not matter, and an unknown word means info");
    LOG_PATH: List = list("log-path", "stderr",
        "Where log lines go: files, stdout, stderr; a new file is readable by its owner only");
    MAX_DROP_PERCENT: Integer = integer("max-drop-percent", 0, 100, "50",
        "Share of the resources or grants of a type, in percent, that a sync may lack against the previous one and still be published; a type that became empty never is");
    MAX_MEMORY_MIB: Integer = integer("max-memory-mib", 64, 1 << 20, "448",
        "Most memory that the program may take, in MiB; a run that needs more ends with exit code 8 and names what it read last");
    NINJA_ONE_BASE_URL: Text = text("ninja-one-base-url", "",
        "Address of the NinjaOne instance, e.g. https://eu.ninjarmm.com").required().credential();
    NINJA_ONE_CLIENT_ID: Text = text("ninja-one-client-id", "",
        "Client id of the API client app in NinjaOne").required().credential();
    NINJA_ONE_CLIENT_SECRET: Text = text("ninja-one-client-secret", "",
        "Client secret of the API client app in NinjaOne").required().secret();
    NINJA_ONE_INCLUDE_DEVICES: Switch = switch("ninja-one-include-devices",
        "Sync devices too, and which end users may access or are assigned them");
    NINJA_ONE_REQUESTS_PER_SECOND: Integer = integer("ninja-one-requests-per-second", 0, 1000, "20",
        "Most requests to NinjaOne per second, on average; 0 for no limit");
    NINJA_ONE_RETRY_SECONDS: Integer = integer("ninja-one-retry-seconds", 0, 3600, "300",
        "Longest time that one request may spend waiting between its tries, in seconds; 0 tries once");
    NINJA_ONE_SCOPE: Text = text("ninja-one-scope", "",
        "OAuth scopes to request, separated by spaces or commas; a sync needs `monitoring management`. Without it NinjaOne grants all scopes of the app").credential();
    NINJA_ONE_TOKEN_PATH: Text = text("ninja-one-token-path", ninjaone::DEFAULT_TOKEN_PATH,
        "Path of the OAuth token endpoint");
    NO_PROGRESS: Switch = switch("no-progress",
        "Show no progress on a terminal");
    OTEL_COLLECTOR_ENDPOINT: Text = text("otel-collector-endpoint", "",
        "OpenTelemetry collector that traces and logs are sent to over OTLP/gRPC, e.g. collector:4317");
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
        "Form of the result on standard output: for people (text, table or console, which are the same) or for programs; csv for lists only");
    PROVISIONING: Switch = switch("provisioning",
        "Allow changes to the tenant; without it no request that changes anything leaves the program, unless one of the flags that ask for a change is given").short('p');
    REPLACE_EXISTING: Switch = switch("replace-existing",
        "Replace what a location holds although it would be refused (damaged, of another tenant, connector, format or version, or of a later time), once the sync is complete; a dataset keeps the files and starts a new chain of syncs");
    REQUESTED_BY: Text = text("requested-by", "",
        "Who asks for a change, for the audit log; the login name without it");
    REVOKE_GRANT: Text = text("revoke-grant", "",
        "Revoke this grant, e.g. role:7:assigned:user:901");
    SHUTDOWN_GRACE_SECONDS: Integer = integer("shutdown-grace-seconds", 0, 3600, "20",
        "How long running tasks of ConductorOne are waited for when the service is stopped, before they are broken off");
    SINK: List = list("sink", "",
        "Where the sync goes, as KIND=TARGET; several in one pass: c1z=FILE, html=FILE, parquet=PLACE, csv=PLACE, with a folder, s3://, gs:// or az:// for PLACE; a c1z FILE may be such a URL too. Without it the c1z at --file");
    SKIP_CLEANUP: Switch = switch("skip-cleanup",
        "Keep every sync that a c1z file holds").environment_only();
    SKIP_ENTITLEMENTS_AND_GRANTS: Switch = switch("skip-entitlements-and-grants",
        "Sync resources only");
    SKIP_FULL_SYNC: Switch = switch("skip-full-sync",
        "In service mode, answer full syncs with an empty one: for connectors that only change things");
    SKIP_GRANTS: Switch = switch("skip-grants",
        "With --sync-resources: sync resources and entitlements, without who holds them");
    STATE_DIR: Path = path("state-dir", "",
        "Folder in which service mode keeps the ids of the last full sync that it delivered, so that the guard against losses knows them after a restart; replicas of one connector share it");
    STORAGE_ENGINE: Choice = choice("storage-engine", &["sqlite", "pebble"], "",
        "Storage engine of a new c1z file: sqlite (v1), which every reader takes, if nothing is said; an existing v3 stays one");
    SYNC_RESOURCE_TYPES: List = list("sync-resource-types", "",
        "Sync these resource types only, e.g. user,role");
    SYNC_RESOURCES: List = list("sync-resources", "",
        "Sync these resources only, and who holds access to them, e.g. bid:r:role/7");
    SYNC_TIMEOUT_MINUTES: Integer = integer("sync-timeout-minutes", 0, 10_080, "360",
        "Longest time for a sync of the tenant until its outputs are complete, in minutes; 0 for no limit");
    TASK_CONCURRENCY: Integer = integer("task-concurrency", 1, 100, "3",
        "Tasks of ConductorOne that are worked on at the same time");
    TMPDIR: Path = path("tmpdir", "",
        "Folder for temporary files where --c1z-temp-dir is not given").environment_only();
}

/// What the names of commands and flags begin with that change the tenant, or allow it.
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

/// Whether a command or a flag changes the tenant or allows it. No typing error leads to one of these.
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
