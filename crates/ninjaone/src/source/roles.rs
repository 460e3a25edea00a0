//! `/v2/user/roles`: every role with its members, downloaded once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use access_core::model::{
    EntitlementId, NativeId, ResourceId, RowKind, Unstated, UnstatedScope, WithoutBaseline,
};
use access_core::ports::{Mention, SkipReason, SkippedRow, SourceEvent};

use super::batch_buffer::BatchBuffer;
use super::event_sender::{BATCH_ROWS, EventSender};
use super::findings::{Clipped, Findings, Found, SkipCounts, Unreadable};
use super::id_order::sort_as_text;
use super::id_set::IdSet;
use super::paths::ROLES;
use super::selection::Selection;
use super::user_access::AccessIndex;
use super::user_access::RoleName;
use crate::NinjaOneError;
use crate::api::Members;
use crate::api::NamelessMember;
use crate::api::RoleRow;
use crate::api::Row;
use crate::api::Stated;
use crate::client::{ListConsumer, NinjaOneClient};
use crate::mapping::{self, role_type, user_type};

/// A role with what is needed to emit it.
pub(super) struct Role {
    id: NativeId,
    row: RoleRow,
}

/// Reads the roles and emits them as they arrive. `users` are the listed users; empty if users are not read.
pub(super) async fn stream(
    client: &NinjaOneClient,
    access: bool,
    users: Arc<IdSet>,
    sender: &EventSender,
) -> Result<(), NinjaOneError> {
    let emit = Emit {
        batch: BatchBuffer::default(),
        access,
        users,
        sender: sender.clone(),
        failure: None,
    };
    let mut reader = list(client, RoleReader::new(emit)).await?;
    if let Some(failure) = reader.consumer.failure.take() {
        return Err(failure);
    }
    reader.consumer.batch.flush(sender).await?;
    reader.report(access, sender).await
}

/// Roles that are read before the users, and the findings of their list.
pub(super) struct Collected {
    reader: RoleReader<SelectedRoles>,
}

/// Reads the roles and keeps the selected ones, whose members are added to the selection.
pub(super) async fn collect(
    client: &NinjaOneClient,
    selection: &mut Selection,
) -> Result<Collected, NinjaOneError> {
    let keep = SelectedRoles {
        selection: selection.clone(),
        roles: Vec::new(),
    };
    let reader = list(client, RoleReader::new(keep)).await?;
    let roles = &reader.consumer.roles;
    selection.add_holders(
        roles
            .iter()
            .flat_map(|role| role.row.members.ids().iter().copied()),
    );
    Ok(Collected { reader })
}

/// Emits collected roles.
pub(super) async fn emit_collected(
    mut collected: Collected,
    access: bool,
    users: &IdSet,
    sender: &EventSender,
) -> Result<(), NinjaOneError> {
    let roles = std::mem::take(&mut collected.reader.consumer.roles);
    emit(roles, access, users, sender).await?;
    collected.reader.report(access, sender).await
}

async fn emit(
    roles: Vec<Role>,
    access: bool,
    users: &IdSet,
    sender: &EventSender,
) -> Result<(), NinjaOneError> {
    for role in roles {
        let mut batch = BatchBuffer::default();
        let resource = mapping::role(role.id, &role.row);
        let entitlement = mapping::assigned(&resource)?;
        batch.resource(resource);
        if access {
            for mention in mentions(&role.row.members, users) {
                sender.send(Ok(mention)).await?;
            }
            let id = entitlement.id.clone();
            batch.entitlement(entitlement);
            batch.grants_to(&id, role.row.members.ids(), sender).await?;
        }
        batch.flush(sender).await?;
    }
    Ok(())
}

/// Reports the labels of members who are in no list of users.
fn mentions(members: &Stated<Members>, users: &IdSet) -> Vec<SourceEvent> {
    let Stated::Value(members) = members else {
        return Vec::new();
    };
    if users.is_empty() {
        return Vec::new();
    }
    let unlisted = members.labels().filter(|(id, _)| !users.contains(*id));
    let mention = |(id, words): (u64, &str)| {
        SourceEvent::Mention(Mention {
            resource: ResourceId::new(user_type(), NativeId::from_number(id)),
            words: words.to_owned(),
        })
    };
    unlisted
        .take(access_core::model::MAX_LEFT_OUT_ROWS)
        .map(mention)
        .collect()
}

