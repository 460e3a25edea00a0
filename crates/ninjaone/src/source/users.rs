//! Technicians and end users: the rows of three lists, joined by id.

use std::collections::HashMap;
use std::sync::Arc;

use access_core::model::{AccessBatch, BoundedText, Resource};

use super::event_sender::{BATCH_BYTES, BATCH_ROWS, EventSender};
use super::findings::{Findings, Found, types_of_user_field};
use super::join_table::{JoinTable, KIND, Listed};
use super::kind_lists::{self, KindLists};
use super::older::{self, Instance};
use super::organizations::OrganizationNames;
use super::paths::{END_USERS, TECHNICIANS, USERS};
use super::selection::Selection;
use super::user_access::AccessIndex;
use super::user_access::AccountKind;
use super::user_access::RoleName;
use super::user_access::UserAccess;
use super::user_findings::{Contradictions, Differing, Missing, is_read, mark_shared_id, shown, user_id};
use crate::NinjaOneError;
use crate::api::MAX_LABEL_BYTES;
use crate::api::Row;
use crate::api::UserRow;
use crate::client::{ListConsumer, NinjaOneClient};
use crate::mapping::{self, END_USER, TECHNICIAN, user_type};

/// The result of reading users.
pub(super) struct UsersRead {
    pub(super) access_index: AccessIndex,
    pub(super) instance: Instance,
}

/// Reads all users and emits the selected ones. `known` is the instance type, if other lists have shown it.
///
/// Only `/v2/users` has `permitAllClients`; only the other two have `scimUser`, `authType` and `fullPortalAccess`
/// (docs/reference/ninjaone-api.md §3.1). The two are read first and kept in a compact table; then `/v2/users` is streamed
/// and joined with it.
pub(super) async fn read(
    client: &NinjaOneClient,
    with_devices: bool,
    selection: &Selection,
    names: Arc<OrganizationNames>,
    known: Option<Instance>,
    sender: &EventSender,
) -> Result<UsersRead, NinjaOneError> {
    let reader = UserReader {
        client,
        with_devices,
        selection,
        names,
        sender,
    };
    let own = if known == Some(Instance::Older) {
        None
    } else {
        kind_lists::read(client, with_devices, sender, known).await?
    };
    let (access_index, instance) = if let Some(own) = own {
        if known.is_none() {
            sender.id_scheme(&Instance::Current.id_scheme()).await?;
        }
        (reader.current(own).await?, Instance::Current)
    } else {
        if known.is_none() {
            older::warn(sender).await?;
        }
        (reader.older().await?, Instance::Older)
    };
    Ok(UsersRead {
        access_index,
        instance,
    })
}

/// Reads users from an instance that only has `/v2/users`.
pub(super) async fn read_older(
    client: &NinjaOneClient,
    with_devices: bool,
    selection: &Selection,
    names: Arc<OrganizationNames>,
    sender: &EventSender,
) -> Result<AccessIndex, NinjaOneError> {
    let reader = UserReader {
        client,
        with_devices,
        selection,
        names,
        sender,
    };
    reader.older().await
}

struct UserReader<'a> {
    client: &'a NinjaOneClient,
    with_devices: bool,
    selection: &'a Selection,
    names: Arc<OrganizationNames>,
    sender: &'a EventSender,
}

