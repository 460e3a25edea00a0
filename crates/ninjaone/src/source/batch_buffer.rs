//! Collects rows into batches, in the order that the port requires.

use access_core::model::{AccessBatch, Entitlement, EntitlementId, GrantGroup, NativeId, Resource};

use super::event_sender::{BATCH_BYTES, BATCH_ROWS, EventSender};
use crate::NinjaOneError;
use crate::mapping::user_type;

/// Resources with their entitlements and grants, sent when the batch is full.
#[derive(Debug, Default)]
pub(super) struct BatchBuffer {
    resources: Vec<Resource>,
    entitlements: Vec<Entitlement>,
    grants: Vec<GrantGroup>,
    rows: usize,
    /// Bytes of names and descriptions.
    text_bytes: usize,
}

impl BatchBuffer {
    pub(super) fn resource(&mut self, resource: Resource) {
        let description = resource
            .description
            .as_ref()
            .map_or(0, |text| text.as_str().len());
        // Profile and trait have another copy.
        self.text_bytes += 3 * (resource.display_name.as_str().len() + description);
        self.resources.push(resource);
        self.rows += 1;
    }

    pub(super) fn entitlement(&mut self, entitlement: Entitlement) {
        self.entitlements.push(entitlement);
        self.rows += 1;
    }

    /// Users who hold an entitlement.
    pub(super) fn grants(&mut self, entitlement: &EntitlementId, users: &[u64]) {
        self.rows += users.len();
        self.grants.push(GrantGroup {
            entitlement: entitlement.clone(),
            principal_type: user_type(),
            principals: users.iter().copied().map(NativeId::from_number).collect(),
            origins: None,
        });
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.text_bytes >= BATCH_BYTES
    }

    fn batches(&mut self) -> [AccessBatch; 3] {
        self.rows = 0;
        self.text_bytes = 0;
        [
            AccessBatch::Resources(std::mem::take(&mut self.resources)),
            AccessBatch::Entitlements(std::mem::take(&mut self.entitlements)),
            AccessBatch::Grants(std::mem::take(&mut self.grants)),
        ]
    }

    pub(super) fn flush_from_thread(&mut self, sender: &EventSender) -> bool {
        self.batches()
            .into_iter()
            .all(|batch| sender.batch_from_thread(batch))
    }

    /// Sends the batch if it is full.
    pub(super) async fn flush_full(&mut self, sender: &EventSender) -> Result<(), NinjaOneError> {
        if self.is_full() {
            self.flush(sender).await?;
        }
        Ok(())
    }

    pub(super) async fn flush(&mut self, sender: &EventSender) -> Result<(), NinjaOneError> {
        for batch in self.batches() {
            sender.batch(batch).await?;
        }
        Ok(())
    }

    /// Adds the holders of an entitlement, any number of them.
    pub(super) async fn grants_to(
        &mut self,
        entitlement: &EntitlementId,
        users: &[u64],
        sender: &EventSender,
    ) -> Result<(), NinjaOneError> {
        for part in users.chunks(BATCH_ROWS) {
            self.grants(entitlement, part);
            self.flush_full(sender).await?;
        }
        Ok(())
    }
}
