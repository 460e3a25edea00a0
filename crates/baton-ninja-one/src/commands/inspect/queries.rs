//! The queries of `inspect`, printed as rows.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow::Continue;

use access_core::model::{EntitlementId, Resource, ResourceId, ResourceTrait, ResourceTypeId, TraitKind};
use access_core::ports::{
    AccessSnapshot, EffectiveGrant, EntitlementQuery, GrantQuery, ResourceQuery, SourceError,
};
use access_core::query::{self, UserFilter};
use serde_json::json;
use time::format_description::well_known::Rfc3339;

use super::args::GrantFilterArgs;
use super::args::InspectArgs;
use super::args::InspectCommand;
use super::args::ResourceFilterArgs;
use super::args::UserFilterArgs;
use super::columns;
use super::history::History;
use super::history::Subject;
use super::provenance::ProvenanceFormatter;
use super::row_output::{Rows, flow};
use super::user_totals::UserTotals;
use crate::failure::Failure;
use crate::output::pager::OutputTarget;
use crate::output::rows::Cell;
use crate::output::rows::Column;
use crate::output::rows::OutputFormat;
use crate::output::rows::RowPrinter;
use crate::output::rows::RowSelection;
use crate::output::rows::SortOrder;
use crate::output::text_table::counted;
use crate::output::text_table::format_thousands;
use crate::output::text_table::moment;
use crate::runtime::cancellation::Cancellation;
use crate::sync_location::SyncListing;
use crate::wiring::CONTRACT;

/// Whose list it is if no types are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Which {
    /// Roles.
    Roles,
    /// Resources of every type.
    All,
}

/// Answers a question, below a heading for people.
pub(crate) fn answer(
    args: &InspectArgs,
    heading: Option<String>,
    snapshot: &dyn AccessSnapshot,
    form: OutputFormat,
    output: &mut OutputTarget,
    cancellation: &Cancellation,
) -> Result<(), Failure> {
    let mut runner = QueryRunner {
        snapshot,
        view: &args.view,
        heading,
        form,
        output,
        cancellation,
    };
    match &args.command {
        InspectCommand::Stats => runner.stats(),
        InspectCommand::Users(filter) => runner.users(filter),
        InspectCommand::Roles(filter) => runner.roles(filter),
        InspectCommand::Resources(filter) => runner.resources(filter),
        InspectCommand::Entitlements(filter) => runner.entitlements(filter),
        InspectCommand::Grants(filter) => runner.grants(filter),
        InspectCommand::Access(who) => runner.access(who),
        InspectCommand::Who(what) => runner.who(what),
        // Asked of a location, not of a sync.
        InspectCommand::History(_) | InspectCommand::Syncs => Ok(()),
    }
}

/// Where questions are answered.
struct QueryRunner<'a> {
    snapshot: &'a dyn AccessSnapshot,
    view: &'a RowSelection,
    /// What people read first.
    heading: Option<String>,
    form: OutputFormat,
    output: &'a mut OutputTarget,
    cancellation: &'a Cancellation,
}