impl UserReader<'_> {
    async fn current(self, own: KindLists) -> Result<AccessIndex, NinjaOneError> {
        let mut findings = own.findings;
        findings.push((TECHNICIANS, own.doubled.findings));
        let emitter = UserEmitter::new(&self, own.table, Instance::Current);
        let without_end_users = own.end_users == 0;
        let contradicting = own.doubled.contradictions;
        let expected = (own.technicians, own.end_users);
        self.stream(&[], emitter, without_end_users, findings, contradicting, expected)
            .await
    }

    async fn older(self) -> Result<AccessIndex, NinjaOneError> {
        let emitter = UserEmitter::new(&self, JoinTable::default(), Instance::Older);
        let query = [("includeRoles", "true".to_owned())];
        self.stream(
            &query,
            emitter,
            false,
            Vec::new(),
            Contradictions::default(),
            (0, 0),
        )
        .await
    }

    async fn stream(
        self,
        query: &[(&str, String)],
        emitter: UserEmitter,
        without_end_users: bool,
        findings: Vec<(&'static str, Findings)>,
        contradicting: Contradictions,
        expected: (u64, u64),
    ) -> Result<AccessIndex, NinjaOneError> {
        let (client, sender) = (self.client, self.sender);
        let (emitter, count, _) = client.list(USERS, query, emitter).await?;
        if emitter.stopped {
            return Err(NinjaOneError::Stopped);
        }
        if count == 0 {
            return Err(NinjaOneError::EmptyList {
                request: client.display_request(USERS),
            });
        }
        if without_end_users && emitter.stats.end_user {
            return Err(NinjaOneError::NoEndUsers {
                request: client.display_request(END_USERS),
            });
        }
        // The rest is as much work as the list itself, so it runs on a thread too.
        let finish = tokio::task::spawn_blocking(move || emitter.finish());
        let finished = finish
            .await
            .map_err(|_| NinjaOneError::Stopped)?
            .ok_or(NinjaOneError::Stopped)?;
        let unreadable = findings.iter().map(|(_, findings)| &findings.unreadable);
        let unreadable = unreadable.chain([&finished.findings.unreadable]);
        let rows: u64 = unreadable
            .map(|unreadable| unreadable.count("administrator"))
            .sum();
        if rows > 0 && !finished.access_index.administrator_is_stated {
            return Err(NinjaOneError::NoAdministrators {
                request: client.display_request(USERS),
                rows,
            });
        }
        for (list, findings) in findings {
            sender
                .findings(list, &user_type(), findings, types_of_user_field)
                .await?;
        }
        let mut contradictions = finished.contradictions;
        contradictions.add(contradicting);
        sender
            .findings(USERS, &user_type(), finished.findings, types_of_user_field)
            .await?;
        mark_shared_id(sender, &finished.is_other_person);
        finished.differing.report(sender);
        finished.missing.report(sender, expected).await?;
        contradictions.report(sender).await?;
        Ok(finished.access_index)
    }
}

/// The rows of an attempt to read `/v2/users`.
#[derive(Debug, Clone, Copy, Default)]
struct TryStats {
    usable: bool,
    end_user: bool,
}

/// The last attempt with a row of a user, and the hash of that row.
#[derive(Debug, Clone, Copy, Default)]
struct LastSeen {
    /// The number of the attempt; 0 before the first one.
    last_try: u8,
    fingerprint: u32,
}

/// Joins and emits users while `/v2/users` arrives.
struct UserEmitter {
    table: JoinTable,
    /// One mark for each row of the table, and one for each user outside it.
    last_seen: Vec<LastSeen>,
    unlisted: HashMap<u64, LastSeen>,
    tries: u8,
    /// Findings of this attempt.
    findings: Findings,
    differing: Differing,
    /// The access of all emitted users.
    unreadable: super::findings::Unreadable,
    clipped: super::findings::Clipped,
    is_other_person: Found,
    contradictions: Contradictions,
    missing: Missing,
    with_devices: bool,
    instance: Instance,
    stats: TryStats,
    selection: Selection,
    names: Arc<OrganizationNames>,
    access_index: AccessIndex,
    batch: Vec<Resource>,
    /// Bytes of the rows in the batch.
    batch_bytes: usize,
    /// Bytes kept of emitted users.
    kept: u64,
    sender: EventSender,
    stopped: bool,
}

/// Bytes kept of an emitted user: in the index, in the pipeline, and in sinks that keep names.
const USER_BYTES: u64 = 256;
/// Bytes of the mark of a user outside the table.
const UNLISTED_BYTES: u64 = 64;
/// Bytes of an organization or a device of a user.
const GRANT_BYTES: u64 = 24;

/// The state after all users were emitted.
struct Finished {
    access_index: AccessIndex,
    findings: Findings,
    is_other_person: Found,
    differing: Differing,
    contradictions: Contradictions,
    missing: Missing,
}

