//! The environment variables for buckets. Each is validated here before the store's library sees it: that library accepts empty
//! values, ignores values that are not text, and panics on some addresses.

use std::env::{self, VarError};
use std::net::IpAddr;
use std::path::Path;

use access_core::secrets;
use url::{Host, Url};

use super::location::StoreKind;
use crate::error::DatasetError;

/// The type of a variable's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ValueType {
    /// Printable ASCII: it becomes part of a request.
    Text,
    /// A part of a host's name.
    Label,
    /// A path of this machine.
    Path,
    /// The text of a JSON document.
    Json,
    /// `true` or `false`.
    Switch,
    /// The URL of a service that data or credentials are sent to.
    Endpoint,
    /// The URL of a service of this machine or its cloud, which speaks plain HTTP.
    LocalEndpoint,
    /// A path that is added to the address of such a service.
    UrlPath,
}

/// Who reads a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// The library's setting of this name.
    Setting(&'static str),
    /// This crate.
    This,
    /// The library itself, from the environment.
    Library,
}

/// An environment variable for a type of store.
#[derive(Debug)]
pub(crate) struct CloudVariable {
    store: StoreKind,
    name: &'static str,
    /// Whether its value gives access, and so is in no text.
    secret: bool,
    value_type: ValueType,
    reader: Reader,
    help: &'static str,
}

const fn setting(
    store: StoreKind,
    name: &'static str,
    key: &'static str,
    value_type: ValueType,
    help: &'static str,
) -> CloudVariable {
    CloudVariable {
        store,
        name,
        secret: false,
        value_type,
        reader: Reader::Setting(key),
        help,
    }
}

const fn secret(
    store: StoreKind,
    name: &'static str,
    key: &'static str,
    value_type: ValueType,
    help: &'static str,
) -> CloudVariable {
    CloudVariable {
        secret: true,
        ..setting(store, name, key, value_type, help)
    }
}

/// The variables that hold secrets of stores.
pub fn secret_cloud_variables() -> impl Iterator<Item = &'static str> {
    let secrets = VARIABLES.iter().filter(|known| known.secret);
    secrets.map(|known| known.name)
}

use StoreKind::{Azure, Gcs, S3};
use ValueType::{Endpoint, Json, Label, LocalEndpoint, Path as FilePath, Switch, Text, UrlPath};