impl QueryRunner<'_> {
    /// Rows as `fill` pushes them, and below them how many there were, for people: of how many others, where `fill` gives that.
    fn sheet<'t>(
        &mut self,
        (columns, order): (impl Into<Cow<'static, [Column]>>, SortOrder),
        names: (&str, &str),
        fill: impl FnOnce(&dyn AccessSnapshot, &mut Rows<'_>) -> Result<Option<(u64, &'t str)>, Failure>,
    ) -> Result<(), Failure> {
        let sheet = RowPrinter::new(columns, self.form).with_view(self.view, order)?;
        self.show_heading();
        let mut rows = Rows {
            printer: sheet,
            output: self.output,
            cancellation: self.cancellation,
        };
        let total = fill(self.snapshot, &mut rows)?;
        rows.finish(self.form, names, total);
        Ok(())
    }

    /// A line for people.
    fn say(&mut self, text: &str) {
        self.show_heading();
        if self.form == OutputFormat::Table {
            let _ = self.output.line(text);
        }
    }

    fn show_heading(&mut self) {
        if let Some(heading) = self.heading.take().filter(|_| self.form == OutputFormat::Table) {
            let _ = self.output.line(&heading);
            let _ = self.output.line("");
        }
    }

    /// Who holds a role or an entitlement.
    fn holders(&self, role: &str) -> Result<HashSet<ResourceId>, Failure> {
        let mut holders = HashSet::new();
        for held in query::resolve_entitlements(self.snapshot, role)? {
            self.snapshot
                .grants(GrantQuery::OfEntitlement(&held.entitlement.id), &mut |row| {
                    holders.insert(row.principal);
                    Continue(())
                })?;
        }
        Ok(holders)
    }

    /// Who is an administrator, as far as the tenant says.
    fn administrators(&self) -> Result<HashSet<ResourceId>, Failure> {
        let mut found = HashSet::new();
        for kind in types_with_trait(self.snapshot, TraitKind::User, &[])? {
            self.snapshot
                .resources(ResourceQuery::OfType(&kind), &mut |row| {
                    if is_administrator(&row) {
                        found.insert(row.id);
                    }
                    Continue(())
                })?;
        }
        Ok(found)
    }

    fn users(&mut self, args: &UserFilterArgs) -> Result<(), Failure> {
        let among = args.role.as_deref().map(|role| self.holders(role)).transpose()?;
        let filter = UserFilter {
            types: args.types.iter().cloned().collect(),
            statuses: args.statuses.clone(),
            without_mfa: args.without_mfa,
            administrators: args.administrators,
            among,
            text_query: args.text.clone(),
        };
        // Whether MFA is set up is not known of everybody.
        let unknown = UserFilter {
            without_mfa: false,
            ..filter.clone()
        };
        let narrowed =
            args.without_mfa || args.role.is_some() || args.text.is_some() || !args.statuses.is_empty();
        let of_administrators = args.administrators && narrowed;
        let (mut total, mut mfa_unknown) = (0, 0);
        let users = columns::UserColumns::new(CONTRACT.attributes());
        self.sheet(
            (users.columns.clone(), columns::USER_KEY),
            ("user", "users"),
            |snapshot, sheet| {
                for kind in types_with_trait(snapshot, TraitKind::User, &args.types)? {
                    snapshot.resources(ResourceQuery::OfType(&kind), &mut |row| {
                        let ResourceTrait::User(user) = &row.resource_trait else {
                            return Continue(());
                        };
                        total += u64::from(!of_administrators || is_administrator(&row));
                        if args.without_mfa && user.mfa_enabled.is_none() && unknown.matches(&row) {
                            mfa_unknown += 1;
                        }
                        if !filter.matches(&row) {
                            return Continue(());
                        }
                        sheet.push(users.row(&row))
                    })?;
                }
                let of_what = match (of_administrators, total) {
                    (true, 1) => "administrator",
                    (true, _) => "administrators",
                    (false, 1) => "user",
                    (false, _) => "users",
                };
                Ok((narrowed || args.administrators).then_some((total, of_what)))
            },
        )?;
        if mfa_unknown > 0 {
            let not_listed = counted(mfa_unknown, "user", "users");
            self.say(&format!("not listed: {not_listed} whose MFA is unknown"));
        }
        Ok(())
    }

    fn roles(&mut self, filter: &ResourceFilterArgs) -> Result<(), Failure> {
        self.held(filter, Which::Roles)
    }

    fn resources(&mut self, filter: &ResourceFilterArgs) -> Result<(), Failure> {
        self.held(filter, Which::All)
    }

    /// Resources, with what can be held on them and how often it is.
    fn held(&mut self, filter: &ResourceFilterArgs, which: Which) -> Result<(), Failure> {
        let mut totals: BTreeMap<ResourceId, (u64, u64)> = BTreeMap::new();
        let counts = self.snapshot.holder_counts()?;
        self.snapshot.entitlements(EntitlementQuery::All, &mut |row| {
            let grants = counts.get(&row.entitlement.id).copied().unwrap_or_default();
            let total = totals.entry(row.entitlement.resource).or_default();
            *total = (total.0 + 1, total.1 + grants);
            Continue(())
        })?;
        let names = match which {
            Which::Roles if filter.types.is_empty() => ("role", "roles"),
            Which::Roles => ("thing", "things"),
            Which::All => ("resource", "resources"),
        };
        let mut total = 0;
        self.sheet(
            (columns::ROLES, columns::RESOURCE_KEY),
            names,
            |snapshot, sheet| {
                let kinds = match which {
                    Which::All if filter.types.is_empty() => snapshot
                        .resource_types()?
                        .into_iter()
                        .map(|kind| kind.id)
                        .collect(),
                    Which::Roles | Which::All => types_with_trait(snapshot, TraitKind::Role, &filter.types)?,
                };
                for kind in kinds {
                    snapshot.resources(ResourceQuery::OfType(&kind), &mut |row| {
                        total += 1;
                        let text = filter.text.as_ref();
                        if !text.is_none_or(|text| query::matches_text(&row, text)) {
                            return Continue(());
                        }
                        let (entitlements, grants) = totals.get(&row.id).copied().unwrap_or_default();
                        sheet.push(columns::role(&row, entitlements, grants))
                    })?;
                }
                Ok(filter.text.is_some().then_some((total, names.1)))
            },
        )
    }

    fn entitlements(&mut self, filter: &ResourceFilterArgs) -> Result<(), Failure> {
        let counts = self.snapshot.holder_counts()?;
        let names = ("entitlement", "entitlements");
        let mut total = 0;
        self.sheet(
            (columns::ENTITLEMENTS, columns::ENTITLEMENT_KEY),
            names,
            |snapshot, sheet| {
                snapshot.entitlements(EntitlementQuery::All, &mut |row| {
                    total += 1;
                    let held = &row.entitlement;
                    let resource_name = row.resource_name.as_ref().map_or("", |name| name.as_str());
                    let texts = [held.id.as_str(), held.display_name.as_str(), resource_name];
                    if !filter.admit(Some(&held.resource.resource_type), &texts) {
                        return Continue(());
                    }
                    let grants = counts.get(&held.id).copied().unwrap_or_default();
                    sheet.push(columns::entitlement(&row, grants))
                })?;
                Ok(filter.is_filter().then_some((total, names.1)))
            },
        )
    }

    fn grants(&mut self, filter: &GrantFilterArgs) -> Result<(), Failure> {
        let GrantFilterArgs { resources, .. } = filter;
        let user = filter.user.as_deref();
        let user = user
            .map(|user| query::resolve_principal(self.snapshot, user))
            .transpose()?;
        let role = filter.role.as_deref();
        let role = role
            .map(|role| query::resolve_entitlements(self.snapshot, role))
            .transpose()?;
        let administrators = filter.administrators.then(|| self.administrators()).transpose()?;
        let held: Option<HashSet<&EntitlementId>> = role
            .as_ref()
            .map(|role| role.iter().map(|held| &held.entitlement.id).collect());
        let which: Vec<GrantQuery<'_>> = match (&user, &role) {
            (Some(user), _) => vec![GrantQuery::OfPrincipal(&user.id)],
            (None, Some(role)) => role
                .iter()
                .map(|held| GrantQuery::OfEntitlement(&held.entitlement.id))
                .collect(),
            (None, None) => vec![GrantQuery::All],
        };
        let order = match which[..] {
            [GrantQuery::All] => columns::HOLDER_KEY,
            _ => columns::GRANT_KEY,
        };
        let is_filter = resources.is_filter() || user.is_some() || role.is_some() || filter.administrators;
        let of_all = user.is_none() && role.is_none();
        let mut provenance = ProvenanceFormatter::new(self.snapshot);
        let mut total = 0;
        self.sheet(
            (columns::GRANTS, order),
            ("grant", "grants"),
            |snapshot, sheet| {
                let mut failed = None;
                for which in which {
                    snapshot.grants(which, &mut |row| {
                        total += 1;
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
                        let is_included = resources.admit(kind, &texts)
                            && held.as_ref().is_none_or(|held| held.contains(&row.entitlement))
                            && administrators
                                .as_ref()
                                .is_none_or(|administrators| administrators.contains(&row.principal));
                        if !is_included {
                            return Continue(());
                        }
                        let description = provenance.describe(&row);
                        flow(
                            description.map(|description| sheet.push(columns::grant(&row, description))),
                            &mut failed,
                        )
                    })?;
                    if let Some(error) = failed {
                        return Err(SourceError::into(error));
                    }
                }
                // Of one user or role not all grants are read, so nobody knows how many there are.
                Ok((is_filter && of_all).then_some((total, "grants")))
            },
        )
    }

    fn access(&mut self, who: &str) -> Result<(), Failure> {
        let found = query::resolve_principal(self.snapshot, who)?;
        self.say(&introduced(&found));
        self.say("");
        let mut provenance = ProvenanceFormatter::new(self.snapshot);
        self.sheet(
            (columns::ACCESS, columns::GRANT_KEY),
            ("grant", "grants"),
            |snapshot, sheet| {
                holdings(
                    snapshot,
                    GrantQuery::OfPrincipal(&found.id),
                    &mut provenance,
                    sheet,
                )
            },
        )
    }

    fn who(&mut self, what: &str) -> Result<(), Failure> {
        let found = query::resolve_entitlements(self.snapshot, what)?;
        let table = (columns::WHO, columns::GRANT_KEY);
        if self.form != OutputFormat::Table {
            let mut provenance = ProvenanceFormatter::new(self.snapshot);
            return self.sheet(table, ("holder", "holders"), |snapshot, sheet| {
                for held in &found {
                    holdings(
                        snapshot,
                        GrantQuery::OfEntitlement(&held.entitlement.id),
                        &mut provenance,
                        sheet,
                    )?;
                }
                Ok(None)
            });
        }
        for (n, held) in found.iter().enumerate() {
            if n > 0 {
                self.say("");
            }
            let id = &held.entitlement.id;
            self.say(&format!("{} ({id})", held.entitlement.display_name));
            self.say("");
            let mut provenance = ProvenanceFormatter::new(self.snapshot);
            self.sheet(table, ("holder", "holders"), |snapshot, sheet| {
                holdings(snapshot, GrantQuery::OfEntitlement(id), &mut provenance, sheet)
            })?;
        }
        Ok(())
    }

    fn stats(&mut self) -> Result<(), Failure> {
        let types = self.snapshot.resource_type_stats()?;
        let totals = UserTotals::count(self.snapshot)?;
        let sync = self.snapshot.sync();
        let time = |time: time::OffsetDateTime| time.format(&Rfc3339).unwrap_or_default();
        if self.form == OutputFormat::Json {
            let kinds = types
                .iter()
                .map(|row| crate::output::rows::object(columns::TYPES, &columns::kind(row)));
            let stats = json!({
                "sync": {
                    "sync_id": sync.run.id.to_string(),
                    "sync_type": sync.run.sync_type.as_str(),
                    "tenant": sync.run.tenant,
                    "started_at": time(sync.run.started_at),
                    "ended_at": time(sync.ended_at),
                },
                "resource_types": kinds.collect::<Vec<_>>(),
                "users": totals.json(),
            });
            let _ = self.output.line(&stats.to_string());
            return Ok(());
        }
        self.say(&format!(
            "{}: sync {} ({}), ended {}",
            sync.run.tenant,
            sync.run.id,
            sync.run.sync_type.as_str(),
            moment(sync.ended_at)
        ));
        self.say("");
        self.sheet(
            (columns::TYPES, SortOrder::AsTheyCome),
            ("type", "types"),
            |_, sheet| {
                for row in &types {
                    if sheet.push(columns::kind(row)).is_break() {
                        break;
                    }
                }
                Ok(None)
            },
        )?;
        self.say("");
        for (name, count) in totals.lines() {
            self.say(&format!("  {name:<24}{:>12}", format_thousands(count)));
        }
        Ok(())
    }
}

