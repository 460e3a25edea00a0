//! Users of both kinds: what three lists say about them, joined by id.

use std::collections::HashMap;
use std::sync::Arc;

use access_core::model::{AccessBatch, BoundedText, NativeId, Resource, ResourceId};
use access_core::ports::{SkipReason, SkippedRow};

use super::findings::{Findings, Found, types_of_user_field};
use super::join_table::{Doubled, JoinTable, JoinTableBuilder, Listed};
use super::older::{self, END_USERS, Instance, TECHNICIANS};
use super::organizations::OrganizationNames;
use super::selection::Selection;
use super::user_access::AccessIndex;
use super::user_access::Kind;
use super::user_access::RoleName;
use super::user_access::UserAccess;
use super::{BATCH_BYTES, BATCH_ROWS, EventSender};
use crate::NinjaOneError;
use crate::api::MAX_LABEL_BYTES;
use crate::api::Row;
use crate::api::UserRow;
use crate::client::{ListConsumer, NinjaOneClient};
use crate::mapping::{self, END_USER, TECHNICIAN, tenant_type, user_type};

pub(super) const USERS: &str = "/v2/users";

/// Users that one list may have and another not, because they were made or deleted between the two calls.
const MAX_RACING_USERS: u64 = 2;

/// What was found out about users.
pub(super) struct UsersRead {
    pub(super) facts: AccessIndex,
    pub(super) instance: Instance,
}

/// Reads all users and emits the wanted ones. `known` is what other lists have said of the instance.
///
/// `/v2/users` alone has `permitAllClients`; the other two alone have `scimUser`, `authType` and `fullPortalAccess`
/// (docs/reference/ninjaone-api.md §3.1). The two come first and are kept in a compact table; `/v2/users` then streams past it.
pub(super) async fn read(
    client: &NinjaOneClient,
    with_devices: bool,
    selection: &Selection,
    names: Arc<OrganizationNames>,
    known: Option<Instance>,
    outlet: &EventSender,
) -> Result<UsersRead, NinjaOneError> {
    let reading = Reading {
        client,
        with_devices,
        selection,
        names,
        outlet,
    };
    let own = if known == Some(Instance::Older) {
        None
    } else {
        read_own_lists(client, with_devices, outlet, known).await?
    };
    let (facts, instance) = if let Some(own) = own {
        if known.is_none() {
            outlet.id_scheme(&Instance::Current.id_scheme()).await?;
        }
        (reading.current(own).await?, Instance::Current)
    } else {
        if known.is_none() {
            older::warn(outlet).await?;
        }
        (reading.older().await?, Instance::Older)
    };
    Ok(UsersRead { facts, instance })
}

/// Reads users from an instance that has `/v2/users` only.
pub(super) async fn read_older(
    client: &NinjaOneClient,
    with_devices: bool,
    selection: &Selection,
    names: Arc<OrganizationNames>,
    outlet: &EventSender,
) -> Result<AccessIndex, NinjaOneError> {
    let reading = Reading {
        client,
        with_devices,
        selection,
        names,
        outlet,
    };
    reading.older().await
}

