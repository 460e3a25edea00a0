use sim_kit::mix;

use super::names::{FIRST_NAMES, LAST_NAMES, Name};
use crate::user_kind::UserKind;

/// Everything about one generated person, computed from the index: nothing is stored per person.
#[derive(Clone, Copy)]
pub(super) struct Person {
    pub(super) id: u32,
    pub(super) kind: UserKind,
    /// Number of the organization, counted from 1; 0 for technicians and in a tenant without organizations.
    pub(super) organization: u32,
    bits: u64,
}

impl Person {
    /// The technician or end user at a position; technicians come first and ids follow positions.
    #[inline]
    pub(super) const fn new(seed: u64, technicians: u32, organizations: u32, position: u32) -> Self {
        let bits = mix(seed, position as u64);
        let kind = if position < technicians {
            UserKind::Technician
        } else {
            UserKind::EndUser
        };
        let organization = match kind {
            UserKind::EndUser if organizations > 0 => 1 + ((bits >> 32) as u32) % organizations,
            _ => 0,
        };
        Self {
            id: position + 1,
            kind,
            organization,
            bits,
        }
    }

    #[inline]
    pub(super) const fn first_name(&self) -> Name {
        FIRST_NAMES[(self.bits & 63) as usize]
    }

    #[inline]
    pub(super) const fn last_name(&self) -> Name {
        LAST_NAMES[(self.bits >> 6 & 63) as usize]
    }

    /// One in twenty is disabled, never the first technician.
    #[inline]
    pub(super) const fn enabled(&self) -> bool {
        self.id == 1 || !(self.bits >> 12 & 255).is_multiple_of(20)
    }

    /// Four in a hundred have not answered their invitation, one in a hundred let it expire.
    #[inline]
    pub(super) const fn invitation_status(&self) -> &'static str {
        match (self.bits >> 20 & 0xffff) % 100 {
            _ if self.id == 1 => "REGISTERED",
            0..4 => "PENDING",
            4 => "EXPIRED",
            _ => "REGISTERED",
        }
    }

    #[inline]
    pub(super) const fn mfa_configured(&self) -> bool {
        let percent = match self.kind {
            UserKind::Technician => 85,
            UserKind::EndUser => 35,
        };
        (self.bits >> 36 & 0xff) % 100 < percent
    }

    #[inline]
    pub(super) const fn scim_user(&self) -> bool {
        (self.bits >> 44).is_multiple_of(4)
    }

    #[inline]
    pub(super) const fn auth_type(&self) -> &'static str {
        if self.scim_user() || (self.bits >> 46).is_multiple_of(8) {
            "SSO"
        } else {
            "NATIVE"
        }
    }

    /// The first technician and two in a hundred others.
    #[inline]
    pub(super) const fn administrator(&self) -> bool {
        matches!(self.kind, UserKind::Technician)
            && (self.id == 1 || (self.bits >> 49 & 0xff).is_multiple_of(50))
    }

    #[inline]
    pub(super) const fn permit_all_clients(&self) -> bool {
        matches!(self.kind, UserKind::Technician)
            && (self.administrator() || (self.bits >> 57).is_multiple_of(8))
    }

    #[inline]
    pub(super) const fn full_portal_access(&self) -> bool {
        matches!(self.kind, UserKind::EndUser) && (self.bits >> 57).is_multiple_of(16)
    }

    /// How a role was assigned to this person.
    #[inline]
    pub(super) const fn role_source(&self) -> &'static str {
        if self.scim_user() { "SCIM" } else { "MANUAL" }
    }

    /// Hexadecimal digits for the last two groups of the `uid`.
    #[inline]
    pub(super) const fn uid_bits(&self) -> u64 {
        mix(self.bits, 7)
    }
}
