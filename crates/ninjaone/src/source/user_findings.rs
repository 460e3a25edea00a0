//! Gaps in the lists of users, and contradictions between them.

use std::collections::BTreeMap;

use access_core::model::{NativeId, ResourceId};

use super::event_sender::EventSender;
use super::findings::{Findings, Found, types_of_user_field};
use super::join_table::{DuplicateRow, KIND};
use super::older::Instance;
use super::paths::{END_USERS, TECHNICIANS, USERS};
use crate::NinjaOneError;
use crate::api::ListRow;
use crate::api::UserRow;
use crate::mapping::{tenant_type, user_type};

/// Tolerated number of users that only one list has, because they were created or deleted between the two calls.
const MAX_RACING_USERS: u64 = 2;

/// Rows of the two lists that share an id.
#[derive(Default)]
pub(super) struct DoubledUsers {
    pub(super) findings: Findings,
    pub(super) is_other_person: Found,
    pub(super) contradictions: Contradictions,
}

impl DoubledUsers {
    pub(super) fn note(&mut self, one: &DuplicateRow) {
        self.findings.duplicate(user_id(one.id), &one.row);
        if one.is_other_person {
            self.is_other_person.note(|| shown(one.id, &one.row));
        }
        self.contradictions
            .note(&one.contradictions, || shown(one.id, &one.row));
    }
}

/// Marks types as incomplete: of two users with one id only one is synced, with only its own access.
pub(super) fn mark_shared_id(sender: &EventSender, found: &Found) {
    if found.count > 0 {
        let reason = format!(
            "{} {} with an id that somebody else has too{}",
            found.count,
            if found.count == 1 {
                "user comes"
            } else {
                "users come"
            },
            found.example()
        );
        for resource_type in types_of_user_field("id") {
            sender.incomplete(&resource_type, &reason);
        }
    }
}

/// `Ada Example <ada@example.com> (user 7)`.
pub(super) fn shown(id: u64, row: &UserRow) -> String {
    match row.label() {
        Some(label) => format!("{label} (user {id})"),
        None => format!("user {id}"),
    }
}

/// The id of a user's resource.
pub(super) fn user_id(id: u64) -> ResourceId {
    ResourceId::new(user_type(), NativeId::from_number(id))
}

/// Whether access depends on a field.
pub(super) fn is_read(field: &str, with_devices: bool, instance: Instance) -> bool {
    match field {
        "roles" => instance == Instance::Older,
        "deviceIds" | "accessibleDeviceIds" | "assignedDeviceIds" => with_devices,
        _ => true,
    }
}

