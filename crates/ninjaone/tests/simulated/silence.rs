//! What the tenant does not say, or says in a way that cannot be read, takes nothing away: every field of every list, in
//! every way in which it can be missing, against a sync that had it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use access_core::model::{AccessBatch, Completeness, SyncId, SyncRun, SyncType};
use access_core::ports::{
    AccessSink, Clock, NoopObserver, Prepared, Receipt, SinkError, SinkWriter, SyncIdGenerator,
};
use access_core::sync::{
    Comparer, Comparison, CurrentSync, ShrinkGuard, SyncError, SyncOutcome, SyncPipeline, SyncRequest,
};
use async_trait::async_trait;
use ninjaone_sim::{Edit, Fault, FaultRule, FaultSchedule, Reshape, Rows, SimConfig, Tenant, To, When};
use proptest::prelude::*;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::macros::datetime;

use crate::fixture;
use crate::tenant::Desk;

const TECHNICIANS: &str = "/v2/user/technicians";
const END_USERS: &str = "/v2/user/end-users";
const USERS: &str = "/v2/users";
const ROLES: &str = "/v2/user/roles";
const ORGANIZATIONS: &str = "/v2/organizations";
const DEVICES: &str = "/v2/devices";

/// A sink that keeps the ids of a sync, as one that delivers to a service does.
#[derive(Clone, Default)]
struct Kept {
    before: Option<Arc<CurrentSync>>,
    seen: Arc<Mutex<Option<Arc<CurrentSync>>>>,
    rows: u64,
}

#[async_trait]
impl AccessSink for Kept {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    async fn begin(&self, _: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError> {
        Ok(Box::new(self.clone()))
    }
}

#[async_trait]
impl SinkWriter for Kept {
    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        self.rows += batch.rows();
        Ok(())
    }

    async fn compare(&mut self, current: &Arc<CurrentSync>) -> Result<Option<Comparison>, SinkError> {
        *self.seen.lock().unwrap() = Some(Arc::clone(current));
        Ok(self.before.as_ref().map(|before| {
            let mut comparer = Comparer::new(Arc::clone(current), None);
            before.replay(&mut comparer);
            comparer.finish()
        }))
    }

    async fn prepare(&mut self, _: &access_core::sync::SyncSummary) -> Result<Prepared, SinkError> {
        Ok(Prepared { rows: self.rows })
    }

    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError> {
        Ok(Receipt {
            location: "memory".to_owned(),
            bytes: None,
            rows: self.rows,
        })
    }

    async fn abort(self: Box<Self>) {}
}

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> OffsetDateTime {
        datetime!(2026-11-30 12:00 UTC)
    }
}

impl SyncIdGenerator for Fixed {
    fn next_id(&self, started_at: OffsetDateTime) -> SyncId {
        SyncId::from_parts(started_at, [7; 16])
    }
}

/// One sync, and what the next one is compared with.
struct Synced {
    outcome: Result<SyncOutcome, SyncError>,
    ids: Option<Arc<CurrentSync>>,
}

fn sync(desk: &Desk, before: Option<Arc<CurrentSync>>, guard: ShrinkGuard) -> Synced {
    let kept = Kept {
        before,
        ..Kept::default()
    };
    let seen = Arc::clone(&kept.seen);
    let source = desk.source(true);
    let sinks: [Arc<dyn AccessSink>; 1] = [Arc::new(kept)];
    let pipeline = SyncPipeline {
        source: &source,
        sinks: &sinks,
        clock: &Fixed,
        ids: &Fixed,
        observer: &NoopObserver,
    };
    let request = SyncRequest {
        guard,
        ..SyncRequest::default()
    };
    let outcome = desk.wait(pipeline.run(&request, std::future::pending()));
    let ids = seen.lock().unwrap().take();
    Synced { outcome, ids }
}

fn config(tenant: &Tenant, faults: Vec<(&str, Fault)>) -> SimConfig {
    let mut config = SimConfig::new(tenant.clone());
    config.faults = FaultSchedule::new(faults.into_iter().map(|(path, fault)| FaultRule {
        method: None,
        path: path.to_owned(),
        when: When::Always,
        fault,
    }));
    config
}

fn edit(rows: Rows, field: &str, to: To) -> Fault {
    Fault::Edit(Edit {
        list: "",
        rows,
        field: field.to_owned(),
        to,
    })
}

