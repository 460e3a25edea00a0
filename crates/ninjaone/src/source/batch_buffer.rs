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

#[cfg(test)]
mod tests {
    use access_core::ports::SourceEvent;
    use serde_json::json;

    use super::*;
    use crate::mapping;
    use crate::source::tests::{queue, queued, queued_batches, row};

    fn organization(id: u64, name: &str, description: &str) -> Resource {
        mapping::organization(id, &row(json!({"name": name, "description": description})))
    }

    fn membership(organization: &Resource) -> Entitlement {
        mapping::member(organization).unwrap()
    }

    /// Resources, entitlements and holders count alike.
    #[test]
    fn batch_is_full_at_its_row_bound() {
        let organization = organization(1, "Alder", "");
        let member = membership(&organization);
        let users: Vec<u64> = (1..=BATCH_ROWS as u64).collect();
        let mut batch = BatchBuffer::default();
        batch.grants(&member.id, &users[3..]);
        batch.entitlement(member.clone());
        batch.resource(organization);
        assert!(!batch.is_full());
        batch.grants(&member.id, &users[..1]);
        assert!(batch.is_full());
    }

    /// Long texts end a batch early, because several batches are in memory at a time, with three copies of the texts.
    #[test]
    fn batch_is_full_at_its_text_bound() {
        let (name, description) = ("n".repeat(1_000), "d".repeat(2_000));
        let fitting = BATCH_BYTES / (3 * 3_000);
        let mut batch = BatchBuffer::default();
        for id in 0..fitting as u64 {
            batch.resource(organization(id, &name, &description));
        }
        assert!(!batch.is_full());
        batch.resource(organization(fitting as u64, &name, &description));
        assert!(batch.is_full());
    }

    #[tokio::test]
    async fn many_holders_come_in_several_batches() {
        let (sender, mut events) = queue();
        let member = membership(&organization(1, "Alder", ""));
        let users: Vec<u64> = (1..=2 * BATCH_ROWS as u64 + 1).collect();
        let mut batch = BatchBuffer::default();
        batch.grants_to(&member.id, &users, &sender).await.unwrap();
        let full = ("grants", BATCH_ROWS as u64);
        assert_eq!(queued_batches(&mut events), [full, full]);
        batch.flush(&sender).await.unwrap();
        let rest = queued(&mut events);
        let [SourceEvent::Batch(AccessBatch::Grants(groups))] = rest.as_slice() else {
            panic!("{rest:?}");
        };
        assert_eq!(groups.len(), 1);
        assert_eq!(groups[0].entitlement, member.id);
        assert_eq!(groups[0].principals, [NativeId::from_number(users.len() as u64)]);
        batch.flush(&sender).await.unwrap();
        assert_eq!(queued_batches(&mut events), []);
    }

    /// The parser thread stops when the receiver is dropped.
    #[test]
    fn flush_from_thread_says_whether_the_rows_were_sent() {
        let (sender, mut events) = queue();
        let organization = organization(1, "Alder", "");
        let mut batch = BatchBuffer::default();
        batch.entitlement(membership(&organization));
        batch.resource(organization.clone());
        assert!(batch.flush_from_thread(&sender));
        assert_eq!(
            queued_batches(&mut events),
            [("resources", 1), ("entitlements", 1)]
        );
        drop(events);
        batch.resource(organization);
        assert!(!batch.flush_from_thread(&sender));
    }
}
