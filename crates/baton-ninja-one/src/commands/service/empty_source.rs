//! The source of `--skip-full-sync`: an empty tenant.

use access_core::model::{ResourceType, SyncScope};
use access_core::ports::{AccessSource, ApiUsage, CheckReport, SourceError, SourceEvent};
use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::{self, BoxStream};

/// A source without rows.
pub(super) struct EmptySource;

#[async_trait]
impl AccessSource for EmptySource {
    async fn check(&self) -> Result<CheckReport, SourceError> {
        Ok(CheckReport {
            tenant: self.tenant(),
            id_scheme: None,
            endpoints: Vec::new(),
            scopes: Vec::new(),
        })
    }

    fn tenant(&self) -> String {
        String::new()
    }

    fn resource_types(&self) -> Vec<ResourceType> {
        Vec::new()
    }

    fn read(&self, _: &SyncScope) -> BoxStream<'_, Result<SourceEvent, SourceError>> {
        stream::empty().boxed()
    }

    fn usage(&self) -> ApiUsage {
        ApiUsage::default()
    }
}
