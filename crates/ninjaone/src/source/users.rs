//! Users of both kinds: what three lists say about them, joined by id.

use std::collections::HashMap;

use access_core::model::{AccessBatch, Resource, RowKind};

use super::facts::{Facts, RoleName, UserFacts};
use super::join_table::{JoinTable, JoinTableBuilder, Listed};
use super::organizations::OrganizationNames;
use super::outlet::Skips;
use super::selection::Selection;
use super::{BATCH_ROWS, Outlet};
use crate::NinjaOneError;
use crate::client::{NinjaOneClient, TakeElement};
use crate::mapping::{self, END_USER, TECHNICIAN, user_type};
use crate::wire::{Row, UserRow};

const TECHNICIANS: &str = "/v2/user/technicians";
const END_USERS: &str = "/v2/user/end-users";
const USERS: &str = "/v2/users";

/// What was found out about users.
pub(super) struct UsersRead {
    pub(super) facts: Facts,
    /// The instance has no `/v2/user/*`.
    pub(super) older: bool,
}

/// Reads all users and emits the wanted ones.
///
/// `/v2/users` alone has `permitAllClients`; the other two alone have `scimUser`, `authType` and `fullPortalAccess`
/// (NinjaOne facts §3.1). The two come first and are kept in a compact table; `/v2/users` then streams past it.
pub(super) async fn read(
    client: &NinjaOneClient,
    with_devices: bool,
    selection: &Selection,
    names: OrganizationNames,
    outlet: &Outlet,
) -> Result<UsersRead, NinjaOneError> {
    let technicians = OwnList::new(JoinTableBuilder::new(with_devices), Listed::Technician);
    let technicians = match client.list(TECHNICIANS, &[], technicians).await {
        Ok((list, _, _)) => list,
        Err(NinjaOneError::Refused { status: 404, .. }) => {
            warn_older(outlet).await?;
            let facts = read_older(client, with_devices, selection, names, outlet).await?;
            return Ok(UsersRead { facts, older: true });
        }
        Err(error) => return Err(error),
    };
    if technicians.table.len() == 0 {
        return Err(NinjaOneError::EmptyList {
            request: client.shown(TECHNICIANS),
        });
    }
    let mut skips = technicians.skips;
    let end_users = OwnList::new(technicians.table, Listed::EndUser);
    let (end_users, _, _) = client.list(END_USERS, &[], end_users).await?;
    skips = sum(skips, end_users.skips);
    let without_end_users = end_users.is_empty();
    let (table, duplicates) = end_users.table.build();
    skips.duplicate += duplicates;

    let mut emitter = UserEmitter::new(table, with_devices, selection.clone(), names, outlet.clone());
    emitter.skips_elsewhere = skips;
    let facts = stream(client, &[], emitter, without_end_users).await?;
    Ok(UsersRead { facts, older: false })
}

/// Says once, loudly, what an older instance cannot tell.
pub(super) async fn warn_older(outlet: &Outlet) -> Result<(), NinjaOneError> {
    let message = "this is an older NinjaOne instance without /v2/user/*: roles are known by name only, and nothing is \
                   known of SCIM, sign-in types and portal access";
    outlet.warn("older_instance", message.to_owned()).await
}

/// Reads users from an instance that has `/v2/users` only.
pub(super) async fn read_older(
    client: &NinjaOneClient,
    with_devices: bool,
    selection: &Selection,
    names: OrganizationNames,
    outlet: &Outlet,
) -> Result<Facts, NinjaOneError> {
    let mut emitter = UserEmitter::new(
        JoinTable::default(),
        with_devices,
        selection.clone(),
        names,
        outlet.clone(),
    );
    emitter.with_role_names = true;
    stream(client, &[("includeRoles", "true".to_owned())], emitter, false).await
}

async fn stream(
    client: &NinjaOneClient,
    query: &[(&str, String)],
    emitter: UserEmitter,
    without_end_users: bool,
) -> Result<Facts, NinjaOneError> {
    let outlet = emitter.outlet.clone();
    let emits = emitter.selection.users();
    let (emitter, count, _) = client.list(USERS, query, emitter).await?;
    if emitter.stopped {
        return Err(NinjaOneError::Stopped);
    }
    if count == 0 {
        return Err(NinjaOneError::EmptyList {
            request: client.shown(USERS),
        });
    }
    if without_end_users && emitter.seen.end_user {
        return Err(NinjaOneError::NoEndUsers {
            request: client.shown(END_USERS),
        });
    }
    // The rest is as much work as the list itself, so it has a thread too.
    let finish = tokio::task::spawn_blocking(move || emitter.finish());
    let (facts, skips) = finish
        .await
        .map_err(|_| NinjaOneError::Stopped)?
        .ok_or(NinjaOneError::Stopped)?;
    if emits {
        outlet.skipped(RowKind::Resource, &user_type(), skips).await?;
    }
    Ok(facts)
}

fn sum(a: Skips, b: Skips) -> Skips {
    Skips {
        unusable: a.unusable + b.unusable,
        duplicate: a.duplicate + b.duplicate,
        wrong_shape: a.wrong_shape + b.wrong_shape,
    }
}

/// Gathers the list of one kind of users.
struct OwnList {
    table: JoinTableBuilder,
    listed: Listed,
    before: usize,
    skips: Skips,
}

impl OwnList {
    fn new(table: JoinTableBuilder, listed: Listed) -> Self {
        Self {
            before: table.len(),
            table,
            listed,
            skips: Skips::default(),
        }
    }

    fn is_empty(&self) -> bool {
        self.table.len() == self.before
    }
}

