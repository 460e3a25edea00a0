//! Every setting, once: flags, environment variables, config keys, help and documents are made of this table. Names and
//! defaults that the reference has too are its own (docs/reference/conductorone.md §1.4). Every setting here works; what
//! becomes of the reference's others is in `reference.rs`.

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    /// The flag without dashes, which is the key in a config file too.
    pub(crate) name: &'static str,
    /// A one-letter flag.
    pub(crate) short: Option<char>,
    /// What values look like.
    pub(crate) kind: ValueKind,
    /// The value if none is given; empty if there is none.
    pub(crate) default: &'static str,
    /// A sync cannot do without it.
    pub(crate) required: bool,
    /// Never shown anywhere.
    pub(crate) secret: bool,
    /// Where values may come from.
    pub(crate) given_by: SettingScope,
    /// What it does, for people.
    pub(crate) help: &'static str,
}

/// What values look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueKind {
    /// Any text.
    Text,
    /// A path in the file system.
    Path,
    /// On or off.
    Bool,
    /// A whole number within bounds.
    Integer {
        /// Smallest value.
        min: u64,
        /// Largest value.
        max: u64,
    },
    /// Any whole number; nothing depends on it.
    Number,
    /// Any number of texts, separated by commas where they come in one.
    List,
    /// One of a few words.
    Choice(&'static [&'static str]),
}

/// Where values may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SettingScope {
    /// Flag, environment, config file.
    All,
    /// Flag and environment: it says where the config file is.
    FlagAndEnvironment,
    /// Environment only, as in the reference.
    Environment,
}

const fn setting(name: &'static str, kind: ValueKind, default: &'static str, help: &'static str) -> Setting {
    Setting {
        name,
        short: None,
        kind,
        default,
        required: false,
        secret: false,
        given_by: SettingScope::All,
        help,
    }
}

const fn variable(name: &'static str, kind: ValueKind, default: &'static str, help: &'static str) -> Setting {
    Setting {
        given_by: SettingScope::Environment,
        ..setting(name, kind, default, help)
    }
}

