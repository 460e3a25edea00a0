//! Who some users of a tenant are, to tell two tenants at one address apart.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// The users with the lowest ids, as hashes of their e-mail addresses or logins. Not secret: the users are
/// beside the sample.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserSample(BTreeMap<u64, u64>);

impl UserSample {
    /// Maximum number of users in a sample.
    pub const MAX_USERS: usize = 32;

    /// Whether it has no users.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Number of users.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether a user with this id would become part of the sample.
    #[must_use]
    pub fn accepts(&self, id: u64) -> bool {
        self.0.len() < Self::MAX_USERS || self.0.last_key_value().is_some_and(|(last, _)| id < *last)
    }

    /// Adds a user by e-mail address or login, ignoring case and surrounding spaces.
    pub fn add(&mut self, id: u64, identity: &str) {
        self.insert(id, hash(&identity.trim().to_lowercase()));
    }

    /// Reads a recorded sample: ids and hexadecimal hashes. Other entries are ignored.
    pub fn from_entries<'a>(entries: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut sample = Self::default();
        for (id, hash) in entries {
            if let (Ok(id), Ok(hash)) = (id.parse(), u64::from_str_radix(hash, 16)) {
                sample.insert(id, hash);
            }
        }
        sample
    }

    /// The ids and hexadecimal hashes, for [`from_entries`](Self::from_entries).
    pub fn entries(&self) -> impl Iterator<Item = (String, String)> {
        let entries = self.0.iter();
        entries.map(|(id, hash)| (id.to_string(), format!("{hash:016x}")))
    }

    /// The users that both samples have with the same hash.
    #[must_use]
    pub fn common(&self, other: &Self) -> usize {
        let same = |(id, hash): &(&u64, &u64)| other.0.get(id) == Some(hash);
        self.0.iter().filter(same).count()
    }

    fn insert(&mut self, id: u64, hash: u64) {
        self.0.insert(id, hash);
        if self.0.len() > Self::MAX_USERS {
            self.0.pop_last();
        }
    }
}

impl Serialize for UserSample {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.entries())
    }
}

/// FNV-1a: the same in every version of the program.
fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_with_the_lowest_ids_are_kept() {
        let mut sample = UserSample::default();
        for id in (1..=100).rev() {
            assert!(sample.accepts(id));
            sample.add(id, &format!("user{id}@example.com"));
        }
        assert_eq!(sample.len(), UserSample::MAX_USERS);
        assert!(!sample.accepts(33) && sample.accepts(7));
        let json = serde_json::to_value(&sample).unwrap();
        let entries = json.as_object().unwrap();
        assert!(entries.contains_key("1") && !entries.contains_key("33"));
        let read = entries
            .iter()
            .map(|(id, hash)| (id.as_str(), hash.as_str().unwrap()));
        assert_eq!(UserSample::from_entries(read), sample);
        assert!(UserSample::from_entries([("x", "1"), ("1", "x")]).is_empty());
    }

    #[test]
    fn addresses_are_compared_without_case_and_spaces() {
        let sample = |users: &[(u64, &str)]| {
            let mut sample = UserSample::default();
            for (id, email) in users {
                sample.add(*id, email);
            }
            sample
        };
        let one = sample(&[(1, "ada@example.com"), (2, "bo@example.com"), (4, "x")]);
        let other = sample(&[(1, " Ada@Example.com"), (2, "eve@example.com"), (3, "x")]);
        assert_eq!((one.common(&other), other.common(&one)), (1, 1));
        // A recorded hash is the same in every version.
        assert_eq!(
            serde_json::to_string(&sample(&[(7, "a")])).unwrap(),
            r#"{"7":"af63dc4c8601ec8c"}"#
        );
    }
}
