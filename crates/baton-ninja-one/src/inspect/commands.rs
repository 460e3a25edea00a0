//! The answers.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow::{self, Break, Continue};
use std::sync::atomic::{AtomicBool, Ordering};

use access_core::explore::{self, UserFilter};
use access_core::model::{Resource, ResourceId, ResourceTypeId, StatusState, Trait, TraitKind};
use access_core::ports::{
    AccessSnapshot, Holding, SourceError, WhichEntitlements, WhichGrants, WhichResources,
};
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::asked::{Question, Things, Users};
use super::how::How;
use super::pager::Outlet;
use super::rows;
use super::sheet::{Cell, Column, Form, Sheet};
use crate::exit::Failure;
use crate::place::SyncFacts;
use crate::sync::CONTRACT;
use crate::table::grouped;

/// Whose list it is if no types are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Roles.
    Roles,
    /// Resources of every type.
    All,
}

/// Answers a question.
pub(crate) fn answer(
    question: &Question,
    snapshot: &dyn AccessSnapshot,
    form: Form,
    outlet: &mut Outlet,
    stop: &AtomicBool,
) -> Result<(), Failure> {
    let mut desk = Desk {
        snapshot,
        form,
        outlet,
        stop,
    };
    match question {
        Question::Stats => desk.stats(),
        Question::Users(wanted) => desk.users(wanted),
        Question::Roles(wanted) => desk.roles(wanted),
        Question::Resources(wanted) => desk.resources(wanted),
        Question::Entitlements(wanted) => desk.entitlements(wanted),
        Question::Grants(wanted) => desk.grants(wanted),
        Question::Access(who) => desk.access(who),
        Question::Who(what) => desk.who(what),
        // Asked of a place, not of a sync.
        Question::Syncs => Ok(()),
    }
}

/// Where questions are answered.
struct Desk<'a> {
    snapshot: &'a dyn AccessSnapshot,
    form: Form,
    outlet: &'a mut Outlet,
    stop: &'a AtomicBool,
}

/// Rows on their way out, until nobody wants more.
struct Rows<'a> {
    sheet: Sheet,
    outlet: &'a mut Outlet,
    stop: &'a AtomicBool,
}

impl Rows<'_> {
    fn push(&mut self, cells: Vec<Cell>) -> ControlFlow<()> {
        let stopped = self.stop.load(Ordering::Relaxed);
        if stopped || self.sheet.push(cells, self.outlet).is_err() {
            return Break(());
        }
        Continue(())
    }

    /// Completes the sheet, and says for people how many rows it has.
    fn told(self, form: Form, (one, several): (&str, &str)) {
        let Ok(rows) = self.sheet.finish(self.outlet) else {
            return;
        };
        if form == Form::Table {
            let told = match rows {
                0 => format!("no {several}"),
                1 => format!("1 {one}"),
                rows => format!("{} {several}", grouped(rows)),
            };
            // Nobody reading any more is no failure.
            if rows > 0 {
                let _ = self.outlet.line("");
            }
            let _ = self.outlet.line(&told);
        }
    }
}

/// Whether to go on, and what went wrong meanwhile.
fn flow<E>(done: Result<ControlFlow<()>, E>, failed: &mut Option<E>) -> ControlFlow<()> {
    match done {
        Ok(flow) => flow,
        Err(error) => {
            *failed = Some(error);
            Break(())
        }
    }
}

