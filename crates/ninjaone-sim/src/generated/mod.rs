//! A tenant of any size, computed from a seed: every row follows from its position, so that five million role members
//! stream without ever being held.

mod directory;
mod json;
mod membership;
mod names;
mod person;
mod person_json;
mod rows;

use std::sync::Arc;

use membership::{RolePlan, plan_roles};
use person::Person;
pub(crate) use rows::{Listing, Rows};

use crate::error::SimError;
use crate::tenant::{Expected, UserKind};

/// The size of a generated tenant. The same values always give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedSize {
    /// Seed of everything that looks random.
    pub seed: u64,
    /// Technicians; their ids are 1 to this number.
    pub technicians: u32,
    /// End users; their ids follow those of the technicians.
    pub end_users: u32,
    /// User roles, about a fifth of them for technicians; ids from 1.
    pub roles: u32,
    /// Members of all roles together.
    pub grants: u64,
    /// Organizations; ids from 1. Every end user belongs to one.
    pub organizations: u32,
    /// Devices, spread over the organizations; ids from 1.
    pub devices: u32,
    /// One end-user role has every end user as a member (as far as `grants` suffices).
    pub role_of_everyone: bool,
}

impl Default for GeneratedSize {
    fn default() -> Self {
        Self {
            seed: 1,
            technicians: 5,
            end_users: 20,
            roles: 4,
            grants: 30,
            organizations: 3,
            devices: 0,
            role_of_everyone: false,
        }
    }
}

/// A tenant computed on the fly.
#[derive(Debug)]
pub(crate) struct Generated {
    size: GeneratedSize,
    roles: Vec<RolePlan>,
}

impl Generated {
    pub(crate) fn new(size: GeneratedSize) -> Result<Self, SimError> {
        let roles = plan_roles(
            size.seed,
            (size.technicians, size.end_users),
            size.roles,
            size.grants,
            size.role_of_everyone,
        )?;
        Ok(Self { size, roles })
    }

    pub(crate) const fn size(&self) -> &GeneratedSize {
        &self.size
    }

    #[inline]
    const fn person(&self, position: u32) -> Person {
        Person::new(
            self.size.seed,
            self.size.technicians,
            self.size.organizations,
            position,
        )
    }

    const fn users(&self) -> u32 {
        self.size.technicians + self.size.end_users
    }

    /// The person a role's member number stands for.
    #[inline]
    const fn member(&self, kind: UserKind, member: u32) -> Person {
        match kind {
            UserKind::Technician => self.person(member),
            UserKind::EndUser => self.person(self.size.technicians + member),
        }
    }

    pub(crate) fn rows(self: &Arc<Self>, listing: Listing) -> Rows {
        Rows::new(Arc::clone(self), listing)
    }

    /// What a complete and correct read finds.
    pub(crate) fn expected(&self) -> Expected {
        let mut expected = Expected {
            technicians: u64::from(self.size.technicians),
            end_users: u64::from(self.size.end_users),
            users: u64::from(self.users()),
            roles: u64::from(self.size.roles),
            role_members: self.size.grants,
            organizations: u64::from(self.size.organizations),
            devices: u64::from(self.size.devices),
            ..Expected::default()
        };
        for person in (0..self.users()).map(|position| self.person(position)) {
            expected.disabled += u64::from(!person.enabled());
            expected.pending += u64::from(person.invitation_status() == "PENDING");
            expected.expired += u64::from(person.invitation_status() == "EXPIRED");
            expected.administrators += u64::from(person.administrator());
            expected.permit_all_clients += u64::from(person.permit_all_clients());
            expected.full_portal_access += u64::from(person.full_portal_access());
            expected.organization_members += u64::from(person.organization > 0);
        }
        expected
    }
}
