//! Metrics of the last published sync, updated atomically: a scrape never mixes two syncs.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use access_core::model::RowKind;
use access_core::sync::Ledger;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use time::OffsetDateTime;

use super::definitions::Described;
use super::definitions::LAST_SYNC_ROWS;
use super::definitions::LAST_SYNC_SUCCESS;
use super::definitions::LAST_SYNC_SUCCESS_AGE;

/// `None` before the first sync.
#[derive(Debug, Clone, Default)]
pub(super) struct LastSync(Arc<Mutex<Option<Published>>>);

#[derive(Debug)]
struct Published {
    at: OffsetDateTime,
    /// Monotonic, so that clock changes do not affect the age.
    since: Instant,
    rows: BTreeMap<(RowKind, String), u64>,
}

impl LastSync {
    /// A sync has just been published.
    pub(super) fn set(&self, ledger: &Ledger) {
        let rows = ledger
            .iter()
            .filter(|(key, _)| key.kind != RowKind::ResourceType)
            .map(|(key, entry)| ((key.kind, key.resource_type.to_string()), entry.written));
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Published {
            at: OffsetDateTime::now_utc(),
            since: Instant::now(),
            rows: rows.collect(),
        });
    }
}

impl Collector for LastSync {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let published = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Published { at, since, rows }) = &*published else {
            return Ok(());
        };
        let mut gauge = begin(&mut encoder, &LAST_SYNC_ROWS)?;
        for ((kind, resource_type), count) in rows {
            let labels = [
                ("kind", kind.to_string()),
                ("resource_type", resource_type.clone()),
            ];
            ConstGauge::new(*count).encode(gauge.encode_family(&labels)?)?;
        }
        ConstGauge::new(at.unix_timestamp()).encode(begin(&mut encoder, &LAST_SYNC_SUCCESS)?)?;
        ConstGauge::new(since.elapsed().as_secs()).encode(begin(&mut encoder, &LAST_SYNC_SUCCESS_AGE)?)
    }
}

fn begin<'a>(
    encoder: &'a mut DescriptorEncoder<'_>,
    described: &'a Described,
) -> Result<MetricEncoder<'a>, fmt::Error> {
    // The registry adds a full stop to help texts.
    let help = format!("{}.", described.help);
    encoder.encode_descriptor(described.name, &help, None, MetricType::Gauge)
}