/// Emits the roles of an older instance, which identifies them by name.
pub(super) async fn emit_named(
    selection: &Selection,
    access_index: &mut AccessIndex,
    sender: &EventSender,
) -> Result<(), NinjaOneError> {
    let named = std::mem::take(&mut access_index.role_names);
    let has_roles = !named.is_empty();
    let mut roles = Vec::new();
    let mut skips = SkipCounts::default();
    let mut member_skips = SkipCounts::default();
    for (name, members) in named {
        match name.id() {
            Some(id) => roles.push(role_from_name(id, name, members)),
            None => too_long(&name, &members, &mut skips, &mut member_skips),
        }
    }
    roles.retain(|role| selection.includes_role(&role.id));
    emit(roles, selection.access, &access_index.users, sender).await?;
    sender.skipped(RowKind::Resource, &role_type(), skips).await?;
    if !selection.access {
        return Ok(());
    }
    sender.skipped(RowKind::Grant, &role_type(), member_skips).await?;
    let unstated = &access_index.unstated_roles;
    if !unstated.is_empty() {
        let scope = |principals| UnstatedScope::GrantsOn {
            resource_type: role_type(),
            principal_type: user_type(),
            principals,
        };
        let field = "roles of users, or the type that names them";
        sender
            .unstated_of_users(unstated, field, WithoutBaseline::Complete, scope)
            .await?;
        // Only roles with holders are known.
        sender
            .unstated(Unstated {
                scope: UnstatedScope::Resources(role_type()),
                field: "roles that only such users hold".to_owned(),
                count: 1,
                examples: Vec::new(),
                without_baseline: WithoutBaseline::Complete,
            })
            .await?;
    }
    if has_roles { Ok(()) } else { no_role(sender).await }
}

fn role_from_name(id: NativeId, name: RoleName, members: Vec<u64>) -> Role {
    let text = |text: String| Stated::Value(text.into());
    let row = RoleRow {
        name: text(name.name),
        kind: text(name.kind),
        members: Stated::Value(Members::from_ids(members)),
        ..RoleRow::default()
    };
    Role { id, row }
}

/// Counts a role whose name is too long for an id, with its holders.
fn too_long(name: &RoleName, members: &[u64], skips: &mut SkipCounts, member_skips: &mut SkipCounts) {
    let words = || Some(format!("{} ({})", name.name, name.kind));
    let row = SkippedRow {
        words: words(),
        ..SkippedRow::default()
    };
    skips.book(SkipReason::UnusableId, row);
    for member in members {
        let row = SkippedRow {
            principal: Some(ResourceId::new(user_type(), NativeId::from_number(*member))),
            words: words(),
            ..SkippedRow::default()
        };
        member_skips.book(SkipReason::UnusableId, row);
    }
}

/// Technicians need roles; a tenant without any is not plausible.
async fn no_role(sender: &EventSender) -> Result<(), NinjaOneError> {
    sender
        .unstated(Unstated {
            // The guard protects syncs that are compared with one with roles.
            scope: UnstatedScope::GrantsOn {
                resource_type: role_type(),
                principal_type: user_type(),
                principals: Vec::new(),
            },
            field: "any role, although there are technicians".to_owned(),
            count: 1,
            examples: Vec::new(),
            without_baseline: WithoutBaseline::Implausible,
        })
        .await
}

async fn list<C: RoleConsumer + Send + 'static>(
    client: &NinjaOneClient,
    reader: RoleReader<C>,
) -> Result<RoleReader<C>, NinjaOneError> {
    let (reader, _, _) = client.list::<Row<RoleRow>, _>(ROLES, &[], reader).await?;
    Ok(reader)
}

/// Processes roles.
trait RoleConsumer {
    /// False to stop.
    fn consume(&mut self, role: Role) -> bool;
}

struct RoleReader<C> {
    consumer: C,
    /// Consumed roles of all attempts, with the hash of their rows.
    done: HashMap<u64, u64>,
    /// Roles of this attempt.
    seen: HashSet<u64>,
    /// Findings of this attempt.
    findings: Findings,
    differing: Found,
    /// Findings about the members of all consumed roles.
    members: MemberFindings,
    /// Bytes kept of this attempt.
    kept: u64,
}

