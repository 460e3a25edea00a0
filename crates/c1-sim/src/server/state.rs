use std::sync::Arc;

use baton_proto::connectorapi_baton_v1::baton_service_server::BatonServiceServer;

use crate::baton_service::Baton;
use crate::fault::FaultSchedule;
use crate::ledger::CallLedger;
use crate::token::Tokens;

/// The state shared by all connections.
#[derive(Debug, Clone)]
pub(super) struct ServerState {
    pub(super) tokens: Arc<Tokens>,
    pub(super) faults: FaultSchedule,
    pub(super) ledger: CallLedger,
    pub(super) service: BatonServiceServer<Baton>,
}
