//! Things found by what people call them: an id, a login, an address, a name.

use std::ops::ControlFlow::{Break, Continue};

use thiserror::Error;

use super::TextQuery;
use super::email;
use super::login;
use super::user_filter::matches_text;
use crate::model::{
    EntitlementId, NativeId, Resource, ResourceId, ResourceTrait, ResourceType, ResourceTypeId, TraitKind,
};
use crate::ports::{AccessSnapshot, EntitlementInfo, EntitlementQuery, ResourceQuery, SourceError};
use crate::{Diagnostic, StatusCode};

/// What people are called in a message.
const USER: &str = "user";
/// So many things are named in a message.
const NAMED: usize = 5;

/// Why a thing was not found.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// Nothing is called so.
    #[error("no {what} is called `{text}`{}", near(close))]
    NotFound {
        /// What was looked for.
        what: &'static str,
        /// What it should be called.
        text: String,
        /// Things that have the text somewhere.
        close: Vec<String>,
    },
    /// Several things are called so.
    #[error("`{text}` can be any of {count} {what}: {}", listed(some))]
    Ambiguous {
        /// What was looked for.
        what: &'static str,
        /// What they are called.
        text: String,
        /// How many there are.
        count: usize,
        /// Some of them.
        some: Vec<String>,
    },
    /// The sync cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
}

fn near(close: &[String]) -> String {
    if close.is_empty() {
        String::new()
    } else {
        format!("; close to it: {}", listed(close))
    }
}

fn listed(things: &[String]) -> String {
    things.join(", ")
}

impl Diagnostic for ResolveError {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound { .. } => StatusCode::NotFound,
            Self::Ambiguous { .. } => StatusCode::InvalidArgument,
            Self::Source(error) => error.status(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { what: USER, .. } => Some(
                "name it by its id, e.g. user:901, by its login, its address or its whole name".to_owned(),
            ),
            Self::NotFound { .. } => {
                Some("name it by its id, e.g. role:7 or role:7:assigned, or by its whole name".to_owned())
            }
            Self::Ambiguous { .. } => Some("name one by its id, the part before the bracket".to_owned()),
            Self::Source(error) => error.hint(),
        }
    }
}

/// The one principal that is called so: by `TYPE:ID`, by the tenant's id, by login, by address, by name. What comes first
/// in this list outranks what comes later.
///
/// # Errors
/// [`ResolveError`] if there is none or more than one.
pub fn resolve_principal(snapshot: &dyn AccessSnapshot, text: &str) -> Result<Resource, ResolveError> {
    let kinds = snapshot.resource_types()?;
    for id in ids(&kinds, text, |kind| kind.trait_kind == TraitKind::User) {
        if let Some(found) = one(snapshot, &id)? {
            return Ok(found);
        }
    }
    let words = TextQuery::new(text);
    let mut best = BestMatches::new((USER, "users"), text);
    for kind in kinds.iter().filter(|kind| kind.trait_kind == TraitKind::User) {
        let which = ResourceQuery::MatchingText(&kind.id, text.trim());
        snapshot.resources(which, &mut |row| {
            let is = |text: Option<&str>| text.is_some_and(|text| words.equals(text));
            let rank = [login(&row), email(&row), Some(row.display_name.as_str())];
            let rank = rank.into_iter().position(is);
            match rank {
                Some(rank) => best.add(rank, shown(&row), row),
                None if matches_text(&row, &words) => best.close(shown(&row)),
                None => {}
            }
            Continue(())
        })?;
    }
    let nothing = || ResolveError::NotFound {
        what: USER,
        text: text.to_owned(),
        close: Vec::new(),
    };
    best.settle()?.pop().ok_or_else(nothing)
}

