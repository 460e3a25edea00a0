//! Exports traces and logs to an OpenTelemetry collector over one OTLP/gRPC connection (docs/reference/conductorone.md
//! §6.4). Exports never block or fail a run: records that the collector does not accept are dropped.

mod redaction;
mod reporting_exporter;

use std::thread;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider;
use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_otlp::{LogExporter, SpanExporter, WithTonicConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::logs::{BatchConfigBuilder, BatchLogProcessor, SdkLoggerProvider};
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use rustls::RootCertStore;
use tokio::runtime::{Builder, Runtime};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tracing::{Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::settings::{SettingsError, TelemetrySettings, TlsTrust};
use reporting_exporter::CollectorStatus;
use reporting_exporter::ReportingExporter;

/// `<connector>-server`, like in the reference.
const SERVICE: &str = "baton-ninja-one-server";
/// Crates whose spans are sent.
const TRACED: [&str; 3] = ["baton_ninja_one", "ninjaone", "c1_service"];
const LOGS_EVERY: Duration = Duration::from_secs(1);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const EXPORT_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum delay of the program's end by a collector.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Sends traces and logs. Dropping it sends the remaining records, for at most [`LAST_WORDS`].
pub(crate) struct Telemetry {
    traces: Option<SdkTracerProvider>,
    logs: Option<SdkLoggerProvider>,
    /// A runtime of its own: the program's runtime ends before the last records are sent.
    runtime: Option<Runtime>,
}

impl Telemetry {
    /// Configures the connection, which is opened on demand.
    ///
    /// # Errors
    /// [`SettingsError::Telemetry`].
    pub(crate) fn start(settings: &TelemetrySettings) -> Result<Self, SettingsError> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("telemetry")
            .enable_all()
            .build()
            .map_err(refuse)?;
        let channel = {
            let _inside = runtime.enter();
            channel(settings)?
        };
        let collector = CollectorStatus::default();
        let resource = Resource::builder()
            .with_service_name(SERVICE)
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let mut telemetry = Self {
            traces: None,
            logs: None,
            runtime: Some(runtime),
        };
        if settings.traces {
            let exporter = SpanExporter::builder().with_tonic().with_channel(channel.clone());
            let exporter = ReportingExporter::new(exporter.build().map_err(refuse)?, &collector);
            let provider = SdkTracerProvider::builder()
                .with_sampler(Sampler::AlwaysOn)
                .with_resource(resource.clone())
                .with_batch_exporter(exporter);
            telemetry.traces = Some(provider.build());
        }
        if settings.logs {
            let exporter = LogExporter::builder().with_tonic().with_channel(channel);
            let exporter = ReportingExporter::new(exporter.build().map_err(refuse)?, &collector);
            let every = BatchConfigBuilder::default().with_scheduled_delay(LOGS_EVERY);
            let batches = BatchLogProcessor::builder(exporter)
                .with_batch_config(every.build())
                .build();
            let provider = SdkLoggerProvider::builder()
                .with_resource(resource)
                .with_log_processor(batches);
            telemetry.logs = Some(provider.build());
        }
        Ok(telemetry)
    }

    /// The layer that sends spans, independently of the log level.
    pub(crate) fn spans<S>(&self) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let tracer = self.traces.as_ref()?.tracer(SERVICE);
        let filter = filter_fn(|metadata| {
            let krate = metadata.target().split("::").next().unwrap_or_default();
            metadata.is_span() && *metadata.level() <= Level::INFO && TRACED.contains(&krate)
        });
        let layer = tracing_opentelemetry::layer()
            .with_tracer(tracer)
            .with_threads(false)
            .with_tracked_inactivity(false);
        Some(layer.with_filter(filter.with_max_level_hint(LevelFilter::INFO)))
    }

    /// The layer that sends the log lines that pass `filter`.
    pub(crate) fn records<S>(&self, filter: Targets) -> Option<impl Layer<S> + use<S>>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let logs = self.logs.as_ref()?;
        Some(OpenTelemetryTracingBridge::new(logs).with_filter(filter))
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        thread::scope(|scope| {
            if let Some(traces) = self.traces.take() {
                // Concurrent with the logs, so that both share the timeout.
                let _ = thread::Builder::new().spawn_scoped(scope, move || {
                    let _ = traces.shutdown_with_timeout(LAST_WORDS);
                });
            }
            if let Some(logs) = self.logs.take() {
                let _ = logs.shutdown_with_timeout(LAST_WORDS);
            }
        });
        if let Some(runtime) = self.runtime.take() {
            // A name lookup may block.
            runtime.shutdown_background();
        }
    }
}

fn refuse(error: impl std::error::Error) -> SettingsError {
    SettingsError::Telemetry(error.to_string())
}

fn channel(settings: &TelemetrySettings) -> Result<Channel, SettingsError> {
    let mut endpoint = Endpoint::from(settings.collector.clone())
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(EXPORT_TIMEOUT);
    if settings.collector.scheme_str() == Some("https") {
        let tls = ClientTlsConfig::new().trust_anchors(roots(&settings.trust).roots);
        endpoint = endpoint.tls_config(tls).map_err(refuse)?;
    }
    Ok(endpoint.connect_lazy())
}

fn roots(trust: &TlsTrust) -> RootCertStore {
    let (mut roots, own) = match trust {
        TlsTrust::Only(own) => (RootCertStore::empty(), own),
        TlsTrust::Usual(own) => (net_tls::default_roots(), own),
    };
    roots.add_parsable_certificates(own.iter().cloned());
    roots
}
