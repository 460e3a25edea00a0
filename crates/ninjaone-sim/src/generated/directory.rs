//! Single objects and keyset pages of a generated tenant, small enough to be built at once.

use serde_json::{Value, json};
use sim_kit::mix;

use super::collection::Collection;
use super::generator::Generated;
use super::person_json;
use crate::user_kind::UserKind;

impl Generated {
    /// The kind of the user with this id.
    pub(crate) fn user_kind(&self, id: i64) -> Option<UserKind> {
        let position = u32::try_from(id).ok()?.checked_sub(1)?;
        (position < self.users()).then(|| self.person(position).kind)
    }

    /// One technician or end user by id.
    pub(crate) fn user(&self, id: i64) -> Option<Vec<u8>> {
        let position = u32::try_from(id).ok()?.checked_sub(1)?;
        let person = (position < self.users()).then(|| self.person(position))?;
        let mut out = Vec::new();
        match person.kind {
            UserKind::Technician => person_json::technician(&mut out, &person),
            UserKind::EndUser => person_json::end_user(&mut out, &person),
        }
        Some(out)
    }

    /// Rows of a keyset-paged collection with ids above `after`, ascending.
    pub(crate) fn page(&self, collection: Collection, after: i64, size: usize) -> Vec<Value> {
        let count = match collection {
            Collection::Devices => self.size.devices,
            Collection::Organizations | Collection::Locations => self.size.organizations,
        };
        let first = u32::try_from(after.max(0)).unwrap_or(u32::MAX).saturating_add(1);
        let rows = (first..=count).take(size);
        rows.map(|id| match collection {
            Collection::Organizations => organization(id),
            Collection::Locations => location(id),
            Collection::Devices => self.device(id),
        })
        .collect()
    }

    fn device(&self, id: u32) -> Value {
        let bits = mix(self.size.seed ^ 0xd3, u64::from(id));
        let organization =
            (self.size.organizations > 0).then(|| 1 + bits % u64::from(self.size.organizations));
        let name = format!("ws-{id:06}");
        json!({
            "id": id, "uid": format!("{:08x}-0000-4000-8000-{id:012}", bits >> 32), "assignedOwnerUid": null,
            "parentDeviceId": null, "organizationId": organization, "locationId": organization,
            "nodeClass": "WINDOWS_WORKSTATION", "nodeRoleId": 11, "rolePolicyId": 30, "policyId": null,
            "approvalStatus": "APPROVED", "offline": bits.is_multiple_of(8), "displayName": name, "systemName": name,
            "dnsName": null, "netbiosName": null, "created": 1_702_540_800, "lastContact": 1_795_470_000.25,
            "lastUpdate": 1_795_470_000, "userData": {}, "tags": [],
        })
    }
}

fn organization(id: u32) -> Value {
    let mut name = Vec::new();
    person_json::organization_name(&mut name, id);
    json!({
        "id": id, "name": String::from_utf8_lossy(&name), "description": null, "userData": {},
        "nodeApprovalMode": "AUTOMATIC",
    })
}

fn location(id: u32) -> Value {
    json!({
        "id": id, "organizationId": id, "name": "Main Office", "address": null, "description": null,
        "userData": {},
    })
}