impl UserEmitter {
    fn new(reader: &UserReader<'_>, table: JoinTable, instance: Instance) -> Self {
        Self {
            last_seen: vec![LastSeen::default(); table.len()],
            table,
            unlisted: HashMap::new(),
            tries: 1,
            findings: Findings::default(),
            differing: Differing::default(),
            unreadable: super::findings::Unreadable::default(),
            clipped: super::findings::Clipped::default(),
            is_other_person: Found::default(),
            contradictions: Contradictions::default(),
            missing: Missing::default(),
            with_devices: reader.with_devices,
            instance,
            stats: TryStats::default(),
            selection: reader.selection.clone(),
            names: Arc::clone(&reader.names),
            access_index: AccessIndex::default(),
            batch: Vec::with_capacity(BATCH_ROWS),
            batch_bytes: 0,
            kept: 0,
            sender: reader.sender.clone(),
            stopped: false,
        }
    }

    fn user(&mut self, id: u64, mut row: UserRow) -> bool {
        let index = self.table.find(id);
        let mark = match index {
            Some(index) => &mut self.last_seen[index.ordinal()],
            None => self.unlisted.entry(id).or_insert_with(|| {
                self.kept += UNLISTED_BYTES;
                LastSeen::default()
            }),
        };
        let fingerprint = row.fingerprint();
        let before = std::mem::replace(
            mark,
            LastSeen {
                last_try: self.tries,
                fingerprint,
            },
        );
        if before.last_try == self.tries {
            self.findings.duplicate(user_id(id), &row);
            if before.fingerprint != fingerprint {
                self.differing.0.note(|| shown(id, &row));
            }
        }
        if before.last_try != 0 {
            return true;
        }
        self.clipped.note(row.clipped(), || format!("user {id}"));
        for field in row.drop_unreadable() {
            if is_read(field, self.with_devices, self.instance) {
                self.unreadable.note(field, || shown(id, &row));
            }
        }
        match index.map(|index| self.table.row(index)) {
            Some((listed, own)) => {
                if row.is_another_person(&own) {
                    self.is_other_person.note(|| shown(id, &own));
                }
                let is_of_other_kind = [&row, &own]
                    .map(|row| states_other_kind(row, listed))
                    .contains(&true);
                let (joined, mut contradictions) = row.join(own);
                contradictions.extend(is_of_other_kind.then_some(KIND));
                self.contradictions.note(&contradictions, || shown(id, &joined));
                self.emit(id, Some(listed), joined)
            }
            None => self.emit(id, None, row),
        }
    }

    fn emit(&mut self, id: u64, listed: Option<Listed>, mut row: UserRow) -> bool {
        let kind = self.account_kind(id, listed, &row);
        if row.user_type.value().is_none() {
            // The list of the row only has this kind.
            row.user_type = listed.map(|listed| listed_user_type(listed).into()).into();
        }
        self.access_index.administrator_is_stated |=
            kind != AccountKind::EndUser && row.administrator.value().is_some();
        let access = UserAccess::new(&row, kind, self.instance, self.with_devices);
        let holds_role = self.role_names(id, &row);
        if !holds_role && !self.selection.includes_user(id, &access) {
            return true;
        }
        self.access_index.add(id, &access);
        self.kept += USER_BYTES + GRANT_BYTES * access.held() as u64;
        if self.selection.includes_users() {
            let organizations = row.organization_id.ids().iter();
            let names: Vec<&str> = organizations
                .filter_map(|organization| self.names.get(organization))
                .map(AsRef::as_ref)
                .collect();
            let name = joined(&names);
            self.batch_bytes += row.bytes() + name.as_ref().map_or(0, String::len);
            self.batch.push(mapping::user(id, &row, name.as_deref()));
        }
        (self.batch.len() < BATCH_ROWS && self.batch_bytes < BATCH_BYTES) || self.flush()
    }

    fn account_kind(&mut self, id: u64, listed: Option<Listed>, row: &UserRow) -> AccountKind {
        match listed {
            Some(listed) if listed.is_end_user() => AccountKind::EndUser,
            Some(_) => AccountKind::Technician,
            None if states_end_user(row) => {
                if self.instance == Instance::Current {
                    self.missing.not_listed_as_end_users.note(|| shown(id, row));
                }
                AccountKind::EndUser
            }
            None if row.user_type.trimmed().is_some() => AccountKind::Technician,
            None => AccountKind::Unknown,
        }
    }