/// Lists syncs.
pub(crate) fn syncs(
    syncs: &[SyncListing],
    view: &RowSelection,
    form: OutputFormat,
    output: &mut OutputTarget,
    cancellation: &Cancellation,
) -> Result<(), Failure> {
    let mut sheet = Rows {
        printer: RowPrinter::new(columns::SYNCS, form).with_view(view, SortOrder::AsTheyCome)?,
        output,
        cancellation,
    };
    for row in syncs {
        let count = |n: usize| row.counts.map_or(Cell::Nothing, |counts| Cell::Count(counts[n]));
        let cells = vec![
            Cell::text(&row.id),
            Cell::text(&row.sync_type),
            Cell::Time(row.started_at.clone()),
            row.ended_at.clone().map_or(Cell::Nothing, Cell::Time),
            Cell::Flag(row.latest),
            count(0),
            count(1),
            count(2),
        ];
        if sheet.push(cells).is_break() {
            break;
        }
    }
    sheet.finish(form, ("sync", "syncs"), None);
    Ok(())
}

/// Shows what became of a person or a role.
pub(crate) fn history(
    history: History,
    view: &RowSelection,
    form: OutputFormat,
    output: &mut OutputTarget,
    cancellation: &Cancellation,
) -> Result<(), Failure> {
    let sheet = RowPrinter::new(columns::HISTORY, form).with_view(view, SortOrder::AsTheyCome)?;
    let (first, last) = history.span;
    if form == OutputFormat::Table {
        let Subject { name, id, .. } = &history.subject;
        let syncs = counted(history.syncs as u64, "full sync", "full syncs");
        let _ = output.line(&format!(
            "{name} ({id}) · {syncs}, {} to {}",
            moment(first),
            moment(last)
        ));
        if let Some(until) = history.until {
            let _ = output.line(&format!(
                "was here until {}; --at shows the access then",
                moment(until)
            ));
        }
        let _ = output.line("");
    }
    let mut rows = Rows {
        printer: sheet,
        output,
        cancellation,
    };
    for row in history.rows {
        if rows.push(row).is_break() {
            break;
        }
    }
    rows.finish(form, ("entry", "entries"), None);
    Ok(())
}

