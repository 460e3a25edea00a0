//! `inspect grants`, `inspect access` and `inspect who`.

use std::collections::HashSet;
use std::ops::ControlFlow::Continue;

use access_core::model::{EntitlementId, Resource, ResourceTrait};
use access_core::ports::{AccessSnapshot, EffectiveGrant, GrantQuery, SourceError};
use access_core::query;

use super::runner::QueryRunner;
use crate::commands::inspect::args::GrantFilterArgs;
use crate::commands::inspect::columns;
use crate::commands::inspect::provenance::ProvenanceFormatter;
use crate::commands::inspect::row_output::{Rows, flow};
use crate::failure::Failure;
use crate::output::format::OutputFormat;

impl QueryRunner<'_> {
    pub(super) fn grants(&mut self, filter: &GrantFilterArgs) -> Result<(), Failure> {
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
        let queries: Vec<GrantQuery<'_>> = match (&user, &role) {
            (Some(user), _) => vec![GrantQuery::OfPrincipal(&user.id)],
            (None, Some(role)) => role
                .iter()
                .map(|held| GrantQuery::OfEntitlement(&held.entitlement.id))
                .collect(),
            (None, None) => vec![GrantQuery::All],
        };
        let order = match queries[..] {
            [GrantQuery::All] => columns::HOLDER_KEY,
            _ => columns::GRANT_KEY,
        };
        let is_filter = resources.is_filter() || user.is_some() || role.is_some() || filter.administrators;
        let reads_all = user.is_none() && role.is_none();
        let mut provenance = ProvenanceFormatter::new(self.snapshot);
        let mut total = 0;
        self.print_rows((columns::GRANTS, order), ("grant", "grants"), |snapshot, rows| {
            let mut failed = None;
            for grant_query in queries {
                snapshot.grants(grant_query, &mut |row| {
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
                    let resource_type = row.held.as_ref().map(|held| &held.resource.resource_type);
                    let is_included = resources.includes(resource_type, &texts)
                        && held.as_ref().is_none_or(|held| held.contains(&row.entitlement))
                        && administrators
                            .as_ref()
                            .is_none_or(|administrators| administrators.contains(&row.principal));
                    if !is_included {
                        return Continue(());
                    }
                    let description = provenance.describe(&row);
                    flow(
                        description.map(|description| rows.push(columns::grant(&row, description))),
                        &mut failed,
                    )
                })?;
                if let Some(error) = failed {
                    return Err(SourceError::into(error));
                }
            }
            // With a user or a role not all grants are read, so the total is unknown.
            Ok((is_filter && reads_all).then_some((total, "grants")))
        })
    }

    pub(super) fn access(&mut self, user: &str) -> Result<(), Failure> {
        let found = query::resolve_principal(self.snapshot, user)?;
        self.print_note(&describe_principal(&found));
        self.print_note("");
        let mut provenance = ProvenanceFormatter::new(self.snapshot);
        self.print_rows(
            (columns::ACCESS, columns::GRANT_KEY),
            ("grant", "grants"),
            |snapshot, rows| {
                push_grants(
                    snapshot,
                    GrantQuery::OfPrincipal(&found.id),
                    &mut provenance,
                    rows,
                )
            },
        )
    }

    pub(super) fn who(&mut self, role: &str) -> Result<(), Failure> {
        let found = query::resolve_entitlements(self.snapshot, role)?;
        let table = (columns::WHO, columns::GRANT_KEY);
        if self.format != OutputFormat::Table {
            let mut provenance = ProvenanceFormatter::new(self.snapshot);
            return self.print_rows(table, ("holder", "holders"), |snapshot, rows| {
                for held in &found {
                    push_grants(
                        snapshot,
                        GrantQuery::OfEntitlement(&held.entitlement.id),
                        &mut provenance,
                        rows,
                    )?;
                }
                Ok(None)
            });
        }
        for (n, held) in found.iter().enumerate() {
            if n > 0 {
                self.print_note("");
            }
            let id = &held.entitlement.id;
            self.print_note(&format!("{} ({id})", held.entitlement.display_name));
            self.print_note("");
            let mut provenance = ProvenanceFormatter::new(self.snapshot);
            self.print_rows(table, ("holder", "holders"), |snapshot, rows| {
                push_grants(snapshot, GrantQuery::OfEntitlement(id), &mut provenance, rows)
            })?;
        }
        Ok(())
    }
}

/// Pushes the grants of a query, each with its provenance.
fn push_grants(
    snapshot: &dyn AccessSnapshot,
    grant_query: GrantQuery<'_>,
    provenance: &mut ProvenanceFormatter<'_>,
    rows: &mut Rows<'_>,
) -> Result<Option<(u64, &'static str)>, Failure> {
    let mut failed = None;
    snapshot.grants(grant_query, &mut |row: EffectiveGrant| {
        let description = provenance.describe(&row);
        flow(
            description.map(|description| rows.push(columns::grant(&row, description))),
            &mut failed,
        )
    })?;
    failed.map_or(Ok(None), |error: SourceError| Err(error.into()))
}

/// One line about a principal, for people: names, login, status, MFA.
fn describe_principal(row: &Resource) -> String {
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
