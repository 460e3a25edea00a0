//! Accounts as provisioning sees them.

use std::fmt;
use std::ops::Deref;

use super::{AccountField, Attributes, Certainty, EmailAddress, NamePart, ReportedFlag};
use crate::model::{ProfileValue, Resource, ResourceId};

/// A kind of accounts that an adapter declares. All kinds share one space of ids; a role can be for one of them.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AccountKind(&'static AccountKindSpec);

/// What an adapter declares of a kind of accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountKindSpec {
    /// The tenant's word for it, in attributes.
    pub word: &'static str,
    /// The word for people, in the singular; an `s` makes its plural.
    pub name: &'static str,
    /// The article of the name.
    pub article: &'static str,
    /// Whether such an account can have full rights. If so, a tenant that does not say whether one has them leaves that
    /// open; otherwise it has none.
    pub may_administer: bool,
    /// Attributes that the audit log records.
    pub audited: &'static [&'static str],
    /// What to say of a new account that lacks something.
    pub advice: &'static [Advice],
}

/// What a person should know of a new account that is made without something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// The field that is not given.
    pub without: &'static str,
    /// Code of the warning.
    pub code: &'static str,
    /// The warning.
    pub message: &'static str,
}

impl AccountKind {
    /// The kind that is declared so.
    #[must_use]
    pub const fn new(spec: &'static AccountKindSpec) -> Self {
        Self(spec)
    }

    /// The name with its article.
    #[must_use]
    pub fn with_article(&self) -> String {
        format!("{} {}", self.article, self.name)
    }
}

impl Deref for AccountKind {
    type Target = AccountKindSpec;

    fn deref(&self) -> &AccountKindSpec {
        self.0
    }
}

impl fmt::Debug for AccountKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word)
    }
}

impl fmt::Display for AccountKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// An account that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The account, as a sync emits it.
    pub resource: Resource,
    /// Its kind: that of the list it is in, not of what it says about itself.
    pub kind: AccountKind,
    /// Whether it has full rights; see [`AccountKind::may_administer`].
    pub administrator: ReportedFlag,
    /// Whether an identity provider manages it and may undo changes.
    pub managed_elsewhere: ReportedFlag,
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
        let known = self.kind.audited.iter().filter_map(|key| {
            let value = self.resource.profile.get(key)?;
            Some(((*key).to_owned(), value.into()))
        });
        let mut facts: Attributes = known.collect();
        facts.insert("kind".to_owned(), self.kind.name.into());
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
}

/// Values of declared fields, in the order of their declaration. An organization is an `O`: a selector while it is
/// requested, the resource once it is looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountValues<O>(Vec<(&'static AccountField, AccountValue<O>)>);

/// The value of one field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountValue<O> {
    /// A text.
    Text(Box<str>),
    /// Yes or no.
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
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them.
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

    /// The text of a field.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(AccountValue::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The flag of a field.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name) {
            Some(AccountValue::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    /// The organization of a field.
    #[must_use]
    pub fn organization(&self, name: &str) -> Option<&O> {
        match self.get(name) {
            Some(AccountValue::Organization(organization)) => Some(organization),
            _ => None,
        }
    }
}

/// An account to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// Which kind.
    pub kind: AccountKind,
    /// Who.
    pub person: Person,
    /// What else is given; the tenant decides on the rest.
    pub values: AccountValues<Box<Resource>>,
}

impl NewAccount {
    /// Name and address for people.
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

/// What is to be changed of an account; everything else stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountChanges(pub AccountValues<Box<Resource>>);

impl AccountChanges {
    /// Whether the account already is like this. An attribute that the account does not say is not known to be so.
    #[must_use]
    pub fn hold_for(&self, account: &Account) -> Certainty {
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
                Some(own) => Certainty::said(*own == requested),
                None => Certainty::Unknown(format!(
                    "what is said of {} has no {}",
                    account.label(),
                    field.name
                )),
            }
        });
        Certainty::all(parts)
    }

    /// The changes in words.
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
