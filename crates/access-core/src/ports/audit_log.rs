//! The audit log of provisioning.

use async_trait::async_trait;

use super::AuditError;
use crate::provisioning::AuditEntry;

/// A durable log of changes.
#[async_trait]
pub trait AuditLog: Send + Sync {
    /// Appends an entry. It is durable when this returns.
    ///
    /// # Errors
    /// [`AuditError`] if the entry may not be durable.
    async fn append(&self, entry: &AuditEntry) -> Result<(), AuditError>;
}

/// An audit log that discards entries.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoopAuditLog;

#[async_trait]
impl AuditLog for NoopAuditLog {
    async fn append(&self, _: &AuditEntry) -> Result<(), AuditError> {
        Ok(())
    }
}
