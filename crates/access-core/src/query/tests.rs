//! Tests of name resolution and filters over a small sync in memory.

use std::collections::{BTreeMap, HashSet};

use time::macros::datetime;

use super::*;
use crate::model::{
    AccountType, DisplayName, Email, Entitlement, EntitlementId, NativeId, Profile, Purpose, ResourceId,
    ResourceType, ResourceTypeId, Slug, Status, StatusState, SyncId, SyncRun, SyncType, TraitKind,
    TypeImportance, UserTrait,
};
use crate::ports::{
    AccessSnapshot, EffectiveGrant, EntitlementInfo, EntitlementQuery, FinishedSync, GrantQuery,
    ResourceQuery, ResourceTypeStats, RowVisitor, SourceError,
};
use crate::{Diagnostic, StatusCode};

struct InMemory {
    sync: FinishedSync,
    kinds: Vec<ResourceType>,
    resources: Vec<Resource>,
    entitlements: Vec<EntitlementInfo>,
}

fn id(resource_type: &'static str, id: &str) -> ResourceId {
    ResourceId::new(
        ResourceTypeId::from_static(resource_type),
        NativeId::new(id).unwrap(),
    )
}

fn user(number: &str, name: &str, login: &str) -> Resource {
    Resource {
        id: id("user", number),
        parent: None,
        display_name: DisplayName::new(name),
        description: None,
        profile: Profile::new(),
        status: None,
        resource_trait: ResourceTrait::User(Box::new(UserTrait {
            emails: vec![Email {
                address: format!("{login}@example.com").into(),
                primary: true,
            }],
            login: Some(login.into()),
            account_type: AccountType::Human,
            ..UserTrait::default()
        })),
    }
}

fn held(role: &str, slug: &'static str, name: &str) -> EntitlementInfo {
    let entitlement = Entitlement::new(
        id("role", role),
        Slug::from_static(slug),
        DisplayName::new(&format!("{name} {slug}")),
        Purpose::Assignment,
        Vec::new(),
    );
    EntitlementInfo {
        entitlement: entitlement.unwrap(),
        resource_name: Some(DisplayName::new(name)),
    }
}

impl InMemory {
    fn new() -> Self {
        let kind = |id, kind| ResourceType {
            id: ResourceTypeId::from_static(id),
            display_name: DisplayName::new(id),
            trait_kind: kind,
            skip_entitlements_and_grants: false,
            importance: TypeImportance::Core,
        };
        let started_at = datetime!(2026-11-25 12:00 UTC);
        Self {
            sync: FinishedSync {
                run: SyncRun {
                    id: SyncId::from_parts(started_at, [7; 16]),
                    sync_type: SyncType::Full,
                    tenant: "tenant".to_owned(),
                    started_at,
                    provenance: crate::model::Provenance::default(),
                },
                ended_at: started_at,
            },
            kinds: vec![kind("role", TraitKind::Role), kind("user", TraitKind::User)],
            resources: vec![
                user("1", "Zoë Park", "zoe"),
                user("2", "Sam Lee", "sam"),
                user("3", "Sam Lee", "sam.lee"),
                // The name of this user is the id of another.
                user("4", "1", "one"),
            ],
            entitlements: vec![
                held("7", "assigned", "Technician"),
                held("8", "assigned", "Auditor"),
                held("8", "owner", "Auditor"),
                held("9", "assigned", "Technician"),
                held("10", "assigned", "Helpdesk"),
            ],
        }
    }
}

impl AccessSnapshot for InMemory {
    fn sync(&self) -> &FinishedSync {
        &self.sync
    }

    fn resource_types(&self) -> Result<Vec<ResourceType>, SourceError> {
        Ok(self.kinds.clone())
    }

    fn resource_type_stats(&self) -> Result<Vec<ResourceTypeStats>, SourceError> {
        Ok(Vec::new())
    }