impl Desk<'_> {
    /// Rows as `fill` pushes them, and below them how many there were, for people.
    fn sheet(
        &mut self,
        columns: impl Into<Cow<'static, [Column]>>,
        names: (&str, &str),
        fill: impl FnOnce(&dyn AccessSnapshot, &mut Rows<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut rows = Rows {
            sheet: Sheet::new(columns, self.form),
            outlet: self.outlet,
            stop: self.stop,
        };
        fill(self.snapshot, &mut rows)?;
        rows.told(self.form, names);
        Ok(())
    }

    /// A line for people.
    fn say(&mut self, text: &str) {
        if self.form == Form::Table {
            let _ = self.outlet.line(text);
        }
    }

    fn users(&mut self, wanted: &Users) -> Result<(), Failure> {
        let snapshot = self.snapshot;
        let among = match &wanted.role {
            None => None,
            Some(role) => {
                let mut holders = HashSet::new();
                for held in explore::things_held(snapshot, role)? {
                    snapshot.grants(WhichGrants::Of(&held.entitlement.id), &mut |row| {
                        holders.insert(row.principal);
                        Continue(())
                    })?;
                }
                Some(holders)
            }
        };
        let filter = UserFilter {
            types: wanted.types.iter().cloned().collect(),
            statuses: wanted.statuses.clone(),
            without_mfa: wanted.without_mfa,
            administrators: wanted.administrators,
            among,
            words: wanted.words.clone(),
        };
        let users = rows::Users::new(CONTRACT.attributes());
        self.sheet(users.columns.clone(), ("user", "users"), |snapshot, sheet| {
            for kind in of_kind(snapshot, TraitKind::User, &wanted.types)? {
                snapshot.resources(WhichResources::OfType(&kind), &mut |row| {
                    if !filter.admits(&row) {
                        return Continue(());
                    }
                    sheet.push(users.row(&row))
                })?;
            }
            Ok(())
        })
    }

    fn roles(&mut self, wanted: &Things) -> Result<(), Failure> {
        self.held(wanted, Which::Roles)
    }

    fn resources(&mut self, wanted: &Things) -> Result<(), Failure> {
        self.held(wanted, Which::All)
    }

    /// Resources, with what can be held on them and how often it is.
    fn held(&mut self, wanted: &Things, which: Which) -> Result<(), Failure> {
        let mut totals: BTreeMap<ResourceId, (u64, u64)> = BTreeMap::new();
        let counts = self.snapshot.holder_counts()?;
        self.snapshot.entitlements(WhichEntitlements::All, &mut |row| {
            let grants = counts.get(&row.entitlement.id).copied().unwrap_or_default();
            let total = totals.entry(row.entitlement.resource).or_default();
            *total = (total.0 + 1, total.1 + grants);
            Continue(())
        })?;
        let names = match which {
            Which::Roles if wanted.types.is_empty() => ("role", "roles"),
            Which::Roles => ("thing", "things"),
            Which::All => ("resource", "resources"),
        };
        self.sheet(rows::ROLES, names, |snapshot, sheet| {
            let kinds = match which {
                Which::All if wanted.types.is_empty() => {
                    snapshot.kinds()?.into_iter().map(|kind| kind.id).collect()
                }
                Which::Roles | Which::All => of_kind(snapshot, TraitKind::Role, &wanted.types)?,
            };
            for kind in kinds {
                snapshot.resources(WhichResources::OfType(&kind), &mut |row| {
                    let words = wanted.words.as_ref();
                    if !words.is_none_or(|words| explore::mentioned(&row, words)) {
                        return Continue(());
                    }
                    let (entitlements, grants) = totals.get(&row.id).copied().unwrap_or_default();
                    sheet.push(rows::role(&row, entitlements, grants))
                })?;
            }
            Ok(())
        })
    }

    fn entitlements(&mut self, wanted: &Things) -> Result<(), Failure> {
        let counts = self.snapshot.holder_counts()?;
        let names = ("entitlement", "entitlements");
        self.sheet(rows::ENTITLEMENTS, names, |snapshot, sheet| {
            snapshot.entitlements(WhichEntitlements::All, &mut |row| {
                let held = &row.entitlement;
                let resource_name = row.resource_name.as_ref().map_or("", |name| name.as_str());
                let texts = [held.id.as_str(), held.display_name.as_str(), resource_name];
                if !wanted.admit(Some(&held.resource.resource_type), &texts) {
                    return Continue(());
                }
                let grants = counts.get(&held.id).copied().unwrap_or_default();
                sheet.push(rows::entitlement(&row, grants))
            })?;
            Ok(())
        })
    }

    fn grants(&mut self, wanted: &Things) -> Result<(), Failure> {
        let mut how = How::new(self.snapshot);
        self.sheet(rows::GRANTS, ("grant", "grants"), |snapshot, sheet| {
            let mut failed = None;
            snapshot.grants(WhichGrants::All, &mut |row| {
                let texts = [
                    row.entitlement.as_str(),
                    row.held.as_ref().map_or("", |held| held.display_name.as_str()),
                    row.held
                        .as_ref()
                        .and_then(|held| held.resource_name.as_ref())
                        .map_or("", |name| name.as_str()),
                    row.principal.id.as_str(),
                    row.principal_name.as_ref().map_or("", |name| name.as_str()),
                    row.principal_login.as_deref().unwrap_or_default(),
                ];
                let kind = row.held.as_ref().map(|held| &held.resource.resource_type);
                if !wanted.admit(kind, &texts) {
                    return Continue(());
                }
                let told = how.told(&row);
                flow(told.map(|told| sheet.push(rows::grant(&row, told))), &mut failed)
            })?;
            failed.map_or(Ok(()), |error: SourceError| Err(error.into()))
        })
    }

    fn access(&mut self, who: &str) -> Result<(), Failure> {
        let found = explore::principal(self.snapshot, who)?;
        self.say(&introduced(&found));
        self.say("");
        let mut how = How::new(self.snapshot);
        self.sheet(rows::ACCESS, ("grant", "grants"), |snapshot, sheet| {
            holdings(snapshot, WhichGrants::HeldBy(&found.id), &mut how, sheet)
        })
    }

    fn who(&mut self, what: &str) -> Result<(), Failure> {
        let found = explore::things_held(self.snapshot, what)?;
        if self.form != Form::Table {
            let mut how = How::new(self.snapshot);
            return self.sheet(rows::WHO, ("holder", "holders"), |snapshot, sheet| {
                for held in &found {
                    holdings(snapshot, WhichGrants::Of(&held.entitlement.id), &mut how, sheet)?;
                }
                Ok(())
            });
        }
        for (n, held) in found.iter().enumerate() {
            if n > 0 {
                self.say("");
            }
            let id = &held.entitlement.id;
            self.say(&format!("{} ({id})", held.entitlement.display_name));
            self.say("");
            let mut how = How::new(self.snapshot);
            self.sheet(rows::WHO, ("holder", "holders"), |snapshot, sheet| {
                holdings(snapshot, WhichGrants::Of(id), &mut how, sheet)
            })?;
        }
        Ok(())
    }

    fn stats(&mut self) -> Result<(), Failure> {
        let types = self.snapshot.types()?;
        let people = People::of(self.snapshot)?;
        let sync = self.snapshot.sync();
        let time = |time: time::OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
        if self.form == Form::Json {
            let kinds = types
                .iter()
                .map(|row| super::sheet::object(rows::TYPES, &rows::kind(row)));
            let stats = json!({
                "sync": {
                    "sync_id": sync.run.id.to_string(),
                    "sync_type": sync.run.sync_type.as_str(),
                    "tenant": sync.run.tenant,
                    "started_at": time(sync.run.started_at),
                    "ended_at": time(sync.ended_at),
                },
                "resource_types": kinds.collect::<Vec<_>>(),
                "users": people.json(),
            });
            let _ = self.outlet.line(&stats.to_string());
            return Ok(());
        }
        self.say(&format!(
            "{}: sync {} ({}), ended {}",
            sync.run.tenant,
            sync.run.id,
            sync.run.sync_type.as_str(),
            time(sync.ended_at)
        ));
        self.say("");
        self.sheet(rows::TYPES, ("type", "types"), |_, sheet| {
            for row in &types {
                if sheet.push(rows::kind(row)).is_break() {
                    break;
                }
            }
            Ok(())
        })?;
        self.say("");
        for (name, count) in people.lines() {
            self.say(&format!("  {name:<24}{:>12}", grouped(count)));
        }
        Ok(())
    }
}

