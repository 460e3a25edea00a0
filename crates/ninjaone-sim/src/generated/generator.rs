use super::membership::{RolePlan, plan_roles};
use super::person::Person;
use super::size::GeneratedSize;
use crate::error::SimError;
use crate::expected::Expected;
use crate::user_kind::UserKind;

/// A tenant computed on the fly.
#[derive(Debug)]
pub(crate) struct Generated {
    pub(super) size: GeneratedSize,
    pub(super) roles: Vec<RolePlan>,
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
    pub(super) const fn person(&self, position: u32) -> Person {
        Person::new(
            self.size.seed,
            self.size.technicians,
            self.size.organizations,
            position,
        )
    }

    pub(super) const fn users(&self) -> u32 {
        self.size.technicians + self.size.end_users
    }

    /// The person for a member number of a role.
    #[inline]
    pub(super) const fn member(&self, kind: UserKind, member: u32) -> Person {
        match kind {
            UserKind::Technician => self.person(member),
            UserKind::EndUser => self.person(self.size.technicians + member),
        }
    }

    /// The counts of a complete and correct read.
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
