//! Accounts in provisioning.

use super::{AccountField, AccountKind, Attributes, Certainty, EmailAddress, NamePart, ReportedFlag};
use crate::model::{ProfileValue, Resource, ResourceId};

/// An existing account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account, as in a sync.
    pub resource: Resource,
    /// The kind, taken from the list that contains it, not from its own attributes.
    pub kind: AccountKind,
    /// Whether it has full rights; see [`AccountKindSpec::may_administer`](super::AccountKindSpec::may_administer).
    pub administrator: ReportedFlag,
    /// Whether an identity provider manages it and may revert changes.
    pub managed_elsewhere: ReportedFlag,
}

impl Account {
    /// The id.
    #[must_use]
    pub fn id(&self) -> &ResourceId {
        &self.resource.id
    }

    /// Name and id for messages.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} ({})", self.resource.display_name, self.resource.id)
    }

    /// Whether the account has this address, ignoring case and surrounding spaces.
    #[must_use]
    pub fn has_email(&self, email: &EmailAddress) -> bool {
        self.email().is_some_and(|own| email.is(own))
    }

    /// The e-mail address, if known.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        match self.resource.profile.get("email") {
            Some(ProfileValue::Text(own)) => Some(own),
            _ => None,
        }
    }

    /// The attributes that the audit log records.
    #[must_use]
    pub fn audited_attributes(&self) -> Attributes {
        let known = self.kind.audited.iter().filter_map(|key| {
            let value = self.resource.profile.get(key)?;
            Some(((*key).to_owned(), value.into()))
        });
        let mut audited_attributes: Attributes = known.collect();
        audited_attributes.insert("kind".to_owned(), self.kind.name.into());
        audited_attributes
    }
}

/// Name and address of a new account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Given name.
    pub given_name: NamePart,
    /// Family name.
    pub family_name: NamePart,
    /// The address; also the login name.
    pub email: EmailAddress,
}

/// Values of account fields, in the order of declaration. `O` is an organization: a selector in a request, a resource
/// after the lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountValues<O>(Vec<(&'static AccountField, AccountValue<O>)>);

/// The value of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountValue<O> {
    /// A text.
    Text(Box<str>),
    /// A boolean.
    Flag(bool),
    /// An organization.
    Organization(O),
}

impl<O> Default for AccountValues<O> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<O> FromIterator<(&'static AccountField, AccountValue<O>)> for AccountValues<O> {
    fn from_iter<I: IntoIterator<Item = (&'static AccountField, AccountValue<O>)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl<O> IntoIterator for AccountValues<O> {
    type Item = (&'static AccountField, AccountValue<O>);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<O> AccountValues<O> {
    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All fields with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&'static AccountField, &AccountValue<O>)> {
        self.0.iter().map(|(field, value)| (*field, value))
    }

    /// The value of a field.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&AccountValue<O>> {
        let mut values = self.0.iter();
        values
            .find(|(field, _)| field.name == name)
            .map(|(_, value)| value)
    }

    /// The value of a text field.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(AccountValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The value of a boolean field.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(AccountValue::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// The value of an organization field.
    #[must_use]
    pub fn organization(&self, name: &str) -> Option<&O> {
        match self.get(name) {
            Some(AccountValue::Organization(organization)) => Some(organization),
            _ => None,
        }
    }
}

/// An account to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// The kind.
    pub kind: AccountKind,
    /// Name and address.
    pub person: Person,
    /// Other given values; the tenant sets the rest.
    pub values: AccountValues<Box<Resource>>,
}

impl NewAccount {
    /// Name and address for messages.
    #[must_use]
    pub fn label(&self) -> String {
        let Person {
            given_name,
            family_name,
            email,
        } = &self.person;
        format!("the {} {given_name} {family_name} <{email}>", self.kind)
    }
}

/// Changes of an account; other attributes stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountChanges(pub AccountValues<Box<Resource>>);

impl AccountChanges {
    /// Whether the account already has these values. Attributes that the tenant does not report are unknown.
    #[must_use]
    pub fn are_satisfied_by(&self, account: &Account) -> Certainty {
        let profile = &account.resource.profile;
        let parts = self.0.iter().map(|(field, requested)| {
            let requested = match requested {
                AccountValue::Text(text) => ProfileValue::Text(text.clone()),
                AccountValue::Flag(flag) => ProfileValue::Flag(*flag),
                AccountValue::Organization(organization) => {
                    ProfileValue::Text(organization.id.id.as_str().into())
                }
            };
            match profile.get(field.name) {
                Some(own) => Certainty::from_bool(*own == requested),
                None => Certainty::Unknown(format!(
                    "what is said of {} has no {}",
                    account.label(),
                    field.name
                )),
            }
        });
        Certainty::all(parts)
    }

    /// The changes for messages.
    #[must_use]
    pub fn label(&self) -> String {
        let parts = self.0.iter().map(|(field, value)| {
            let value = match value {
                AccountValue::Text(text) => text.to_string(),
                AccountValue::Flag(true) => "on".to_owned(),
                AccountValue::Flag(false) => "off".to_owned(),
                AccountValue::Organization(organization) => {
                    format!("{} ({})", organization.display_name, organization.id)
                }
            };
            format!("{} {value}", field.label())
        });
        parts.collect::<Vec<_>>().join(", ")
    }
}