/// Every setting, by name.
pub(crate) const SETTINGS: &[Setting] = &[
    Setting {
        given_by: SettingScope::FlagAndEnvironment,
        ..setting(
            "accept-drop",
            ValueKind::List,
            "",
            "Resource types allowed to shrink by more than --max-drop-percent in this run, `all` for every type; in a variable, or to accept one loss only, TYPE@SYNC with the id of the sync before",
        )
    },
    setting(
        "allow-admin-delete",
        ValueKind::Bool,
        "false",
        "Delete an account although it is a System Administrator, even the last one",
    ),
    setting(
        "audit-log",
        ValueKind::Path,
        "",
        "File that every attempted change is appended to, as JSON lines; changes that cannot be written there are not made",
    ),
    variable(
        "c1-api-host",
        ValueKind::Text,
        "",
        "Another host of ConductorOne for sign-in and calls than the client id names",
    ),
    setting(
        "c1z-temp-dir",
        ValueKind::Path,
        "",
        "Folder for temporary files; it must exist. Falls back to BATON_TMPDIR, then to the system's",
    ),
    setting(
        "ca-file",
        ValueKind::Path,
        "",
        "PEM file with certificate authorities to trust besides the usual ones, e.g. of a proxy that inspects TLS; for every connection",
    ),
    setting(
        "client-id",
        ValueKind::Text,
        "",
        "Client id that ConductorOne gave out for this connector; with it the program serves ConductorOne until stopped",
    ),
    Setting {
        secret: true,
        ..setting(
            "client-secret",
            ValueKind::Text,
            "",
            "Client secret that ConductorOne gave out for this connector",
        )
    },
    Setting {
        given_by: SettingScope::FlagAndEnvironment,
        ..setting(
            "config-path",
            ValueKind::Path,
            "",
            "Config file, YAML or TOML by its extension; without it ./.baton.yaml, .yml or .toml is read if it is there, and refused if others may write to it",
        )
    },
    setting(
        "create-account-email",
        ValueKind::Text,
        "",
        "E-mail of the account to create, where the profile has none",
    ),
    setting(
        "create-account-login",
        ValueKind::Text,
        "",
        "Create an account with this login, which NinjaOne takes for the e-mail",
    ),
    setting(
        "create-account-profile",
        ValueKind::Text,
        "",
        "Create an account with these attributes, a JSON object; `create-account --schema` lists them",
    ),
    setting(
        "create-account-resource-type",
        ValueKind::Text,
        "",
        "Resource type of the account to create; user is the only one",
    ),
    setting(
        "dataset-history",
        ValueKind::Bool,
        "true",
        "Keep the history of a dataset: what changed from sync to sync, and who held what from when to when",
    ),
    variable(
        "decoder-max-decoded-size-mb",
        ValueKind::Integer { min: 1, max: 1 << 20 },
        "10240",
        "Largest unpacked size, in MiB, of an existing c1z file that is continued or exported",
    ),
    variable(
        "decoder-max-memory-mb",
        ValueKind::Integer { min: 1, max: 1 << 20 },
        "128",
        "Most memory at once, in MiB, for an existing c1z file that is read: its zstd window, and each of its rows",
    ),
    setting(
        "delete-resource",
        ValueKind::Text,
        "",
        "Delete the resource with this id; accounts can be deleted",
    ),
    setting(
        "delete-resource-type",
        ValueKind::Text,
        "",
        "Resource type of the resource to delete; user is the only one",
    ),
    setting(
        "dry-run",
        ValueKind::Bool,
        "false",
        "Show the plan of a change and the requests it would send, and send none of them",
    ),
    Setting {
        short: Some('f'),
        ..setting(
            "file",
            ValueKind::Path,
            "sync.c1z",
            "The c1z file to write, on this machine or in a bucket (s3://BUCKET/sync.c1z, gs://, az://); syncs that it holds are kept up to BATON_KEEP_SYNC_COUNT",
        )
    },
    setting(
        "grant-entitlement",
        ValueKind::Text,
        "",
        "Grant this entitlement, e.g. role:7:assigned",
    ),
    setting(
        "grant-principal",
        ValueKind::Text,
        "",
        "Id of the principal to grant to, e.g. 901",
    ),
    setting(
        "grant-principal-type",
        ValueKind::Text,
        "",
        "Resource type of the principal to grant to; user is the only one",
    ),
    setting(
        "health-check",
        ValueKind::Bool,
        "false",
        "Answer /health, /ready, /live and /metrics over HTTP in service mode",
    ),
    setting(
        "health-check-bind-address",
        ValueKind::Text,
        "127.0.0.1",
        "Address of this machine that health checks are answered at; 0.0.0.0 for all of them",
    ),
    setting(
        "health-check-port",
        ValueKind::Integer { min: 1, max: 65535 },
        "8081",
        "Port that health checks are answered at",
    ),
    variable(
        "host-id",
        ValueKind::Text,
        "",
        "Which of several processes with one client id this is, 1 to 256 characters; the host name without it",
    ),
    setting(
        "http-timeout-seconds",
        ValueKind::Integer { min: 1, max: 1800 },
        "300",
        "Longest silence on a connection to NinjaOne before it is given up, in seconds",
    ),
    setting(
        "invoke-action",
        ValueKind::Text,
        "",
        "Invoke this action; --list-action-schemas lists them",
    ),
    setting(
        "invoke-action-args",
        ValueKind::Text,
        "",
        "Arguments of the action, a JSON object",
    ),
    setting(
        "invoke-action-resource-type",
        ValueKind::Text,
        "",
        "With --invoke-action: invoke an action of this resource type; no type of this connector has any",
    ),
    variable(
        "keep-sync-count",
        ValueKind::Integer { min: 1, max: 1000 },
        "2",
        "Full syncs that a c1z file keeps, the new one included",
    ),
    setting(
        "list-action-schemas",
        ValueKind::Bool,
        "false",
        "Print the actions with their arguments, as JSON",
    ),
    setting(
        "list-action-schemas-resource-type",
        ValueKind::Text,
        "",
        "With --list-action-schemas: print the actions of this resource type only; no type of this connector has any",
    ),
    setting(
        "log-format",
        ValueKind::Choice(&["json", "console"]),
        "",
        "Format of log lines: by default console if standard output is a terminal, else json; an unknown word means json",
    ),
    setting(
        "log-level",
        ValueKind::Choice(&["debug", "info", "warn", "error", "dpanic", "panic", "fatal"]),
        "info",
        "Minimum log level; case does not matter, and an unknown word means info",
    ),
    setting(
        "log-path",
        ValueKind::List,
        "stderr",
        "Where log lines go: files, stdout, stderr; a new file is readable by its owner only",
    ),
    setting(
        "max-drop-percent",
        ValueKind::Integer { min: 0, max: 100 },
        "50",
        "Share of the resources or grants of a type, in percent, that a sync may lack against the previous one and still be published; a type that became empty never is",
    ),
    setting(
        "max-memory-mib",
        ValueKind::Integer {
            min: 64,
            max: 1 << 20,
        },
        "448",
        "Most memory that the program may take, in MiB; a run that needs more ends with exit code 8 and names what it read last",
    ),
    Setting {
        required: true,
        ..setting(
            "ninja-one-base-url",
            ValueKind::Text,
            "",
            "Address of the NinjaOne instance, e.g. https://eu.ninjarmm.com",
        )
    },
    Setting {
        required: true,
        ..setting(
            "ninja-one-client-id",
            ValueKind::Text,
            "",
            "Client id of the API client app in NinjaOne",
        )
    },
    Setting {
        required: true,
        secret: true,
        ..setting(
            "ninja-one-client-secret",
            ValueKind::Text,
            "",
            "Client secret of the API client app in NinjaOne",
        )
    },
    setting(
        "ninja-one-include-devices",
        ValueKind::Bool,
        "false",
        "Sync devices too, and which end users may access or are assigned them",
    ),
    setting(
        "ninja-one-requests-per-second",
        ValueKind::Integer { min: 0, max: 1000 },
        "20",
        "Most requests to NinjaOne per second, on average; 0 for no limit",
    ),
    setting(
        "ninja-one-retry-seconds",
        ValueKind::Integer { min: 0, max: 3600 },
        "300",
        "Longest time that one request may spend waiting between its tries, in seconds; 0 tries once",
    ),
    setting(
        "ninja-one-scope",
        ValueKind::Text,
        "",
        "OAuth scopes to request, separated by spaces or commas; a sync needs `monitoring management`. Without it NinjaOne grants all scopes of the app",
    ),
    setting(
        "ninja-one-token-path",
        ValueKind::Text,
        ninjaone::DEFAULT_TOKEN_PATH,
        "Path of the OAuth token endpoint",
    ),
    setting(
        "no-progress",
        ValueKind::Bool,
        "false",
        "Show no progress on a terminal",
    ),
    setting(
        "otel-collector-endpoint",
        ValueKind::Text,
        "",
        "OpenTelemetry collector that traces and logs are sent to over OTLP/gRPC, e.g. collector:4317",
    ),
    setting(
        "otel-collector-endpoint-tls-cert",
        ValueKind::Text,
        "",
        "Certificate authority of the collector: its PEM text in unpadded base64url",
    ),
    setting(
        "otel-collector-endpoint-tls-cert-path",
        ValueKind::Path,
        "",
        "PEM file with the certificate authority of the collector",
    ),
    setting(
        "otel-collector-endpoint-tls-insecure",
        ValueKind::Bool,
        "false",
        "Send to the collector without TLS",
    ),
    setting(
        "otel-logging-disabled",
        ValueKind::Bool,
        "false",
        "Send no logs to the collector",
    ),
    setting(
        "otel-tracing-disabled",
        ValueKind::Bool,
        "false",
        "Send no traces to the collector",
    ),
    setting(
        "output",
        ValueKind::Choice(&["text", "table", "console", "json", "csv"]),
        "text",
        "Form of the result on standard output: for people (text, table or console, which are the same) or for programs; csv for lists only",
    ),
    Setting {
        short: Some('p'),
        ..setting(
            "provisioning",
            ValueKind::Bool,
            "false",
            "Allow changes to the tenant; without it no request that changes anything leaves the program, unless one of the flags that ask for a change is given",
        )
    },
    setting(
        "replace-existing",
        ValueKind::Bool,
        "false",
        "Replace what a location holds although it would be refused (damaged, of another tenant, connector, format or version, or of a later time), once the sync is complete; a dataset keeps the files and starts a new chain of syncs",
    ),
    setting(
        "requested-by",
        ValueKind::Text,
        "",
        "Who asks for a change, for the audit log; the login name without it",
    ),
    setting(
        "revoke-grant",
        ValueKind::Text,
        "",
        "Revoke this grant, e.g. role:7:assigned:user:901",
    ),
    setting(
        "shutdown-grace-seconds",
        ValueKind::Integer { min: 0, max: 3600 },
        "20",
        "How long running tasks of ConductorOne are waited for when the service is stopped, before they are broken off",
    ),
    setting(
        "sink",
        ValueKind::List,
        "",
        "Where the sync goes, as KIND=TARGET; several in one pass: c1z=FILE, html=FILE, parquet=PLACE, csv=PLACE, with a folder, s3://, gs:// or az:// for PLACE; a c1z FILE may be such a URL too. Without it the c1z at --file",
    ),
    variable(
        "skip-cleanup",
        ValueKind::Bool,
        "false",
        "Keep every sync that a c1z file holds",
    ),
    setting(
        "skip-entitlements-and-grants",
        ValueKind::Bool,
        "false",
        "Sync resources only",
    ),
    setting(
        "skip-full-sync",
        ValueKind::Bool,
        "false",
        "In service mode, answer full syncs with an empty one: for connectors that only change things",
    ),
    setting(
        "skip-grants",
        ValueKind::Bool,
        "false",
        "With --sync-resources: sync resources and entitlements, without who holds them",
    ),
    setting(
        "state-dir",
        ValueKind::Path,
        "",
        "Folder in which service mode keeps the ids of the last full sync that it delivered, so that the guard against losses knows them after a restart; replicas of one connector share it",
    ),
    setting(
        "storage-engine",
        ValueKind::Choice(&["sqlite", "pebble"]),
        "",
        "Storage engine of a new c1z file: sqlite (v1), which every reader takes, if nothing is said; an existing v3 stays one",
    ),
    setting(
        "sync-resource-types",
        ValueKind::List,
        "",
        "Sync these resource types only, e.g. user,role",
    ),
    setting(
        "sync-resources",
        ValueKind::List,
        "",
        "Sync these resources only, and who holds access to them, e.g. bid:r:role/7",
    ),
    setting(
        "sync-timeout-minutes",
        ValueKind::Integer { min: 0, max: 10_080 },
        "360",
        "Longest time for a sync of the tenant until its outputs are complete, in minutes; 0 for no limit",
    ),
    setting(
        "task-concurrency",
        ValueKind::Integer { min: 1, max: 100 },
        "3",
        "Tasks of ConductorOne that are worked on at the same time",
    ),
    variable(
        "tmpdir",
        ValueKind::Path,
        "",
        "Folder for temporary files where --c1z-temp-dir is not given",
    ),
];

