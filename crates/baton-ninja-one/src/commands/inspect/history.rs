//! The history of a user or a role over the syncs of a location.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow::{Break, Continue};

use access_core::StatusCode;
use access_core::model::{
    Completeness, EntitlementId, ProfileValue, Resource, ResourceId, ResourceTrait, ResourceTypeId,
};
use access_core::ports::{AccessSnapshot, EntitlementQuery, GrantQuery, ResourceQuery, SourceError};
use access_core::query::{self, ResolveError};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::commands::inspect::timeline::Timeline;
use crate::failure::Failure;
use crate::output::rows::Cell;
use crate::output::text_table::moment;
use crate::runtime::cancellation::Cancellation;

/// Maximum number of syncs that are searched for a subject that the requested sync lacks, the nearest first.
const MAX_SEARCHED_SYNCS: usize = 100;

/// A user, a role or another resource.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    pub(super) id: ResourceId,
    pub(super) name: String,
    is_user: bool,
    /// The entitlement; `None` for all entitlements of the resource.
    only: Option<EntitlementId>,
}

/// The state of a subject in one sync.
#[derive(Debug, Clone, Default)]
struct State {
    /// Its attributes by name; `None` if the sync does not have it.
    attributes: Option<BTreeMap<String, String>>,
    /// Its access, or its holders.
    grants: BTreeMap<Key, Grant>,
}

type Key = (EntitlementId, ResourceId);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Grant {
    /// The entitlement's name.
    holds: String,
    /// The resource of the entitlement.
    on: Option<ResourceId>,
    on_name: Option<String>,
    principal_name: Option<String>,
}

/// One line of the history.
#[derive(Debug, Clone, Default)]
struct Event<'a> {
    change: &'static str,
    grant: Option<(&'a Key, &'a Grant)>,
    field: Option<&'a str>,
    old: Option<&'a str>,
    new: Option<&'a str>,
}

/// The history of one subject, as rows.
pub(super) struct History {
    pub(super) subject: Subject,
    pub(super) rows: Vec<Vec<Cell>>,
    /// Number of syncs, and the end of the first and the last of them.
    pub(super) syncs: usize,
    pub(super) span: (OffsetDateTime, OffsetDateTime),
    /// The end of the last sync with the subject, if the latest one lacks it.
    pub(super) until: Option<OffsetDateTime>,
}

/// Finds a user or a role by id or name.
pub(super) fn find(snapshot: &dyn AccessSnapshot, text: &str) -> Result<Subject, ResolveError> {
    let of_user = |row: Resource| Subject {
        id: row.id,
        name: row.display_name.to_string(),
        is_user: true,
        only: None,
    };
    let user = query::resolve_principal(snapshot, text);
    if let Err(ResolveError::Source(_)) = user {
        return user.map(of_user);
    }
    match (user, find_role(snapshot, text)) {
        (Ok(user), Err(ResolveError::NotFound { .. })) => Ok(of_user(user)),
        // An id finds a resource of any type.
        (Ok(row), Ok(role)) if row.id == role.id => Ok(role),
        (Ok(user), Ok(role)) => Err(ResolveError::Ambiguous {
            what: "users and roles",
            text: text.to_owned(),
            count: 2,
            some: vec![
                format!("{} ({})", user.id, user.display_name),
                format!("{} ({})", role.id, role.name),
            ],
        }),
        (Err(ResolveError::NotFound { mut close, .. }), Err(ResolveError::NotFound { close: roles, .. })) => {
            close.extend(roles);
            Err(ResolveError::NotFound {
                what: "user or role",
                text: text.to_owned(),
                close,
            })
        }
        (Err(ResolveError::NotFound { .. }), Ok(role)) => Ok(role),
        (Err(error), _) | (_, Err(error)) => Err(error),
    }
}

