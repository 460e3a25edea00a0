//! Every field of NinjaOne's lists, and every replacement for its value.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use ninjaone_sim::{Edit, Fault, FaultRule, Rows, To, When};
use serde_json::{Value, json};

use super::model::{DEVICES, END_USERS, ORGANIZATIONS, ROLES, TECHNICIANS, USERS};
use super::sweep::{Picks, exhaustive};
use crate::harness::workspace;

/// An object of the API, as the OpenAPI document calls it.
pub(crate) struct Dto {
    name: &'static str,
    /// Its reader: the source file and the struct in it.
    read_by: (&'static str, &'static str),
    /// The lists that it comes in, and where in a row it is.
    pub(crate) lists: &'static [(&'static str, &'static str)],
    /// All its keys, whether they are read or not.
    pub(crate) keys: &'static [&'static str],
}

/// Where the rows of the lists are, one file each.
const API: &str = "crates/ninjaone/src/api";

/// All objects that a sync reads.
pub(crate) const DTOS: [Dto; 8] = [
    Dto {
        name: "User",
        read_by: ("crates/ninjaone/src/api/users.rs", "UserRow"),
        lists: &[(USERS, "")],
        keys: &[
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
            "mustChangePw",
            "mfaConfigured",
            "userType",
            "invitationStatus",
            "organizationId",
            "deviceIds",
            "assignedDeviceIds",
            "roles",
            "tags",
            "fields",
        ],
    },
    Dto {
        name: "Technician",
        read_by: ("crates/ninjaone/src/api/users.rs", "UserRow"),
        lists: &[(TECHNICIANS, "")],
        keys: &[
            "id",
            "uid",
            "enabled",
            "firstName",
            "lastName",
            "email",
            "phone",
            "mustChangePw",
            "mfaConfigured",
            "scimUser",
            "authType",
            "userType",
            "invitationStatus",
            "notifyAllClients",
            "administrator",
            "assignedDeviceIds",
            "roles",
        ],
    },
    Dto {
        name: "EndUser",
        read_by: ("crates/ninjaone/src/api/users.rs", "UserRow"),
        lists: &[(END_USERS, "")],
        keys: &[
            "id",
            "uid",
            "enabled",
            "firstName",
            "lastName",
            "email",
            "phone",
            "organizationId",
            "fullPortalAccess",
            "mustChangePw",
            "mfaConfigured",
            "scimUser",
            "authType",
            "invitationStatus",
            "assignedDeviceIds",
            "accessibleDeviceIds",
            "roles",
        ],
    },
    Dto {
        name: "UserRole",
        read_by: ("crates/ninjaone/src/api/roles.rs", "RoleRow"),
        lists: &[(ROLES, "")],
        keys: &["id", "name", "type", "description", "members"],
    },
    Dto {
        name: "RoleMember",
        read_by: ("crates/ninjaone/src/api/member_reader.rs", "KEYS"),
        lists: &[(ROLES, "/members/0"), (ROLES, "/members/1")],
        keys: &["id", "email", "name", "source"],
    },
    Dto {
        name: "Organization",
        read_by: ("crates/ninjaone/src/api/organizations.rs", "OrganizationRow"),
        lists: &[(ORGANIZATIONS, "")],
        keys: &["id", "name", "description", "userData", "nodeApprovalMode"],
    },
    Dto {
        name: "Device",
        read_by: ("crates/ninjaone/src/api/devices.rs", "DeviceRow"),
        lists: &[(DEVICES, "")],
        keys: &[
            "id",
            "uid",
            "organizationId",
            "nodeClass",
            "approvalStatus",
            "displayName",
            "systemName",
            "dnsName",
            "netbiosName",
            "offline",
            "created",
            "userData",
            "tags",
        ],
    },
    Dto {
        name: "Activity",
        read_by: ("crates/ninjaone/src/event_feed.rs", "ActivityRow"),
        lists: &[],
        keys: &[
            "id",
            "activityTime",
            "statusCode",
            "userId",
            "data",
            "deviceId",
            "subject",
        ],
    },
];

/// The keys of an object, by the name of its type.
pub(crate) fn dto_keys(name: &str) -> &'static [&'static str] {
    DTOS.iter().find(|dto| dto.name == name).unwrap().keys
}