    /// Records the roles in a row of an older instance. Returns whether a selected one is among them.
    fn role_names(&mut self, id: u64, row: &UserRow) -> bool {
        if self.instance == Instance::Current {
            return false;
        }
        let names = RoleName::from_row(row);
        if row.roles.value().is_none() || row.user_type.value().is_none() {
            self.access_index.unstated_roles.push(id);
        }
        let mut ids = names.iter().filter_map(RoleName::id);
        let holds_role = ids.any(|role| self.selection.includes_holders_of(&role));
        let bytes = names.iter().map(RoleName::bytes).sum::<usize>();
        self.kept += bytes as u64;
        // The set of roles follows from all users, including those that are not selected.
        self.access_index.add_role_names(id, names);
        holds_role
    }

    fn flush(&mut self) -> bool {
        self.batch_bytes = 0;
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH_ROWS));
        self.stopped = !self.sender.batch_from_thread(AccessBatch::Resources(batch));
        !self.stopped
    }

    /// Emits the users that `/v2/users` lacks. `None` if the receiver was dropped.
    fn finish(mut self) -> Option<Finished> {
        let left: Vec<_> = self
            .table
            .indexed_ids()
            .filter(|(index, _)| self.last_seen[index.ordinal()].last_try == 0)
            .collect();
        for (index, id) in left {
            let (listed, row) = self.table.row(index);
            let missing = match listed {
                Listed::EndUser => &mut self.missing.end_users,
                Listed::Technician | Listed::Both => &mut self.missing.technicians,
            };
            missing.note(|| shown(id, &row));
            if !self.emit(id, Some(listed), row) {
                return None;
            }
        }
        if !self.flush() {
            return None;
        }
        self.access_index.sort();
        self.findings.unreadable.add(self.unreadable);
        self.findings.clipped.add(self.clipped);
        Some(Finished {
            access_index: self.access_index,
            findings: self.findings,
            is_other_person: self.is_other_person,
            differing: self.differing,
            contradictions: self.contradictions,
            missing: self.missing,
        })
    }
}

/// The names of a user's organizations for the profile; clipped, because there may be many.
fn joined(names: &[&str]) -> Option<String> {
    let mut joined = String::new();
    for name in names {
        // A text of exactly this length would be shown as complete, without the mark of a clipped one.
        if joined.len() > MAX_LABEL_BYTES {
            break;
        }
        if !joined.is_empty() {
            joined.push_str(", ");
        }
        joined.push_str(name);
    }
    (!names.is_empty()).then(|| BoundedText::<MAX_LABEL_BYTES>::new(&joined).to_string())
}

fn states_end_user(row: &UserRow) -> bool {
    row.user_type
        .trimmed()
        .is_some_and(|kind| kind.eq_ignore_ascii_case(END_USER))
}

/// Whether a row states the kind of the other list. An unknown word contradicts nothing.
fn states_other_kind(row: &UserRow, listed: Listed) -> bool {
    let other = match listed {
        Listed::Technician => END_USER,
        Listed::EndUser => TECHNICIAN,
        Listed::Both => return false,
    };
    let stated = row.user_type.trimmed();
    stated.is_some_and(|stated| stated.eq_ignore_ascii_case(other))
}

fn listed_user_type(listed: Listed) -> &'static str {
    match listed {
        Listed::Technician | Listed::Both => TECHNICIAN,
        Listed::EndUser => END_USER,
    }
}

impl ListConsumer<Row<UserRow>> for UserEmitter {
    fn accept(&mut self, row: Row<UserRow>) -> bool {
        match self.findings.usable(row) {
            Some((id, row)) => {
                self.stats.usable = true;
                self.stats.end_user |= states_end_user(&row);
                self.user(id, row)
            }
            None => true,
        }
    }

    fn restart(&mut self) {
        self.tries = self.tries.saturating_add(1);
        self.findings = Findings::default();
        self.differing = Differing::default();
        self.stats = TryStats::default();
    }

    fn kept_bytes(&self) -> u64 {
        self.kept
    }

    fn has_usable_rows(&self) -> bool {
        self.stats.usable
    }
}

#[cfg(test)]
mod tests;
