//! The users, roles and other objects of a simulated tenant.

mod count;
mod fixture;
mod store;
mod views;

use std::path::Path;
use std::sync::{Arc, Mutex};

pub(crate) use store::{Row, Store, StoredUser, row_id};
pub(crate) use views::Shape;

use crate::error::SimError;
use crate::expected::Expected;
use crate::generated::{Generated, GeneratedSize};

/// Generated tenants up to this size are stored in memory and can be written to.
const MAX_STORED_USERS: u64 = 2_000;
const MAX_STORED_GRANTS: u64 = 20_000;

/// A tenant before it is served. Cloning is cheap; every [`Sim`](crate::Sim) works on its own copy of a stored one.
#[derive(Debug, Clone)]
pub struct Tenant(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Stored(Arc<Store>),
    Generated(Arc<Generated>),
}

impl Tenant {
    /// A fixture built into the library. There is one: `msp`, a believable service provider with 12 technicians and 45
    /// end users that contains every special case of docs/reference/ninjaone-api.md §11.5.
    ///
    /// # Errors
    /// [`SimError::UnknownFixture`] for another name.
    pub fn fixture(name: &str) -> Result<Self, SimError> {
        fixture::embedded(name).map(|store| Self(Kind::Stored(Arc::new(store))))
    }

    /// A fixture from a folder with `tenant.json` and one JSON array per collection (`technicians.json`,
    /// `end-users.json`, `roles.json`, `organizations.json`, `locations.json`, `devices.json`, `contacts.json`,
    /// `device-groups.json`, `device-roles.json`, `activities.json`); absent files are empty collections.
    ///
    /// # Errors
    /// [`SimError::FixtureFile`] or [`SimError::FixtureContent`], naming the file.
    pub fn folder(path: &Path) -> Result<Self, SimError> {
        fixture::from_folder(path).map(|store| Self(Kind::Stored(Arc::new(store))))
    }

    /// A tenant computed from a seed. Up to 2,000 users and 20,000 grants it is stored in memory and accepts writes; larger
    /// ones stream with flat memory and answer writes with 501.
    ///
    /// # Errors
    /// [`SimError::TooManyGrants`] when the users cannot hold that many distinct memberships.
    pub fn generated(size: GeneratedSize) -> Result<Self, SimError> {
        let generated = Arc::new(Generated::new(size)?);
        let size = generated.size();
        let users = u64::from(size.technicians) + u64::from(size.end_users);
        if users <= MAX_STORED_USERS && size.grants <= MAX_STORED_GRANTS {
            Ok(Self(Kind::Stored(Arc::new(fixture::materialize(&generated)?))))
        } else {
            Ok(Self(Kind::Generated(generated)))
        }
    }

    /// The counts of a complete and correct read of this tenant.
    #[must_use]
    pub fn expected(&self) -> Expected {
        match &self.0 {
            Kind::Stored(store) => store.expected(),
            Kind::Generated(generated) => generated.expected(),
        }
    }

    /// The NinjaOne version the tenant claims in `/app-version.txt`.
    #[must_use]
    pub fn with_version(self, version: &str) -> Self {
        self.edited(|store| version.clone_into(&mut store.version))
    }

    /// Makes every user of a stored tenant a SCIM user that signs in through SSO.
    #[must_use]
    pub fn scim_managed(self) -> Self {
        self.edited(Store::make_scim_managed)
    }

    fn edited(self, edit: impl FnOnce(&mut Store)) -> Self {
        match self.0 {
            Kind::Stored(mut store) => {
                edit(Arc::make_mut(&mut store));
                Self(Kind::Stored(store))
            }
            Kind::Generated(_) => self,
        }
    }

    pub(crate) fn population(&self) -> Population {
        match &self.0 {
            Kind::Stored(store) => Population::Stored(Box::new(Mutex::new(Store::clone(store)))),
            Kind::Generated(generated) => Population::Generated(Arc::clone(generated)),
        }
    }
}

/// A tenant while it is served.
#[derive(Debug)]
pub(crate) enum Population {
    Stored(Box<Mutex<Store>>),
    Generated(Arc<Generated>),
}
