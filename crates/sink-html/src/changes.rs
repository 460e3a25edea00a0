//! The changes since the previous report: both syncs as records in the order of their keys, for the shared comparison.

use std::convert::Infallible;

use access_core::diff::{ChangeKind, Record, RecordChange, RecordKind, Records, RemovalPolicy, compare};
use access_core::model::UserAttributes;

use serde::{Deserialize, Serialize};

use crate::entitlements::Entitlement;
use crate::model::Model;
use crate::string_table::StringId;
use crate::users::Person;

/// All changes, in the order of their subjects and keys.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Changes {
    pub(crate) rows: Vec<Row>,
}

/// A change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// `user`, `entitlement` or `grant`.
    pub(crate) subject: Box<str>,
    /// `added`, `removed` or `changed`.
    pub(crate) kind: Box<str>,
    /// See [`RecordKind::key`].
    pub(crate) key: Vec<Box<str>>,
    /// Names for people, see [`RecordKind::names`].
    pub(crate) names: Vec<Option<Box<str>>>,
    /// The changed fields.
    pub(crate) fields: Vec<Field>,
}

/// The column, the old value, the new value.
type Field = (Box<str>, Option<Box<str>>, Option<Box<str>>);

/// Compares two syncs.
pub(crate) fn changes(
    old: &Model,
    new: &Model,
    removals: &RemovalPolicy,
    attributes: UserAttributes,
) -> Changes {
    let mut rows = Vec::new();
    let mut take = |change: RecordChange| {
        rows.push(Row::of(change));
        Ok(())
    };
    let Ok(()) = compare(
        RecordKind::User,
        &mut People::new(old, attributes),
        &mut People::new(new, attributes),
        removals,
        &mut take,
    );
    let (mut before, mut after) = (Access::of(old), Access::of(new));
    let Ok(()) = compare(
        RecordKind::Entitlement,
        &mut before,
        &mut after,
        removals,
        &mut take,
    );
    let Ok(()) = compare(
        RecordKind::Grant,
        &mut Grants::of(old),
        &mut Grants::of(new),
        removals,
        &mut take,
    );
    Changes { rows }
}

impl Row {
    fn of(change: RecordChange) -> Self {
        let fields = change
            .fields
            .into_iter()
            .filter(|_| change.kind == ChangeKind::Changed);
        Self {
            subject: change.subject.as_str().into(),
            kind: change.kind.as_str().into(),
            key: change.key,
            names: change.names,
            fields: fields.map(|field| (field.field, field.old, field.new)).collect(),
        }
    }
}

fn word(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}

/// A list in the order of its keys, one after the other.
struct Walk {
    order: Vec<u32>,
    /// One more than the index of the current record.
    next: usize,
}

impl Walk {
    fn by_key<T, K: Ord>(list: &[T], key: impl Fn(&T) -> K) -> Self {
        let mut numbered: Vec<(u32, &T)> = (0..).zip(list).collect();
        numbered.sort_by_cached_key(|(_, item)| key(item));
        Self {
            order: numbered.into_iter().map(|(index, _)| index).collect(),
            next: 0,
        }
    }

    fn advance(&mut self) -> bool {
        self.next += 1;
        self.next <= self.order.len()
    }

    fn index(&self) -> usize {
        self.order[self.next - 1] as usize
    }
}

struct People<'a> {
    model: &'a Model,
    walk: Walk,
    names: Vec<&'static str>,
    /// Where each of the names is in the model.
    fields: Vec<PersonField>,
}

/// Where a person has a field.
#[derive(Clone, Copy)]
enum PersonField {
    Own(fn(&Person) -> Option<&str>),
    OwnText(fn(&Person) -> Option<StringId>),
    OwnFlag(fn(&Person) -> Option<bool>),
    Text(usize),
    Flag(usize),
    /// A report of an earlier version does not have it.
    Missing,
}