/// Maximum number of roles. Real tenants have fewer; a hostile one must not fill memory.
const MAX_ROLES: u64 = 20_000;
/// Memory of a role in the pipeline, in bytes, without its members.
const ROLE_BYTES: u64 = 2 << 10;
/// Copies of a role's texts: sinks embed them in its entitlement, and may keep both.
const TEXT_COPIES: u64 = 4;
/// Bytes of a member: a number in the pipeline, and one in a batch's list of principals.
const MEMBER_BYTES: u64 = 8;

/// Findings about the members of the roles.
#[derive(Debug, Default)]
struct MemberFindings {
    skips: SkipCounts,
    unreadable: Unreadable,
    /// Fields of the roles themselves.
    fields: Unreadable,
    clipped: Clipped,
    /// Number of roles with a usable list of members, empty or not.
    stated_roles: u64,
    unstated: Vec<UnstatedMembers>,
}

/// A role that does not state all of its members.
#[derive(Debug)]
struct UnstatedMembers {
    entitlement: EntitlementId,
    shown: String,
    field: &'static str,
    /// It has members, and none of them has an id.
    no_known_member: bool,
}

/// The list of members is absent or null.
const MEMBERS: &str = "members of roles";
/// A member has no id.
const MEMBER_IDS: &str = "ids of members of roles";

impl MemberFindings {
    /// Records the findings about a role, and sorts its members.
    fn note(&mut self, id: u64, row: &mut RoleRow) -> Result<(), access_core::model::IdError> {
        let role = mapping::role(NativeId::from_number(id), row);
        let entitlement = mapping::assigned(&role)?.id;
        let shown = format!("{} (role {id})", role.display_name);
        for field in row.unreadable() {
            self.fields.note(field, || shown.clone());
        }
        self.clipped.note(row.clipped(), || format!("role {id}"));
        let members = match &mut row.members {
            Stated::Value(members) => members,
            Stated::Unstated => {
                self.unstated.push(UnstatedMembers {
                    entitlement,
                    shown,
                    field: MEMBERS,
                    no_known_member: false,
                });
                return Ok(());
            }
            Stated::Unreadable => {
                self.unreadable.note("members", || shown.clone());
                return Ok(());
            }
        };
        let nameless = |member: &NamelessMember| SkippedRow {
            resource: Some(role.id.clone()),
            entitlement: Some(entitlement.clone()),
            principal: None,
            words: member.0.as_deref().map(str::to_owned),
        };
        for member in &members.without_id {
            self.skips.book(SkipReason::UnusableId, nameless(member));
        }
        for member in &members.unreadable {
            self.skips.book(SkipReason::WrongShape, nameless(member));
        }
        if !members.unreadable.is_empty() {
            self.unreadable.note("id of a member", || shown.clone());
        }
        let received = members.ids.len();
        let before = members.ids.clone();
        sort_as_text(&mut members.ids);
        if members.ids.len() < received {
            self.book_duplicates(&before, &role.id, &entitlement);
        }
        let no_known_member = members.ids.is_empty() && members.is_incomplete();
        self.stated_roles += u64::from(!no_known_member);
        if !members.without_id.is_empty() {
            self.unstated.push(UnstatedMembers {
                entitlement,
                shown,
                field: MEMBER_IDS,
                no_known_member,
            });
        }
        Ok(())
    }

    fn book_duplicates(&mut self, members: &[u64], role: &ResourceId, entitlement: &EntitlementId) {
        let mut seen = HashSet::new();
        for member in members.iter().filter(|member| !seen.insert(**member)) {
            let row = SkippedRow {
                resource: Some(role.clone()),
                entitlement: Some(entitlement.clone()),
                principal: Some(ResourceId::new(user_type(), NativeId::from_number(*member))),
                words: None,
            };
            self.skips.book(SkipReason::Duplicate, row);
        }
    }
}

impl<C> RoleReader<C> {
    fn new(consumer: C) -> Self {
        Self {
            consumer,
            done: HashMap::new(),
            seen: HashSet::new(),
            findings: Findings::default(),
            differing: Found::default(),
            members: MemberFindings::default(),
            kept: 0,
        }
    }

