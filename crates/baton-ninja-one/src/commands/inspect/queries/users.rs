//! `inspect users`.

use std::collections::HashSet;
use std::ops::ControlFlow::Continue;

use access_core::model::{Resource, ResourceId, ResourceTrait, TraitKind};
use access_core::ports::{GrantQuery, ResourceQuery};
use access_core::query::{self, UserFilter};

use super::resource_types::types_with_trait;
use super::runner::QueryRunner;
use crate::commands::inspect::args::UserFilterArgs;
use crate::commands::inspect::columns;
use crate::failure::Failure;
use crate::output::text_table::counted;
use crate::wiring::CONTRACT;

impl QueryRunner<'_> {
    /// The principals that hold a role or an entitlement.
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

    /// The users with the `administrator` attribute.
    pub(super) fn administrators(&self) -> Result<HashSet<ResourceId>, Failure> {
        let mut found = HashSet::new();
        for resource_type in types_with_trait(self.snapshot, TraitKind::User, &[])? {
            self.snapshot
                .resources(ResourceQuery::OfType(&resource_type), &mut |row| {
                    if is_administrator(&row) {
                        found.insert(row.id);
                    }
                    Continue(())
                })?;
        }
        Ok(found)
    }

    pub(super) fn users(&mut self, args: &UserFilterArgs) -> Result<(), Failure> {
        let among = args.role.as_deref().map(|role| self.holders(role)).transpose()?;
        let filter = UserFilter {
            types: args.types.iter().cloned().collect(),
            statuses: args.statuses.clone(),
            without_mfa: args.without_mfa,
            administrators: args.administrators,
            among,
            text_query: args.text.clone(),
        };
        // Users that only the MFA filter excludes, because their MFA is unknown.
        let any_mfa = UserFilter {
            without_mfa: false,
            ..filter.clone()
        };
        let narrowed =
            args.without_mfa || args.role.is_some() || args.text.is_some() || !args.statuses.is_empty();
        let totals_administrators = args.administrators && narrowed;
        let (mut total, mut mfa_unknown) = (0, 0);
        let user_columns = columns::UserColumns::new(CONTRACT.attributes());
        self.print_rows(
            (user_columns.columns.clone(), columns::USER_KEY),
            ("user", "users"),
            |snapshot, rows| {
                for resource_type in types_with_trait(snapshot, TraitKind::User, &args.types)? {
                    snapshot.resources(ResourceQuery::OfType(&resource_type), &mut |row| {
                        let ResourceTrait::User(user) = &row.resource_trait else {
                            return Continue(());
                        };
                        total += u64::from(!totals_administrators || is_administrator(&row));
                        if args.without_mfa && user.mfa_enabled.is_none() && any_mfa.matches(&row) {
                            mfa_unknown += 1;
                        }
                        if !filter.matches(&row) {
                            return Continue(());
                        }
                        rows.push(user_columns.row(&row))
                    })?;
                }
                let counted_as = match (totals_administrators, total) {
                    (true, 1) => "administrator",
                    (true, _) => "administrators",
                    (false, 1) => "user",
                    (false, _) => "users",
                };
                Ok((narrowed || args.administrators).then_some((total, counted_as)))
            },
        )?;
        if mfa_unknown > 0 {
            let users = counted(mfa_unknown, "user", "users");
            self.print_note(&format!("not listed: {users} whose MFA is unknown"));
        }
        Ok(())
    }
}

fn is_administrator(row: &Resource) -> bool {
    query::flag(&row.profile, "administrator") == Some(true)
}
