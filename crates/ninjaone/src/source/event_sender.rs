//! Sends events to the pipeline through a short queue, from async code and from parser threads.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use access_core::model::{
    AccessBatch, Completeness, IdScheme, NativeId, ResourceId, ResourceTypeId, RowKind, Unstated,
    UnstatedScope, WithoutBaseline,
};
use access_core::ports::{SkippedRows, SourceError, SourceEvent, Warning};
use futures::Stream;
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::findings::Clipped;
use super::findings::Findings;
use super::findings::Found;
use super::findings::Skip;
use super::findings::SkipCounts;
use super::findings::Unreadable;
use crate::NinjaOneError;
use crate::client::Remark;

/// Rows in a batch.
pub(super) const BATCH_ROWS: usize = 2_000;
/// Bytes of texts beyond which a batch is sent with fewer rows. Several batches are in memory at a time.
pub(super) const BATCH_BYTES: usize = 2 << 20;

pub(super) type Event = Result<SourceEvent, SourceError>;

/// The source's end of the queue.
#[derive(Debug, Clone)]
pub(crate) struct EventSender {
    events: mpsc::Sender<Event>,
    /// Requested single resources that have not been found yet.
    missing: Arc<Mutex<BTreeSet<ResourceId>>>,
    /// The types in the scope.
    types: Arc<BTreeSet<ResourceTypeId>>,
    /// Why types are incomplete.
    incomplete: Arc<Mutex<BTreeMap<ResourceTypeId, Vec<String>>>>,
}

impl EventSender {
    pub(super) fn new(
        capacity: usize,
        types: BTreeSet<ResourceTypeId>,
        targets: BTreeSet<ResourceId>,
    ) -> (Self, mpsc::Receiver<Event>) {
        let (events, receiver) = mpsc::channel(capacity);
        (
            Self {
                events,
                missing: Arc::new(Mutex::new(targets)),
                types: Arc::new(types),
                incomplete: Arc::default(),
            },
            receiver,
        )
    }

    /// The requested resources that were not found.
    pub(super) fn missing(&self) -> BTreeSet<ResourceId> {
        self.missing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, batch: &AccessBatch) {
        if let AccessBatch::Resources(resources) = batch {
            let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
            if !missing.is_empty() {
                missing.retain(|id| !resources.iter().any(|resource| resource.id == *id));
            }
        }
    }

    /// Sends an event; [`NinjaOneError::Stopped`] if the receiver was dropped.
    pub(super) async fn send(&self, event: Event) -> Result<(), NinjaOneError> {
        self.events.send(event).await.map_err(|_| NinjaOneError::Stopped)
    }

    pub(super) async fn batch(&self, batch: AccessBatch) -> Result<(), NinjaOneError> {
        if batch.rows() == 0 {
            return Ok(());
        }
        self.note(&batch);
        self.send(Ok(SourceEvent::Batch(batch))).await
    }

    pub(super) async fn warn(&self, code: &'static str, message: String) -> Result<(), NinjaOneError> {
        self.send(Ok(SourceEvent::Warning(Warning { code, message })))
            .await
    }

    /// Sends the remarks of the client as warnings.
    pub(super) async fn remarks(&self, remarks: Vec<Remark>) -> Result<(), NinjaOneError> {
        for remark in remarks {
            if let Some(resource_type) = &remark.incomplete {
                self.incomplete(resource_type, &remark.message);
            }
            self.warn(remark.code, remark.message).await?;
        }
        self.report_incomplete().await
    }

    /// Sends a batch from a parser thread; false if the receiver was dropped.
    pub(super) fn batch_from_thread(&self, batch: AccessBatch) -> bool {
        self.note(&batch);
        batch.rows() == 0 || self.events.blocking_send(Ok(SourceEvent::Batch(batch))).is_ok()
    }

    fn is_selected(&self, resource_type: &ResourceTypeId) -> bool {
        self.types.contains(resource_type)
    }

