//! Where it is written down who changed what.

use async_trait::async_trait;

use super::AuditError;
use crate::provisioning::AuditEntry;

/// Keeps entries for good.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Adds an entry; it is durable when this returns.
    ///
    /// # Errors
    /// [`AuditError`] if it may not be.
    async fn append(&self, entry: &AuditEntry) -> Result<(), AuditError>;
}

/// Keeps nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopAuditLog;

#[async_trait]
impl AuditLog for NoopAuditLog {
    async fn append(&self, _: &AuditEntry) -> Result<(), AuditError> {
        Ok(())
    }
}
