//! The rules against a tenant in memory.

mod in_memory;
mod properties;
mod refusals;
mod silence;
mod telling;
mod writes;

use futures::executor::block_on;
use time::OffsetDateTime;
use time::macros::datetime;

use super::{Change, Outcome, Provisioning, ProvisioningError};
use crate::model::SyncId;
use crate::ports::{Clock, SyncIds};
use in_memory::{Diary, Tenant};

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> OffsetDateTime {
        datetime!(2026-11-25 12:00:00 UTC)
    }
}

impl SyncIds for Fixed {
    fn next_id(&self, started_at: OffsetDateTime) -> SyncId {
        SyncId::from_parts(started_at, [7; 16])
    }
}

/// Prepares a change and carries it out.
fn make(tenant: &Tenant, diary: &Diary, change: &Change) -> Result<Outcome, ProvisioningError> {
    let provisioning = Provisioning {
        provisioner: tenant,
        audit: diary,
        clock: &Fixed,
        ids: &Fixed,
        requested_by: "ada".to_owned(),
    };
    block_on(async {
        let plan = provisioning.prepare(change).await?;
        provisioning.carry_out(&plan).await
    })
}
