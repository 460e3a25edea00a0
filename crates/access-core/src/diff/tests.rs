//! Tests against a model that keeps all records in maps.

use std::collections::BTreeMap;
use std::convert::Infallible;

use proptest::prelude::*;

use super::*;
use crate::model::{UserAttribute, UserAttributes};

/// Fields by name.
type Fields = BTreeMap<String, String>;
type Side = BTreeMap<Vec<String>, (String, Fields)>;

/// Declared user attributes of these tests.
const ATTRIBUTES: UserAttributes = UserAttributes::new(&[
    UserAttribute::text("phone", "Phone number.")
        .column(11)
        .compared(11),
    UserAttribute::flag("administrator", "Full rights.")
        .column(22)
        .compared(22),
    UserAttribute::text("organization_name", "Its name.").column(27),
]);

struct Listed {
    fields: Vec<&'static str>,
    rest: std::vec::IntoIter<(Vec<String>, (String, Fields))>,
    current: (Vec<String>, (String, Fields)),
    profile: Option<String>,
}

impl Listed {
    fn new(subject: RecordKind, side: &Side) -> Self {
        let rest = side.clone().into_iter().collect::<Vec<_>>().into_iter();
        Self {
            fields: subject.fields(ATTRIBUTES),
            rest,
            current: Default::default(),
            profile: None,
        }
    }
}

impl Record for Listed {
    fn key(&self, part: usize) -> &str {
        &self.current.0[part]
    }

    fn fields(&self) -> &[&'static str] {
        &self.fields
    }

    fn ignores(&self, attribute: &str) -> bool {
        ATTRIBUTES.ignores(attribute)
    }

    fn field(&self, n: usize) -> Option<&str> {
        self.current.1.1.get(self.fields[n]).map(String::as_str)
    }

    fn name(&self, _: usize) -> Option<&str> {
        None
    }

    fn resource_type(&self) -> &str {
        &self.current.1.0
    }

    fn profile(&self) -> Option<&str> {
        self.profile.as_deref()
    }

    fn attributes(&self) -> Vec<(Box<str>, Box<str>)> {
        let attributes = self.current.1.1.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix("profile.")?;
            Some((Box::from(name), Box::from(value.as_str())))
        });
        attributes.collect()
    }
}

impl Records for Listed {
    type Error = Infallible;

    fn advance(&mut self) -> Result<bool, Infallible> {
        let Some(next) = self.rest.next() else {
            return Ok(false);
        };
        self.profile = Some(format!("{next:?}"));
        self.current = next;
        Ok(true)
    }
}

fn changes(subject: RecordKind, old: &Side, new: &Side, removals: &RemovalPolicy) -> Vec<RecordChange> {
    let (mut old, mut new, mut found) = (Listed::new(subject, old), Listed::new(subject, new), Vec::new());
    let mut take = |change| {
        found.push(change);
        Ok(())
    };
    let Ok(()) = compare(subject, &mut old, &mut new, removals, &mut take);
    found
}

/// Applies changes to a side.
fn apply(side: &Side, changes: &[RecordChange]) -> Side {
    let mut side = side.clone();
    for change in changes {
        let key: Vec<String> = change.key.iter().map(ToString::to_string).collect();
        if change.kind == ChangeKind::Removed {
            side.remove(&key).expect("what is removed was there");
            continue;
        }
        let was = side.contains_key(&key);
        assert_eq!(was, change.kind == ChangeKind::Changed);
        let (resource_type, fields) = side.entry(key).or_default();
        *resource_type = change.resource_type.to_string();
        for FieldChange { field, old, new } in &change.fields {
            assert_eq!(fields.get(&**field).map(String::as_str), old.as_deref());
            match new {
                Some(new) => fields.insert(field.to_string(), new.to_string()),
                None => fields.remove(&**field),
            };
        }
    }
    side
}

fn side(subject: RecordKind) -> impl Strategy<Value = Side> {
    let names: Vec<String> = subject
        .fields(ATTRIBUTES)
        .iter()
        .map(|name| (*name).to_owned())
        .chain(["profile.a", "profile.b c"].map(str::to_owned))
        .collect();
    let fields = prop::collection::btree_map(prop::sample::select(names), "[xy\u{fc}]{0,2}", 0..4);
    // The type is derived from the key, as in every sync.
    let parts = prop::collection::vec("[ab:]{1,2}", subject.key().len());
    prop::collection::btree_map(parts, fields, 0..12).prop_map(|records| {
        let typed = |(key, fields): (Vec<String>, Fields)| (key.clone(), (key[0][..1].to_owned(), fields));
        records.into_iter().map(typed).collect()
    })
}

fn two_sides() -> impl Strategy<Value = (RecordKind, Side, Side)> {
    prop::sample::select(RecordKind::ALL.to_vec())
        .prop_flat_map(|subject| (Just(subject), side(subject), side(subject)))
}

proptest! {
    #[test]
    fn changes_transform_the_old_side_into_the_new((subject, old, new) in two_sides()) {
        prop_assert_eq!(changes(subject, &old, &old, &RemovalPolicy::confirm_all()), []);
        let found = changes(subject, &old, &new, &RemovalPolicy::confirm_all());
        prop_assert!(found.is_sorted_by(|a, b| a.key < b.key));
        prop_assert_eq!(apply(&old, &found), new);
    }

    #[test]
    fn only_confirmed_removals_are_reported((subject, old, new) in two_sides(), full: bool, a: bool, b: bool) {
        let complete = [("a", a), ("b", b)].into_iter().filter(|(_, complete)| *complete).map(|(id, _)| id);
        let removals = RemovalPolicy::from_complete_types(full, complete.clone());
        let believed = |key: &[String]| {
            let types = if subject == RecordKind::Grant { vec![&key[0][..1], &key[1]] } else { vec![&key[0][..1]] };
            full && types.iter().all(|id| complete.clone().any(|known| known == *id))
        };
        let kept = old.iter().filter(|(key, _)| !new.contains_key(*key) && !believed(key));
        let mut expected = new.clone();
        expected.extend(kept.map(|(key, record)| (key.clone(), record.clone())));
        prop_assert_eq!(apply(&old, &changes(subject, &old, &new, &removals)), expected);
    }
}

#[test]
fn unread_types_report_no_removals() {
    use crate::model::{Completeness, ResourceTypeId, SyncType};

    let old: Side = ["role", "user", "device"]
        .map(|id| {
            (
                vec![id.to_owned(), "1".to_owned()],
                (id.to_owned(), Fields::new()),
            )
        })
        .into();
    let incomplete = Completeness::Incomplete {
        reason: "403".to_owned(),
    };
    let completeness = [("role", Completeness::Complete), ("user", incomplete)]
        .map(|(id, state)| (ResourceTypeId::from_static(id), state))
        .into();
    let removed_types = |sync_type| {
        let removals = RemovalPolicy::from_completeness(sync_type, &completeness);
        let found = changes(RecordKind::Resource, &old, &Side::new(), &removals);
        found
            .iter()
            .map(|change| change.resource_type.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(removed_types(SyncType::Full), ["role"]);
    assert!(removed_types(SyncType::Partial).is_empty());
}