/// Lists syncs.
pub(crate) fn syncs(syncs: &[SyncFacts], form: Form, outlet: &mut Outlet, stop: &AtomicBool) {
    let mut sheet = Rows {
        sheet: Sheet::new(rows::SYNCS, form),
        outlet,
        stop,
    };
    for row in syncs {
        let count = |n: usize| row.counts.map_or(Cell::Nothing, |counts| Cell::Count(counts[n]));
        let cells = vec![
            Cell::text(&row.id),
            Cell::text(&row.sync_type),
            Cell::text(&row.started_at),
            Cell::text_or_nothing(row.ended_at.as_ref()),
            Cell::Flag(row.latest),
            count(0),
            count(1),
            count(2),
        ];
        if sheet.push(cells).is_break() {
            return;
        }
    }
    sheet.told(form, ("sync", "syncs"));
}

/// Grants in question, with the words for how they came about.
fn holdings(
    snapshot: &dyn AccessSnapshot,
    which: WhichGrants<'_>,
    how: &mut How<'_>,
    sheet: &mut Rows<'_>,
) -> Result<(), Failure> {
    let mut failed = None;
    snapshot.grants(which, &mut |row: Holding| {
        let told = how.told(&row);
        flow(told.map(|told| sheet.push(rows::grant(&row, told))), &mut failed)
    })?;
    failed.map_or(Ok(()), |error: SourceError| Err(error.into()))
}

