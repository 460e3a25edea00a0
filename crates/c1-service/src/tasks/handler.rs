//! The state that the handling of tasks needs.

use std::sync::Arc;
use std::time::Duration;

use access_core::provisioning::ProvisioningTerms;

use super::actions::Actions;
use crate::connector::Connector;
use crate::{C1Client, Hello};

/// Handles tasks: [`handle`](Self::handle) dispatches them, and the module of each task type has its methods.
pub(crate) struct TaskHandler {
    pub(crate) client: C1Client,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) terms: ProvisioningTerms,
    pub(crate) allow_admin_delete: bool,
    pub(crate) hello: Hello,
    pub(crate) actions: Actions,
    /// Consecutive failed heartbeats after which a task is cancelled.
    pub(crate) heartbeat_failures: u32,
    /// Maximum pause between heartbeats.
    pub(crate) max_heartbeat_pause: Duration,
}