/// Finds a role or an entitlement by id or name.
pub(super) fn find_role(snapshot: &dyn AccessSnapshot, text: &str) -> Result<Subject, ResolveError> {
    let mut held = query::resolve_entitlements(snapshot, text)?;
    let one = held.len() == 1;
    let Some(held) = held.pop() else {
        return Err(ResolveError::NotFound {
            what: "role or entitlement",
            text: text.to_owned(),
            close: Vec::new(),
        });
    };
    let (on, entitlement) = (held.resource_name, held.entitlement);
    let name = if one {
        entitlement.display_name.to_string()
    } else {
        on.map_or_else(|| entitlement.resource.to_string(), |name| name.to_string())
    };
    Ok(Subject {
        id: entitlement.resource,
        name,
        is_user: false,
        only: one.then_some(entitlement.id),
    })
}

/// Reads the history over the first syncs.
pub(super) fn read(
    timeline: &Timeline,
    syncs: usize,
    text: &str,
    cancellation: &Cancellation,
) -> Result<History, Failure> {
    let subject = find_latest(timeline, syncs, text, cancellation)?;
    let mut rows = Vec::new();
    let mut before = State::default();
    let mut last_known: Option<BTreeMap<String, String>> = None;
    let mut until = None;
    for n in 0..syncs {
        if cancellation.is_cancelled() {
            break;
        }
        let snapshot = timeline.open(n, cancellation)?;
        let mut state = State::load(snapshot.as_ref(), &subject)?;
        state.keep_incomplete_types(&before, snapshot.as_ref(), &subject)?;
        let sync = &timeline.syncs()[n];
        let after = n.checked_sub(1).map(|before| timeline.syncs()[before].ended_at);
        for event in events(&before, &state, last_known.as_ref(), n == 0) {
            rows.push(event.cells(&sync.id, sync.ended_at, after, &subject));
        }
        if state.attributes.is_some() {
            last_known.clone_from(&state.attributes);
            until = Some(sync.ended_at);
        }
        before = state;
    }
    let ended = |n: usize| timeline.syncs()[n].ended_at;
    Ok(History {
        rows,
        syncs,
        span: (ended(0), ended(syncs - 1)),
        until: until.filter(|_| before.attributes.is_none()),
        subject,
    })
}