/// The entitlements that a role or an entitlement is called by: its id, or all of those on a resource that is named by
/// `TYPE:ID`, by the tenant's id, or by name; or one by its own name.
///
/// # Errors
/// [`ResolveError`] if there is none, or more than one resource or entitlement.
pub fn resolve_entitlements(
    snapshot: &dyn AccessSnapshot,
    text: &str,
) -> Result<Vec<EntitlementInfo>, ResolveError> {
    if let Ok(id) = EntitlementId::new(text.trim()) {
        let found = entitlements(snapshot, EntitlementQuery::ById(&id))?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let kinds = snapshot.resource_types()?;
    for id in ids(&kinds, text, |_| false) {
        let found = entitlements(snapshot, EntitlementQuery::OnResource(&id))?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let words = TextQuery::new(text);
    let mut best = BestMatches::new(("role or entitlement", "roles or entitlements"), text);
    snapshot.entitlements(EntitlementQuery::All, &mut |row| {
        let resource_name = row.resource_name.as_ref().map(crate::model::BoundedText::as_str);
        let is = |text: Option<&str>| text.is_some_and(|text| words.equals(text));
        let names = [
            Some(row.entitlement.resource.id.as_str()),
            resource_name,
            Some(row.entitlement.display_name.as_str()),
        ];
        let rank = names.iter().copied().position(is);
        let on = || {
            let name = resource_name.unwrap_or("not listed");
            format!("{} ({name})", row.entitlement.resource)
        };
        match rank {
            Some(2) => {
                let shown = format!("{} ({})", row.entitlement.id, row.entitlement.display_name);
                best.add(2, shown, row);
            }
            Some(rank) => best.add(rank, on(), row),
            None if names[..2].iter().flatten().any(|name| words.resembles(name)) => best.close(on()),
            None if words.resembles(row.entitlement.display_name.as_str()) => {
                best.close(format!(
                    "{} ({})",
                    row.entitlement.id, row.entitlement.display_name
                ));
            }
            None => {}
        }
        Continue(())
    })?;
    best.settle()
}

/// The entitlements in question.
fn entitlements(
    snapshot: &dyn AccessSnapshot,
    which: EntitlementQuery<'_>,
) -> Result<Vec<EntitlementInfo>, SourceError> {
    let mut found = Vec::new();
    snapshot.entitlements(which, &mut |row| {
        found.push(row);
        Continue(())
    })?;
    Ok(found)
}

fn one(snapshot: &dyn AccessSnapshot, id: &ResourceId) -> Result<Option<Resource>, SourceError> {
    let mut found = None;
    snapshot.resources(ResourceQuery::ById(id), &mut |row| {
        found = Some(row);
        Break(())
    })?;
    Ok(found)
}

/// The ids that a text can be: `TYPE:ID`, and for some types the id alone.
fn ids(kinds: &[ResourceType], text: &str, alone: impl Fn(&ResourceType) -> bool) -> Vec<ResourceId> {
    let text = text.trim();
    let named = text.split_once(':').into_iter().filter_map(|(kind, id)| {
        Some(ResourceId::new(
            ResourceTypeId::new(kind).ok()?,
            NativeId::new(id).ok()?,
        ))
    });
    let of_type = kinds
        .iter()
        .filter(|kind| alone(kind))
        .filter_map(|kind| Some(ResourceId::new(kind.id.clone(), NativeId::new(text).ok()?)));
    named.chain(of_type).collect()
}

/// A resource in a message.
fn shown(row: &Resource) -> String {
    let who = match &row.resource_trait {
        ResourceTrait::User(_) => login(row).or(email(row)),
        _ => None,
    };
    match who {
        Some(who) if who != row.display_name.as_str() => {
            format!("{} ({}, {who})", row.id, row.display_name)
        }
        _ => format!("{} ({})", row.id, row.display_name),
    }
}

/// The things that are called so in the way that counts most, each with the label that tells it from others.
struct BestMatches<T> {
    /// What is looked for: one, several.
    what: (&'static str, &'static str),
    text: String,
    rank: usize,
    things: Vec<(String, T)>,
    close: Vec<String>,
}

impl<T> BestMatches<T> {
    fn new(what: (&'static str, &'static str), text: &str) -> Self {
        Self {
            what,
            text: text.trim().to_owned(),
            rank: usize::MAX,
            things: Vec::new(),
            close: Vec::new(),
        }
    }

    fn add(&mut self, rank: usize, shown: String, thing: T) {
        if rank < self.rank {
            self.things.clear();
            self.rank = rank;
        }
        if rank == self.rank {
            self.things.push((shown, thing));
        }
    }

    /// Notes a thing that is not called so, but nearly; few are remembered.
    fn close(&mut self, shown: String) {
        if !self.close.contains(&shown) {
            self.close.push(shown);
            self.close.sort_unstable();
            self.close.truncate(NAMED);
        }
    }

    /// What was found, if it all has one label.
    fn settle(self) -> Result<Vec<T>, ResolveError> {
        let (what, text) = (self.what, self.text);
        let mut labels: Vec<&String> = self.things.iter().map(|(shown, _)| shown).collect();
        labels.sort_unstable();
        labels.dedup();
        match labels.len() {
            0 => Err(ResolveError::NotFound {
                what: what.0,
                text,
                close: self.close,
            }),
            1 => Ok(self.things.into_iter().map(|(_, thing)| thing).collect()),
            count => Err(ResolveError::Ambiguous {
                what: what.1,
                text,
                count,
                some: labels.into_iter().take(NAMED).cloned().collect(),
            }),
        }
    }
}