/// Every variable that is read. Of two for the same setting the later one wins.
#[rustfmt::skip]
pub(crate) const VARIABLES: &[CloudVariable] = &[
    setting(S3, "AWS_ACCESS_KEY_ID", "aws_access_key_id", Text, "Access key"),
    secret(S3, "AWS_SECRET_ACCESS_KEY", "aws_secret_access_key", Text, "Secret of the access key"),
    secret(S3, "AWS_TOKEN", "aws_token", Text, "Another name of `AWS_SESSION_TOKEN`"),
    secret(S3, "AWS_SESSION_TOKEN", "aws_session_token", Text, "Session token of temporary credentials"),
    setting(S3, "AWS_REGION", "aws_region", Label, "Region of the bucket"),
    setting(S3, "AWS_DEFAULT_REGION", "aws_default_region", Label, "Region without `AWS_REGION`; `us-east-1` without both"),
    setting(S3, "AWS_ENDPOINT", "aws_endpoint", Endpoint, "Another name of `AWS_ENDPOINT_URL`"),
    setting(S3, "AWS_ENDPOINT_URL", "aws_endpoint_url", Endpoint, "URL of a store other than Amazon's, e.g. `https://minio.example:9000`"),
    setting(S3, "AWS_ENDPOINT_URL_S3", "aws_endpoint_url_s3", Endpoint, "The same; takes precedence over the two above"),
    CloudVariable { store: S3, name: "AWS_ALLOW_HTTP", secret: false, value_type: Switch, reader: Reader::This, help: "Allow an endpoint with plain `http://`; always allowed for this machine" },
    CloudVariable { store: S3, name: "AWS_CA_BUNDLE", secret: false, value_type: FilePath, reader: Reader::This, help: "PEM file with certificate authorities to trust besides the usual ones and those of `--ca-file`" },
    setting(S3, "AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "aws_virtual_hosted_style_request", Switch, "The endpoint names the bucket already"),
    setting(S3, "AWS_S3_EXPRESS", "aws_s3_express", Switch, "The bucket is a directory bucket (S3 Express One Zone)"),
    setting(S3, "AWS_ROLE_ARN", "aws_role_arn", Text, "Role for `AWS_WEB_IDENTITY_TOKEN_FILE` (IRSA)"),
    setting(S3, "AWS_ROLE_SESSION_NAME", "aws_role_session_name", Text, "Name of the session of that role"),
    setting(S3, "AWS_WEB_IDENTITY_TOKEN_FILE", "aws_web_identity_token_file", FilePath, "Token of a service account (IRSA)"),
    setting(S3, "AWS_ENDPOINT_URL_STS", "aws_endpoint_url_sts", Endpoint, "URL of the token service for that role"),
    setting(S3, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "aws_container_credentials_relative_uri", UrlPath, "Credentials of an ECS task"),
    setting(S3, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "aws_container_credentials_full_uri", LocalEndpoint, "Credentials of EKS Pod Identity"),
    setting(S3, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "aws_container_authorization_token_file", FilePath, "Token for those"),
    setting(S3, "AWS_METADATA_ENDPOINT", "aws_metadata_endpoint", LocalEndpoint, "Instance metadata service, for credentials of the machine"),
    setting(S3, "AWS_IMDSV1_FALLBACK", "aws_imdsv1_fallback", Switch, "Allow its first version"),
    setting(S3, "AWS_SERVER_SIDE_ENCRYPTION", "aws_server_side_encryption", Text, "`AES256`, `aws:kms`, `aws:kms:dsse` or `sse-c`"),
    setting(S3, "AWS_SSE_KMS_KEY_ID", "aws_sse_kms_key_id", Text, "Key for `aws:kms`"),
    setting(S3, "AWS_SSE_BUCKET_KEY_ENABLED", "aws_sse_bucket_key_enabled", Switch, "Use the bucket's key with `aws:kms`"),
    secret(S3, "AWS_SSE_CUSTOMER_KEY_BASE64", "aws_sse_customer_key_base64", Text, "Key for `sse-c`"),
    setting(S3, "AWS_CHECKSUM_ALGORITHM", "aws_checksum_algorithm", Text, "`sha256`: send a checksum with every upload, as buckets with Object Lock need"),
    setting(S3, "AWS_UNSIGNED_PAYLOAD", "aws_unsigned_payload", Switch, "Leave the payload out of signatures"),
    setting(S3, "AWS_SKIP_SIGNATURE", "aws_skip_signature", Switch, "Sign no request: for public buckets that are only read"),
    setting(S3, "AWS_REQUEST_PAYER", "aws_request_payer", Switch, "The requester pays"),
    setting(S3, "AWS_DISABLE_TAGGING", "aws_disable_tagging", Switch, "Send no tags"),
    setting(S3, "AWS_DISABLE_BULK_DELETE", "aws_disable_bulk_delete", Switch, "Remove objects one by one"),
    setting(S3, "AWS_CONDITIONAL_PUT", "aws_conditional_put", Text, "`etag`, which is needed and the default"),

    CloudVariable { store: Gcs, name: "SERVICE_ACCOUNT", secret: false, value_type: FilePath, reader: Reader::Setting("google_service_account"), help: "Another name of `GOOGLE_SERVICE_ACCOUNT`" },
    setting(Gcs, "GOOGLE_SERVICE_ACCOUNT_PATH", "google_service_account_path", FilePath, "Another name of `GOOGLE_SERVICE_ACCOUNT`"),
    setting(Gcs, "GOOGLE_SERVICE_ACCOUNT", "google_service_account", FilePath, "File with the key of a service account"),
    secret(Gcs, "GOOGLE_SERVICE_ACCOUNT_KEY", "google_service_account_key", Json, "The key itself, as JSON"),
    setting(Gcs, "GOOGLE_APPLICATION_CREDENTIALS", "google_application_credentials", FilePath, "File with application default credentials; without it the one that `gcloud` keeps, then the machine's own identity"),
    secret(Gcs, "GOOGLE_BEARER_TOKEN", "google_bearer_token", Text, "An access token"),
    setting(Gcs, "GOOGLE_SKIP_SIGNATURE", "google_skip_signature", Switch, "Sign no request: for public buckets that are only read"),
    setting(Gcs, "GOOGLE_BASE_URL", "google_base_url", Endpoint, "URL of a store other than Google's; or `gcs_base_url` in the key of the service account"),
    CloudVariable { store: Gcs, name: "GOOGLE_ALLOW_HTTP", secret: false, value_type: Switch, reader: Reader::This, help: "Allow a base URL with plain `http://`; always allowed for this machine" },

    setting(Azure, "AZURE_STORAGE_ACCOUNT_NAME", "azure_storage_account_name", Label, "Storage account"),
    secret(Azure, "AZURE_STORAGE_MASTER_KEY", "azure_storage_master_key", Text, "Another name of `AZURE_STORAGE_ACCOUNT_KEY`"),
    secret(Azure, "AZURE_STORAGE_ACCESS_KEY", "azure_storage_access_key", Text, "Another name of `AZURE_STORAGE_ACCOUNT_KEY`"),
    secret(Azure, "AZURE_STORAGE_ACCOUNT_KEY", "azure_storage_account_key", Text, "Key of the account"),
    secret(Azure, "AZURE_STORAGE_SAS_TOKEN", "azure_storage_sas_token", Text, "Another name of `AZURE_STORAGE_SAS_KEY`"),
    secret(Azure, "AZURE_STORAGE_SAS_KEY", "azure_storage_sas_key", Text, "Shared access signature"),
    secret(Azure, "AZURE_STORAGE_TOKEN", "azure_storage_token", Text, "An access token"),
    setting(Azure, "AZURE_STORAGE_CLIENT_ID", "azure_storage_client_id", Text, "Another name of `AZURE_CLIENT_ID`"),
    setting(Azure, "AZURE_CLIENT_ID", "azure_client_id", Text, "Client id of an app, a workload or a managed identity"),
    secret(Azure, "AZURE_STORAGE_CLIENT_SECRET", "azure_storage_client_secret", Text, "Another name of `AZURE_CLIENT_SECRET`"),
    secret(Azure, "AZURE_CLIENT_SECRET", "azure_client_secret", Text, "Secret of that app"),
    setting(Azure, "AZURE_STORAGE_AUTHORITY_ID", "azure_storage_authority_id", Label, "Another name of `AZURE_TENANT_ID`"),
    setting(Azure, "AZURE_STORAGE_TENANT_ID", "azure_storage_tenant_id", Label, "Another name of `AZURE_TENANT_ID`"),
    setting(Azure, "AZURE_AUTHORITY_ID", "azure_authority_id", Label, "Another name of `AZURE_TENANT_ID`"),
    setting(Azure, "AZURE_TENANT_ID", "azure_tenant_id", Label, "Tenant of that app"),
    setting(Azure, "AZURE_STORAGE_AUTHORITY_HOST", "azure_storage_authority_host", Endpoint, "Another name of `AZURE_AUTHORITY_HOST`"),
    setting(Azure, "AZURE_AUTHORITY_HOST", "azure_authority_host", Endpoint, "URL of the sign-in of another cloud"),
    setting(Azure, "AZURE_FEDERATED_TOKEN_FILE", "azure_federated_token_file", FilePath, "Token of a service account (workload identity)"),
    setting(Azure, "AZURE_MSI_ENDPOINT", "azure_msi_endpoint", LocalEndpoint, "Identity service of this machine"),
    setting(Azure, "AZURE_IDENTITY_ENDPOINT", "azure_identity_endpoint", LocalEndpoint, "The same"),
    CloudVariable { store: Azure, name: "IDENTITY_ENDPOINT", secret: false, value_type: LocalEndpoint, reader: Reader::Setting("azure_identity_endpoint"), help: "The same, as App Service sets it" },
    CloudVariable { store: Azure, name: "IDENTITY_HEADER", secret: true, value_type: Text, reader: Reader::Library, help: "Secret for that service" },
    setting(Azure, "AZURE_OBJECT_ID", "azure_object_id", Text, "Object id of a managed identity"),
    setting(Azure, "AZURE_MSI_RESOURCE_ID", "azure_msi_resource_id", Text, "Resource id of a managed identity"),
    setting(Azure, "AZURE_USE_AZURE_CLI", "azure_use_azure_cli", Switch, "Use the token of `az`"),
    setting(Azure, "AZURE_CREDENTIAL_TYPE", "azure_credential_type", Text, "Which credentials to use: `access_key`, `client_secret`, `workload_identity`, `sas_token`, `bearer_token`, `managed_identity`, `azure_cli`"),
    setting(Azure, "AZURE_ENDPOINT", "azure_endpoint", Endpoint, "Another name of `AZURE_STORAGE_ENDPOINT`"),
    setting(Azure, "AZURE_STORAGE_ENDPOINT", "azure_storage_endpoint", Endpoint, "URL of the account elsewhere than at Azure's usual host"),
    setting(Azure, "AZURE_STORAGE_USE_EMULATOR", "azure_storage_use_emulator", Switch, "Use Azurite"),
    CloudVariable { store: Azure, name: "AZURITE_BLOB_STORAGE_URL", secret: false, value_type: Endpoint, reader: Reader::Library, help: "URL of Azurite; `http://127.0.0.1:10000` by default" },
    CloudVariable { store: Azure, name: "AZURE_ALLOW_HTTP", secret: false, value_type: Switch, reader: Reader::This, help: "Allow an endpoint with plain `http://`; always allowed for this machine" },
    setting(Azure, "AZURE_SKIP_SIGNATURE", "azure_skip_signature", Switch, "Sign no request: for public containers that are only read"),
    secret(Azure, "AZURE_STORAGE_ENCRYPTION_KEY", "azure_storage_encryption_key", Text, "A key of yours that objects are encrypted with"),
    setting(Azure, "AZURE_DISABLE_TAGGING", "azure_disable_tagging", Switch, "Send no tags"),
    setting(Azure, "AZURE_USE_FABRIC_ENDPOINT", "azure_use_fabric_endpoint", Switch, "The container is in Microsoft Fabric"),
];

/// Settings that people expect to work, and what to use instead.
const NOT_READ: &[(StoreKind, &str, &str)] = &[
    (
        S3,
        "`AWS_PROFILE`, `~/.aws/config`, `~/.aws/credentials`",
        "set the keys, e.g. `eval \"$(aws configure export-credentials --format env)\"`",
    ),
    (
        S3,
        "`AWS_PROXY_URL`, `AWS_TIMEOUT` and other client options",
        "`HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` are for every connection",
    ),
    (
        Gcs,
        "`STORAGE_EMULATOR_HOST`",
        "set `GOOGLE_BASE_URL` and `GOOGLE_SKIP_SIGNATURE=true`",
    ),
    (
        Azure,
        "`AZURE_STORAGE_CONNECTION_STRING`, `AZURE_STORAGE_ACCOUNT`, `AZURE_STORAGE_KEY`",
        "set `AZURE_STORAGE_ACCOUNT_NAME` and `AZURE_STORAGE_ACCOUNT_KEY`",
    ),
];

/// The validated environment of a type of store.
#[derive(Debug, Default)]
pub(super) struct Environment {
    /// Settings of the library, by its names.
    pub(super) settings: Vec<(&'static str, String)>,
    /// A PEM file with more authorities.
    pub(super) ca_bundle: Option<String>,
}

impl Environment {
    /// Reads and validates every variable for a type of store. The secrets of all stores are registered first: the library
    /// repeats values that it cannot use.
    pub(super) fn read(store: StoreKind) -> Result<Self, DatasetError> {
        for name in secret_cloud_variables() {
            if let Ok(value) = env::var(name) {
                secrets::register(value.trim());
                register_parts(&value);
            }
        }
        Self::from_variables(store, &|name| env::var(name))
    }

    fn from_variables(
        store: StoreKind,
        variable: &dyn Fn(&str) -> Result<String, VarError>,
    ) -> Result<Self, DatasetError> {
        let mut environment = Self::default();
        let mut allow_http = false;
        let mut endpoints = Vec::new();
        for known in VARIABLES.iter().filter(|known| known.store == store) {
            let refuse = |reason: String| DatasetError::CloudVariable {
                variable: known.name.to_owned(),
                reason,
            };
            let value = match variable(known.name) {
                Err(VarError::NotPresent) => continue,
                Err(VarError::NotUnicode(_)) => return Err(refuse("it is not UTF-8 text".to_owned())),
                Ok(value) => value,
            };
            let value = value.trim();
            if value.is_empty() {
                if known.reader == Reader::Library && known.value_type == Endpoint {
                    return Err(refuse("it is set and empty; unset it".to_owned()));
                }
                continue;
            }
            let value = known.value_type.validate(value).map_err(refuse)?;
            if known.value_type == Endpoint {
                endpoints.push((known.name, value.clone()));
            }
            match known.reader {
                Reader::Setting(key) => environment.settings.push((key, value)),
                Reader::This if known.value_type == Switch => allow_http = value == "true",
                Reader::This => environment.ca_bundle = Some(value),
                Reader::Library => {}
            }
        }
        if store == Gcs
            && let Some((name, url)) = environment.base_url_of_service_account()?
        {
            endpoints.push((name, url));
        }
        for (name, url) in endpoints {
            if !allow_http && is_plain_http(&url) {
                return Err(DatasetError::PlainHttp {
                    variable: name.to_owned(),
                    leave: allow_http_variable(store),
                });
            }
        }
        if store == Gcs {
            validate_metadata_hosts(variable)?;
        }
        Ok(environment)
    }

    /// The endpoint that the key of a service account names.
    fn base_url_of_service_account(&self) -> Result<Option<(&'static str, String)>, DatasetError> {
        let find = |key: &str| {
            let found = self.settings.iter().rev().find(|(name, _)| *name == key);
            found.map(|(_, value)| value.as_str())
        };
        // The base URL wins over the key's.
        if find("google_base_url").is_some() {
            return Ok(None);
        }
        let path = find("google_service_account").or_else(|| find("google_service_account_path"));
        let (name, text) = match (path, find("google_service_account_key")) {
            (Some(path), _) => {
                // The library reports it if it cannot be read.
                let read = regular_file::read(Path::new(path), MAX_KEY_BYTES).ok();
                let text = read.and_then(|bytes| String::from_utf8(bytes).ok());
                ("GOOGLE_SERVICE_ACCOUNT", text.unwrap_or_default())
            }
            (None, Some(key)) => ("GOOGLE_SERVICE_ACCOUNT_KEY", key.to_owned()),
            (None, None) => return Ok(None),
        };
        let key: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let Some(url) = key["gcs_base_url"].as_str() else {
            return Ok(None);
        };
        let refuse = |reason: String| DatasetError::CloudVariable {
            variable: name.to_owned(),
            reason: format!("gcs_base_url in it: {reason}"),
        };
        Ok(Some((name, validate_url(url).map_err(refuse)?)))
    }
}

/// The largest key of a service account that is read.
const MAX_KEY_BYTES: u64 = 1 << 20;

/// The library puts these into addresses as they are.
fn validate_metadata_hosts(variable: &dyn Fn(&str) -> Result<String, VarError>) -> Result<(), DatasetError> {
    for name in ["GCE_METADATA_HOST", "GCE_METADATA_ROOT", "GCE_METADATA_IP"] {
        let host = match variable(name) {
            Err(VarError::NotPresent) => continue,
            other => other.ok(),
        };
        let is_host = host.is_some_and(|host| {
            let url = Url::parse(&format!("http://{host}"));
            !host.is_empty()
                && host.is_ascii()
                && url.is_ok_and(|url| url.path() == "/" && url.username().is_empty())
        });
        if !is_host {
            return Err(DatasetError::CloudVariable {
                variable: name.to_owned(),
                reason: "it is not a host name; unset it or name the host".to_owned(),
            });
        }
    }
    Ok(())
}

/// The variable that allows plain HTTP.
fn allow_http_variable(store: StoreKind) -> &'static str {
    match store {
        S3 => "AWS_ALLOW_HTTP",
        Gcs => "GOOGLE_ALLOW_HTTP",
        Azure => "AZURE_ALLOW_HTTP",
    }
}

impl ValueType {
    /// The value as the library is given it, or why it cannot be one. A reason never repeats the value, which may be secret.
    fn validate(self, value: &str) -> Result<String, String> {
        let is_quoted = |quote| value.len() > 1 && value.starts_with(quote) && value.ends_with(quote);
        if self != Json && (is_quoted('"') || is_quoted('\'')) {
            return Err("it is in quotes, which count as a part of it; remove them".to_owned());
        }
        match self {
            Text if value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) => Ok(value.to_owned()),
            Text => Err("it holds a character that no header of a request can hold".to_owned()),
            Label
                if value
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) =>
            {
                Ok(value.to_owned())
            }
            Label => Err("it may hold letters, digits, `-`, `.` and `_` only".to_owned()),
            FilePath if value.contains('\0') => Err("it holds a NUL character".to_owned()),
            FilePath | Json => Ok(value.to_owned()),
            Switch => match value.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "y" | "on" => Ok("true".to_owned()),
                "false" | "0" | "no" | "n" | "off" => Ok("false".to_owned()),
                _ => Err("write true or false".to_owned()),
            },
            Endpoint | LocalEndpoint => validate_url(value),
            UrlPath => {
                let is_path = value.starts_with('/') && value.chars().all(|c| c.is_ascii_graphic());
                if is_path {
                    Ok(value.to_owned())
                } else {
                    Err("it must be a path that begins with `/`".to_owned())
                }
            }
        }
    }
}

