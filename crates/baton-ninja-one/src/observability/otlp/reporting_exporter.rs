//! Exporters that warn once if the collector rejects records.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use access_core::secrets::ServerText;
use opentelemetry::InstrumentationScope;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter, SdkLogRecord};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use super::redaction::Redactor;
use super::redaction::redact_span;

/// The state of the collector, shared by traces and logs.
#[derive(Debug, Clone, Default)]
pub(super) struct CollectorStatus {
    down: Arc<AtomicBool>,
}

impl CollectorStatus {
    /// These lines do not go to the collector: the SDK suppresses telemetry on its own threads.
    fn record_result(&self, result: &OTelSdkResult) {
        let failed = result.is_err();
        if self.down.swap(failed, Ordering::Relaxed) == failed {
            return;
        }
        if let Err(error) = result {
            let error = ServerText::new(&error.to_string());
            tracing::warn!(%error, "the collector rejects traces and logs; continuing without it");
        } else {
            tracing::info!("the collector accepts traces and logs again");
        }
    }
}

/// An exporter that reports failures and receives redacted records.
#[derive(Debug)]
pub(super) struct ReportingExporter<E> {
    exporter: E,
    collector: CollectorStatus,
    redactor: Redactor,
}

impl<E> ReportingExporter<E> {
    pub(super) fn new(exporter: E, collector: &CollectorStatus) -> Self {
        Self {
            exporter,
            collector: collector.clone(),
            redactor: Redactor::new(),
        }
    }
}

impl<E: SpanExporter> SpanExporter for ReportingExporter<E> {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(redact_span);
        let result = self.exporter.export(batch).await;
        self.collector.record_result(&result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: LogExporter> LogExporter for ReportingExporter<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let clean: Vec<Option<SdkLogRecord>> = batch
            .iter()
            .map(|(record, _)| self.redactor.redacted(record))
            .collect();
        let records: Vec<(&SdkLogRecord, &InstrumentationScope)> = batch
            .iter()
            .zip(&clean)
            .map(|((record, scope), clean)| (clean.as_ref().unwrap_or(record), scope))
            .collect();
        let result = self.exporter.export(LogBatch::new(&records)).await;
        self.collector.record_result(&result);
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