/// Warns of fields in which the lists differ for one user.
#[derive(Debug, Clone, Default)]
pub(super) struct Contradictions(BTreeMap<&'static str, Found>);

impl Contradictions {
    pub(super) fn note(&mut self, fields: &[&'static str], example: impl Fn() -> String) {
        for field in fields {
            self.0.entry(field).or_default().note(&example);
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        for (field, found) in other.0 {
            self.0.entry(field).or_default().add(found);
        }
    }

    pub(super) async fn report(&self, sender: &EventSender) -> Result<(), NinjaOneError> {
        for (field, found) in &self.0 {
            let decision = match *field {
                "mfaConfigured" => "they count as without MFA",
                "scimUser" | "authType" => "it counts as unknown",
                KIND => "the types that depend on it are incomplete",
                _ => "what gives access is kept",
            };
            let contradiction = format!(
                "the lists of users contradict each other about {field} of {} {}{}",
                found.count,
                if found.count == 1 { "user" } else { "users" },
                found.example()
            );
            if *field == KIND {
                for resource_type in types_of_user_field(KIND) {
                    sender.incomplete(&resource_type, &contradiction);
                }
            }
            let message = format!("{contradiction}: {decision}");
            sender.warn("contradicting_lists", message).await?;
        }
        Ok(())
    }
}

/// Warns of users who are twice in one list with different data.
#[derive(Debug, Clone, Default)]
pub(super) struct Differing(pub(super) Found);

impl Differing {
    pub(super) fn report(&self, sender: &EventSender) {
        if self.0.count > 0 {
            let reason = format!(
                "{} {} twice in {USERS}, with different data{}",
                self.0.count,
                if self.0.count == 1 {
                    "user comes"
                } else {
                    "users come"
                },
                self.0.example()
            );
            for resource_type in types_of_user_field("id") {
                sender.incomplete(&resource_type, &reason);
            }
        }
    }
}

/// Users who are missing in a list that should have them.
#[derive(Debug, Clone, Default)]
pub(super) struct Missing {
    /// Technicians and end users who are not in `/v2/users`.
    pub(super) technicians: Found,
    pub(super) end_users: Found,
    /// End users of `/v2/users` who are not in their own list.
    pub(super) not_listed_as_end_users: Found,
}

impl Missing {
    pub(super) async fn report(
        &self,
        sender: &EventSender,
        expected: (u64, u64),
    ) -> Result<(), NinjaOneError> {
        let (technicians, end_users) = expected;
        let lacks = [
            (
                &self.technicians,
                technicians,
                USERS,
                TECHNICIANS,
                "permitAllClients",
            ),
            (&self.end_users, end_users, USERS, END_USERS, "permitAllClients"),
            (
                &self.not_listed_as_end_users,
                end_users + self.not_listed_as_end_users.count,
                END_USERS,
                USERS,
                "fullPortalAccess",
            ),
        ];
        for (found, all, list, other, field) in lacks {
            if found.count == 0 {
                continue;
            }
            let reason = format!(
                "{list} lacks {} of {all} users that {other} has{}: their {field} is unknown",
                found.count,
                found.example()
            );
            // Fewer ones are reported as unstated one by one.
            if found.count > MAX_RACING_USERS || found.count == all {
                sender.incomplete(&tenant_type(), &reason);
                sender.warn("contradicting_lists", reason).await?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use access_core::model::Completeness;
    use access_core::ports::SourceEvent;
    use serde_json::json;

    use super::*;
    use crate::source::tests::{queue, queued, row};

    fn found(count: u64) -> Found {
        let mut found = Found::default();
        for id in 1..=count {
            found.note(|| format!("user {id}"));
        }
        found
    }

    #[test]
    fn users_are_shown_with_name_address_and_id() {
        let user = |json| row::<UserRow>(json);
        let named = user(json!({"firstName": "Ada", "lastName": "Example", "email": "ada@example.com"}));
        assert_eq!(shown(7, &named), "Ada Example <ada@example.com> (user 7)");
        assert_eq!(
            shown(7, &user(json!({"email": "ada@example.com"}))),
            "ada@example.com (user 7)"
        );
        assert_eq!(shown(7, &user(json!({}))), "user 7");
    }

    /// A field that no access depends on must not make a type incomplete.
    #[test]
    fn only_fields_that_give_access_are_read() {
        for (field, with_devices, instance, expected) in [
            ("roles", true, Instance::Older, true),
            ("roles", true, Instance::Current, false),
            ("deviceIds", true, Instance::Current, true),
            ("deviceIds", false, Instance::Current, false),
            ("accessibleDeviceIds", false, Instance::Older, false),
            ("assignedDeviceIds", false, Instance::Older, false),
            ("administrator", false, Instance::Current, true),
            ("organizationId", false, Instance::Older, true),
        ] {
            assert_eq!(is_read(field, with_devices, instance), expected, "{field}");
        }
    }

    #[tokio::test]
    async fn contradictions_of_all_lists_are_counted_together() {
        let mut contradictions = Contradictions::default();
        contradictions.note(&["administrator"], || "user 1".to_owned());
        let mut other = Contradictions::default();
        other.note(&["administrator", "organizationId"], || "user 2".to_owned());
        contradictions.add(other);
        let (sender, mut events) = queue();
        contradictions.report(&sender).await.unwrap();
        let messages = queued(&mut events).into_iter().map(|event| match event {
            SourceEvent::Warning(warning) => format!("{}: {}", warning.code, warning.message),
            other => panic!("{other:?}"),
        });
        insta::assert_snapshot!(messages.collect::<Vec<_>>().join("\n"), @"
        contradicting_lists: the lists of users contradict each other about administrator of 2 users, e.g. user 1: what gives access is kept
        contradicting_lists: the lists of users contradict each other about organizationId of 1 user, e.g. user 2: what gives access is kept
        ");
    }

    /// Of two rows or two users with one id only one is synced, so everything that depends on users may be incomplete.
    #[tokio::test]
    async fn users_with_one_id_make_every_type_incomplete() {
        let reasons = async |mark: &dyn Fn(&EventSender)| {
            let (sender, mut events) = queue();
            mark(&sender);
            sender.report_incomplete().await.unwrap();
            let reasons = queued(&mut events).into_iter().map(|event| match event {
                SourceEvent::Completeness(of, Completeness::Incomplete { reason }) => {
                    (of.to_string(), reason)
                }
                other => panic!("{other:?}"),
            });
            reasons.collect::<Vec<_>>()
        };
        let everywhere = |reason: &str| {
            let types = ["device", "organization", "role", "tenant", "user"];
            types.map(|of| (of.to_owned(), reason.to_owned())).to_vec()
        };
        let differing = async |count| reasons(&|sender| Differing(found(count)).report(sender)).await;
        assert_eq!(differing(0).await, []);
        assert_eq!(
            differing(1).await,
            everywhere("1 user comes twice in /v2/users, with different data, e.g. user 1")
        );
        assert_eq!(
            differing(2).await,
            everywhere("2 users come twice in /v2/users, with different data, e.g. user 1")
        );
        let shared = async |count| reasons(&|sender| mark_shared_id(sender, &found(count))).await;
        assert_eq!(shared(0).await, []);
        assert_eq!(
            shared(1).await,
            everywhere("1 user comes with an id that somebody else has too, e.g. user 1")
        );
        assert_eq!(
            shared(2).await,
            everywhere("2 users come with an id that somebody else has too, e.g. user 1")
        );
    }

    /// The reasons for which the tenant is incomplete.
    async fn reasons(missing: Missing, expected: (u64, u64)) -> Vec<String> {
        let (sender, mut events) = queue();
        missing.report(&sender, expected).await.unwrap();
        sender.report_incomplete().await.unwrap();
        let mut warnings = Vec::new();
        let mut reasons = Vec::new();
        for event in queued(&mut events) {
            match event {
                SourceEvent::Warning(warning) => warnings.push(warning.message),
                SourceEvent::Completeness(of, Completeness::Incomplete { reason }) => {
                    assert_eq!(of, tenant_type());
                    reasons.push(reason);
                }
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(reasons.join("; "), warnings.join("; "));
        warnings
    }

    /// Up to two users may be created or deleted between two calls; more, or all, mean that a list is not complete.
    #[tokio::test]
    async fn more_missing_users_than_a_race_are_incomplete() {
        let technicians = |count| Missing {
            technicians: found(count),
            ..Missing::default()
        };
        assert_eq!(reasons(technicians(2), (9, 9)).await, [""; 0]);
        let lacks = |count, all| {
            format!(
                "/v2/users lacks {count} of {all} users that /v2/user/technicians has, e.g. user 1: their permitAllClients is unknown"
            )
        };
        assert_eq!(reasons(technicians(3), (9, 9)).await, [lacks(3, 9)]);
        assert_eq!(reasons(technicians(1), (1, 9)).await, [lacks(1, 1)]);
    }

    #[tokio::test]
    async fn missing_users_are_compared_with_their_own_list() {
        let missing = Missing {
            technicians: found(3),
            end_users: found(4),
            not_listed_as_end_users: found(5),
        };
        insta::assert_snapshot!(reasons(missing, (10, 20)).await.join("\n"), @"
        /v2/users lacks 3 of 10 users that /v2/user/technicians has, e.g. user 1: their permitAllClients is unknown
        /v2/users lacks 4 of 20 users that /v2/user/end-users has, e.g. user 1: their permitAllClients is unknown
        /v2/user/end-users lacks 5 of 25 users that /v2/users has, e.g. user 1: their fullPortalAccess is unknown
        ");
    }
}