impl PersonField {
    /// The field of a name, if reports have it.
    fn new(name: &str, attributes: UserAttributes, model: &Model) -> Option<Self> {
        Some(match name {
            "display_name" => Self::Own(|person| Some(&person.name)),
            "login" => Self::Own(|person| person.login.as_deref()),
            "email" => Self::Own(|person| person.email.as_deref()),
            "status" => Self::OwnText(|person| person.status),
            "status_detail" => Self::OwnText(|person| person.status_detail),
            "account_type" => Self::OwnText(|person| person.account_type),
            "mfa_enabled" => Self::OwnFlag(|person| person.mfa_enabled),
            "sso_enabled" => Self::OwnFlag(|person| person.sso_enabled),
            key => {
                attributes.get(key)?.report_label?;
                let text = model.attributes.text(key).map(Self::Text);
                let flag = || model.attributes.flag(key).map(Self::Flag);
                text.or_else(flag).unwrap_or(Self::Missing)
            }
        })
    }
}

impl<'a> People<'a> {
    fn new(model: &'a Model, attributes: UserAttributes) -> Self {
        let key = |person: &Person| {
            (
                model.words.text(person.resource_type).to_owned(),
                person.id.clone(),
            )
        };
        let names = RecordKind::User.fields(attributes).into_iter();
        let (names, fields) = names
            .filter_map(|name| Some((name, PersonField::new(name, attributes, model)?)))
            .unzip();
        Self {
            model,
            walk: Walk::by_key(&model.people, key),
            names,
            fields,
        }
    }

    fn person(&self) -> &Person {
        &self.model.people[self.walk.index()]
    }
}

impl Record for People<'_> {
    fn fields(&self) -> &[&'static str] {
        &self.names
    }

    fn key(&self, part: usize) -> &str {
        if part == 0 {
            self.resource_type()
        } else {
            &self.person().id
        }
    }

    fn field(&self, n: usize) -> Option<&str> {
        let person = self.person();
        let text = |string: Option<StringId>| string.map(|string| self.model.words.text(string));
        match self.fields[n] {
            PersonField::Own(field) => field(person),
            PersonField::OwnText(field) => text(field(person)),
            PersonField::OwnFlag(field) => field(person).map(word),
            PersonField::Text(index) => text(person.text(Some(index))),
            PersonField::Flag(index) => person.flag(Some(index)).map(word),
            PersonField::Missing => None,
        }
    }

    fn name(&self, n: usize) -> Option<&str> {
        if n == 0 {
            Some(&self.person().name)
        } else {
            self.person().login.as_deref()
        }
    }

    fn resource_type(&self) -> &str {
        self.model.words.text(self.person().resource_type)
    }
}

impl Records for People<'_> {
    type Error = Infallible;

    fn advance(&mut self) -> Result<bool, Infallible> {
        Ok(self.walk.advance())
    }
}

struct Access<'a> {
    fields: Vec<&'static str>,
    model: &'a Model,
    walk: Walk,
}

impl<'a> Access<'a> {
    fn of(model: &'a Model) -> Self {
        Self {
            fields: RecordKind::Entitlement.fields(UserAttributes::default()),
            model,
            walk: Walk::by_key(&model.entitlements, |entitlement| entitlement.id.clone()),
        }
    }

    fn entitlement(&self) -> &Entitlement {
        &self.model.entitlements[self.walk.index()]
    }
}

impl Record for Access<'_> {
    fn fields(&self) -> &[&'static str] {
        &self.fields
    }

    fn key(&self, _: usize) -> &str {
        &self.entitlement().id
    }

    fn field(&self, n: usize) -> Option<&str> {
        let entitlement = self.entitlement();
        match self.fields[n] {
            "resource_type_id" => Some(self.resource_type()),
            "resource_id" => Some(&entitlement.resource),
            "slug" => Some(&entitlement.slug),
            "display_name" => Some(&entitlement.name),
            "description" => entitlement.description.as_deref(),
            "purpose" => Some(&entitlement.purpose),
            "immutable" => Some(word(entitlement.immutable)),
            _ => None,
        }
    }

    fn name(&self, n: usize) -> Option<&str> {
        let entitlement = self.entitlement();
        Some(if n == 0 {
            &entitlement.name
        } else {
            &entitlement.resource_name
        })
    }

    fn resource_type(&self) -> &str {
        self.model.kind(self.entitlement()).map_or("", |kind| &kind.id)
    }
}