/// Settings whose text is copied from somewhere: they may come from a file named by `<VARIABLE>_FILE`, and characters in them
/// that cannot be meant are named.
const CREDENTIALS: [&str; 6] = [
    "client-id",
    "client-secret",
    "ninja-one-base-url",
    "ninja-one-client-id",
    "ninja-one-client-secret",
    "ninja-one-scope",
];

/// Settings for which the reference takes 0 and less for its default.
const ZERO_IS_DEFAULT: [&str; 3] = [
    "decoder-max-decoded-size-mb",
    "decoder-max-memory-mb",
    "keep-sync-count",
];

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

/// Whether a command or a flag changes the tenant or allows it. Nobody is led to one of these by a typing error.
pub(crate) fn changes_tenant(name: &str) -> bool {
    CHANGING.iter().any(|start| name.starts_with(start))
}

/// The flag without dashes. The config file's is shorter than its variable, which is the reference's.
pub(super) fn flag_of(name: &'static str) -> &'static str {
    if name == "config-path" { "config" } else { name }
}

/// The environment variable.
pub(crate) fn variable_of(name: &str) -> String {
    format!("BATON_{}", name.to_uppercase().replace('-', "_"))
}

impl Setting {
    /// The setting of this name.
    ///
    /// # Panics
    /// If there is none, which a test rules out for every name in the source code.
    #[must_use]
    pub(crate) fn named(name: &str) -> &'static Self {
        let found = SETTINGS.iter().find(|setting| setting.name == name);
        assert!(found.is_some(), "there is no setting {name}");
        found.unwrap_or(&SETTINGS[0])
    }

    /// The flag without dashes.
    #[must_use]
    pub(crate) fn flag(&self) -> &'static str {
        flag_of(self.name)
    }

    /// The environment variable.
    #[must_use]
    pub(crate) fn variable(&self) -> String {
        variable_of(self.name)
    }

    /// The environment variable that names a file with the value.
    #[must_use]
    pub(crate) fn file_variable(&self) -> Option<String> {
        self.is_credential().then(|| format!("{}_FILE", self.variable()))
    }

    /// Whether it is copied from somewhere, as credentials are.
    #[must_use]
    pub(super) fn is_credential(&self) -> bool {
        CREDENTIALS.contains(&self.name)
    }

    /// Whether 0 and less stand for the default.
    #[must_use]
    pub(super) fn zero_is_default(&self) -> bool {
        ZERO_IS_DEFAULT.contains(&self.name)
    }

    /// Whether there is a flag.
    #[must_use]
    pub(crate) fn has_flag(&self) -> bool {
        self.given_by != SettingScope::Environment
    }
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
    fn lists_of_names_name_settings() {
        for name in CREDENTIALS.iter().chain(&ZERO_IS_DEFAULT) {
            let _ = Setting::named(name);
        }
        for start in CHANGING {
            let known = SETTINGS
                .iter()
                .any(|setting| changes_tenant(setting.name) && setting.name.starts_with(start));
            assert!(known || ["apply-review", "update-"].contains(&start), "{start}");
        }
    }
}
