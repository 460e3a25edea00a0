//! A plain model of history: the open interval of each key, and all closed intervals.

use std::collections::{BTreeMap, BTreeSet};

use access_core::model::SyncType;
use access_dataset::{Manifest, Table};

use super::tenant_day::{Day, run};
use crate::support::dataset::{Files, rows};

/// An interval: key, value, first day, day of its end, last day seen, reason of its end.
type Interval = (String, String, usize, Option<usize>, usize, String);

/// The open interval of each key, and all closed intervals.
#[derive(Default)]
struct Model {
    open: BTreeMap<String, (String, usize, usize)>,
    closed: Vec<Interval>,
}

impl Model {
    fn day(
        &mut self,
        number: usize,
        now: &BTreeMap<String, String>,
        reason_closed: impl Fn(&str) -> Option<&'static str>,
    ) {
        for (key, (value, from, last)) in std::mem::take(&mut self.open) {
            let close = |because: &str| {
                (
                    key.clone(),
                    value.clone(),
                    from,
                    Some(number),
                    last,
                    because.to_owned(),
                )
            };
            match now.get(&key) {
                Some(same) if *same == value => {
                    self.open.insert(key, (value, from, number));
                }
                Some(other) => {
                    self.closed.push(close("changed"));
                    self.open.insert(key, (other.clone(), number, number));
                }
                None => match reason_closed(&key) {
                    Some(because) => self.closed.push(close(because)),
                    None => drop(self.open.insert(key, (value, from, last))),
                },
            }
        }
        for (key, value) in now {
            let new = || (value.clone(), number, number);
            self.open.entry(key.clone()).or_insert_with(new);
        }
    }

    fn intervals(&self) -> BTreeSet<Interval> {
        let open = self.open.iter().map(|(key, (value, from, last))| {
            (key.clone(), value.clone(), *from, None, *last, String::new())
        });
        open.chain(self.closed.iter().cloned()).collect()
    }
}

pub(super) fn models(days: &[Day]) -> [BTreeSet<Interval>; 2] {
    let (mut users, mut grants, mut before) = (Model::default(), Model::default(), None::<&Day>);
    for (number, day) in days
        .iter()
        .enumerate()
        .filter(|(_, day)| day.sync_type == SyncType::Full)
    {
        let now = day
            .users
            .iter()
            .map(|(user, department)| (user.to_string(), format!("{department:?}")));
        users.day(number, &now.collect(), |_| day.complete.then_some("removed"));
        let now = day.roles.iter().flat_map(|(role, holders)| {
            holders
                .iter()
                .map(move |user| (format!("{role} {user}"), String::new()))
        });
        let was_there = |user: u8| before.is_some_and(|before| before.users.contains_key(&user));
        grants.day(number, &now.collect(), |key| {
            let (role, user) = key.split_once(' ').unwrap();
            let (role, user): (u8, u8) = (role.parse().unwrap(), user.parse().unwrap());
            let because = if !day.users.contains_key(&user) && was_there(user) {
                "principal_removed"
            } else if day.roles.contains_key(&role) {
                "revoked"
            } else {
                "entitlement_removed"
            };
            day.complete.then_some(because)
        });
        before = Some(day);
    }
    [users.intervals(), grants.intervals()]
}

/// The intervals that a dataset tells.
pub(super) fn recorded_intervals(
    files: &Files,
    manifest: &Manifest,
    days: &[Day],
) -> [BTreeSet<Interval>; 2] {
    let number = |id: &str| {
        days.iter()
            .enumerate()
            .position(|(n, day)| run(n, day).id.as_str() == id)
            .unwrap()
    };
    let table_intervals = |table: Table| -> BTreeSet<Interval> {
        let rows = rows(files, manifest, table);
        rows.iter()
            .map(|row| {
                let text = |name: &str| row[name].clone().unwrap_or_default();
                let (key, value) = if table == Table::UsersHistory {
                    let department = text("profile")
                        .split("\"department\":")
                        .nth(1)
                        .and_then(|rest| rest[..1].parse::<u8>().ok());
                    (text("user_id"), format!("{department:?}"))
                } else {
                    let entitlement = text("entitlement_id");
                    let role = entitlement.split(':').nth(1).unwrap().to_owned();
                    assert_eq!(text("resource_id"), role);
                    (format!("{role} {}", text("principal_id")), String::new())
                };
                assert_eq!(text("sync_id"), manifest.sync.id);
                assert_eq!(text("is_current"), row["valid_to"].is_none().to_string());
                let first = number(&text("first_sync_id"));
                let begin = text("valid_from");
                let expected = run(first, &days[first]).started_at.date().to_string();
                assert!(begin.starts_with(&expected), "{begin} {expected}");
                let closed = row["closed_by_sync_id"].as_deref().map(number);
                (
                    key,
                    value,
                    first,
                    closed,
                    number(&text("last_sync_id")),
                    text("closed_because"),
                )
            })
            .collect()
    };
    [
        table_intervals(Table::UsersHistory),
        table_intervals(Table::GrantsHistory),
    ]
}