/// The types that are named, or all of a kind.
fn of_kind(
    snapshot: &dyn AccessSnapshot,
    kind: TraitKind,
    named: &[ResourceTypeId],
) -> Result<Vec<ResourceTypeId>, SourceError> {
    if !named.is_empty() {
        let mut named = named.to_vec();
        named.sort_unstable();
        named.dedup();
        return Ok(named);
    }
    let kinds = snapshot.kinds()?.into_iter();
    Ok(kinds.filter(|row| row.kind == kind).map(|row| row.id).collect())
}

impl Things {
    /// Whether a thing on a resource of a type, known by some texts, is wanted.
    fn admit(&self, kind: Option<&ResourceTypeId>, texts: &[&str]) -> bool {
        (self.types.is_empty() || kind.is_some_and(|kind| self.types.contains(kind)))
            && self
                .words
                .as_ref()
                .is_none_or(|words| texts.iter().any(|text| words.are_in(text)))
    }
}

/// A principal, for people.
fn introduced(row: &Resource) -> String {
    let mut parts = vec![format!("{} ({})", row.display_name, row.id)];
    parts.extend(explore::login(row).map(str::to_owned));
    if let Some(status) = &row.status {
        let detail = status.detail.as_deref().map(|detail| format!(", {detail}"));
        parts.push(format!("{}{}", status.state.as_str(), detail.unwrap_or_default()));
    }
    if let Trait::User(user) = &row.kind {
        parts.extend(
            user.mfa_enabled
                .map(|mfa| if mfa { "mfa" } else { "no mfa" }.to_owned()),
        );
        if explore::flag(&row.profile, "administrator") == Some(true) {
            parts.push("administrator".to_owned());
        }
    }
    parts.join(" · ")
}

/// What is known of all people together.
#[derive(Debug, Default)]
struct People {
    total: u64,
    by_status: [u64; 4],
    without_mfa: u64,
    mfa_unknown: u64,
    administrators: u64,
}

const STATES: [StatusState; 4] = [
    StatusState::Enabled,
    StatusState::Disabled,
    StatusState::Deleted,
    StatusState::Unspecified,
];

impl People {
    fn of(snapshot: &dyn AccessSnapshot) -> Result<Self, SourceError> {
        let mut people = Self::default();
        for kind in of_kind(snapshot, TraitKind::User, &[])? {
            snapshot.resources(WhichResources::OfType(&kind), &mut |row| {
                people.add(&row);
                Continue(())
            })?;
        }
        Ok(people)
    }

    fn add(&mut self, row: &Resource) {
        let Trait::User(user) = &row.kind else { return };
        let state = row
            .status
            .as_ref()
            .map_or(StatusState::Unspecified, |status| status.state);
        self.total += 1;
        for (count, known) in self.by_status.iter_mut().zip(STATES) {
            *count += u64::from(state == known);
        }
        self.without_mfa += u64::from(user.mfa_enabled == Some(false));
        self.mfa_unknown += u64::from(user.mfa_enabled.is_none());
        self.administrators += u64::from(explore::flag(&row.profile, "administrator") == Some(true));
    }

    fn lines(&self) -> Vec<(String, u64)> {
        let mut lines = vec![("users".to_owned(), self.total)];
        let states = STATES.iter().zip(self.by_status).filter(|(_, count)| *count > 0);
        lines.extend(states.map(|(state, count)| (format!("  {}", state.as_str()), count)));
        lines.push(("  without mfa".to_owned(), self.without_mfa));
        lines.push(("  mfa not known".to_owned(), self.mfa_unknown));
        lines.push(("  administrators".to_owned(), self.administrators));
        lines
    }

    fn json(&self) -> serde_json::Value {
        let states = STATES.iter().zip(self.by_status);
        let states: BTreeMap<&str, u64> = states.map(|(state, count)| (state.as_str(), count)).collect();
        json!({
            "total": self.total,
            "by_status": states,
            "without_mfa": self.without_mfa,
            "mfa_unknown": self.mfa_unknown,
            "administrators": self.administrators,
        })
    }
}
