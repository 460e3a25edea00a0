//! Removes secrets from spans and log records, including those of libraries.

use std::borrow::Cow;

use access_core::secrets::redact;
use opentelemetry::logs::{AnyValue, LogRecord as _, Logger as _, LoggerProvider as _};
use opentelemetry::trace::Status;
use opentelemetry::{KeyValue, StringValue, Value};
use opentelemetry_sdk::logs::{SdkLogRecord, SdkLogger, SdkLoggerProvider};
use opentelemetry_sdk::trace::SpanData;

/// Removes secrets from a span.
pub(super) fn redact_span(span: &mut SpanData) {
    if let Cow::Owned(name) = redact(&span.name) {
        span.name = name.into();
    }
    redact_attributes(&mut span.attributes);
    for event in &mut span.events.events {
        if let Cow::Owned(name) = redact(&event.name) {
            event.name = name.into();
        }
        redact_attributes(&mut event.attributes);
    }
    if let Status::Error { description } = &mut span.status
        && let Cow::Owned(text) = redact(description)
    {
        *description = text.into();
    }
}

fn redact_attributes(attributes: &mut [KeyValue]) {
    for attribute in attributes {
        match &mut attribute.value {
            Value::String(text) => {
                if let Cow::Owned(redacted) = redact(text.as_str()) {
                    *text = redacted.into();
                }
            }
            Value::Array(opentelemetry::Array::String(texts)) => {
                for text in texts {
                    if let Cow::Owned(redacted) = redact(text.as_str()) {
                        *text = redacted.into();
                    }
                }
            }
            _ => {}
        }
    }
}

/// Copies log records, because those of the SDK are immutable.
#[derive(Debug)]
pub(super) struct Redactor(SdkLogger);

impl Redactor {
    pub(super) fn new() -> Self {
        Self(SdkLoggerProvider::builder().build().logger("redactor"))
    }

    /// The record without secrets; `None` if it has no secrets.
    pub(super) fn redacted(&self, record: &SdkLogRecord) -> Option<SdkLogRecord> {
        let has_secret = |value: &AnyValue| redacted_value(value).is_some();
        let found = record.body().is_some_and(has_secret)
            || record.attributes_iter().any(|(_, value)| has_secret(value));
        if !found {
            return None;
        }
        let mut clean = self.0.create_log_record();
        if let Some(name) = record.event_name() {
            clean.set_event_name(name);
        }
        if let Some(target) = record.target() {
            clean.set_target(target.clone());
        }
        if let Some(at) = record.timestamp() {
            clean.set_timestamp(at);
        }
        if let Some(at) = record.observed_timestamp() {
            clean.set_observed_timestamp(at);
        }
        if let Some(text) = record.severity_text() {
            clean.set_severity_text(text);
        }
        if let Some(number) = record.severity_number() {
            clean.set_severity_number(number);
        }
        if let Some(trace) = record.trace_context() {
            clean.set_trace_context(trace.trace_id, trace.span_id, trace.trace_flags);
        }
        let clean_value = |value: &AnyValue| redacted_value(value).unwrap_or_else(|| value.clone());
        if let Some(body) = record.body() {
            clean.set_body(clean_value(body));
        }
        for (key, value) in record.attributes_iter() {
            clean.add_attribute(key.clone(), clean_value(value));
        }
        Some(clean)
    }
}

/// The value without secrets; `None` if it has no secrets.
fn redacted_value(value: &AnyValue) -> Option<AnyValue> {
    match value {
        AnyValue::String(text) => match redact(text.as_str()) {
            Cow::Owned(text) => Some(AnyValue::String(StringValue::from(text))),
            Cow::Borrowed(_) => None,
        },
        AnyValue::ListAny(values) => {
            let clean: Vec<Option<AnyValue>> = values.iter().map(redacted_value).collect();
            clean.iter().any(Option::is_some).then(|| {
                let all = clean.into_iter().zip(values.iter());
                all.map(|(clean, value)| clean.unwrap_or_else(|| value.clone()))
                    .collect()
            })
        }
        _ => None,
    }
}
