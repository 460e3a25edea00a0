use std::sync::Arc;

use crate::fault::Fault;
use crate::ledger::InFlight;
use crate::server::Hangup;

/// What goes with a call beside its message.
#[derive(Debug, Clone)]
pub(crate) struct CallContext {
    pub(crate) entry: Arc<InFlight>,
    pub(crate) hangup: Hangup,
    pub(crate) fault: Option<Fault>,
}