impl TakeElement<Row<UserRow>> for OwnList {
    fn take(&mut self, row: Row<UserRow>) -> bool {
        match row {
            Row::Null | Row::Other => self.skips.wrong_shape += 1,
            Row::Object(row) => match row.id.get() {
                None => self.skips.unusable += 1,
                Some(id) => self.table.add(id, self.listed, &row),
            },
        }
        true
    }

    fn again(&mut self) {
        self.table.truncate(self.before);
        self.skips = Skips::default();
    }

    fn has_used(&self) -> bool {
        !self.is_empty()
    }
}

/// What a try of `/v2/users` has had.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    usable: bool,
    end_user: bool,
}

/// Joins and emits users as `/v2/users` comes in.
struct UserEmitter {
    table: JoinTable,
    /// For each row of the table, and for each user that is not in it, the try in which it last came.
    marks: Vec<u8>,
    strays: HashMap<u64, u8>,
    tries: u8,
    skips: Skips,
    skips_elsewhere: Skips,
    with_devices: bool,
    with_role_names: bool,
    seen: Seen,
    selection: Selection,
    names: OrganizationNames,
    facts: Facts,
    batch: Vec<Resource>,
    outlet: Outlet,
    stopped: bool,
}

impl UserEmitter {
    fn new(
        table: JoinTable,
        with_devices: bool,
        selection: Selection,
        names: OrganizationNames,
        outlet: Outlet,
    ) -> Self {
        Self {
            marks: vec![0; table.len()],
            table,
            strays: HashMap::new(),
            tries: 1,
            skips: Skips::default(),
            skips_elsewhere: Skips::default(),
            with_devices,
            with_role_names: false,
            seen: Seen::default(),
            selection,
            names,
            facts: Facts::default(),
            batch: Vec::with_capacity(BATCH_ROWS),
            outlet,
            stopped: false,
        }
    }

    fn user(&mut self, id: u64, row: UserRow) -> bool {
        let place = self.table.find(id);
        let mark = match place {
            Some(place) => &mut self.marks[place.ordinal()],
            None => self.strays.entry(id).or_insert(0),
        };
        let before = std::mem::replace(mark, self.tries);
        if before == self.tries {
            self.skips.duplicate += 1;
        }
        if before != 0 {
            return true;
        }
        match place.map(|place| self.table.row(place)) {
            Some((listed, own)) => self.emit(id, Some(listed), row.or(own)),
            None => self.emit(id, None, row),
        }
    }

    fn emit(&mut self, id: u64, listed: Option<Listed>, mut row: UserRow) -> bool {
        if row.user_type.said().is_none() {
            // Not a guess: the list that the row is from holds this kind only.
            row.user_type = listed.map(|listed| kind_of(listed).into()).into();
        }
        let end_user = match listed {
            Some(listed) => listed == Listed::EndUser,
            None => says_end_user(&row),
        };
        let facts = UserFacts::new(&row, end_user, self.with_devices);
        let role_names = if self.with_role_names {
            RoleName::all_of(&row)
        } else {
            Vec::new()
        };
        let holds_role = role_names
            .iter()
            .filter_map(RoleName::id)
            .any(|role| self.selection.holders_of(&role));
        // Which roles there are is known from all users only, whichever of these are wanted.
        self.facts.add_role_names(id, role_names);
        if !holds_role && !self.selection.user(id, &facts) {
            return true;
        }
        self.facts.add(id, &facts);
        if self.selection.users() {
            let name = row
                .organization_id
                .ids()
                .first()
                .and_then(|organization| self.names.get(organization));
            self.batch.push(mapping::user(id, &row, name.map(AsRef::as_ref)));
        }
        self.batch.len() < BATCH_ROWS || self.flush()
    }

    fn flush(&mut self) -> bool {
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH_ROWS));
        self.stopped = !self.outlet.batch_from_thread(AccessBatch::Resources(batch));
        !self.stopped
    }

    /// Emits the users that `/v2/users` did not have. `None` if nobody listens.
    fn finish(mut self) -> Option<(Facts, Skips)> {
        let left: Vec<_> = self
            .table
            .places()
            .filter(|(place, _)| self.marks[place.ordinal()] == 0)
            .collect();
        for (place, id) in left {
            let (listed, row) = self.table.row(place);
            if !self.emit(id, Some(listed), row) {
                return None;
            }
        }
        self.flush().then(|| {
            self.facts.sort();
            (self.facts, sum(self.skips, self.skips_elsewhere))
        })
    }
}

fn says_end_user(row: &UserRow) -> bool {
    row.user_type
        .trimmed()
        .is_some_and(|kind| kind.eq_ignore_ascii_case(END_USER))
}

fn kind_of(listed: Listed) -> &'static str {
    match listed {
        Listed::Technician => TECHNICIAN,
        Listed::EndUser => END_USER,
    }
}

impl TakeElement<Row<UserRow>> for UserEmitter {
    fn take(&mut self, row: Row<UserRow>) -> bool {
        match row {
            Row::Null | Row::Other => self.skips.wrong_shape += 1,
            Row::Object(row) => match row.id.get() {
                None => self.skips.unusable += 1,
                Some(id) => {
                    self.seen.usable = true;
                    self.seen.end_user |= says_end_user(&row);
                    return self.user(id, row);
                }
            },
        }
        true
    }

    fn again(&mut self) {
        self.tries = self.tries.saturating_add(1);
        self.skips = Skips::default();
        self.seen = Seen::default();
    }

    fn has_used(&self) -> bool {
        self.seen.usable
    }
}