impl Records for Access<'_> {
    type Error = Infallible;

    fn advance(&mut self) -> Result<bool, Infallible> {
        Ok(self.walk.advance())
    }
}

/// Grants, one entitlement after the other, so that only its holders are sorted at a time.
struct Grants<'a> {
    fields: Vec<&'static str>,
    access: Access<'a>,
    /// Where each principal is in the order of keys.
    ranks: Vec<u32>,
    /// Sources as the JSON array that the dataset has.
    sources: Vec<String>,
    /// Rank, index and origin of the holders of the current entitlement, the next one last.
    holders: Vec<(u32, u32, u32)>,
    at: (u32, u32),
}

impl<'a> Grants<'a> {
    fn of(model: &'a Model) -> Self {
        let principals = model.people.len() + model.others.len();
        let indices: Vec<u32> = (0..).take(principals).collect();
        let order = Walk::by_key(&indices, |index| {
            principal(model, *index).map(|(kind, id, ..)| (kind, id))
        })
        .order;
        let mut ranks = vec![0; principals];
        for (index, rank) in order.into_iter().zip(0..) {
            ranks[index as usize] = rank;
        }
        let sources = model.origins.iter();
        Self {
            fields: RecordKind::Grant.fields(UserAttributes::default()),
            access: Access::of(model),
            ranks,
            sources: sources
                .map(|origin| serde_json::to_string(&origin.sources).unwrap_or_default())
                .collect(),
            holders: Vec::new(),
            at: (0, 0),
        }
    }

    fn principal(&self) -> (&str, &str, &str, Option<&str>) {
        principal(self.access.model, self.at.0).unwrap_or_default()
    }
}

impl Record for Grants<'_> {
    fn fields(&self) -> &[&'static str] {
        &self.fields
    }

    fn key(&self, part: usize) -> &str {
        let (kind, id, ..) = self.principal();
        [self.access.key(0), kind, id][part]
    }

    fn field(&self, n: usize) -> Option<&str> {
        let origin = self.at.1.checked_sub(1).map(|index| index as usize);
        Some(match self.fields[n] {
            "is_direct" => word(origin.is_none_or(|index| self.access.model.origins[index].direct)),
            _ => origin.map_or("[]", |index| &self.sources[index]),
        })
    }

    fn name(&self, n: usize) -> Option<&str> {
        let (_, _, name, login) = self.principal();
        match n {
            0 | 1 => self.access.name(n),
            2 => Some(name),
            _ => login,
        }
    }

    fn resource_type(&self) -> &str {
        self.access.resource_type()
    }
}

impl Records for Grants<'_> {
    type Error = Infallible;

    fn advance(&mut self) -> Result<bool, Infallible> {
        loop {
            if let Some((_, principal, origin)) = self.holders.pop() {
                self.at = (principal, origin);
                return Ok(true);
            }
            if !self.access.walk.advance() {
                return Ok(false);
            }
            let holders = self.access.model.holders[self.access.walk.index()].iter();
            let ranks = &self.ranks;
            self.holders = holders
                .map(|(index, origin)| (ranks[index as usize], index, origin))
                .collect();
            self.holders.sort_unstable_by(|a, b| b.cmp(a));
        }
    }
}

/// Type, id, name and login of the principal at an index.
fn principal(model: &Model, index: u32) -> Option<(&str, &str, &str, Option<&str>)> {
    let index = index as usize;
    if let Some(person) = model.people.get(index) {
        let kind = model.words.text(person.resource_type);
        return Some((kind, &person.id, &person.name, person.login.as_deref()));
    }
    let other = model.others.get(index - model.people.len())?;
    Some((&other.resource_type, &other.id, &other.name, None))
}