/// What the lists of technicians and of end users say.
struct KindLists {
    table: JoinTable,
    findings: Vec<(&'static str, Findings)>,
    doubled: DoubledUsers,
    technicians: u64,
    end_users: u64,
}

/// `None` on an older instance.
async fn read_own_lists(
    client: &NinjaOneClient,
    with_devices: bool,
    outlet: &EventSender,
    known: Option<Instance>,
) -> Result<Option<KindLists>, NinjaOneError> {
    let technicians = KindListReader::new(JoinTableBuilder::new(with_devices), Listed::Technician);
    let technicians = match client.list(TECHNICIANS, &[], technicians).await {
        Ok((list, _, _)) => list,
        Err(failure) if known.is_none() => {
            older::confirm(client, TECHNICIANS, failure).await?;
            return Ok(None);
        }
        Err(failure) => return Err(failure.of_missing_list(TECHNICIANS)),
    };
    if technicians.table.len() == 0 {
        return Err(NinjaOneError::EmptyList {
            request: client.shown(TECHNICIANS),
        });
    }
    let technicians_count = technicians.table.len() as u64;
    let mut findings = vec![(TECHNICIANS, technicians.findings)];
    let end_users = KindListReader::new(technicians.table, Listed::EndUser);
    let end_users = match client.list(END_USERS, &[], end_users).await {
        Ok((list, _, _)) => list,
        Err(failure) => return Err(failure.of_missing_list(END_USERS)),
    };
    findings.push((END_USERS, end_users.findings));
    let end_users_count = end_users.table.len() as u64 - technicians_count;
    let mut doubled = DoubledUsers::default();
    let table = end_users.table.build(|one| doubled.note(&one));
    two_people_share_an_id(outlet, &doubled.two_people);
    Ok(Some(KindLists {
        table,
        findings,
        doubled,
        technicians: technicians_count,
        end_users: end_users_count,
    }))
}

/// Rows of the two lists that share an id.
#[derive(Default)]
struct DoubledUsers {
    findings: Findings,
    two_people: Found,
    contradictions: Contradictions,
}

impl DoubledUsers {
    fn note(&mut self, one: &Doubled) {
        let skipped = skipped(one.id, &one.row);
        self.findings.skips.book(SkipReason::Duplicate, skipped);
        if one.two_people {
            self.two_people.note(|| shown(one.id, &one.row));
        }
        self.contradictions
            .note(&one.contradictions, || shown(one.id, &one.row));
    }
}

/// Whoever shares an id with somebody else is not there, and neither is what the person holds.
fn two_people_share_an_id(outlet: &EventSender, found: &Found) {
    if found.count > 0 {
        let reason = format!(
            "{} {} with an id that somebody else has too{}",
            found.count,
            if found.count == 1 {
                "user comes"
            } else {
                "users come"
            },
            found.example()
        );
        for resource_type in types_of_user_field("id") {
            outlet.incomplete(&resource_type, &reason);
        }
    }
}

/// `Ada Example <ada@example.com> (user 7)`.
fn shown(id: u64, row: &UserRow) -> String {
    match row.words() {
        Some(words) => format!("{words} (user {id})"),
        None => format!("user {id}"),
    }
}

struct Reading<'a> {
    client: &'a NinjaOneClient,
    with_devices: bool,
    selection: &'a Selection,
    names: Arc<OrganizationNames>,
    outlet: &'a EventSender,
}

impl Reading<'_> {
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
        let (client, outlet) = (self.client, self.outlet);
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
        let finished = finish
            .await
            .map_err(|_| NinjaOneError::Stopped)?
            .ok_or(NinjaOneError::Stopped)?;
        let unreadable = findings.iter().map(|(_, findings)| &findings.unreadable);
        let unreadable = unreadable.chain([&finished.findings.unreadable]);
        let rows: u64 = unreadable
            .map(|unreadable| unreadable.count("administrator"))
            .sum();
        if rows > 0 && !finished.facts.administrators_are_said {
            return Err(NinjaOneError::NoAdministrators {
                request: client.shown(USERS),
                rows,
            });
        }
        for (list, findings) in findings {
            outlet
                .findings(list, &user_type(), findings, types_of_user_field)
                .await?;
        }
        let mut contradictions = finished.contradictions;
        contradictions.add(contradicting);
        outlet
            .findings(USERS, &user_type(), finished.findings, types_of_user_field)
            .await?;
        two_people_share_an_id(outlet, &finished.two_people);
        finished.differing.report(outlet);
        finished.missing.report(outlet, expected).await?;
        contradictions.report(outlet).await?;
        Ok(finished.facts)
    }
}

fn skipped(id: u64, row: &UserRow) -> SkippedRow {
    SkippedRow {
        resource: Some(ResourceId::new(user_type(), NativeId::from_number(id))),
        words: row.words().map(String::from),
        ..SkippedRow::default()
    }
}

/// Gathers the list of one kind of users.
struct KindListReader {
    table: JoinTableBuilder,
    listed: Listed,
    before: usize,
    bytes_before: u64,
    findings: Findings,
}

impl KindListReader {
    fn new(table: JoinTableBuilder, listed: Listed) -> Self {
        Self {
            before: table.len(),
            bytes_before: table.bytes(),
            table,
            listed,
            findings: Findings::default(),
        }
    }

    fn is_empty(&self) -> bool {
        self.table.len() == self.before
    }
}

