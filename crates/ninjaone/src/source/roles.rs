//! `/v2/user/roles`: every role with its members, downloaded once.

use std::collections::HashSet;

use access_core::model::{NativeId, RowKind};

use super::emitter::Gathered;
use super::facts::Facts;
use super::outlet::Skips;
use super::selection::Selection;
use super::text_order::sort_as_text;
use super::{BATCH_ROWS, Outlet};
use crate::NinjaOneError;
use crate::client::{NinjaOneClient, TakeElement};
use crate::mapping::{self, role_type};
use crate::wire::{Members, RoleRow, Row, Said};

/// What is needed of a role while others come.
pub(super) struct Role {
    id: NativeId,
    row: RoleRow,
}

/// Reads the roles and emits them as they come.
pub(super) async fn stream(
    client: &NinjaOneClient,
    access: bool,
    outlet: &Outlet,
) -> Result<(), NinjaOneError> {
    let emit = Emit {
        gathered: Gathered::default(),
        access,
        outlet: outlet.clone(),
        failure: None,
    };
    let mut reader = list(client, RoleReader::new(emit)).await?;
    if let Some(failure) = reader.consumer.failure.take() {
        return Err(failure);
    }
    reader.consumer.gathered.flush(outlet).await?;
    book(&reader.skips, reader.member_skips, access, outlet).await
}

/// Reads the roles and keeps the wanted ones, whose members are added to the selection.
pub(super) async fn collect(
    client: &NinjaOneClient,
    selection: &mut Selection,
    outlet: &Outlet,
) -> Result<Vec<Role>, NinjaOneError> {
    let reader = list(
        client,
        RoleReader::new(Keep {
            wanted: selection.clone(),
            roles: Vec::new(),
        }),
    )
    .await?;
    let roles = reader.consumer.roles;
    selection.add_holders(
        roles
            .iter()
            .flat_map(|role| role.row.members.ids().iter().copied()),
    );
    book(&reader.skips, reader.member_skips, selection.access, outlet).await?;
    Ok(roles)
}

/// Emits collected roles.
pub(super) async fn emit(roles: Vec<Role>, access: bool, outlet: &Outlet) -> Result<(), NinjaOneError> {
    for role in roles {
        let mut gathered = Gathered::default();
        let resource = mapping::role(role.id, &role.row);
        let entitlement = mapping::assigned(&resource)?;
        gathered.resource(resource);
        if access {
            let id = entitlement.id.clone();
            gathered.entitlement(entitlement);
            gathered.grants_to(&id, role.row.members.ids(), outlet).await?;
        }
        gathered.flush(outlet).await?;
    }
    Ok(())
}

/// The roles of an older instance, which tells them by name only.
pub(super) fn from_names(selection: &Selection, facts: &mut Facts) -> Vec<Role> {
    let named = std::mem::take(&mut facts.role_names);
    let roles = named.into_iter().filter_map(|(name, members)| {
        let id = name.id()?;
        let text = |text: String| Said::<Box<str>>::Said(text.into());
        let mut row = RoleRow {
            name: text(name.name),
            kind: text(name.kind),
            ..RoleRow::default()
        };
        row.members = Said::Said(Members::from_ids(members));
        Some(Role { id, row })
    });
    roles.filter(|role| selection.role(&role.id)).collect()
}

async fn list<C: Consume + Send + 'static>(
    client: &NinjaOneClient,
    reader: RoleReader<C>,
) -> Result<RoleReader<C>, NinjaOneError> {
    let (reader, _, _) = client
        .list::<Row<RoleRow>, _>("/v2/user/roles", &[], reader)
        .await?;
    Ok(reader)
}

async fn book(skips: &Skips, members: Skips, access: bool, outlet: &Outlet) -> Result<(), NinjaOneError> {
    outlet.skipped(RowKind::Resource, &role_type(), *skips).await?;
    let members = if access { members } else { Skips::default() };
    outlet.skipped(RowKind::Grant, &role_type(), members).await
}

/// What becomes of a role that has come.
trait Consume {
    /// False to stop.
    fn consume(&mut self, role: Role) -> bool;
}

struct RoleReader<C> {
    consumer: C,
    /// Roles consumed, over all tries.
    done: HashSet<u64>,
    /// Roles that have come in this try.
    seen: HashSet<u64>,
    skips: Skips,
    member_skips: Skips,
}

impl<C> RoleReader<C> {
    fn new(consumer: C) -> Self {
        Self {
            consumer,
            done: HashSet::new(),
            seen: HashSet::new(),
            skips: Skips::default(),
            member_skips: Skips::default(),
        }
    }
}

impl<C: Consume> TakeElement<Row<RoleRow>> for RoleReader<C> {
    fn take(&mut self, row: Row<RoleRow>) -> bool {
        let Row::Object(mut row) = row else {
            self.skips.wrong_shape += 1;
            return true;
        };
        let Some(id) = row.id.get() else {
            self.skips.unusable += 1;
            return true;
        };
        if !self.seen.insert(id) {
            self.skips.duplicate += 1;
            return true;
        }
        if !self.done.insert(id) {
            return true;
        }
        if let Said::Said(members) = &mut row.members {
            self.member_skips.unusable += members.without_id.len() as u64;
            self.member_skips.wrong_shape += members.unreadable.len() as u64;
            let received = members.ids.len();
            sort_as_text(&mut members.ids);
            self.member_skips.duplicate += (received - members.ids.len()) as u64;
        }
        self.consumer.consume(Role {
            id: NativeId::from_number(id),
            row,
        })
    }

    fn again(&mut self) {
        self.seen.clear();
        // What was booked for members of roles already consumed stays booked: they do not come again.
        self.skips = Skips::default();
    }

    fn has_used(&self) -> bool {
        !self.seen.is_empty()
    }
}

struct Emit {
    gathered: Gathered,
    access: bool,
    outlet: Outlet,
    failure: Option<NinjaOneError>,
}

impl Emit {
    fn role(&mut self, role: Role) -> Result<bool, NinjaOneError> {
        let resource = mapping::role(role.id, &role.row);
        let entitlement = mapping::assigned(&resource)?;
        self.gathered.resource(resource);
        if self.access {
            let id = entitlement.id.clone();
            self.gathered.entitlement(entitlement);
            for part in role.row.members.ids().chunks(BATCH_ROWS) {
                self.gathered.grants(&id, part);
                if self.gathered.is_full() && !self.gathered.flush_from_thread(&self.outlet) {
                    return Ok(false);
                }
            }
        }
        Ok(!self.gathered.is_full() || self.gathered.flush_from_thread(&self.outlet))
    }
}

impl Consume for Emit {
    fn consume(&mut self, role: Role) -> bool {
        match self.role(role) {
            Ok(true) => true,
            Ok(false) => {
                self.failure = Some(NinjaOneError::Stopped);
                false
            }
            Err(error) => {
                self.failure = Some(error);
                false
            }
        }
    }
}

struct Keep {
    wanted: Selection,
    roles: Vec<Role>,
}

impl Consume for Keep {
    fn consume(&mut self, role: Role) -> bool {
        if self.wanted.role(&role.id) {
            self.roles.push(role);
        }
        true
    }
}
