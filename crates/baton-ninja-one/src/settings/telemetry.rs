//! Settings of the export to an OpenTelemetry collector (docs/reference/conductorone.md §1.4, §6.4).

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::Uri;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::error::SettingsError;
use super::keys;
use super::setting::Setting;
use super::values::Settings;

const NO_BASE64URL: &str =
    "expected the PEM text in unpadded base64url, as `base64 -w0 ca.pem | tr +/ -_ | tr -d =` makes it";

/// The configuration of the export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TelemetrySettings {
    /// The collector; `http` is without TLS.
    pub(crate) collector: Uri,
    /// The trusted authorities for the collector's certificate.
    pub(crate) trust: TlsTrust,
    /// Send traces.
    pub(crate) traces: bool,
    /// Send logs.
    pub(crate) logs: bool,
}

/// Trusted authorities of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TlsTrust {
    /// The default authorities and these.
    Usual(Vec<CertificateDer<'static>>),
    /// Only these authorities.
    Only(Vec<CertificateDer<'static>>),
}

impl Settings {
    /// The export, if enabled. Traces and logs can be disabled separately, which is broken in the reference.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub(crate) fn telemetry(&self) -> Result<Option<TelemetrySettings>, SettingsError> {
        let (cert, cert_path) = (
            self.get(&keys::OTEL_COLLECTOR_ENDPOINT_TLS_CERT)?,
            self.get(&keys::OTEL_COLLECTOR_ENDPOINT_TLS_CERT_PATH)?,
        );
        if cert.is_some() && cert_path.is_some() {
            let inline = keys::OTEL_COLLECTOR_ENDPOINT_TLS_CERT.setting.name;
            let file = keys::OTEL_COLLECTOR_ENDPOINT_TLS_CERT_PATH.setting.name;
            return Err(SettingsError::Group(format!(
                "if any flags in the group [{file} {inline}] are set none of the others can be; [{inline} {file}] were all set"
            )));
        }
        let traces = !self.get(&keys::OTEL_TRACING_DISABLED)?;
        let logs = !self.get(&keys::OTEL_LOGGING_DISABLED)?;
        let insecure = self.get(&keys::OTEL_COLLECTOR_ENDPOINT_TLS_INSECURE)?;
        let Some(endpoint) = self
            .get(&keys::OTEL_COLLECTOR_ENDPOINT)?
            .filter(|_| traces || logs)
        else {
            return Ok(None);
        };
        let trust = match (cert, cert_path) {
            _ if insecure => TlsTrust::Only(Vec::new()),
            (Some(cert), _) => {
                let pem = URL_SAFE_NO_PAD.decode(cert.trim());
                let pem = pem.map_err(|_| {
                    self.invalid(&keys::OTEL_COLLECTOR_ENDPOINT_TLS_CERT.setting, NO_BASE64URL)
                })?;
                TlsTrust::Only(self.authorities(&keys::OTEL_COLLECTOR_ENDPOINT_TLS_CERT.setting, &pem)?)
            }
            (None, Some(path)) => TlsTrust::Only(self.authorities(
                &keys::OTEL_COLLECTOR_ENDPOINT_TLS_CERT_PATH.setting,
                &read(&path)?,
            )?),
            (None, None) => TlsTrust::Usual(match self.get(&keys::CA_FILE)? {
                Some(path) => self.authorities(&keys::CA_FILE.setting, &read(&path)?)?,
                None => Vec::new(),
            }),
        };
        Ok(Some(TelemetrySettings {
            collector: self.collector(&endpoint, insecure)?,
            trust,
            traces,
            logs,
        }))
    }

    /// Parses host and port. An optional scheme must not contradict the flag. Errors do not quote the text, because
    /// addresses may contain passwords.
    fn collector(&self, endpoint: &str, insecure: bool) -> Result<Uri, SettingsError> {
        let switch = keys::OTEL_COLLECTOR_ENDPOINT_TLS_INSECURE.setting.flag();
        let scheme = if insecure { "http" } else { "https" };
        let host = match endpoint.split_once("://") {
            None => endpoint,
            Some((given, host)) if given.eq_ignore_ascii_case(scheme) => host.trim_end_matches('/'),
            Some((given, _)) if given.eq_ignore_ascii_case("http") => {
                return Err(self.invalid(
                    &keys::OTEL_COLLECTOR_ENDPOINT.setting,
                    format!("http:// does not use TLS; add --{switch}"),
                ));
            }
            Some((given, _)) if given.eq_ignore_ascii_case("https") => {
                return Err(self.invalid(
                    &keys::OTEL_COLLECTOR_ENDPOINT.setting,
                    format!("https:// and --{switch} contradict each other"),
                ));
            }
            Some(_) => {
                return Err(self.invalid(
                    &keys::OTEL_COLLECTOR_ENDPOINT.setting,
                    "OTLP over gRPC only; give host:port",
                ));
            }
        };
        let collector = format!("{scheme}://{host}").parse::<Uri>().ok();
        collector
            .filter(|uri| uri.path() == "/" && uri.query().is_none() && !host.contains('@'))
            .ok_or_else(|| {
                self.invalid(
                    &keys::OTEL_COLLECTOR_ENDPOINT.setting,
                    "expected host:port, e.g. collector:4317",
                )
            })
    }

    fn authorities(
        &self,
        setting: &Setting,
        pem: &[u8],
    ) -> Result<Vec<CertificateDer<'static>>, SettingsError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|error| self.invalid(setting, error.to_string()))?;
        if found.is_empty() {
            return Err(self.invalid(setting, "there is no certificate in it"));
        }
        Ok(found)
    }
}

/// Maximum size of a certificate file or a key, in bytes.
const MAX_CERTIFICATE_BYTES: u64 = 16 << 20;

fn read(path: &Path) -> Result<Vec<u8>, SettingsError> {
    regular_file::read_input(path, MAX_CERTIFICATE_BYTES).map_err(|error| SettingsError::File {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}
