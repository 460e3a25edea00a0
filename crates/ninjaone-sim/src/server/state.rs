use std::sync::{Arc, Mutex};

use crate::api::Api;
use crate::fault::FaultSchedule;
use crate::ledger::CallLedger;

/// The state shared by all connections.
#[derive(Debug, Clone)]
pub(super) struct ServerState {
    pub(super) api: Arc<Api>,
    pub(super) faults: FaultSchedule,
    pub(super) ledger: CallLedger,
    pub(super) keep_answers: bool,
}

/// Bytes that are sent instead of an answer.
pub(super) type RawBytes = Arc<Mutex<Option<Vec<u8>>>>;