/// What is wrong with a published sync: it calls a type complete of which it lost something.
fn lost_in_silence(synced: &Synced) -> Option<String> {
    let outcome = synced.outcome.as_ref().ok()?;
    let summary = &outcome.summary;
    let mut wrong = Vec::new();
    for comparison in &summary.guard.compared {
        for (resource_type, of_type) in &comparison.types {
            let complete = summary.completeness.get(resource_type) == Some(&Completeness::Complete);
            let lost = of_type.resources.lost() + of_type.grants.lost();
            if complete && lost > 0 {
                wrong.push(format!("{resource_type} is complete and lost {lost} rows"));
            }
        }
    }
    assert!(!summary.guard.compared.is_empty(), "nothing was compared");
    (!wrong.is_empty()).then(|| wrong.join(", "))
}

/// Everything that a field can be instead of what it should be, none of which denies anything.
fn instead(field: &str) -> Vec<To> {
    let mut others = vec![To::Absent, To::Value(json!(null)), To::Value(json!({"a": 1}))];
    let values = match field {
        "id" => vec![
            json!(-1),
            json!(7.5),
            json!("x"),
            json!(true),
            json!([7]),
            json!(1e300),
            json!(""),
        ],
        "enabled" | "administrator" | "permitAllClients" | "fullPortalAccess" | "mustChangePw"
        | "mfaConfigured" | "scimUser" | "notifyAllClients" => {
            vec![json!("true"), json!(1), json!([]), json!("")]
        }
        "organizationId" => vec![json!(-1), json!(7.5), json!("x"), json!(true), json!([null])],
        "members" | "deviceIds" | "accessibleDeviceIds" | "assignedDeviceIds" | "roles" => {
            vec![
                json!("x"),
                json!(7),
                json!(true),
                json!([null]),
                json!([{"userId": 7}]),
                json!([[7]]),
            ]
        }
        _ => vec![json!(7), json!(true), json!([])],
    };
    others.extend(values.into_iter().map(To::Value));
    others
}

const USER_FIELDS: [&str; 21] = [
    "id",
    "uid",
    "firstName",
    "lastName",
    "email",
    "phone",
    "enabled",
    "administrator",
    "permitAllClients",
    "notifyAllClients",
    "fullPortalAccess",
    "mustChangePw",
    "mfaConfigured",
    "scimUser",
    "authType",
    "userType",
    "invitationStatus",
    "organizationId",
    "deviceIds",
    "accessibleDeviceIds",
    "assignedDeviceIds",
];

/// The lists with the fields that are read of them.
const LISTS: [(&str, &[&str]); 6] = [
    (TECHNICIANS, &USER_FIELDS),
    (END_USERS, &USER_FIELDS),
    (USERS, &USER_FIELDS),
    (ROLES, &["id", "name", "type", "description", "members"]),
    (ORGANIZATIONS, &["id", "name", "description"]),
    (
        DEVICES,
        &[
            "id",
            "organizationId",
            "nodeClass",
            "approvalStatus",
            "displayName",
            "systemName",
            "dnsName",
        ],
    ),
];