/// Looks for the subject in the latest sync, then in the ones before.
fn find_latest(
    timeline: &Timeline,
    syncs: usize,
    text: &str,
    cancellation: &Cancellation,
) -> Result<Subject, Failure> {
    let mut first: Option<ResolveError> = None;
    for n in (0..syncs).rev() {
        match find(timeline.open(n, cancellation)?.as_ref(), text) {
            Ok(found) => return Ok(found),
            Err(error @ ResolveError::NotFound { .. }) => {
                first.get_or_insert(error);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(first.map_or_else(
        || {
            Failure::new(
                "there is no finished full sync".to_owned(),
                None,
                StatusCode::NotFound,
            )
        },
        Into::into,
    ))
}

impl State {
    fn load(snapshot: &dyn AccessSnapshot, subject: &Subject) -> Result<Self, SourceError> {
        let mut state = Self::default();
        snapshot.resources(ResourceQuery::ById(&subject.id), &mut |row| {
            state.attributes = Some(attributes(&row));
            Break(())
        })?;
        let mut collect_grants = |snapshot: &dyn AccessSnapshot, which: GrantQuery<'_>| {
            snapshot.grants(which, &mut |row| {
                let held = row.held.as_ref();
                let grant = Grant {
                    holds: held.map_or_else(
                        || row.entitlement.to_string(),
                        |held| held.display_name.to_string(),
                    ),
                    on: held.map(|held| held.resource.clone()),
                    on_name: held
                        .and_then(|held| held.resource_name.as_ref())
                        .map(ToString::to_string),
                    principal_name: row.principal_name.as_ref().map(ToString::to_string),
                };
                state.grants.insert((row.entitlement, row.principal), grant);
                Continue(())
            })
        };
        if subject.is_user {
            collect_grants(snapshot, GrantQuery::OfPrincipal(&subject.id))?;
            return Ok(state);
        }
        if let Some(id) = &subject.only {
            collect_grants(snapshot, GrantQuery::OfEntitlement(id))?;
            return Ok(state);
        }
        let mut entitlements = Vec::new();
        snapshot.entitlements(EntitlementQuery::OnResource(&subject.id), &mut |row| {
            entitlements.push(row.entitlement.id);
            Continue(())
        })?;
        for id in &entitlements {
            collect_grants(snapshot, GrantQuery::OfEntitlement(id))?;
        }
        Ok(state)
    }

    /// A missing row of an incomplete type is not a removal.
    fn keep_incomplete_types(
        &mut self,
        before: &Self,
        snapshot: &dyn AccessSnapshot,
        subject: &Subject,
    ) -> Result<(), SourceError> {
        let left = self.attributes.is_none() && before.attributes.is_some();
        let lost = before.grants.keys().any(|key| !self.grants.contains_key(key));
        if !left && !lost {
            return Ok(());
        }
        let types = snapshot.resource_type_stats()?.into_iter();
        let read: BTreeMap<ResourceTypeId, bool> = types
            .map(|row| {
                let incomplete = matches!(row.completeness, Some(Completeness::Incomplete { .. }));
                (row.resource_type.id, !incomplete)
            })
            .collect();
        let was_read = |id: &ResourceTypeId| read.get(id) == Some(&true);
        if left && !was_read(&subject.id.resource_type) {
            self.attributes.clone_from(&before.attributes);
        }
        for (key, grant) in &before.grants {
            let on = grant.on.as_ref().is_none_or(|on| was_read(&on.resource_type));
            let is_gone = on && was_read(&key.1.resource_type);
            if !is_gone && !self.grants.contains_key(key) {
                self.grants.insert(key.clone(), grant.clone());
            }
        }
        Ok(())
    }
}

/// The attributes of a resource, by name.
fn attributes(row: &Resource) -> BTreeMap<String, String> {
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in row.profile.iter() {
        let value = match value {
            ProfileValue::Text(text) | ProfileValue::Json(text) => text.to_string(),
            ProfileValue::Number(number) => number.to_string(),
            ProfileValue::Flag(flag) => yes_or_no(*flag),
        };
        known.insert(name.to_string(), value);
    }
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            known.insert(name.to_owned(), value);
        }
    };
    set("display_name", Some(row.display_name.to_string()));
    set("description", row.description.as_ref().map(ToString::to_string));
    set(
        "status",
        row.status.as_ref().map(|status| status.state.as_str().to_owned()),
    );
    let detail = row.status.as_ref().and_then(|status| status.detail.as_deref());
    set("status_detail", detail.map(str::to_owned));
    set("login", query::login(row).map(str::to_owned));
    set("email", query::email(row).map(str::to_owned));
    if let ResourceTrait::User(user) = &row.resource_trait {
        set("mfa_enabled", user.mfa_enabled.map(yes_or_no));
        set("sso_enabled", user.sso_enabled.map(yes_or_no));
    }
    known
}

fn yes_or_no(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}

/// The changes between two consecutive syncs.
fn events<'a>(
    before: &'a State,
    now: &'a State,
    last_known: Option<&'a BTreeMap<String, String>>,
    is_first: bool,
) -> Vec<Event<'a>> {
    let mut events = Vec::new();
    let event = |change, grant| Event {
        change,
        grant,
        ..Event::default()
    };
    let begins = before.attributes.is_none();
    let (old, new) = match (&before.attributes, &now.attributes) {
        (None, None) => return events,
        (Some(_), None) => {
            events.push(event("left", None));
            return events;
        }
        (None, Some(new)) => {
            let returned = last_known.is_some();
            events.push(event(if returned { "returned" } else { "first seen" }, None));
            // A new subject has no earlier attributes to compare with.
            (last_known, last_known.map(|_| new))
        }
        (Some(old), Some(new)) => (Some(old), Some(new)),
    };
    let names: BTreeSet<&String> = old.into_iter().chain(new).flat_map(BTreeMap::keys).collect();
    for name in names {
        let value = |side: Option<&'a BTreeMap<String, String>>| {
            side.and_then(|side| side.get(name)).map(String::as_str)
        };
        let (old, new) = (value(old), value(new));
        if old != new {
            events.push(Event {
                change: "changed",
                grant: None,
                field: Some(name),
                old,
                new,
            });
        }
    }
    let gained = if is_first { "held" } else { "gained" };
    for (key, grant) in now
        .grants
        .iter()
        .filter(|(key, _)| begins || !before.grants.contains_key(*key))
    {
        events.push(event(gained, Some((key, grant))));
    }
    for (key, grant) in before
        .grants
        .iter()
        .filter(|(key, _)| !begins && !now.grants.contains_key(*key))
    {
        events.push(event("lost", Some((key, grant))));
    }
    events
}