impl ListConsumer<Row<UserRow>> for KindListReader {
    fn take(&mut self, row: Row<UserRow>) -> bool {
        if let Some((id, mut row)) = self.findings.usable(row, |row| row.id, UserRow::words) {
            let with_devices = self.table.with_devices();
            for field in row.take_unreadable() {
                if is_read(field, with_devices, Instance::Current) {
                    self.findings.unreadable.note(field, || shown(id, &row));
                }
            }
            self.findings.clipped.note(row.clipped(), || format!("user {id}"));
            self.table.add(id, self.listed, &row);
        }
        true
    }

    fn kept_bytes(&self) -> u64 {
        self.table.bytes() - self.bytes_before
    }

    fn again(&mut self) {
        self.table.truncate(self.before);
        self.findings = Findings::default();
    }

    fn has_used(&self) -> bool {
        !self.is_empty()
    }
}

/// Whether anything depends on a field.
fn is_read(field: &str, with_devices: bool, instance: Instance) -> bool {
    match field {
        "roles" => instance == Instance::Older,
        "deviceIds" | "accessibleDeviceIds" | "assignedDeviceIds" => with_devices,
        _ => true,
    }
}

/// Fields in which the lists say different things of one user.
#[derive(Debug, Clone, Default)]
struct Contradictions(std::collections::BTreeMap<&'static str, Found>);

impl Contradictions {
    fn note(&mut self, fields: &[&'static str], example: impl Fn() -> String) {
        for field in fields {
            self.0.entry(field).or_default().note(&example);
        }
    }

    fn add(&mut self, other: Self) {
        for (field, found) in other.0 {
            self.0.entry(field).or_default().add(found);
        }
    }

    async fn report(&self, outlet: &EventSender) -> Result<(), NinjaOneError> {
        for (field, found) in &self.0 {
            let message = format!(
                "the lists of users contradict each other about {field} of {} {}{}: what gives access is kept",
                found.count,
                if found.count == 1 { "user" } else { "users" },
                found.example()
            );
            outlet.warn("contradicting_lists", message).await?;
        }
        Ok(())
    }
}

/// Users who come twice in one list, with different data.
#[derive(Debug, Clone, Default)]
struct Differing(Found);

impl Differing {
    fn report(&self, outlet: &EventSender) {
        if self.0.count > 0 {
            let reason = format!(
                "{} {} twice in {USERS}, with different data{}",
                self.0.count,
                if self.0.count == 1 {
                    "user comes"
                } else {
                    "users come"
                },
                self.0.example()
            );
            for resource_type in types_of_user_field("id") {
                outlet.incomplete(&resource_type, &reason);
            }
        }
    }
}

/// Users who are in one list and not in another that should have them.
#[derive(Debug, Clone, Default)]
struct Missing {
    /// Technicians and end users who are not in `/v2/users`.
    technicians: Found,
    end_users: Found,
    /// End users of `/v2/users` who are not in their own list.
    not_listed_as_end_users: Found,
}

impl Missing {
    async fn report(&self, outlet: &EventSender, expected: (u64, u64)) -> Result<(), NinjaOneError> {
        let (technicians, end_users) = expected;
        let lacks = [
            (
                &self.technicians,
                technicians,
                USERS,
                TECHNICIANS,
                "permitAllClients",
            ),
            (&self.end_users, end_users, USERS, END_USERS, "permitAllClients"),
            (
                &self.not_listed_as_end_users,
                end_users + self.not_listed_as_end_users.count,
                END_USERS,
                USERS,
                "fullPortalAccess",
            ),
        ];
        for (found, all, list, other, field) in lacks {
            if found.count == 0 {
                continue;
            }
            let reason = format!(
                "{list} lacks {} of {all} users that {other} has{}: their {field} is unknown",
                found.count,
                found.example()
            );
            // Of fewer it is said what is not stated of them.
            if found.count > MAX_RACING_USERS || found.count == all {
                outlet.incomplete(&tenant_type(), &reason);
                outlet.warn("contradicting_lists", reason).await?;
            }
        }
        Ok(())
    }
}

/// What a try of `/v2/users` has had.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    usable: bool,
    end_user: bool,
}

/// When a user last came, and as what.
#[derive(Debug, Clone, Copy, Default)]
struct Mark {
    /// The try; zero: not yet.
    last_try: u8,
    fingerprint: u32,
}

/// Joins and emits users as `/v2/users` comes in.
struct UserEmitter {
    table: JoinTable,
    /// One mark for each row of the table, and one for each user that is not in it.
    marks: Vec<Mark>,
    strays: HashMap<u64, Mark>,
    tries: u8,
    /// Of this try.
    findings: Findings,
    differing: Differing,
    /// Of all users that were emitted.
    unreadable: super::findings::Unreadable,
    clipped: super::findings::Clipped,
    two_people: Found,
    contradictions: Contradictions,
    missing: Missing,
    with_devices: bool,
    instance: Instance,
    seen: Seen,
    selection: Selection,
    names: Arc<OrganizationNames>,
    facts: AccessIndex,
    batch: Vec<Resource>,
    /// Bytes of the rows in the batch.
    batch_bytes: usize,
    /// Bytes that are kept of users who were emitted.
    kept: u64,
    outlet: EventSender,
    stopped: bool,
}

/// What a user takes when it has been emitted, in bytes: in the facts, in the pipeline, and where sinks keep names.
const USER_BYTES: u64 = 256;
/// What the mark of a user takes who is not in the table, in bytes.
const STRAY_BYTES: u64 = 64;
/// What an organization or a device of a user takes, in bytes.
const HELD_BYTES: u64 = 24;

/// What is known when all users have been emitted.
struct Finished {
    facts: AccessIndex,
    findings: Findings,
    two_people: Found,
    differing: Differing,
    contradictions: Contradictions,
    missing: Missing,
}

impl UserEmitter {
    fn new(reading: &Reading<'_>, table: JoinTable, instance: Instance) -> Self {
        Self {
            marks: vec![Mark::default(); table.len()],
            table,
            strays: HashMap::new(),
            tries: 1,
            findings: Findings::default(),
            differing: Differing::default(),
            unreadable: super::findings::Unreadable::default(),
            clipped: super::findings::Clipped::default(),
            two_people: Found::default(),
            contradictions: Contradictions::default(),
            missing: Missing::default(),
            with_devices: reading.with_devices,
            instance,
            seen: Seen::default(),
            selection: reading.selection.clone(),
            names: Arc::clone(&reading.names),
            facts: AccessIndex::default(),
            batch: Vec::with_capacity(BATCH_ROWS),
            batch_bytes: 0,
            kept: 0,
            outlet: reading.outlet.clone(),
            stopped: false,
        }
    }

    fn user(&mut self, id: u64, mut row: UserRow) -> bool {
        let place = self.table.find(id);
        let mark = match place {
            Some(place) => &mut self.marks[place.ordinal()],
            None => self.strays.entry(id).or_insert_with(|| {
                self.kept += STRAY_BYTES;
                Mark::default()
            }),
        };
        let fingerprint = row.fingerprint();
        let before = std::mem::replace(
            mark,
            Mark {
                last_try: self.tries,
                fingerprint,
            },
        );
        if before.last_try == self.tries {
            self.findings.skips.book(SkipReason::Duplicate, skipped(id, &row));
            if before.fingerprint != fingerprint {
                self.differing.0.note(|| shown(id, &row));
            }
        }
        if before.last_try != 0 {
            return true;
        }
        self.clipped.note(row.clipped(), || format!("user {id}"));
        for field in row.take_unreadable() {
            if is_read(field, self.with_devices, self.instance) {
                self.unreadable.note(field, || shown(id, &row));
            }
        }
        match place.map(|place| self.table.row(place)) {
            Some((listed, own)) => {
                if row.is_of_another_person_than(&own) {
                    self.two_people.note(|| shown(id, &own));
                }
                let (joined, contradictions) = row.join(own);
                self.contradictions.note(&contradictions, || shown(id, &joined));
                self.emit(id, Some(listed), joined)
            }
            None => self.emit(id, None, row),
        }
    }

    fn emit(&mut self, id: u64, listed: Option<Listed>, mut row: UserRow) -> bool {
        let kind = self.kind(id, listed, &row);
        if row.user_type.said().is_none() {
            // Not a guess: the list that the row is from holds this kind only.
            row.user_type = listed.map(|listed| kind_of(listed).into()).into();
        }
        self.facts.administrators_are_said |= kind != Kind::EndUser && row.administrator.said().is_some();
        let facts = UserAccess::new(&row, kind, self.instance, self.with_devices);
        let holds_role = self.role_names(id, &row);
        if !holds_role && !self.selection.user(id, &facts) {
            return true;
        }
        self.facts.add(id, &facts);
        self.kept += USER_BYTES + HELD_BYTES * facts.held() as u64;
        if self.selection.users() {
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

    fn kind(&mut self, id: u64, listed: Option<Listed>, row: &UserRow) -> Kind {
        match listed {
            Some(listed) if listed.is_end_user() => Kind::EndUser,
            Some(_) => Kind::Technician,
            None if says_end_user(row) => {
                if self.instance == Instance::Current {
                    self.missing.not_listed_as_end_users.note(|| shown(id, row));
                }
                Kind::EndUser
            }
            None if row.user_type.trimmed().is_some() => Kind::Technician,
            None => Kind::Unknown,
        }
    }

    /// Notes the roles that an older instance names; whether a wanted one is among them.
    fn role_names(&mut self, id: u64, row: &UserRow) -> bool {
        if self.instance == Instance::Current {
            return false;
        }
        let names = RoleName::all_of(row);
        if row.roles.said().is_none() || row.user_type.said().is_none() {
            self.facts.unstated_roles.push(id);
        }
        let mut ids = names.iter().filter_map(RoleName::id);
        let holds_role = ids.any(|role| self.selection.holders_of(&role));
        let bytes = names.iter().map(RoleName::bytes).sum::<usize>();
        self.kept += bytes as u64;
        // Which roles there are is known from all users only, whichever of these are wanted.
        self.facts.add_role_names(id, names);
        holds_role
    }

    fn flush(&mut self) -> bool {
        self.batch_bytes = 0;
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH_ROWS));
        self.stopped = !self.outlet.batch_from_thread(AccessBatch::Resources(batch));
        !self.stopped
    }

    /// Emits the users that `/v2/users` did not have. `None` if nobody listens.
    fn finish(mut self) -> Option<Finished> {
        let left: Vec<_> = self
            .table
            .places()
            .filter(|(place, _)| self.marks[place.ordinal()].last_try == 0)
            .collect();
        for (place, id) in left {
            let (listed, row) = self.table.row(place);
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
        self.facts.sort();
        self.findings.unreadable.add(self.unreadable);
        self.findings.clipped.add(self.clipped);
        Some(Finished {
            facts: self.facts,
            findings: self.findings,
            two_people: self.two_people,
            differing: self.differing,
            contradictions: self.contradictions,
            missing: self.missing,
        })
    }
}

/// The names of a user's organizations, as the profile has them; clipped, because there may be many.
fn joined(names: &[&str]) -> Option<String> {
    let mut joined = String::new();
    for name in names {
        if joined.len() >= MAX_LABEL_BYTES {
            break;
        }
        if !joined.is_empty() {
            joined.push_str(", ");
        }
        joined.push_str(name);
    }
    (!names.is_empty()).then(|| BoundedText::<MAX_LABEL_BYTES>::new(&joined).to_string())
}

fn says_end_user(row: &UserRow) -> bool {
    row.user_type
        .trimmed()
        .is_some_and(|kind| kind.eq_ignore_ascii_case(END_USER))
}

fn kind_of(listed: Listed) -> &'static str {
    match listed {
        Listed::Technician | Listed::Both => TECHNICIAN,
        Listed::EndUser => END_USER,
    }
}

impl ListConsumer<Row<UserRow>> for UserEmitter {
    fn take(&mut self, row: Row<UserRow>) -> bool {
        match self.findings.usable(row, |row| row.id, UserRow::words) {
            Some((id, row)) => {
                self.seen.usable = true;
                self.seen.end_user |= says_end_user(&row);
                self.user(id, row)
            }
            None => true,
        }
    }

    fn again(&mut self) {
        self.tries = self.tries.saturating_add(1);
        self.findings = Findings::default();
        self.differing = Differing::default();
        self.seen = Seen::default();
    }

    fn kept_bytes(&self) -> u64 {
        self.kept
    }

    fn has_used(&self) -> bool {
        self.seen.usable
    }
}
