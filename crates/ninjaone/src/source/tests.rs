//! Helpers for the unit tests of the source.

use std::time::Duration;

use access_core::model::AccessBatch;
use access_core::ports::SourceEvent;
use serde_json::Value;
use tokio::sync::mpsc;

use super::event_sender::{Event, EventSender};
use crate::client::{
    BaseUrl, ClientConfig, DEFAULT_TOKEN_PATH, NinjaOneClient, RetryBudget, Secret, WritePolicy,
};
use crate::mapping::resource_types;

/// A client of a tenant at this address.
pub(super) fn client(base_url: &str) -> NinjaOneClient {
    client_with_retries(base_url, RetryBudget::default())
}

pub(super) fn client_with_retries(base_url: &str, retry: RetryBudget) -> NinjaOneClient {
    let config = ClientConfig {
        base_url: BaseUrl::parse(base_url).unwrap(),
        token_path: DEFAULT_TOKEN_PATH.to_owned(),
        client_id: "sim-client".to_owned(),
        client_secret: Secret::new("sim-secret"),
        scope: None,
        ca_file: None,
        timeout: Duration::from_secs(30),
        retry,
        pace: None,
        writes: WritePolicy::Disabled,
        user_agent: "tests".to_owned(),
    };
    NinjaOneClient::new(config).unwrap()
}

/// A queue for all types without targets, long enough for a test.
pub(super) fn queue() -> (EventSender, mpsc::Receiver<Event>) {
    let types = resource_types(true).into_iter().map(|row| row.id).collect();
    EventSender::new(1_000, types, [].into())
}

/// The events in the queue.
pub(super) fn queued(events: &mut mpsc::Receiver<Event>) -> Vec<SourceEvent> {
    std::iter::from_fn(|| events.try_recv().ok())
        .map(Result::unwrap)
        .collect()
}

/// The batches in the queue, as their kind and their number of rows.
pub(super) fn queued_batches(events: &mut mpsc::Receiver<Event>) -> Vec<(&'static str, u64)> {
    let batches = queued(events).into_iter().map(|event| match event {
        SourceEvent::Batch(batch) => (batch.kind().plural(), AccessBatch::rows(&batch)),
        other => panic!("{other:?} is not a batch"),
    });
    batches.collect()
}

/// A row as a response has it.
pub(super) fn row<T: serde::de::DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).unwrap()
}
