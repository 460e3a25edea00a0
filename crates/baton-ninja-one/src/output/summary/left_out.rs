//! Sentences about left out rows, with names: a role holder who is in no list of users is a key finding of an access
//! review.

use std::fmt::Write;

use access_core::model::{EntitlementId, LeftOutRow, ResourceId, ResourceTypeId, RowKind};
use access_core::sync::{DropReason, SyncSummary};

use crate::output::text_table::format_thousands;

/// Maximum number of rows that are named one by one.
const MAX_NAMED_ROWS: u64 = 10;

type Row = LeftOutRow<DropReason>;

/// Rows that share one sentence.
struct Group<'a> {
    kind: RowKind,
    resource_type: &'a ResourceTypeId,
    reason: DropReason,
    /// The entitlement, and the type of its principals, if equal in all rows.
    held: Option<(&'a EntitlementId, &'a ResourceTypeId)>,
    rows: Vec<&'a Row>,
}

/// A sentence for each group, and the counts of rows without names.
pub(super) fn sentences(summary: &SyncSummary) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut named = 0;
    let mut left: Vec<_> = summary
        .ledger
        .iter()
        .flat_map(|(key, entry)| {
            let counts = entry.dropped.iter();
            counts.map(move |(reason, count)| (key, *reason, *count, false))
        })
        .collect();
    for group in groups(&summary.left_out.rows) {
        if named == MAX_NAMED_ROWS {
            break;
        }
        let shown = group
            .rows
            .len()
            .min(usize::try_from(MAX_NAMED_ROWS - named).unwrap_or(0));
        named += shown as u64;
        sentences.push(sentence(&group, shown));
        let of_group = left.iter_mut().find(|(key, reason, ..)| {
            (key.kind, &key.resource_type, *reason) == (group.kind, group.resource_type, group.reason)
        });
        if let Some((_, _, count, is_named)) = of_group {
            *count = count.saturating_sub(group.rows.len() as u64);
            *is_named = true;
        }
    }
    for (key, reason, count, is_named) in left.into_iter().filter(|(_, _, count, _)| *count > 0) {
        let kind = counted(key.kind, count);
        let more = if is_named { " more" } else { "" };
        sentences.push(format!(
            "{}{more} {kind} of type {} {reason}",
            format_thousands(count),
            key.resource_type
        ));
    }
    let with_names = summary.left_out.rows.iter().filter(|row| name(row).is_some());
    if named < with_names.count() as u64 {
        sentences.push("`--output json` lists up to 1,000 of them by name".to_owned());
    }
    sentences
}

/// Named rows in the order of arrival.
fn groups(rows: &[Row]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for row in rows.iter().filter(|row| name(row).is_some()) {
        let held = (row.reason == DropReason::UnknownPrincipal)
            .then(|| Some((row.entitlement.as_ref()?, &row.principal.as_ref()?.resource_type)))
            .flatten();
        let same = |group: &&mut Group<'_>| {
            (group.kind, group.resource_type, group.reason, group.held)
                == (row.kind, &row.resource_type, row.reason, held)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group {
                kind: row.kind,
                resource_type: &row.resource_type,
                reason: row.reason,
                held,
                rows: vec![row],
            }),
        }
    }
    groups
}

fn sentence(group: &Group<'_>, names: usize) -> String {
    let count = group.rows.len() as u64;
    let mut text = match group.held {
        Some((entitlement, principal_type)) => format!(
            "{} {} {} in no {principal_type} list",
            format_thousands(count),
            holders(entitlement, group.rows[0], count),
            if count == 1 { "is" } else { "are" },
        ),
        None => format!(
            "{} {} of type {} {}",
            format_thousands(count),
            counted(group.kind, count),
            group.resource_type,
            group.reason
        ),
    };
    let listed: Vec<String> = group
        .rows
        .iter()
        .take(names)
        .filter_map(|row| name(row))
        .collect();
    let _ = write!(text, ": {}", listed.join(", "));
    let more = count - names as u64;
    if more > 0 {
        let _ = write!(text, ", and {} more", format_thousands(more));
    }
    text
}

/// The holders of an entitlement, e.g. `members of the role Ticket Viewers`.
fn holders(entitlement: &EntitlementId, row: &Row, count: u64) -> String {
    let slug = entitlement.as_str().rsplit(':').next().unwrap_or_default();
    let is_membership = slug == "member" || (slug == "assigned" && row.resource_type.as_str() == "role");
    let ending = if count == 1 { "" } else { "s" };
    let on = match (&row.resource_name, &row.resource) {
        (Some(name), _) => format!("the {} {name}", row.resource_type),
        (None, Some(resource)) => identified(resource),
        (None, None) => return format!("holder{ending} of {entitlement}"),
    };
    if is_membership {
        format!("member{ending} of {on}")
    } else {
        format!("holder{ending} of {slug} on {on}")
    }
}