/// Grants in question, with the words for how they came about.
fn holdings(
    snapshot: &dyn AccessSnapshot,
    which: GrantQuery<'_>,
    provenance: &mut ProvenanceFormatter<'_>,
    sheet: &mut Rows<'_>,
) -> Result<Option<(u64, &'static str)>, Failure> {
    let mut failed = None;
    snapshot.grants(which, &mut |row: EffectiveGrant| {
        let description = provenance.describe(&row);
        flow(
            description.map(|description| sheet.push(columns::grant(&row, description))),
            &mut failed,
        )
    })?;
    failed.map_or(Ok(None), |error: SourceError| Err(error.into()))
}

/// The named types, or all with a trait.
pub(super) fn types_with_trait(
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
    let kinds = snapshot.resource_types()?.into_iter();
    Ok(kinds
        .filter(|row| row.trait_kind == kind)
        .map(|row| row.id)
        .collect())
}

impl ResourceFilterArgs {
    /// Whether some rows may not pass.
    fn is_filter(&self) -> bool {
        !self.types.is_empty() || self.text.is_some()
    }

    /// Whether a row passes: the type of its resource, and its texts.
    fn admit(&self, kind: Option<&ResourceTypeId>, texts: &[&str]) -> bool {
        (self.types.is_empty() || kind.is_some_and(|kind| self.types.contains(kind)))
            && self
                .text
                .as_ref()
                .is_none_or(|query| texts.iter().any(|text| query.matches(text)))
    }
}

fn is_administrator(row: &Resource) -> bool {
    query::flag(&row.profile, "administrator") == Some(true)
}

/// A principal, for people.
fn introduced(row: &Resource) -> String {
    let mut parts = vec![format!("{} ({})", row.display_name, row.id)];
    parts.extend(query::login(row).map(str::to_owned));
    if let Some(status) = &row.status {
        let detail = status.detail.as_deref().map(|detail| format!(", {detail}"));
        parts.push(format!("{}{}", status.state.as_str(), detail.unwrap_or_default()));
    }
    if let ResourceTrait::User(user) = &row.resource_trait {
        parts.extend(
            user.mfa_enabled
                .map(|mfa| if mfa { "MFA" } else { "no MFA" }.to_owned()),
        );
        if query::flag(&row.profile, "administrator") == Some(true) {
            parts.push("administrator".to_owned());
        }
    }
    parts.join(" · ")
}