    /// Reports skipped rows.
    pub(super) async fn skipped(
        &self,
        kind: RowKind,
        resource_type: &ResourceTypeId,
        skips: SkipCounts,
    ) -> Result<(), NinjaOneError> {
        if !self.is_selected(resource_type) {
            return Ok(());
        }
        for (reason, Skip { count, rows }) in skips.by_reason() {
            let skipped = SkippedRows {
                kind,
                resource_type: resource_type.clone(),
                reason,
                count,
                rows,
            };
            self.send(Ok(SourceEvent::Skipped(skipped))).await?;
        }
        Ok(())
    }

    /// Reports the findings of a list of resources. `types_of` names the types that depend on a field.
    pub(super) async fn findings(
        &self,
        list: &str,
        resource_type: &ResourceTypeId,
        findings: Findings,
        types_of: impl Fn(&str) -> Vec<ResourceTypeId>,
    ) -> Result<(), NinjaOneError> {
        self.skipped(RowKind::Resource, resource_type, findings.skips)
            .await?;
        self.unreadable(list, &findings.unreadable, types_of);
        self.clipped(list, &findings.clipped).await?;
        let Found { count, examples } = findings.silent;
        if count == 0 {
            return Ok(());
        }
        self.unstated(Unstated {
            scope: UnstatedScope::Resources(resource_type.clone()),
            field: format!("the id of a row of {list}"),
            count,
            examples,
            without_baseline: WithoutBaseline::Complete,
        })
        .await
    }

    /// Warns of clipped labels.
    pub(super) async fn clipped(&self, list: &str, clipped: &Clipped) -> Result<(), NinjaOneError> {
        for message in clipped.messages(list) {
            self.warn("clipped_text", message).await?;
        }
        Ok(())
    }

    /// Marks types as incomplete because of unreadable values.
    pub(super) fn unreadable(
        &self,
        list: &str,
        unreadable: &Unreadable,
        types_of: impl Fn(&str) -> Vec<ResourceTypeId>,
    ) {
        for (field, reason) in unreadable.reasons(list) {
            for resource_type in types_of(field) {
                self.incomplete(&resource_type, &reason);
            }
        }
    }

    /// Reports what the tenant does not state.
    pub(super) async fn unstated(&self, unstated: Unstated) -> Result<(), NinjaOneError> {
        if !self.is_selected(&unstated.scope.resource_type()) {
            return Ok(());
        }
        self.send(Ok(SourceEvent::Unstated(unstated))).await
    }

    /// Reports the users for whom something is not stated, in parts of at most a batch.
    pub(super) async fn unstated_of_users(
        &self,
        users: &[u64],
        field: &str,
        without_baseline: WithoutBaseline,
        scope: impl Fn(Vec<NativeId>) -> UnstatedScope,
    ) -> Result<(), NinjaOneError> {
        for part in users.chunks(BATCH_ROWS) {
            let principals = part.iter().copied().map(NativeId::from_number).collect();
            self.unstated(Unstated {
                scope: scope(principals),
                field: field.to_owned(),
                count: part.len() as u64,
                examples: part.iter().take(3).map(|id| format!("user {id}")).collect(),
                without_baseline,
            })
            .await?;
        }
        Ok(())
    }

    /// Records why a type is incomplete; reported at the end of the read.
    pub(super) fn incomplete(&self, resource_type: &ResourceTypeId, reason: &str) {
        if self.is_selected(resource_type) {
            let mut incomplete = self.incomplete.lock().unwrap_or_else(PoisonError::into_inner);
            let reasons = incomplete.entry(resource_type.clone()).or_default();
            if !reasons.iter().any(|known| known == reason) {
                reasons.push(reason.to_owned());
            }
        }
    }

    /// Reports the incomplete types.
    pub(super) async fn report_incomplete(&self) -> Result<(), NinjaOneError> {
        let incomplete = std::mem::take(&mut *self.incomplete.lock().unwrap_or_else(PoisonError::into_inner));
        for (resource_type, reasons) in incomplete {
            let reason = reasons.join("; ");
            let state = Completeness::Incomplete { reason };
            self.send(Ok(SourceEvent::Completeness(resource_type, state)))
                .await?;
        }
        Ok(())
    }

    /// Reports the id scheme, once.
    pub(super) async fn id_scheme(&self, scheme: &IdScheme) -> Result<(), NinjaOneError> {
        self.send(Ok(SourceEvent::IdScheme(scheme.clone()))).await
    }