/// The subject of a row: the tenant's label and the ids.
fn name(row: &Row) -> Option<String> {
    let id = row.principal.as_ref().or(row.resource.as_ref()).map(identified);
    let words = row.words.as_deref().filter(|words| !words.trim().is_empty());
    let who = match (words, id) {
        (Some(words), Some(id)) => format!("{words} ({id})"),
        (Some(words), None) => words.to_owned(),
        (None, Some(id)) => id,
        (None, None) => return None,
    };
    // Without a known principal the sentence names the entitlement.
    match (&row.principal, &row.entitlement) {
        (Some(_), Some(entitlement)) if row.reason != DropReason::UnknownPrincipal => {
            Some(format!("{who} as {entitlement}"))
        }
        _ => Some(who),
    }
}

fn identified(resource: &ResourceId) -> String {
    format!("{} {}", resource.resource_type, resource.id)
}

fn counted(kind: RowKind, count: u64) -> String {
    if count == 1 {
        kind.to_string()
    } else {
        kind.plural().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use access_core::model::{NativeId, SyncId, SyncRun, SyncType};
    use access_core::sync::Ledger;
    use time::macros::datetime;

    use super::*;

    fn resource(resource_type: &'static str, id: u64) -> ResourceId {
        ResourceId::new(
            ResourceTypeId::from_static(resource_type),
            NativeId::from_number(id),
        )
    }

    /// A member of a role who is in no list, or a user without an id.
    fn row(role: Option<u64>, user: u64) -> Row {
        Row {
            kind: if role.is_some() {
                RowKind::Grant
            } else {
                RowKind::Resource
            },
            resource_type: ResourceTypeId::from_static(if role.is_some() { "role" } else { "user" }),
            reason: if role.is_some() {
                DropReason::UnknownPrincipal
            } else {
                DropReason::UnusableId
            },
            resource: role.map(|role| resource("role", role)),
            resource_name: role.map(|role| format!("Role {role}")),
            entitlement: role.map(|role| EntitlementId::new(&format!("role:{role}:assigned")).unwrap()),
            principal: role.map(|_| resource("user", user)),
            words: user.is_multiple_of(2).then(|| format!("Pat {user}")),
        }
    }

    fn render_rows(rows: Vec<Row>, unnamed: u64) -> String {
        let started_at = datetime!(2026-11-30 12:00 UTC);
        let run = SyncRun {
            id: SyncId::from_parts(started_at, [1; 16]),
            sync_type: SyncType::Full,
            tenant: "t".to_owned(),
            started_at,
            provenance: access_core::model::Provenance::default(),
        };
        let mut ledger = Ledger::default();
        for row in &rows {
            ledger.dropped(row.kind, &row.resource_type, row.reason, 1);
        }
        let role = ResourceTypeId::from_static("role");
        ledger.dropped(RowKind::Grant, &role, DropReason::UnknownPrincipal, unnamed);
        let mut summary = SyncSummary::new(run, started_at, ledger, BTreeMap::new());
        summary.left_out.rows = rows;
        summary.left_out.more = unnamed;
        sentences(&summary).join("\n")
    }

    #[test]
    fn left_out_users_are_named() {
        insta::assert_snapshot!(render_rows(vec![row(Some(9), 4242)], 0), @"1 member of the role Role 9 is in no user list: Pat 4242 (user 4242)");
        let few = vec![row(Some(9), 2), row(None, 4), row(Some(9), 3), row(None, 5)];
        insta::assert_snapshot!(render_rows(few, 0), @r"
        2 members of the role Role 9 are in no user list: Pat 2 (user 2), user 3
        1 resource of type user without a usable id: Pat 4
        1 more resource of type user without a usable id
        ");
        let many = (0..14)
            .map(|n| row(Some(if n < 12 { 1 } else { 2 }), 2 * n))
            .collect();
        insta::assert_snapshot!(render_rows(many, 5), @r"
        12 members of the role Role 1 are in no user list: Pat 0 (user 0), Pat 2 (user 2), Pat 4 (user 4), Pat 6 (user 6), Pat 8 (user 8), Pat 10 (user 10), Pat 12 (user 12), Pat 14 (user 14), Pat 16 (user 16), Pat 18 (user 18), and 2 more
        7 more grants of type role to an unknown principal
        `--output json` lists up to 1,000 of them by name
        ");
    }
}
