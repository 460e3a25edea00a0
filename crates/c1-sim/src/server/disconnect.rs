use std::sync::Arc;

use tokio::sync::Notify;

use crate::ledger::{InFlight, Outcome};

/// Closes a connection from within one of its calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Hangup(Arc<Notify>);

impl Hangup {
    /// Closes the connection. Never returns.
    pub(crate) async fn hang_up(&self, entry: &InFlight) {
        entry.set_outcome(Outcome::Dropped);
        self.0.notify_one();
        std::future::pending::<()>().await;
    }

    /// Waits until a call closes the connection.
    pub(super) async fn requested(&self) {
        self.0.notified().await;
    }
}
