//! A sync as the report has it: completely in memory, in an order that depends on the sync only.

use std::collections::{BTreeMap, HashMap};

use access_core::model::{Baseline, ResourceTypeId, TraitKind};

use crate::entitlements::Entitlement;
use crate::entitlements::Holders;
use crate::entitlements::ListedType;
use crate::entitlements::Origin;
use crate::entitlements::OtherPrincipal;
use crate::string_table::StringId;
use crate::string_table::StringTable;
use crate::users::{AttributeKeys, Person};

/// A sync.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) kinds: Vec<ListedType>,
    pub(crate) words: StringTable,
    /// The attributes of people.
    pub(crate) attributes: AttributeKeys,
    /// By name, then by id.
    pub(crate) people: Vec<Person>,
    pub(crate) others: Vec<OtherPrincipal>,
    /// By resource type, then by the name of the resource, then by id.
    pub(crate) entitlements: Vec<Entitlement>,
    pub(crate) origins: Vec<Origin>,
    /// In the order of the entitlements.
    pub(crate) holders: Vec<Holders>,
    /// Start times of the syncs whose reports were the first to show some of the grants; the first is that of the first report of the
    /// chain. Empty in reports of version 1.
    pub(crate) times: Vec<Box<str>>,
}

impl Model {
    /// The number of grants.
    pub(crate) fn grants(&self) -> u64 {
        self.holders
            .iter()
            .map(|holders| holders.principals.len() as u64)
            .sum()
    }

    /// The number of rows as every sink counts them.
    pub(crate) fn rows(&self) -> u64 {
        let resources: u64 = self.kinds.iter().map(|kind| kind.resources).sum();
        (self.kinds.len() + self.entitlements.len()) as u64 + resources + self.grants()
    }

    /// Its size, for the comparison with the next sync.
    pub(crate) fn baseline(&self) -> Baseline {
        let id = |kind: &ListedType| ResourceTypeId::new(&kind.id).ok();
        let resources = self
            .kinds
            .iter()
            .filter_map(|kind| Some((id(kind)?, kind.resources)));
        let mut grants = BTreeMap::new();
        for (entitlement, holders) in self.entitlements.iter().zip(&self.holders) {
            if let Some(kind) = self.kind(entitlement).and_then(id) {
                *grants.entry(kind).or_default() += holders.principals.len() as u64;
            }
        }
        Baseline {
            sync_id: None,
            resources: resources.filter(|(_, count)| *count > 0).collect(),
            grants,
        }
    }

    /// Dates every grant by the first report that shows it: a grant of the previous report keeps its date, the others are new with this
    /// sync. Without a previous report, all are of this one.
    pub(crate) fn date_grants(&mut self, started_at: &str, before: Option<(&Self, &str)>) {
        self.times = vec![started_at.into()];
        let Some((old, old_started_at)) = before else {
            return;
        };
        self.times.clone_from(&old.times);
        if self.times.is_empty() {
            self.times.push(old_started_at.into());
        }
        let known = self.times.iter().position(|time| **time == *started_at);
        let new = known.unwrap_or_else(|| {
            self.times.push(started_at.into());
            self.times.len() - 1
        });
        let new = u32::try_from(new).unwrap_or(u32::MAX);
        let indices: HashMap<&str, &Holders> = old
            .entitlements
            .iter()
            .zip(&old.holders)
            .map(|(entitlement, holders)| (&*entitlement.id, holders))
            .collect();
        let mut dated = Vec::with_capacity(self.holders.len());
        for (entitlement, holders) in self.entitlements.iter().zip(&self.holders) {
            let mut before: HashMap<(&str, &str), u32> = HashMap::new();
            if let Some(holders) = indices.get(&*entitlement.id) {
                for (n, index) in holders.principals.iter().enumerate() {
                    if let Some(principal) = old.principal(*index) {
                        before.insert(principal, holders.since(n));
                    }
                }
            }
            let since: Vec<u32> = holders
                .principals
                .iter()
                .map(|index| {
                    let known = self
                        .principal(*index)
                        .and_then(|principal| before.get(&principal));
                    known.copied().unwrap_or(new)
                })
                .collect();
            dated.push(since);
        }
        for (holders, since) in self.holders.iter_mut().zip(dated) {
            holders.since = if since.iter().any(|index| *index > 0) {
                since
            } else {
                Vec::new()
            };
        }
    }

