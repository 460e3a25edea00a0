//! Changes to the tenant.

use async_trait::async_trait;

use super::ProvisionerError;
use crate::model::{NativeId, Resource, ResourceId};
use crate::provisioning::{
    Account, AccountViews, EmailAddress, Observation, ProvisioningTerms, RequestPreview, Role, Selector, Step,
};
use crate::query::TextQuery;

/// A tenant that can be changed. The rules are in [`crate::provisioning`]; an adapter reads, sends each write once, and
/// reports what it knows of the effect.
#[async_trait]
pub trait Provisioner: Send + Sync {
    /// The tenant's display name.
    fn tenant(&self) -> String;

    /// Resource types, slugs and account rules of this tenant.
    fn terms(&self) -> &ProvisioningTerms;

    /// Finds the selected roles with their members, as far as the tenant lists them.
    ///
    /// # Errors
    /// [`ProvisionerError`] if reading fails, or if an unreadable object may be a selected one.
    async fn roles(&self, selector: &Selector) -> Result<Vec<Role>, ProvisionerError>;

    /// Looks up an account by id; `None` only if the lookup reports that it does not exist.
    ///
    /// # Errors
    /// [`ProvisionerError`] if the lookup fails.
    async fn account(&self, id: &NativeId) -> Result<Option<Account>, ProvisionerError>;

    /// Reads an account from every source of the tenant: the lookup and all lists.
    ///
    /// # Errors
    /// [`ProvisionerError`] if one of them fails.
    async fn account_views(&self, id: &NativeId) -> Result<AccountViews, ProvisionerError>;

    /// Finds accounts of any kind with this address.
    ///
    /// # Errors
    /// [`ProvisionerError`] if reading fails, or if an unreadable account may have the address.
    async fn accounts_with_email(&self, email: &EmailAddress) -> Result<Vec<Account>, ProvisionerError>;

    /// Lists active accounts with full rights.
    ///
    /// # Errors
    /// [`ProvisionerError`] if reading fails.
    async fn administrators(&self) -> Result<Vec<ResourceId>, ProvisionerError>;

    /// Finds the selected organizations.
    ///
    /// # Errors
    /// [`ProvisionerError`] if reading fails, or if an unreadable object may be a selected one.
    async fn organizations(&self, selector: &Selector) -> Result<Vec<Resource>, ProvisionerError>;

    /// Labels of roles with a similar name, e.g. `role:7 (Service Desk)`.
    ///
    /// # Errors
    /// [`ProvisionerError`] if reading fails.
    async fn similar_roles(&self, query: &TextQuery) -> Result<Vec<String>, ProvisionerError>;

    /// Labels of accounts with a similar name or address, e.g. `user:901 (Ada Jensen, ada@example.com)`.
    ///
    /// # Errors
    /// [`ProvisionerError`] if reading fails.
    async fn similar_accounts(&self, query: &TextQuery) -> Result<Vec<String>, ProvisionerError>;

    /// The request that [`apply`](Self::apply) would send.
    fn preview(&self, step: &Step) -> RequestPreview;

    /// Sends the write. Repeats it only if the tenant certainly did not process it.
    ///
    /// # Errors
    /// [`ApplyError`] with the known effect.
    async fn apply(&self, step: &Step) -> Result<ApplyOutcome, ApplyError>;

    /// Waits before attempt number `next` of a write or a read.
    async fn wait_before_retry(&self, next: u32);
}

/// A write that the tenant accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyOutcome {
    /// Request id for the tenant's support.
    pub request_id: Option<String>,
    /// The resulting state, if the response contains it.
    pub seen: Option<Observation>,
}

/// A failed write.
#[derive(Debug)]
pub struct ApplyError {
    /// The known effect.
    pub effect: WriteEffect,
    /// Request id for the tenant's support.
    pub request_id: Option<String>,
    /// The cause.
    pub error: ProvisionerError,
}

/// The known effect of a failed write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteEffect {
    /// No effect: the request was not sent, or the client is not authorized.
    None,
    /// The tenant rejected the request, possibly because the state already is as requested.
    Rejected,
    /// Unknown: the response was lost or is inconclusive.
    Unknown,
}
