use std::sync::Arc;

use crate::fault::Fault;
use crate::ledger::InFlight;
use crate::server::Hangup;

/// The ledger entry, connection and fault of a call.
#[derive(Debug, Clone)]
pub(crate) struct CallContext {
    pub(crate) entry: Arc<InFlight>,
    pub(crate) hangup: Hangup,
    pub(crate) fault: Option<Fault>,
}