    pub(crate) fn kind(&self, entitlement: &Entitlement) -> Option<&ListedType> {
        self.kinds.get(entitlement.kind as usize)
    }

    /// Type and id of the principal at an index.
    pub(crate) fn principal(&self, index: u32) -> Option<(&str, &str)> {
        let index = index as usize;
        if let Some(person) = self.people.get(index) {
            return Some((self.words.text(person.resource_type), &person.id));
        }
        let other = self.others.get(index - self.people.len())?;
        Some((&other.resource_type, &other.id))
    }

    /// Whether an entitlement is on a resource of this trait.
    pub(crate) fn is_on(&self, entitlement: &Entitlement, kind: TraitKind) -> bool {
        self.kind(entitlement).is_some_and(|found| found.is(kind))
    }

    /// The number of each person's grants on resources of a trait.
    pub(crate) fn grants_by_person(&self, kind: TraitKind) -> Vec<u32> {
        let mut held = vec![0; self.people.len()];
        for (entitlement, holders) in self.entitlements.iter().zip(&self.holders) {
            if self.is_on(entitlement, kind) {
                for principal in &holders.principals {
                    if let Some(held) = held.get_mut(*principal as usize) {
                        *held += 1;
                    }
                }
            }
        }
        held
    }

    /// Sorts everything into the order of the report, whatever its order of arrival.
    pub(crate) fn sort(&mut self) {
        self.sort_strings();
        self.sort_origins();
        let principals = self.sort_principals();
        let kinds = sorted(&mut self.kinds, |a, b| a.id.cmp(&b.id));
        for entitlement in &mut self.entitlements {
            entitlement.kind = kinds[entitlement.kind as usize];
        }
        for holders in &mut self.holders {
            let mut rows: Vec<(u32, u32, u32)> = holders
                .iter()
                .enumerate()
                .map(|(n, (principal, origin))| (principals[principal as usize], origin, holders.since(n)))
                .collect();
            rows.sort_unstable();
            let mut ordered = Holders::default();
            for (principal, origin, _) in &rows {
                ordered.push(*principal, *origin);
            }
            if !holders.since.is_empty() {
                ordered.since = rows.into_iter().map(|(.., since)| since).collect();
            }
            *holders = ordered;
        }
        let mut access: Vec<_> = std::mem::take(&mut self.entitlements)
            .into_iter()
            .zip(std::mem::take(&mut self.holders))
            .collect();
        access.sort_by(|(a, _), (b, _)| {
            (a.kind, &a.resource_name, &a.id).cmp(&(b.kind, &b.resource_name, &b.id))
        });
        (self.entitlements, self.holders) = access.into_iter().unzip();
    }

    fn sort_strings(&mut self) {
        let mut texts: Vec<(&str, StringId)> = self.words.iter().zip(0..).collect();
        texts.sort_unstable();
        let mut indices = vec![0; texts.len()];
        let mut words = StringTable::default();
        for (text, old) in texts {
            indices[old as usize] = words.intern(text);
        }
        for person in &mut self.people {
            for string in person.strings_mut() {
                *string = indices.get(*string as usize).copied().unwrap_or_default();
            }
        }
        self.words = words;
    }

    fn sort_origins(&mut self) {
        let indices = sorted(&mut self.origins, Ord::cmp);
        for origin in self.holders.iter_mut().flat_map(|holders| &mut holders.origins) {
            if *origin > 0 {
                *origin = indices[*origin as usize - 1] + 1;
            }
        }
    }

    /// New indices of people and, after them, of other principals.
    fn sort_principals(&mut self) -> Vec<u32> {
        let words = &self.words;
        let mut indices = sorted_by_key(&mut self.people, |person| {
            (
                person.name.to_lowercase(),
                person.name.clone(),
                words.text(person.resource_type).to_owned(),
                person.id.clone(),
            )
        });
        let people = u32::try_from(self.people.len()).unwrap_or(u32::MAX);
        let others = sorted(&mut self.others, Ord::cmp);
        indices.extend(others.into_iter().map(|index| index + people));
        indices
    }
}