    /// Sends an event from a parser thread; false if the receiver was dropped.
    pub(super) fn send_from_thread(&self, event: SourceEvent) -> bool {
        self.events.blocking_send(Ok(event)).is_ok()
    }
}

/// The pipeline's end of the queue. Polling it drives the read; dropping it stops the read.
pub(super) struct EventStream<'a> {
    driver: Option<BoxFuture<'a, ()>>,
    events: mpsc::Receiver<Event>,
}

impl<'a> EventStream<'a> {
    pub(super) fn new(driver: impl Future<Output = ()> + Send + 'a, events: mpsc::Receiver<Event>) -> Self {
        Self {
            driver: Some(Box::pin(driver)),
            events,
        }
    }
}

impl Stream for EventStream<'_> {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(driver) = &mut self.driver
            && driver.as_mut().poll(context).is_ready()
        {
            self.driver = None;
        }
        self.events.poll_recv(context)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::mapping::{self, role_type, user_type};
    use crate::source::tests::{queue, queued, row};

    fn organization(id: u64) -> AccessBatch {
        AccessBatch::Resources(vec![mapping::organization(id, &row(json!({"name": "Alder"})))])
    }

    #[test]
    fn only_targets_that_were_not_sent_are_missing() {
        let target = |id| ResourceId::new(mapping::organization_type(), NativeId::from_number(id));
        let targets = [target(2), target(3), target(4)].into();
        let (sender, _events) = EventSender::new(4, [mapping::organization_type()].into(), targets);
        assert!(sender.batch_from_thread(organization(1)));
        assert_eq!(sender.missing(), [target(2), target(3), target(4)].into());
        assert!(sender.batch_from_thread(organization(3)));
        assert_eq!(sender.missing(), [target(2), target(4)].into());
    }

    #[tokio::test]
    async fn reasons_of_a_type_are_reported_once_and_together() {
        let (sender, mut events) = queue();
        for reason in ["first", "second", "first"] {
            sender.incomplete(&user_type(), reason);
        }
        sender.report_incomplete().await.unwrap();
        let reason = "first; second".to_owned();
        assert_eq!(
            queued(&mut events),
            [SourceEvent::Completeness(
                user_type(),
                Completeness::Incomplete { reason }
            )]
        );
        sender.report_incomplete().await.unwrap();
        assert_eq!(queued(&mut events), []);
    }

    #[tokio::test]
    async fn clipped_labels_are_warned_of() {
        let (sender, mut events) = queue();
        let mut clipped = Clipped::default();
        for id in [7, 8] {
            clipped.note(["firstName"].into_iter(), || format!("user {id}"));
        }
        sender.clipped("/v2/users", &clipped).await.unwrap();
        let message = "firstName has more than 4096 bytes in 2 rows of /v2/users, e.g. user 7: clipped";
        assert_eq!(
            queued(&mut events),
            [SourceEvent::Warning(Warning {
                code: "clipped_text",
                message: message.to_owned(),
            })]
        );
    }

    #[tokio::test]
    async fn unstated_users_come_in_parts_of_a_batch() {
        let (sender, mut events) = queue();
        let users: Vec<u64> = (1..=BATCH_ROWS as u64 + 1).collect();
        let scope = |principals| UnstatedScope::GrantsOn {
            resource_type: role_type(),
            principal_type: user_type(),
            principals,
        };
        sender
            .unstated_of_users(&users, "roles of users", WithoutBaseline::Complete, scope)
            .await
            .unwrap();
        let part = |ids: &[u64], examples: &[&str]| {
            SourceEvent::Unstated(Unstated {
                scope: scope(ids.iter().copied().map(NativeId::from_number).collect()),
                field: "roles of users".to_owned(),
                count: ids.len() as u64,
                examples: examples.iter().map(|&example| example.to_owned()).collect(),
                without_baseline: WithoutBaseline::Complete,
            })
        };
        let (first, rest) = users.split_at(BATCH_ROWS);
        assert_eq!(
            queued(&mut events),
            [
                part(first, &["user 1", "user 2", "user 3"]),
                part(rest, &["user 2001"])
            ]
        );
    }
}