    fn resources(
        &self,
        which: ResourceQuery<'_>,
        visit: RowVisitor<'_, Resource>,
    ) -> Result<(), SourceError> {
        for row in &self.resources {
            let is_match = match which {
                ResourceQuery::All => true,
                ResourceQuery::OfType(kind) | ResourceQuery::MatchingText(kind, _) => {
                    row.id.resource_type == *kind
                }
                ResourceQuery::ById(id) => row.id == *id,
            };
            if is_match && visit(row.clone()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn entitlements(
        &self,
        which: EntitlementQuery<'_>,
        visit: RowVisitor<'_, EntitlementInfo>,
    ) -> Result<(), SourceError> {
        for row in &self.entitlements {
            let is_match = match which {
                EntitlementQuery::All => true,
                EntitlementQuery::OnResource(id) => row.entitlement.resource == *id,
                EntitlementQuery::ById(id) => row.entitlement.id == *id,
            };
            if is_match && visit(row.clone()).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn holder_counts(&self) -> Result<BTreeMap<EntitlementId, u64>, SourceError> {
        Ok(BTreeMap::new())
    }

    fn grants(
        &self,
        _which: GrantQuery<'_>,
        _take: RowVisitor<'_, EffectiveGrant>,
    ) -> Result<(), SourceError> {
        Ok(())
    }
}

#[test]
fn users_resolve_by_id_login_email_or_name() {
    let snapshot = InMemory::new();
    for (text, number) in [
        ("user:1", "1"),
        ("1", "1"),
        (" zoe ", "1"),
        ("ZOE@EXAMPLE.COM", "1"),
        ("zoË park", "1"),
        ("sam", "2"),
        ("one", "4"),
    ] {
        let found = resolve_principal(&snapshot, text).unwrap();
        assert_eq!(found.id, id("user", number), "{text}");
    }
}

#[test]
fn ambiguous_or_unknown_users_are_errors() {
    let snapshot = InMemory::new();
    let several = resolve_principal(&snapshot, "Sam Lee").unwrap_err();
    assert_eq!(
        several.to_string(),
        "`Sam Lee` matches 2 users: user:2 (Sam Lee, sam), user:3 (Sam Lee, sam.lee)"
    );
    assert_eq!(several.status(), StatusCode::InvalidArgument);
    let nobody = resolve_principal(&snapshot, "zo").unwrap_err();
    assert_eq!(
        nobody.to_string(),
        "no user is called `zo`; close to it: user:1 (Zoë Park, zoe)"
    );
    assert_eq!(nobody.status(), StatusCode::NotFound);
    assert_eq!(
        resolve_principal(&snapshot, "user:99").unwrap_err().to_string(),
        "no user is called `user:99`"
    );
}

#[test]
fn entitlements_resolve_by_id_resource_or_name() {
    let snapshot = InMemory::new();
    let found = |text: &str| {
        let rows = resolve_entitlements(&snapshot, text).unwrap();
        let ids = rows.iter().map(|row| row.entitlement.id.to_string());
        ids.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(found("role:8:owner"), "role:8:owner");
    assert_eq!(found("role:8"), "role:8:assigned role:8:owner");
    assert_eq!(found("8"), "role:8:assigned role:8:owner");
    assert_eq!(found("auditor"), "role:8:assigned role:8:owner");
    assert_eq!(found("Auditor owner"), "role:8:owner");
    assert_eq!(found("helpdesk"), "role:10:assigned");
    let several = resolve_entitlements(&snapshot, "technician").unwrap_err();
    assert_eq!(
        several.to_string(),
        "`technician` matches 2 roles or entitlements: role:7 (Technician), role:9 (Technician)"
    );
    let nothing = resolve_entitlements(&snapshot, "help").unwrap_err();
    assert_eq!(
        nothing.to_string(),
        "no role or entitlement is called `help`; close to it: role:10 (Helpdesk)"
    );
}

#[test]
fn filter_conditions_are_combined() {
    let mut row = user("1", "Zoë Park", "zoe");
    row.status = Some(Status {
        state: StatusState::Disabled,
        detail: None,
    });
    row.profile.set("administrator", Some(true));
    row.profile.set("organization_name", Some("Acme Dental"));
    let mut other = user("2", "Sam", "sam");
    if let (ResourceTrait::User(zoe), ResourceTrait::User(sam)) =
        (&mut row.resource_trait, &mut other.resource_trait)
    {
        zoe.mfa_enabled = Some(false);
        sam.mfa_enabled = None;
    }
    let role = Resource {
        resource_trait: ResourceTrait::Role,
        ..row.clone()
    };
    assert!(UserFilter::default().matches(&other) && !UserFilter::default().matches(&role));
    let filters = [
        UserFilter {
            statuses: vec![StatusState::Disabled],
            ..UserFilter::default()
        },
        UserFilter {
            without_mfa: true,
            ..UserFilter::default()
        },
        UserFilter {
            administrators: true,
            ..UserFilter::default()
        },
        UserFilter {
            text_query: Some(TextQuery::new("acme")),
            ..UserFilter::default()
        },
        UserFilter {
            among: Some(HashSet::from([id("user", "1")])),
            ..UserFilter::default()
        },
    ];
    for filter in &filters {
        assert!(filter.matches(&row) && !filter.matches(&other), "{filter:?}");
    }
    let all = UserFilter {
        types: [ResourceTypeId::from_static("user")].into(),
        statuses: vec![StatusState::Disabled, StatusState::Unspecified],
        ..filters[1].clone()
    };
    assert!(all.matches(&row));
    let of_another_type = UserFilter {
        types: [ResourceTypeId::from_static("person")].into(),
        ..all
    };
    assert!(!of_another_type.matches(&row));
}