fn validate_url(text: &str) -> Result<String, String> {
    let is_http = ["http://", "https://"].iter().any(|scheme| {
        text.get(..scheme.len())
            .is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    });
    if !is_http {
        return Err("it must be a URL with its scheme, e.g. https://HOST:PORT".to_owned());
    }
    let url = Url::parse(text).map_err(|error| format!("it is not a URL: {error}"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(
            "a URL here must hold no user and no password; credentials have variables of their own"
                .to_owned(),
        );
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("a URL here must hold no query and no fragment".to_owned());
    }
    if !text.is_ascii() || text.contains(char::is_whitespace) {
        return Err("it is not a URL: write it in ASCII and without spaces".to_owned());
    }
    // In the form that was validated.
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// Whether data would leave this machine in plain text.
fn is_plain_http(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return true };
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    };
    url.scheme() == "http" && !is_here
}

/// The documents' table of all variables, by store.
#[must_use]
pub fn document() -> String {
    use std::fmt::Write;

    let mut text = String::new();
    for store in StoreKind::ALL {
        let _ = writeln!(
            text,
            "`{}://`\n\n| Variable | What it is |\n|---|---|",
            store.scheme()
        );
        for known in VARIABLES.iter().filter(|known| known.store == store) {
            let _ = writeln!(text, "| `{}` | {} |", known.name, known.help);
        }
        for (_, what, instead) in NOT_READ.iter().filter(|(of, ..)| *of == store) {
            let _ = writeln!(text, "| {what} | **Not read**: {instead} |");
        }
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

/// Registers the secrets within a key in JSON, such as that of a service account.
fn register_parts(value: &str) {
    const KEYS: [&str; 3] = ["private_key", "client_secret", "refresh_token"];
    let Ok(key) = serde_json::from_str::<serde_json::Value>(value) else {
        return;
    };
    for secret in KEYS.iter().filter_map(|name| key[name].as_str()) {
        secrets::register(secret);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use object_store::aws::AmazonS3ConfigKey;
    use object_store::azure::AzureConfigKey;
    use object_store::gcp::GoogleConfigKey;

    use super::*;

    fn read(store: StoreKind, variables: &[(&str, &str)]) -> Result<Environment, DatasetError> {
        let variables: BTreeMap<&str, &str> = variables.iter().copied().collect();
        Environment::from_variables(store, &|name| {
            variables
                .get(name)
                .map(|value| (*value).to_owned())
                .ok_or(VarError::NotPresent)
        })
    }

    #[test]
    fn the_library_knows_every_setting() {
        for known in VARIABLES {
            let Reader::Setting(key) = known.reader else {
                continue;
            };
            let is_known = match known.store {
                S3 => key.parse::<AmazonS3ConfigKey>().is_ok(),
                Gcs => key.parse::<GoogleConfigKey>().is_ok(),
                Azure => key.parse::<AzureConfigKey>().is_ok(),
            };
            assert!(is_known, "{}", known.name);
        }
    }

    #[test]
    fn variables_that_sound_secret_are_secret() {
        let not_secret = [
            "AWS_ACCESS_KEY_ID",
            "AWS_SSE_KMS_KEY_ID",
            "AWS_SSE_BUCKET_KEY_ENABLED",
        ];
        let parts = ["KEY", "SECRET", "TOKEN", "SAS", "PASSWORD", "HEADER"];
        for known in VARIABLES {
            let sounds_secret = parts.iter().any(|part| known.name.contains(part));
            let is_exempt = known.value_type == FilePath || not_secret.contains(&known.name);
            assert_eq!(known.secret, sounds_secret && !is_exempt, "{}", known.name);
        }
    }

    #[test]
    fn addresses_are_validated_before_use() {
        let endpoints = VARIABLES.iter().filter(|known| known.value_type == Endpoint);
        for known in endpoints {
            for junk in [
                "minio:9000",
                "minio",
                "http://",
                "https://[::bad",
                "ftp://minio",
                "//minio",
                "https://min io",
                "https://key:canary@minio",
                "https://minio?canary=1",
                "\"https://minio\"",
                "https://münio",
            ] {
                let error = read(known.store, &[(known.name, junk)]).unwrap_err();
                let shown = error.to_string();
                assert!(shown.starts_with(known.name), "{junk}: {shown}");
                assert!(!shown.contains("canary"), "{shown}");
            }
            let refused = read(known.store, &[(known.name, "http://10.1.2.3:9000")]).unwrap_err();
            assert!(matches!(refused, DatasetError::PlainHttp { .. }), "{refused}");
            for (url, allow) in [
                ("http://10.1.2.3:9000", "true"),
                ("http://127.0.0.1:9000/", "false"),
                ("http://localhost:9000", ""),
                ("http://[::1]:9000", "false"),
                ("https://minio.example", "0"),
            ] {
                let variables = [(known.name, url), (allow_http_variable(known.store), allow)];
                read(known.store, &variables).unwrap();
            }
        }
    }

    #[test]
    fn empty_values_are_unset_and_ends_are_trimmed() {
        for known in VARIABLES.iter().filter(|known| known.reader != Reader::Library) {
            for empty in ["", "  ", "\n"] {
                let environment = read(known.store, &[(known.name, empty)]).unwrap();
                assert!(environment.settings.is_empty(), "{}", known.name);
            }
        }
        let environment = read(S3, &[("AWS_ACCESS_KEY_ID", " key\r\n")]).unwrap();
        assert_eq!(environment.settings, [("aws_access_key_id", "key".to_owned())]);
        let refused = read(S3, &[("AWS_SECRET_ACCESS_KEY", "\"canary\"")]).unwrap_err();
        assert!(!refused.to_string().contains("canary"), "{refused}");
        for (name, value) in [
            ("AWS_SECRET_ACCESS_KEY", "one\ntwo"),
            ("AWS_REGION", "eu central"),
            ("AWS_ALLOW_HTTP", "perhaps"),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "creds"),
        ] {
            read(S3, &[(name, value)]).unwrap_err();
        }
    }

    #[test]
    fn a_service_account_may_name_an_address() {
        let with = |url: &str| format!("{{\"gcs_base_url\":\"{url}\"}}");
        let read = |url: &str| read(Gcs, &[("GOOGLE_SERVICE_ACCOUNT_KEY", &with(url))]);
        read("http://127.0.0.1:4443").unwrap();
        assert!(matches!(
            read("http://10.0.0.1:4443").unwrap_err(),
            DatasetError::PlainHttp { .. }
        ));
        assert!(matches!(
            read("fake:4443").unwrap_err(),
            DatasetError::CloudVariable { .. }
        ));
    }
}