/// The replacements for a field's value.
pub(crate) fn replacements() -> Vec<(&'static str, To)> {
    let value = |value: Value| To::Value(value);
    vec![
        ("absent", To::Absent),
        ("null", value(Value::Null)),
        ("true", value(json!(true))),
        ("false", value(json!(false))),
        ("zero", value(json!(0))),
        ("seven", value(json!(7))),
        ("negative", value(json!(-7))),
        ("fraction", value(json!(7.5))),
        ("whole float", value(json!(7.0))),
        ("beyond int32", value(json!(2_147_483_648_u64))),
        ("beyond a double", value(json!(9_007_199_254_740_993_u64))),
        ("largest u64", value(json!(u64::MAX))),
        ("beyond u64", value(json!(1.9e19))),
        ("huge", value(json!(1e300))),
        ("empty text", value(json!(""))),
        ("blank text", value(json!(" \t "))),
        ("digits in a text", value(json!(" 7 "))),
        ("text", value(json!("O'Neil \u{202e}\u{0}\u{7f} <b>𝒳</b>"))),
        ("long text", value(json!("ü".repeat(40_000)))),
        ("empty list", value(json!([]))),
        (
            "list of odd things",
            value(json!([null, "x", 501, {"id": 7}, [7]])),
        ),
        ("object", value(json!({"id": 7, "name": "x"}))),
        (
            "deep list",
            To::Verbatim(format!("{}{}", "[".repeat(100), "]".repeat(100))),
        ),
        ("repeated key", To::Verbatim(r#"{"id":1,"id":2}"#.to_owned())),
    ]
}

/// A field that is something else in some rows.
pub(crate) struct Broken {
    pub(crate) name: String,
    pub(crate) rule: FaultRule,
}

/// Every field × everything that it can be × in one row and in all of them; without `MISBEHAVE=all` a third of what it
/// can be, another third for each field, and one of the two.
pub(crate) fn broken(picks: &mut Picks) -> Vec<Broken> {
    let mut all = Vec::new();
    for dto in &DTOS {
        for (path, within) in dto.lists {
            for key in dto.keys {
                for (word, to) in third(replacements(), picks) {
                    for rows in picks.of(&[Rows::Every, Rows::Nth(1)]) {
                        let edit = Edit {
                            list: "",
                            rows,
                            field: format!("{within}/{key}"),
                            to: to.clone(),
                        };
                        all.push(Broken {
                            name: format!("{} {path} {}{key} is {word} in {rows:?}", dto.name, within),
                            rule: always(path, Fault::Edit(edit)),
                        });
                    }
                }
            }
        }
    }
    all
}

fn third<T>(mut of: Vec<T>, picks: &mut Picks) -> Vec<T> {
    let which = picks.below(3);
    let mut position = 0;
    of.retain(|_| {
        position += 1;
        exhaustive() || position % 3 == which
    });
    of
}

/// A row that is something else.
pub(crate) fn no_rows(picks: &mut Picks) -> Vec<Broken> {
    let mut all = Vec::new();
    for path in [TECHNICIANS, END_USERS, USERS, ROLES, ORGANIZATIONS, DEVICES] {
        let others = |(_, to): &(&str, To)| *to != To::Absent;
        for (word, to) in replacements().into_iter().filter(others) {
            for rows in picks.of(&[Rows::Every, Rows::Nth(0), Rows::Nth(1)]) {
                let edit = Edit {
                    list: "",
                    rows,
                    field: String::new(),
                    to: to.clone(),
                };
                all.push(Broken {
                    name: format!("row of {path} is {word} in {rows:?}"),
                    rule: always(path, Fault::Edit(edit)),
                });
            }
        }
    }
    all
}

fn always(path: &str, fault: Fault) -> FaultRule {
    FaultRule {
        method: Some("GET".to_owned()),
        path: path.to_owned(),
        when: When::Always,
        fault,
    }
}

/// The keys that a structure reads, from the source text.
fn keys_read(file: &str, structure: &str) -> BTreeSet<String> {
    let source = fs::read_to_string(workspace().join(file)).unwrap();
    let (_, body) = source
        .split_once(&format!("row!({structure} {{"))
        .or_else(|| source.split_once(&format!("const {structure}: ")))
        .unwrap_or_else(|| panic!("there is no {structure} in {file}"));
    let (body, _) = body.split_once(";\n").unwrap();
    let keys: BTreeSet<String> = body.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    assert!(!keys.is_empty(), "{structure} has no fields");
    keys
}

#[test]
fn every_key_that_is_read_is_in_the_table() {
    let mut listed: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for dto in &DTOS {
        listed.entry(dto.read_by).or_default().extend(dto.keys);
    }
    for ((file, structure), keys) in &listed {
        for key in keys_read(file, structure) {
            assert!(
                keys.contains(key.as_str()),
                "{structure} reads {key}, which no table of fields has"
            );
        }
    }
    // Nothing is read that is in no structure of the table.
    for entry in fs::read_dir(workspace().join(API)).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let source = fs::read_to_string(path).unwrap();
        for structure in source
            .split("struct ")
            .skip(1)
            .filter_map(|rest| rest.split_once(" {"))
            .map(|(name, _)| name)
            .filter(|name| name.ends_with("Row") && name.chars().all(char::is_alphanumeric))
        {
            assert!(
                listed.keys().any(|(_, name)| *name == structure),
                "{structure} is in no table"
            );
        }
    }
}