    /// Reports the findings.
    async fn report(self, access: bool, sender: &EventSender) -> Result<(), NinjaOneError> {
        let of_roles = |_: &str| vec![role_type()];
        let is_empty = self.seen.is_empty();
        sender
            .findings(ROLES, &role_type(), self.findings, of_roles)
            .await?;
        if self.differing.count > 0 {
            let reason = format!(
                "{} {} twice in {ROLES}, with different data{}",
                self.differing.count,
                if self.differing.count == 1 {
                    "role comes"
                } else {
                    "roles come"
                },
                self.differing.example()
            );
            sender.incomplete(&role_type(), &reason);
        }
        let members = self.members;
        sender.unreadable(ROLES, &members.fields, of_roles);
        sender.clipped(ROLES, &members.clipped).await?;
        if !access {
            return Ok(());
        }
        sender
            .skipped(RowKind::Grant, &role_type(), members.skips)
            .await?;
        sender.unreadable(ROLES, &members.unreadable, of_roles);
        for unstated in members.unstated {
            let never_normal = members.stated_roles == 0 || unstated.no_known_member;
            sender
                .unstated(Unstated {
                    scope: UnstatedScope::Holders(unstated.entitlement),
                    field: unstated.field.to_owned(),
                    count: 1,
                    examples: vec![unstated.shown],
                    without_baseline: if never_normal {
                        WithoutBaseline::Incomplete
                    } else {
                        WithoutBaseline::Complete
                    },
                })
                .await?;
        }
        if is_empty { no_role(sender).await } else { Ok(()) }
    }
}

impl<C: RoleConsumer> ListConsumer<Row<RoleRow>> for RoleReader<C> {
    fn accept(&mut self, row: Row<RoleRow>) -> bool {
        let Some((id, mut row)) = self.findings.usable(row) else {
            return true;
        };
        let new_in_this_try = self.seen.insert(id);
        if !new_in_this_try {
            let role = ResourceId::new(role_type(), NativeId::from_number(id));
            self.findings.duplicate(role, &row);
        }
        if let Some(fingerprint) = self.done.get(&id) {
            if let Stated::Value(members) = &mut row.members {
                sort_as_text(&mut members.ids);
            }
            if !new_in_this_try && *fingerprint != row.fingerprint() {
                self.differing.note(|| format!("role {id}"));
            }
            return true;
        }
        // A number is always a valid id.
        if self.members.note(id, &mut row).is_err() {
            return true;
        }
        self.done.insert(id, row.fingerprint());
        self.kept += ROLE_BYTES + TEXT_COPIES * row.text_bytes() as u64;
        self.kept += MEMBER_BYTES * row.members.ids().len() as u64;
        self.consumer.consume(Role {
            id: NativeId::from_number(id),
            row,
        })
    }

    fn restart(&mut self) {
        self.seen.clear();
        // Findings about consumed roles stay: the roles are not consumed again.
        self.findings = Findings::default();
        self.differing = Found::default();
    }

    fn max_elements(&self) -> u64 {
        MAX_ROLES
    }

    fn kept_bytes(&self) -> u64 {
        self.kept
    }

    fn has_usable_rows(&self) -> bool {
        !self.seen.is_empty()
    }
}

struct Emit {
    batch: BatchBuffer,
    access: bool,
    users: Arc<IdSet>,
    sender: EventSender,
    failure: Option<NinjaOneError>,
}

impl Emit {
    fn role(&mut self, role: Role) -> Result<bool, NinjaOneError> {
        let resource = mapping::role(role.id, &role.row);
        let entitlement = mapping::assigned(&resource)?;
        self.batch.resource(resource);
        if self.access {
            for mention in mentions(&role.row.members, &self.users) {
                if !self.sender.send_from_thread(mention) {
                    return Ok(false);
                }
            }
            let id = entitlement.id.clone();
            self.batch.entitlement(entitlement);
            for part in role.row.members.ids().chunks(BATCH_ROWS) {
                self.batch.grants(&id, part);
                if self.batch.is_full() && !self.batch.flush_from_thread(&self.sender) {
                    return Ok(false);
                }
            }
        }
        Ok(!self.batch.is_full() || self.batch.flush_from_thread(&self.sender))
    }
}

impl RoleConsumer for Emit {
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

struct SelectedRoles {
    selection: Selection,
    roles: Vec<Role>,
}

impl RoleConsumer for SelectedRoles {
    fn consume(&mut self, role: Role) -> bool {
        if self.selection.includes_role(&role.id) {
            self.roles.push(role);
        }
        true
    }
}

#[cfg(test)]
mod tests;
