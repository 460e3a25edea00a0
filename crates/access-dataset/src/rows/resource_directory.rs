//! The names of all resources, to which grants are resolved.

use std::hash::{BuildHasher, RandomState};

use access_core::model::{NativeId, Resource, ResourceTrait, ResourceTypeId};
use hashbrown::HashTable;

/// The number of a resource, in the order they came.
pub(super) type Ordinal = u32;

/// Ids, names and logins of all resources in one long text; about a hundred bytes each.
pub(super) struct ResourceDirectory {
    types: Vec<ResourceTypeId>,
    text: String,
    entries: Vec<Entry>,
    by_id: HashTable<Ordinal>,
    hasher: RandomState,
}

/// Where a resource's texts are: the id begins at `at`, the name and the login follow.
struct Entry {
    at: u64,
    id: u16,
    name: u16,
    login: Option<u32>,
    resource_type: u16,
    is_role: bool,
    is_user: bool,
}

/// A resource as others see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ListedResource<'a> {
    pub(super) resource_type: &'a str,
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) login: Option<&'a str>,
    pub(super) is_role: bool,
    pub(super) is_user: bool,
}

impl ResourceDirectory {
    pub(super) fn new() -> Self {
        Self {
            types: Vec::new(),
            text: String::new(),
            entries: Vec::new(),
            by_id: HashTable::new(),
            hasher: RandomState::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Adds a resource. `None` if there are more than can be numbered.
    pub(super) fn push(&mut self, row: &Resource) -> Option<Ordinal> {
        let ordinal = Ordinal::try_from(self.entries.len())
            .ok()
            .filter(|ordinal| *ordinal < Ordinal::MAX)?;
        let resource_type = self.number_of(&row.id.resource_type)?;
        let login = match &row.resource_trait {
            ResourceTrait::User(user) => user.login.as_deref(),
            _ => None,
        };
        let (id, name) = (row.id.id.as_str(), row.display_name.as_str());
        let entry = Entry {
            at: self.text.len() as u64,
            id: u16::try_from(id.len()).ok()?,
            name: u16::try_from(name.len()).ok()?,
            login: login.map(|login| u32::try_from(login.len())).transpose().ok()?,
            resource_type,
            is_role: matches!(row.resource_trait, ResourceTrait::Role),
            is_user: matches!(row.resource_trait, ResourceTrait::User(_)),
        };
        for part in [id, name, login.unwrap_or_default()] {
            self.text.push_str(part);
        }
        let hash = self.hasher.hash_one((resource_type, id));
        self.entries.push(entry);
        let (entries, text, hasher) = (&self.entries, &self.text, &self.hasher);
        self.by_id.insert_unique(hash, ordinal, |ordinal| {
            let entry = &entries[*ordinal as usize];
            hasher.hash_one((entry.resource_type, entry.id_in(text)))
        });
        Some(ordinal)
    }

    fn number_of(&mut self, resource_type: &ResourceTypeId) -> Option<u16> {
        let known = self.types.iter().position(|known| known == resource_type);
        let number = known.unwrap_or_else(|| {
            self.types.push(resource_type.clone());
            self.types.len() - 1
        });
        u16::try_from(number).ok()
    }

    /// Looks a resource up.
    pub(super) fn find(&self, resource_type: &ResourceTypeId, id: &NativeId) -> Option<Ordinal> {
        let number = self.types.iter().position(|known| known == resource_type)?;
        let number = u16::try_from(number).ok()?;
        let hash = self.hasher.hash_one((number, id.as_str()));
        self.by_id
            .find(hash, |ordinal| {
                let entry = &self.entries[*ordinal as usize];
                entry.resource_type == number && entry.id_in(&self.text) == id.as_str()
            })
            .copied()
    }

    /// The resource of a number that this directory gave.
    pub(super) fn get(&self, ordinal: Ordinal) -> ListedResource<'_> {
        let entry = &self.entries[ordinal as usize];
        let name = entry.begin() + usize::from(entry.id);
        let login = name + usize::from(entry.name);
        ListedResource {
            resource_type: self.types[usize::from(entry.resource_type)].as_str(),
            id: entry.id_in(&self.text),
            name: &self.text[name..login],
            login: entry
                .login
                .map(|length| &self.text[login..login + length as usize]),
            is_role: entry.is_role,
            is_user: entry.is_user,
        }
    }

    /// All resources, sorted by type and id.
    pub(super) fn sorted(&self) -> Vec<Ordinal> {
        let mut order: Vec<Ordinal> = (0..).take(self.entries.len()).collect();
        order.sort_unstable_by_key(|ordinal| {
            let listed = self.get(*ordinal);
            (listed.resource_type, listed.id)
        });
        order
    }

    /// The rank of every resource in that order.
    pub(super) fn ranks(&self) -> Vec<Ordinal> {
        let mut ranks = vec![0; self.entries.len()];
        for (rank, ordinal) in (0..).zip(self.sorted()) {
            ranks[ordinal as usize] = rank;
        }
        ranks
    }
}

impl Entry {
    /// Texts of more bytes than memory has addresses were never there.
    fn begin(&self) -> usize {
        usize::try_from(self.at).unwrap_or(usize::MAX)
    }

    fn id_in<'a>(&self, text: &'a str) -> &'a str {
        &text[self.begin()..self.begin() + usize::from(self.id)]
    }
}

#[cfg(test)]
mod tests {
    use access_core::model::{DisplayName, Profile, ResourceId, UserTrait};

    use super::*;

    fn resource(resource_type: &'static str, id: &str, kind: ResourceTrait) -> Resource {
        Resource {
            id: ResourceId::new(
                ResourceTypeId::from_static(resource_type),
                NativeId::new(id).unwrap(),
            ),
            parent: None,
            display_name: DisplayName::new(&format!("{resource_type} {id}")),
            description: None,
            profile: Profile::new(),
            status: None,
            resource_trait: kind,
        }
    }

    #[test]
    fn resources_are_found_and_sorted_as_text() {
        let mut directory = ResourceDirectory::new();
        for n in 0..500_u32 {
            let user = UserTrait {
                login: (n % 2 == 0).then(|| format!("ü{n}@example.com").into()),
                ..UserTrait::default()
            };
            directory
                .push(&resource(
                    "user",
                    &n.to_string(),
                    ResourceTrait::User(Box::new(user)),
                ))
                .unwrap();
            directory
                .push(&resource("role", &n.to_string(), ResourceTrait::Role))
                .unwrap();
        }
        let id = |text: &str| NativeId::new(text).unwrap();
        let found = directory
            .find(&ResourceTypeId::from_static("user"), &id("42"))
            .unwrap();
        let listed = directory.get(found);
        assert_eq!(
            (listed.id, listed.name, listed.login),
            ("42", "user 42", Some("ü42@example.com"))
        );
        assert!(listed.is_user && !listed.is_role);
        assert_eq!(
            directory.find(&ResourceTypeId::from_static("user"), &id("500")),
            None
        );
        assert_eq!(
            directory.find(&ResourceTypeId::from_static("group"), &id("1")),
            None
        );
        let keys: Vec<(&str, &str)> = directory
            .sorted()
            .into_iter()
            .map(|ordinal| (directory.get(ordinal).resource_type, directory.get(ordinal).id))
            .collect();
        assert!(keys.is_sorted() && keys.len() == 1000);
    }
}
