//! The tenant as something that can be changed.

use async_trait::async_trait;

use super::ProvisionerError;
use crate::model::{NativeId, Resource, ResourceId};
use crate::provisioning::{
    Account, AccountViews, EmailAddress, Observation, ProvisioningTerms, RequestPreview, Role, Selector, Step,
};
use crate::query::TextQuery;

/// A tenant that can be changed. The rules are the use case's ([`crate::provisioning`]); an adapter reads, writes once
/// where it is told to, and says truthfully what it knows of the effect.
#[async_trait]
pub trait Provisioner: Send + Sync {
    /// The tenant, for people.
    fn tenant(&self) -> String;

    /// What the things are called that can be changed.
    fn terms(&self) -> &ProvisioningTerms;

    /// Roles that are selected, with their members as far as the tenant says.
    ///
    /// # Errors
    /// [`ProvisionerError`] if they cannot be read, or if what cannot be read may be a selected one.
    async fn roles(&self, wanted: &Selector) -> Result<Vec<Role>, ProvisionerError>;

    /// The account of this id, looked up by it; `None` only if the lookup says so.
    ///
    /// # Errors
    /// [`ProvisionerError`] if that cannot be found out.
    async fn account(&self, id: &NativeId) -> Result<Option<Account>, ProvisionerError>;

    /// What every source of the tenant says of the account of this id: the lookup and all lists.
    ///
    /// # Errors
    /// [`ProvisionerError`] if one of them cannot be read.
    async fn account_views(&self, id: &NativeId) -> Result<AccountViews, ProvisionerError>;

    /// Accounts of either kind with this address.
    ///
    /// # Errors
    /// [`ProvisionerError`] if they cannot be read, or if what cannot be read may be one of them.
    async fn accounts_with_email(&self, email: &EmailAddress) -> Result<Vec<Account>, ProvisionerError>;

    /// Accounts of which the tenant says that they have full rights and are in use.
    ///
    /// # Errors
    /// [`ProvisionerError`] if they cannot be read.
    async fn administrators(&self) -> Result<Vec<ResourceId>, ProvisionerError>;

    /// Organizations that are selected.
    ///
    /// # Errors
    /// [`ProvisionerError`] if they cannot be read, or if what cannot be read may be a selected one.
    async fn organizations(&self, wanted: &Selector) -> Result<Vec<Resource>, ProvisionerError>;

    /// Roles with a name like the words, for people: `role:7 (Service Desk)`.
    ///
    /// # Errors
    /// [`ProvisionerError`] if they cannot be read.
    async fn similar_roles(&self, words: &TextQuery) -> Result<Vec<String>, ProvisionerError>;

    /// Accounts with a name or address like the words, for people: `user:901 (Ada Jensen, ada@example.com)`.
    ///
    /// # Errors
    /// [`ProvisionerError`] if they cannot be read.
    async fn similar_accounts(&self, words: &TextQuery) -> Result<Vec<String>, ProvisionerError>;

    /// The request that a step is.
    fn preview(&self, step: &Step) -> RequestPreview;

    /// Writes. Repeats the request only where it is certain that the tenant has not acted on it.
    ///
    /// # Errors
    /// [`ApplyError`], which tells what is known of the effect.
    async fn apply(&self, step: &Step) -> Result<ApplyOutcome, ApplyError>;

    /// Waits before a step is tried for the `next` time, or looked at again.
    async fn wait_before_retry(&self, next: u32);
}

/// A write that the tenant says it has done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplyOutcome {
    /// What the tenant's support asks for.
    pub request_id: Option<String>,
    /// What the answer shows of the state after it, if anything.
    pub seen: Option<Observation>,
}

/// A write that the tenant does not say it has done.
#[derive(Debug)]
pub struct ApplyError {
    /// What is known of the effect.
    pub effect: WriteEffect,
    /// What the tenant's support asks for.
    pub request_id: Option<String>,
    /// What went wrong.
    pub error: ProvisionerError,
}

/// What is known of the effect of a failed write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteEffect {
    /// There is none: the request was not sent, or the caller may not make it.
    None,
    /// The tenant refused; perhaps because it already is as wanted.
    Rejected,
    /// The answer is lost or says nothing.
    Unknown,
}
