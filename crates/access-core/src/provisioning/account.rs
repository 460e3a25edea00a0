//! Accounts as provisioning sees them.

use std::fmt;

use serde::Serialize;

use super::{Attributes, Certainty, EmailAddress, Fact, NamePart};
use crate::model::{ProfileValue, Resource, ResourceId};

/// The two kinds of accounts. They share one space of ids, and a role is for one kind (docs/reference/ninjaone-api.md §3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// Works in the console.
    Technician,
    /// A customer's person, in the portal.
    EndUser,
}

impl AccountKind {
    /// Reads the tenant's word, `TECHNICIAN` or `END_USER`, in any case and with `-`, `_`, a blank or nothing between.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        let letters: String = word.chars().filter(char::is_ascii_alphabetic).collect();
        match letters.to_ascii_lowercase().as_str() {
            "technician" => Some(Self::Technician),
            "enduser" => Some(Self::EndUser),
            _ => None,
        }
    }

    /// The word for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Technician => "technician",
            Self::EndUser => "end user",
        }
    }
}

impl AccountKind {
    /// The word with its article.
    #[must_use]
    pub const fn with_article(self) -> &'static str {
        match self {
            Self::Technician => "a technician",
            Self::EndUser => "an end user",
        }
    }
}

impl fmt::Display for AccountKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An account that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account, as a sync emits it.
    pub resource: Resource,
    /// Its kind: that of the list it is in, not of what it says about itself.
    pub kind: AccountKind,
    /// Whether it has full rights. End users have not, and their sources need not say so.
    pub administrator: Fact,
    /// Whether an identity provider manages it and may undo changes.
    pub managed_elsewhere: Fact,
}

impl Account {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &ResourceId {
        &self.resource.id
    }

    /// Name and id for people.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} ({})", self.resource.display_name, self.resource.id)
    }

    /// Whether the account has this address, whatever the case and the blanks around it.
    #[must_use]
    pub fn has_email(&self, email: &EmailAddress) -> bool {
        self.email().is_some_and(|own| email.is(own))
    }

    /// Its address, if it is said.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        match self.resource.profile.get("email") {
            Some(ProfileValue::Text(own)) => Some(own),
            _ => None,
        }
    }

    /// What an audit wants to know of it.
    #[must_use]
    pub fn facts(&self) -> Attributes {
        let wanted = [
            "first_name",
            "last_name",
            "email",
            "organization_id",
            "full_portal_access",
            "administrator",
        ];
        let known = wanted.iter().filter_map(|key| {
            let value = self.resource.profile.get(key)?;
            Some(((*key).to_owned(), value.into()))
        });
        let mut facts: Attributes = known.collect();
        facts.insert("kind".to_owned(), self.kind.as_str().into());
        facts
    }
}

/// What every new account has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Given name.
    pub given_name: NamePart,
    /// Family name.
    pub family_name: NamePart,
    /// The address, which is also the name to sign in with.
    pub email: EmailAddress,
    /// Telephone number.
    pub phone: Option<Box<str>>,
}

/// An account to be made. It has no password: the person is invited (docs/reference/ninjaone-api.md §7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewAccount {
    /// A technician; without a role it may do nothing.
    Technician(Person),
    /// An end user.
    EndUser {
        /// Who.
        person: Person,
        /// The organization the person belongs to; without one the tenant decides.
        organization: Option<Box<Resource>>,
        /// Full access to the portal; `None` leaves it to the tenant.
        full_portal_access: Option<bool>,
        /// Whether the tenant sends an invitation now.
        send_invitation: bool,
    },
}

impl NewAccount {
    /// Who.
    #[must_use]
    pub fn person(&self) -> &Person {
        match self {
            Self::Technician(person) | Self::EndUser { person, .. } => person,
        }
    }

    /// Which kind.
    #[must_use]
    pub fn kind(&self) -> AccountKind {
        match self {
            Self::Technician(_) => AccountKind::Technician,
            Self::EndUser { .. } => AccountKind::EndUser,
        }
    }

    /// Name and address for people.
    #[must_use]
    pub fn label(&self) -> String {
        let Person {
            given_name,
            family_name,
            email,
            ..
        } = self.person();
        format!("the {} {given_name} {family_name} <{email}>", self.kind())
    }
}

/// What is to be changed of an account; `None` leaves it as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountChanges {
    /// Given name.
    pub given_name: Option<NamePart>,
    /// Family name.
    pub family_name: Option<NamePart>,
    /// Organization; end users only.
    pub organization: Option<Box<Resource>>,
    /// Full access to the portal; end users only.
    pub full_portal_access: Option<bool>,
}

impl AccountChanges {
    /// Whether the account already is like this. An attribute that the account does not say is not known to be so.
    #[must_use]
    pub fn hold_for(&self, account: &Account) -> Certainty {
        let profile = &account.resource.profile;
        let same = |key: &'static str, requested: Option<ProfileValue>| {
            requested.map(|requested| match profile.get(key) {
                Some(own) => Certainty::said(*own == requested),
                None => Certainty::Unknown(format!("what is said of {} has no {key}", account.label())),
            })
        };
        let text = |text: &str| ProfileValue::Text(text.into());
        let organization = self.organization.as_ref();
        let parts = [
            same(
                "first_name",
                self.given_name.as_ref().map(|name| text(name.as_str())),
            ),
            same(
                "last_name",
                self.family_name.as_ref().map(|name| text(name.as_str())),
            ),
            same(
                "organization_id",
                organization.map(|organization| text(organization.id.id.as_str())),
            ),
            same(
                "full_portal_access",
                self.full_portal_access.map(ProfileValue::Flag),
            ),
        ];
        Certainty::all(parts.into_iter().flatten())
    }

    /// The changes in words.
    #[must_use]
    pub fn label(&self) -> String {
        let organization = self.organization.as_ref();
        let parts = [
            self.given_name.as_ref().map(|name| format!("first name {name}")),
            self.family_name.as_ref().map(|name| format!("last name {name}")),
            organization.map(|place| format!("organization {} ({})", place.display_name, place.id)),
            self.full_portal_access
                .map(|on| format!("full portal access {}", if on { "on" } else { "off" })),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}