impl Event<'_> {
    fn cells(
        &self,
        sync: &str,
        seen_at: OffsetDateTime,
        after: Option<OffsetDateTime>,
        subject: &Subject,
    ) -> Vec<Cell> {
        let time = |time: OffsetDateTime| Cell::Time(time.format(&Rfc3339).unwrap_or_default());
        let grant = self.grant.map(|(_, grant)| grant);
        let other = self.grant.map(|((entitlement, principal), grant)| {
            if subject.is_user {
                let on = grant.on.as_ref().map(ToString::to_string);
                on.unwrap_or_else(|| entitlement.to_string())
            } else {
                principal.to_string()
            }
        });
        let what = grant.map(|grant| match &grant.principal_name {
            Some(name) if !subject.is_user => format!("{name}: {}", grant.holds),
            _ => grant.holds.clone(),
        });
        vec![
            Cell::text(sync),
            time(seen_at),
            after.map_or(Cell::Nothing, time),
            Cell::text(self.change),
            Cell::text(&subject.id),
            Cell::text_or_nothing(what.as_deref()),
            Cell::text_or_nothing(self.grant.map(|((entitlement, _), _)| entitlement)),
            Cell::text_or_nothing(grant.and_then(|grant| grant.on_name.as_deref())),
            Cell::text_or_nothing(grant.and_then(|grant| grant.principal_name.as_deref())),
            Cell::text_or_nothing(self.field),
            Cell::text_or_nothing(self.old),
            Cell::text_or_nothing(self.new),
            Cell::text_or_nothing(other.as_deref()),
        ]
    }
}

/// Adds to the failure when a missing subject existed, if it ever did.
pub(super) fn explain_absence<T>(
    failure: Failure,
    timeline: &Timeline,
    sync: &str,
    cancellation: &Cancellation,
    find: impl Fn(&dyn AccessSnapshot) -> Result<T, ResolveError>,
    label: impl Fn(&T) -> (String, String),
) -> Failure {
    let syncs = timeline.syncs();
    let at = syncs
        .iter()
        .position(|known| known.id == sync)
        .unwrap_or(syncs.len());
    let earlier = (0..at).rev().map(|n| (n, true));
    let later = (at + 1..syncs.len()).map(|n| (n, false));
    for (n, was_here) in earlier.chain(later).take(MAX_SEARCHED_SYNCS) {
        if cancellation.is_cancelled() {
            break;
        }
        let Ok(snapshot) = timeline.open(n, cancellation) else {
            break;
        };
        let ended_at = syncs[n].ended_at;
        let seconds = moment(ended_at).replacen(' ', "T", 1).replace(" UTC", "Z");
        match find(snapshot.as_ref()) {
            Ok(found) => {
                let (name, id) = label(&found);
                let when = if was_here {
                    "was here until"
                } else {
                    "is first seen at"
                };
                return Failure::new(
                    format!("{}: {name} ({id}) {when} {}", failure.message(), moment(ended_at)),
                    Some(format!(
                        "--at {seconds} shows the access then; `history {id}` shows what changed"
                    )),
                    StatusCode::NotFound,
                );
            }
            Err(ResolveError::NotFound { .. }) => {}
            Err(error @ ResolveError::Ambiguous { .. }) => {
                return Failure::new(
                    format!(
                        "{}; in the sync that ended at {}, {error}",
                        failure.message(),
                        moment(ended_at)
                    ),
                    Some("name one by its id, the part before the bracket".to_owned()),
                    StatusCode::InvalidArgument,
                );
            }
            Err(ResolveError::Source(_)) => break,
        }
    }
    failure
}