/// Sorts a list, and gives the new index of the item at each old one.
fn sorted<T>(list: &mut Vec<T>, compare: impl Fn(&T, &T) -> std::cmp::Ordering) -> Vec<u32> {
    let mut numbered: Vec<(u32, T)> = (0..).zip(std::mem::take(list)).collect();
    numbered.sort_by(|(_, a), (_, b)| compare(a, b));
    collect_in_order(list, numbered)
}

fn sorted_by_key<T, K: Ord>(list: &mut Vec<T>, key: impl Fn(&T) -> K) -> Vec<u32> {
    let mut numbered: Vec<(u32, T)> = (0..).zip(std::mem::take(list)).collect();
    numbered.sort_by_cached_key(|(_, item)| key(item));
    collect_in_order(list, numbered)
}

fn collect_in_order<T>(list: &mut Vec<T>, numbered: Vec<(u32, T)>) -> Vec<u32> {
    let mut indices = vec![0; numbered.len()];
    for ((old, item), new) in numbered.into_iter().zip(0..) {
        indices[old as usize] = new;
        list.push(item);
    }
    indices
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A model with grants of roles to people, both by number.
    pub(crate) fn holding(grants: &[(&str, &[u32])], people: u32) -> Model {
        let mut model = Model {
            kinds: vec![ListedType {
                id: "role".into(),
                name: "Role".into(),
                trait_kind: "role".into(),
                complete: true,
                incomplete_reason: None,
                resources: 0,
            }],
            ..Model::default()
        };
        let user = model.words.intern("user");
        for n in 0..people {
            model.people.push(Person {
                id: n.to_string().into(),
                name: format!("Person {n}").into(),
                resource_type: user,
                ..Person::default()
            });
        }
        for (role, holders) in grants {
            model.entitlements.push(Entitlement {
                id: (*role).into(),
                kind: 0,
                resource: (*role).into(),
                resource_name: (*role).into(),
                resource_description: Some(format!("For {role}").into()),
                slug: "assigned".into(),
                name: (*role).into(),
                description: None,
                purpose: "assignment".into(),
                immutable: false,
            });
            let mut held = Holders::default();
            for index in *holders {
                held.push(*index, 0);
            }
            model.holders.push(held);
        }
        model
    }

    fn dates(model: &Model) -> Vec<(&str, u32, &str)> {
        let pairs = model.entitlements.iter().zip(&model.holders);
        pairs
            .flat_map(|(entitlement, holders)| {
                let indices = holders.principals.iter().enumerate();
                indices.map(|(n, index)| (&*entitlement.id, *index, &*model.times[holders.since(n) as usize]))
            })
            .collect()
    }

    #[test]
    fn a_grant_keeps_the_date_of_the_first_report_that_shows_it() {
        let mut first = holding(&[("a", &[0, 1])], 3);
        first.date_grants("January", None);
        let mut second = holding(&[("a", &[1, 2]), ("b", &[0])], 3);
        second.date_grants("February", Some((&first, "January")));
        assert_eq!(
            dates(&second),
            [("a", 1, "January"), ("a", 2, "February"), ("b", 0, "February")]
        );
        let mut third = holding(&[("a", &[0, 1, 2]), ("b", &[0])], 3);
        third.date_grants("March", Some((&second, "February")));
        assert_eq!(
            dates(&third),
            [
                ("a", 0, "March"),
                ("a", 1, "January"),
                ("a", 2, "February"),
                ("b", 0, "February")
            ]
        );
        // The same sync again, compared with itself.
        let mut again = holding(&[("a", &[0, 1, 2]), ("b", &[0])], 3);
        again.date_grants("March", Some((&third, "March")));
        assert_eq!(dates(&again), dates(&third));
        assert_eq!(again.times, third.times);
    }

    #[test]
    fn a_report_without_dates_is_the_first_of_its_chain() {
        let old = holding(&[("a", &[0])], 2);
        let mut new = holding(&[("a", &[0, 1])], 2);
        new.date_grants("February", Some((&old, "January")));
        assert_eq!(dates(&new), [("a", 0, "January"), ("a", 1, "February")]);
    }
}