#[test]
fn no_field_of_any_list_takes_anything_away_in_silence() {
    let tenant = Tenant::fixture("msp").unwrap();
    let before = sync(&Desk::new(&config(&tenant, Vec::new())), None, ShrinkGuard::off());
    let outcome = before.outcome.unwrap();
    assert_eq!(outcome.summary.run.sync_type, SyncType::Full);
    let before = before.ids.unwrap();
    let mut wrong = Vec::new();
    let mut cases = 0;
    for (list, fields) in LISTS {
        let members = ["/members/0/id", "/members/1/id"]
            .into_iter()
            .filter(|_| list == ROLES);
        let paths = fields.iter().map(|field| format!("/{field}"));
        for path in paths.chain(members.map(str::to_owned)) {
            let field = path.rsplit('/').next().unwrap();
            for to in instead(field) {
                for rows in [Rows::Every, Rows::Nth(1)] {
                    cases += 1;
                    let name = format!("{path} of {list} is {to:?} in {rows:?}");
                    let faults = vec![(list, edit(rows, &path, to.clone()))];
                    let synced = sync(
                        &Desk::new(&config(&tenant, faults)),
                        Some(Arc::clone(&before)),
                        ShrinkGuard::off(),
                    );
                    if let Some(what) = lost_in_silence(&synced) {
                        wrong.push(format!("{name}: {what}"));
                    }
                }
            }
        }
        for to in [json!(null), json!(7), json!("x"), json!([]), json!({})] {
            for rows in [Rows::Every, Rows::Nth(1)] {
                cases += 1;
                let faults = vec![(list, edit(rows, "", To::Value(to.clone())))];
                let synced = sync(
                    &Desk::new(&config(&tenant, faults)),
                    Some(Arc::clone(&before)),
                    ShrinkGuard::off(),
                );
                if let Some(what) = lost_in_silence(&synced) {
                    wrong.push(format!("row of {list} is {to} in {rows:?}: {what}"));
                }
            }
        }
    }
    assert!(cases > 700, "{cases} cases");
    assert!(
        wrong.is_empty(),
        "{} of {cases}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What is not readable is never normal: no full sync comes of it, first sync or not.
#[test]
fn nothing_unreadable_ends_in_a_full_sync() {
    let tenant = Tenant::fixture("msp").unwrap();
    let mut wrong = Vec::new();
    for (list, fields) in LISTS {
        for field in fields {
            let silent = |to: &To| matches!(to, To::Absent | To::Value(Value::Null));
            let read = match (list, *field) {
                // Keys that the schema of the list does not have, and that nothing reads there.
                (_, "deviceIds" | "accessibleDeviceIds") => false,
                _ => true,
            };
            for to in instead(field).into_iter().filter(|to| read && !silent(to)) {
                let name = format!("{field} of {list} is {to:?}");
                let faults = vec![(list, edit(Rows::Nth(1), &format!("/{field}"), to))];
                let synced = sync(&Desk::new(&config(&tenant, faults)), None, ShrinkGuard::off());
                if let Ok(outcome) = synced.outcome
                    && outcome.summary.run.sync_type == SyncType::Full
                {
                    wrong.push(name);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// `null` for whatever is empty or false.
fn emptied(value: &Value) -> Value {
    match value {
        Value::Bool(false) => Value::Null,
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Array(list) if list.is_empty() => Value::Null,
        Value::Array(list) => list.iter().map(emptied).collect(),
        Value::Object(object) => {
            let fields = object.iter().map(|(key, value)| {
                // What the simulated tenant itself has to know.
                let value = if key.starts_with('$') {
                    value.clone()
                } else {
                    emptied(value)
                };
                (key.clone(), value)
            });
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("ninjaone-silence-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn null_for_empty_stays_complete_over_days() {
    let folder = folder("null");
    for file in [
        "technicians.json",
        "end-users.json",
        "roles.json",
        "organizations.json",
        "devices.json",
    ] {
        let rows: Value = fixture::rows(file).into_iter().map(|row| emptied(&row)).collect();
        std::fs::write(folder.join(file), rows.to_string()).unwrap();
    }
    std::fs::write(folder.join("tenant.json"), r#"{"name": "nulls"}"#).unwrap();
    let tenant = Tenant::folder(&folder).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let mut before = None;
    for day in 1..=3 {
        let synced = sync(
            &Desk::new(&config(&tenant, Vec::new())),
            before,
            ShrinkGuard::default(),
        );
        let summary = synced.outcome.unwrap().summary;
        assert_eq!(
            summary.run.sync_type,
            SyncType::Full,
            "day {day}: {:?}",
            summary.completeness
        );
        assert!(!summary.unstated.is_empty(), "silence is named");
        before = synced.ids;
    }
}

#[test]
fn the_healthy_fixture_is_full_and_names_who_was_left_out() {
    let desk = Desk::msp();
    let summary = sync(&desk, None, ShrinkGuard::default()).outcome.unwrap().summary;
    assert_eq!(
        summary.run.sync_type,
        SyncType::Full,
        "{:?}",
        summary.completeness
    );
    let words: Vec<_> = summary
        .left_out
        .rows
        .iter()
        .filter_map(|row| row.words.as_deref())
        .collect();
    assert!(
        words.contains(&"Pat Departed <left.the.company@example.net>"),
        "{words:?}"
    );
    let notes: Vec<String> = summary
        .unstated
        .iter()
        .map(|note| {
            format!(
                "{} {}: {} ({})",
                note.resource_type,
                note.field,
                note.count,
                note.examples.join(", ")
            )
        })
        .collect();
    insta::assert_snapshot!(notes.join("\n"));
}

fn types_incomplete(synced: &Synced) -> BTreeSet<String> {
    let summary = &synced.outcome.as_ref().unwrap().summary;
    let incomplete = summary
        .completeness
        .iter()
        .filter(|(_, state)| **state != Completeness::Complete);
    incomplete
        .map(|(resource_type, _)| resource_type.to_string())
        .collect()
}

fn roles(body: &Value) -> Vec<(&'static str, Fault)> {
    vec![(ROLES, answer(body))]
}

fn answer(body: &Value) -> Fault {
    Fault::Answer {
        status: 200,
        content_type: "application/json",
        body: body.to_string().into_bytes(),
    }
}

/// Silence that is never normal, where there is no sync before.
#[test]
fn a_first_sync_is_not_complete_where_silence_is_never_normal() {
    let tenant = Tenant::fixture("msp").unwrap();
    let role = |members: Value| json!([{"id": 1, "name": "R", "type": "TECHNICIAN", "members": members}]);
    let cases = [
        (
            "a role without the key",
            json!([{"id": 1, "name": "R", "type": "TECHNICIAN"}]),
        ),
        ("null", role(json!(null))),
        ("an object", role(json!({}))),
        ("a text", role(json!("x"))),
        ("bare ids", role(json!([7]))),
        ("another key", role(json!([{"userId": 7}]))),
        ("no role", json!([])),
    ];
    for (name, body) in cases {
        let synced = sync(
            &Desk::new(&config(&tenant, roles(&body))),
            None,
            ShrinkGuard::default(),
        );
        assert_eq!(types_incomplete(&synced), ["role".to_owned()].into(), "{name}");
    }
    for to in [To::Absent, To::Value(json!(null))] {
        let faults = [TECHNICIANS, USERS].map(|list| (list, edit(Rows::Every, "/administrator", to.clone())));
        let synced = sync(
            &Desk::new(&config(&tenant, faults.into())),
            None,
            ShrinkGuard::default(),
        );
        assert_eq!(types_incomplete(&synced), ["tenant".to_owned()].into());
    }
    let faults = [TECHNICIANS, USERS].map(|list| {
        (
            list,
            edit(Rows::Every, "/administrator", To::Value(json!("true"))),
        )
    });
    let synced = sync(
        &Desk::new(&config(&tenant, faults.into())),
        None,
        ShrinkGuard::default(),
    );
    let error = synced.outcome.unwrap_err();
    assert!(error.to_string().contains("System Administrators"), "{error}");
}

/// An empty list of roles is said: the guard judges it, by ids.
#[test]
fn a_list_of_roles_that_is_empty_is_held_back() {
    let tenant = Tenant::fixture("msp").unwrap();
    let before = sync(&Desk::msp(), None, ShrinkGuard::default()).ids;
    let desk = Desk::new(&config(&tenant, roles(&json!([]))));
    let error = sync(&desk, before, ShrinkGuard::default()).outcome.unwrap_err();
    assert!(matches!(error, SyncError::Shrunk { .. }), "{error}");
}

#[test]
fn technicians_missing_from_users_make_tenant_incomplete() {
    let tenant = Tenant::fixture("msp").unwrap();
    let end_users: Vec<Value> = fixture::rows("end-users.json")
        .into_iter()
        .map(|mut row| {
            row["userType"] = json!("END_USER");
            row
        })
        .collect();
    let desk = Desk::new(&config(&tenant, vec![(USERS, answer(&json!(end_users)))]));
    let synced = sync(&desk, None, ShrinkGuard::default());
    assert!(types_incomplete(&synced).contains("tenant"));
    let warnings = &synced.outcome.as_ref().unwrap().warnings;
    assert!(
        warnings
            .iter()
            .any(|warning| warning.code == "contradicting_lists"),
        "{warnings:?}"
    );
}

#[test]
fn an_organization_list_that_is_cut_is_not_complete() {
    let tenant = Tenant::fixture("msp").unwrap();
    let page: Vec<Value> = (1..=1000)
        .map(|id| json!({"id": id, "name": format!("O{id}")}))
        .collect();
    let mut config = config(
        &tenant,
        vec![(
            END_USERS,
            edit(Rows::Nth(0), "/organizationId", To::Value(json!(1001))),
        )],
    );
    config.faults = FaultSchedule::new(
        [
            (ORGANIZATIONS, When::First(1), answer(&json!(page))),
            (ORGANIZATIONS, When::After(1), Fault::EmptyList),
            (
                USERS,
                When::Always,
                edit(Rows::Every, "/organizationId", To::Value(json!(1001))),
            ),
        ]
        .map(|(path, when, fault)| FaultRule {
            method: None,
            path: path.to_owned(),
            when,
            fault,
        }),
    );
    let synced = sync(&Desk::new(&config), None, ShrinkGuard::default());
    assert!(types_incomplete(&synced).contains("organization"));
}

#[test]
fn several_organizations_of_an_end_user_are_all_held() {
    let both = To::Value(json!([2, 3]));
    let fault = || edit(Rows::Every, "/organizationId", both.clone());
    let desk = Desk::faulty([(END_USERS, When::Always, fault()), (USERS, When::Always, fault())]);
    let heard = desk.read_all();
    for organization in [2, 3] {
        let member = (format!("organization:{organization}:member"), "901".to_owned());
        assert!(heard.held().contains(&member), "{organization}");
    }
}

#[test]
fn two_people_with_one_id_make_users_incomplete() {
    let id = fixture::rows("technicians.json")[0]["id"].clone();
    let desk = Desk::with(END_USERS, When::Always, edit(Rows::Nth(0), "/id", To::Value(id)));
    let heard = desk.read_all();
    for resource_type in ["user", "tenant", "organization", "role", "device"] {
        let named = heard.reasons.iter().any(|reason| {
            reason.starts_with(&format!("{resource_type}:")) && reason.contains("somebody else")
        });
        assert!(named, "{resource_type}: {:?}", heard.reasons);
    }
}

#[test]
fn lists_that_contradict_each_other_keep_access_visible() {
    let desk = Desk::with(
        USERS,
        When::Always,
        edit(Rows::Every, "/administrator", To::Value(json!(false))),
    );
    let all = Desk::msp().read_all();
    let heard = desk.read_all();
    let administrators = |heard: &crate::tenant::Heard| -> BTreeSet<String> {
        let of = heard.grants.iter();
        of.filter(|(entitlement, _)| entitlement == "tenant:ninja-one:system-administrator")
            .map(|(_, user)| user.clone())
            .collect()
    };
    assert_eq!(administrators(&heard), administrators(&all));
    assert!(
        heard
            .remarks
            .iter()
            .any(|remark| remark.starts_with("contradicting_lists")),
        "{:?}",
        heard.remarks
    );
}

/// One 404 is no proof of an older instance.
#[test]
fn an_instance_is_older_only_if_every_list_says_so() {
    let page = || Fault::Answer {
        status: 404,
        content_type: "text/html",
        body: b"<html><title>404 Not Found</title></html>".to_vec(),
    };
    for list in [TECHNICIANS, END_USERS, ROLES] {
        for (when, fault) in [
            (When::First(1), Fault::MissingEndpoint),
            (When::Always, Fault::MissingEndpoint),
            (When::First(1), page()),
            (When::Always, page()),
        ] {
            let heard = Desk::with(list, when, fault).read_all();
            let error = heard.error.unwrap();
            assert!(error.contains(&format!("this instance lacks {list}")), "{error}");
            assert!(!heard.id_schemes.contains(&"role-name".to_owned()));
        }
    }
    // All at once, for a moment: the second look finds them.
    let heard = Desk::with("/v2/user/*", When::First(1), Fault::MissingEndpoint).read_all();
    assert!(
        heard
            .error
            .is_some_and(|error| error.contains("this instance lacks"))
    );
    let heard = Desk::with("/v2/user/*", When::Always, page()).read_all();
    assert!(heard.error.is_some());
    let older = Desk::switched(|behavior| behavior.transport.old_instance = true).read_all();
    assert_eq!(older.error, None);
    assert_eq!(older.id_schemes, ["role-name"]);
    assert_eq!(Desk::msp().read_all().id_schemes, ["numeric"]);
    let offered = older.entitlements.iter().map(|row| row.id.as_str());
    assert!(!offered.into_iter().any(|id| id.ends_with(":full-portal-access")));
}

#[test]
fn older_instance_is_complete_and_removes_nothing() {
    let older = |faults| {
        let mut config = config(&Tenant::fixture("msp").unwrap(), faults);
        config.behavior.transport.old_instance = true;
        Desk::new(&config)
    };
    let first = sync(&older(Vec::new()), None, ShrinkGuard::default());
    let summary = &first.outcome.as_ref().unwrap().summary;
    assert_eq!(
        summary.run.sync_type,
        SyncType::Full,
        "{:?}",
        summary.completeness
    );
    let mut wrong = Vec::new();
    for field in [
        "id",
        "roles",
        "userType",
        "administrator",
        "permitAllClients",
        "organizationId",
    ] {
        for to in instead(field) {
            for rows in [Rows::Every, Rows::Nth(1)] {
                let name = format!("{field} is {to:?} in {rows:?}");
                let desk = older(vec![(USERS, edit(rows, &format!("/{field}"), to.clone()))]);
                let synced = sync(&desk, first.ids.clone(), ShrinkGuard::off());
                if let Some(what) = lost_in_silence(&synced) {
                    wrong.push(format!("{name}: {what}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A role's name that is too long for an id is counted and named, with its holders.
#[test]
fn a_role_of_an_older_instance_with_a_long_name_is_named() {
    let long = To::Value(json!(["x".repeat(2_000)]));
    let mut config = config(
        &Tenant::fixture("msp").unwrap(),
        vec![(USERS, edit(Rows::Nth(0), "/roles", long))],
    );
    config.behavior.transport.old_instance = true;
    let heard = Desk::new(&config).read_all();
    let booked = |what: &str| heard.remarks.iter().any(|remark| remark.contains(what));
    assert!(
        booked("skipped 1 resources of role: UnusableId"),
        "{:?}",
        heard.remarks
    );
    assert!(
        booked("skipped 1 grants of role: UnusableId"),
        "{:?}",
        heard.remarks
    );
}

fn any_fault() -> impl Strategy<Value = (&'static str, Fault)> {
    let lists: Vec<(&'static str, &'static str)> = LISTS
        .iter()
        .flat_map(|(list, fields)| fields.iter().map(|field| (*list, *field)))
        .collect();
    let field = prop::sample::select(lists);
    (field, any::<prop::sample::Index>(), prop::option::of(0..9_usize)).prop_map(
        |((list, field), to, row)| {
            let choices = instead(field);
            let to = choices[to.index(choices.len())].clone();
            let rows = row.map_or(Rows::Every, Rows::Nth);
            (list, edit(rows, &format!("/{field}"), to))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The second sync of a tenant, with arbitrary parts of its answers unsaid or not readable.
    #[test]
    fn whatever_is_unsaid_or_unreadable_takes_nothing_away(faults in prop::collection::vec(any_fault(), 1..5)) {
        // One fault a list: later rules of a path do not apply.
        let mut by_list: Vec<(&str, Fault)> = Vec::new();
        for (list, fault) in faults {
            if !by_list.iter().any(|(known, _)| *known == list) {
                by_list.push((list, fault));
            }
        }
        let tenant = Tenant::fixture("msp").unwrap();
        let before = sync(&Desk::msp(), None, ShrinkGuard::off()).ids;
        let synced = sync(&Desk::new(&config(&tenant, by_list)), before, ShrinkGuard::off());
        prop_assert_eq!(lost_in_silence(&synced), None);
    }
}

/// A row that comes twice says the same thing twice.
#[test]
fn doubled_lists_lose_nothing() {
    let tenant = Tenant::fixture("msp").unwrap();
    let before = sync(&Desk::msp(), None, ShrinkGuard::off()).ids;
    for list in [TECHNICIANS, END_USERS, USERS, ROLES] {
        let desk = Desk::new(&config(&tenant, vec![(list, Fault::Reshape(Reshape::Doubled))]));
        let synced = sync(&desk, before.clone(), ShrinkGuard::off());
        assert_eq!(lost_in_silence(&synced), None, "{list}");
        assert_eq!(types_incomplete(&synced), BTreeSet::new(), "{list}");
    }
}
