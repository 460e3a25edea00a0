//! NinjaOne as an access source: the lists and their order, and their conversion to rows of the domain.
//!
//! Calls of a full sync: 1 sign-in, 1 × technicians, 1 × end users, 1 × users, 1 × roles, and one call for each page of
//! organizations (and of devices, if opted in) plus the empty page at the end. Every list is downloaded once.

mod batch_buffer;
mod check;
mod devices;
mod event_sender;
mod findings;
mod id_order;
mod id_set;
pub(crate) mod join_table;
mod kind_lists;
mod older;
mod options;
pub(crate) mod organizations;
pub(crate) mod pagination;
mod paths;
mod roles;
mod selection;
mod sync_pass;
mod user_access;
mod user_findings;
mod users;

use access_core::model::{ResourceType, SyncScope};
use access_core::ports::{AccessSource, Activity, ApiUsage, CheckReport, ListStep, SourceError, SourceEvent};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::{NinjaOneClient, mapping};

use event_sender::EventSender;

pub use options::SourceOptions;

/// Capacity of the queue to the pipeline, in batches.
const BATCH_QUEUE_CAPACITY: usize = 4;

/// A NinjaOne tenant as an [`AccessSource`].
#[derive(Debug)]
pub struct NinjaOneSource {
    client: NinjaOneClient,
    options: SourceOptions,
}

impl NinjaOneSource {
    /// A source over a client.
    #[must_use]
    pub fn new(client: NinjaOneClient, options: SourceOptions) -> Self {
        Self { client, options }
    }
}

#[async_trait]
impl AccessSource for NinjaOneSource {
    async fn check(&self) -> Result<CheckReport, SourceError> {
        check::check(&self.client, self.options, self.read(&SyncScope::default()))
            .await
            .map_err(SourceError::new)
    }

    fn tenant(&self) -> String {
        self.client.tenant()
    }

    fn resource_types(&self) -> Vec<ResourceType> {
        mapping::resource_types(self.options.devices)
    }

    fn read(&self, scope: &SyncScope) -> BoxStream<'_, Result<SourceEvent, SourceError>> {
        let types = self.resource_types().into_iter().map(|row| row.id);
        let types = types.filter(|id| scope.includes_type(id)).collect();
        let targets = scope.targets.clone().unwrap_or_default();
        let (sender, events) = EventSender::new(BATCH_QUEUE_CAPACITY, types, targets);
        let scope = scope.clone();
        let driver = async move {
            self.client.take_remarks();
            sync_pass::read(&self.client, self.options, scope, sender.clone()).await;
            // Warnings are lost without a receiver.
            let _ = sender.remarks(self.client.take_remarks()).await;
        };
        event_sender::EventStream::new(driver, events).boxed()
    }

    fn usage(&self) -> ApiUsage {
        self.client.usage()
    }

    fn activity(&self) -> Activity {
        let (path, wait) = self.client.now();
        let lists: Vec<_> = sync_pass::lists(self.options).collect();
        let index = path.and_then(|path| lists.iter().position(|list| path.starts_with(list.path)));
        let list = index.map(|index| ListStep {
            name: lists[index].name,
            number: index + 1,
            of: lists.len(),
        });
        Activity { list, wait }
    }
}

#[cfg(test)]
mod tests;
