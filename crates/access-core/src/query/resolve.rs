//! Resolves users, roles and entitlements by id, login, address or name.

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

/// Label of users in messages.
const USER: &str = "user";
/// Maximum number of candidates in a message.
const MAX_NAMED: usize = 5;

/// Why a name could not be resolved.
#[derive(Debug, Error)]
pub enum ResolveError {
    /// No object matches.
    #[error("no {what} is called `{text}`{}", similar_names(close))]
    NotFound {
        /// What was searched for.
        what: &'static str,
        /// The text.
        text: String,
        /// Objects with a similar name.
        close: Vec<String>,
    },
    /// Several objects match.
    #[error("`{text}` matches {count} {what}: {}", join_names(some))]
    Ambiguous {
        /// What was searched for.
        what: &'static str,
        /// The text.
        text: String,
        /// Number of matches.
        count: usize,
        /// Some of the matches.
        some: Vec<String>,
    },
    /// The sync cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
}

fn similar_names(close: &[String]) -> String {
    if close.is_empty() {
        String::new()
    } else {
        format!("; close to it: {}", join_names(close))
    }
}

fn join_names(matches: &[String]) -> String {
    matches.join(", ")
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
                "name it by its id, e.g. user:901, by its login, its address or its full name".to_owned(),
            ),
            Self::NotFound { .. } => {
                Some("name it by its id, e.g. role:7 or role:7:assigned, or by its full name".to_owned())
            }
            Self::Ambiguous { .. } => Some("name one by its id, the part before the bracket".to_owned()),
            Self::Source(error) => error.hint(),
        }
    }
}

/// Resolves a user by, in order of precedence: `TYPE:ID`, native id, login, e-mail address, display name.
///
/// # Errors
/// [`ResolveError`] unless exactly one user matches.
pub fn resolve_principal(snapshot: &dyn AccessSnapshot, text: &str) -> Result<Resource, ResolveError> {
    let resource_types = snapshot.resource_types()?;
    for id in ids(&resource_types, text, |kind| kind.trait_kind == TraitKind::User) {
        if let Some(found) = find_resource(snapshot, &id)? {
            return Ok(found);
        }
    }
    let query = TextQuery::new(text);
    let mut best = BestMatches::new((USER, "users"), text);
    for kind in resource_types
        .iter()
        .filter(|kind| kind.trait_kind == TraitKind::User)
    {
        let resource_query = ResourceQuery::MatchingText(&kind.id, text.trim());
        snapshot.resources(resource_query, &mut |row| {
            let is = |text: Option<&str>| text.is_some_and(|text| query.equals(text));
            let rank = [login(&row), email(&row), Some(row.display_name.as_str())];
            let rank = rank.into_iter().position(is);
            match rank {
                Some(rank) => best.add(rank, label(&row), row),
                None if matches_text(&row, &query) => best.close(label(&row)),
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
    best.finish()?.pop().ok_or_else(nothing)
}

/// Resolves entitlements: by entitlement id, by their resource (`TYPE:ID`, native id or name), or by their own name.
///
/// # Errors
/// [`ResolveError`] unless exactly one resource or entitlement matches.
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
    let resource_types = snapshot.resource_types()?;
    for id in ids(&resource_types, text, |_| false) {
        let found = entitlements(snapshot, EntitlementQuery::OnResource(&id))?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    let query = TextQuery::new(text);
    let mut best = BestMatches::new(("role or entitlement", "roles or entitlements"), text);
    snapshot.entitlements(EntitlementQuery::All, &mut |row| {
        let resource_name = row.resource_name.as_ref().map(crate::model::BoundedText::as_str);
        let is = |text: Option<&str>| text.is_some_and(|text| query.equals(text));
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
                let label = format!("{} ({})", row.entitlement.id, row.entitlement.display_name);
                best.add(2, label, row);
            }
            Some(rank) => best.add(rank, on(), row),
            None if names[..2].iter().flatten().any(|name| query.resembles(name)) => best.close(on()),
            None if query.resembles(row.entitlement.display_name.as_str()) => {
                best.close(format!(
                    "{} ({})",
                    row.entitlement.id, row.entitlement.display_name
                ));
            }
            None => {}
        }
        Continue(())
    })?;
    best.finish()
}

/// Collects the results of a query.
fn entitlements(
    snapshot: &dyn AccessSnapshot,
    resource_query: EntitlementQuery<'_>,
) -> Result<Vec<EntitlementInfo>, SourceError> {
    let mut found = Vec::new();
    snapshot.entitlements(resource_query, &mut |row| {
        found.push(row);
        Continue(())
    })?;
    Ok(found)
}

fn find_resource(snapshot: &dyn AccessSnapshot, id: &ResourceId) -> Result<Option<Resource>, SourceError> {
    let mut found = None;
    snapshot.resources(ResourceQuery::ById(id), &mut |row| {
        found = Some(row);
        Break(())
    })?;
    Ok(found)
}

/// Resource ids that a text can denote: `TYPE:ID`, and for some types the id alone.
fn ids(
    resource_types: &[ResourceType],
    text: &str,
    alone: impl Fn(&ResourceType) -> bool,
) -> Vec<ResourceId> {
    let text = text.trim();
    let named = text.split_once(':').into_iter().filter_map(|(kind, id)| {
        Some(ResourceId::new(
            ResourceTypeId::new(kind).ok()?,
            NativeId::new(id).ok()?,
        ))
    });
    let of_type = resource_types
        .iter()
        .filter(|kind| alone(kind))
        .filter_map(|kind| Some(ResourceId::new(kind.id.clone(), NativeId::new(text).ok()?)));
    named.chain(of_type).collect()
}

/// Label of a resource in messages.
fn label(row: &Resource) -> String {
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

/// The matches with the best rank, each with a unique label.
struct BestMatches<T> {
    /// Singular and plural of the searched type.
    what: (&'static str, &'static str),
    text: String,
    rank: usize,
    matches: Vec<(String, T)>,
    close: Vec<String>,
}

impl<T> BestMatches<T> {
    fn new(what: (&'static str, &'static str), text: &str) -> Self {
        Self {
            what,
            text: text.trim().to_owned(),
            rank: usize::MAX,
            matches: Vec::new(),
            close: Vec::new(),
        }
    }

    fn add(&mut self, rank: usize, label: String, item: T) {
        if rank < self.rank {
            self.matches.clear();
            self.rank = rank;
        }
        if rank == self.rank {
            self.matches.push((label, item));
        }
    }

    /// Records a similar name; at most [`MAX_NAMED`] are kept.
    fn close(&mut self, label: String) {
        if !self.close.contains(&label) {
            self.close.push(label);
            self.close.sort_unstable();
            self.close.truncate(MAX_NAMED);
        }
    }

    /// Returns the matches if all have the same label.
    fn finish(self) -> Result<Vec<T>, ResolveError> {
        let (what, text) = (self.what, self.text);
        let mut labels: Vec<&String> = self.matches.iter().map(|(label, _)| label).collect();
        labels.sort_unstable();
        labels.dedup();
        match labels.len() {
            0 => Err(ResolveError::NotFound {
                what: what.0,
                text,
                close: self.close,
            }),
            1 => Ok(self.matches.into_iter().map(|(_, item)| item).collect()),
            count => Err(ResolveError::Ambiguous {
                what: what.1,
                text,
                count,
                some: labels.into_iter().take(MAX_NAMED).cloned().collect(),
            }),
        }
    }
}
