//! Users of a report: what every connector states of them, and the attributes that the adapter declares for reports.

use access_core::model::{AttributeType, Resource, ResourceTrait, UserAttribute, UserAttributes};
use access_core::query;

use crate::string_table::StringId;
use crate::string_table::StringTable;

/// The keys of the attributes in a report, each list in the order of the values of every [`Person`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AttributeKeys {
    pub(crate) texts: Vec<Box<str>>,
    pub(crate) flags: Vec<Box<str>>,
}

impl AttributeKeys {
    /// Those that the adapter declares for reports.
    pub(crate) fn new(attributes: UserAttributes) -> Self {
        let (flags, texts): (Vec<_>, Vec<_>) =
            attributes.reported().partition(|attribute| is_flag(attribute));
        let keys = |attributes: Vec<&UserAttribute>| {
            let keys = attributes.into_iter().map(|attribute| attribute.key.into());
            keys.collect()
        };
        Self {
            texts: keys(texts),
            flags: keys(flags),
        }
    }

    /// The index of a text.
    pub(crate) fn text(&self, key: &str) -> Option<usize> {
        self.texts.iter().position(|known| **known == *key)
    }

    /// The index of a flag.
    pub(crate) fn flag(&self, key: &str) -> Option<usize> {
        self.flags.iter().position(|known| **known == *key)
    }
}

fn is_flag(attribute: &UserAttribute) -> bool {
    attribute.attribute_type == AttributeType::Flag
}

/// A person or account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) id: Box<str>,
    pub(crate) name: Box<str>,
    pub(crate) login: Option<Box<str>>,
    pub(crate) email: Option<Box<str>>,
    pub(crate) resource_type: StringId,
    pub(crate) status: Option<StringId>,
    pub(crate) status_detail: Option<StringId>,
    pub(crate) account_type: Option<StringId>,
    pub(crate) mfa_enabled: Option<bool>,
    pub(crate) sso_enabled: Option<bool>,
    /// In the order of [`AttributeKeys::texts`].
    pub(crate) texts: Box<[Option<StringId>]>,
    /// In the order of [`AttributeKeys::flags`].
    pub(crate) flags: Box<[Option<bool>]>,
}

impl Person {
    /// The person that a resource is, if it is one.
    pub(crate) fn from_resource(
        row: &Resource,
        attributes: UserAttributes,
        strings: &mut StringTable,
    ) -> Option<Self> {
        let ResourceTrait::User(user) = &row.resource_trait else {
            return None;
        };
        let status = row.status.as_ref();
        let resource_type = strings.intern(row.id.resource_type.as_str());
        let mut intern = |text: Option<&str>| text.map(|text| strings.intern(text));
        let mut texts = Vec::new();
        let mut flags = Vec::new();
        for attribute in attributes.reported() {
            if is_flag(attribute) {
                flags.push(query::flag(&row.profile, attribute.key));
            } else {
                texts.push(intern(query::attribute(&row.profile, attribute.key)));
            }
        }
        Some(Self {
            id: row.id.id.as_str().into(),
            name: row.display_name.as_str().into(),
            login: user.login.clone(),
            email: query::email(row).map(Into::into),
            resource_type,
            status: intern(status.map(|status| status.state.as_str())),
            status_detail: intern(status.and_then(|status| status.detail.as_deref())),
            account_type: intern(Some(user.account_type.as_str())),
            mfa_enabled: user.mfa_enabled,
            sso_enabled: user.sso_enabled,
            texts: texts.into(),
            flags: flags.into(),
        })
    }

    /// The text of an attribute, by its index.
    pub(crate) fn text(&self, index: Option<usize>) -> Option<StringId> {
        self.texts.get(index?).copied().flatten()
    }

    /// The flag of an attribute, by its index.
    pub(crate) fn flag(&self, index: Option<usize>) -> Option<bool> {
        self.flags.get(index?).copied().flatten()
    }

    /// Every string of the table that it refers to.
    pub(crate) fn strings_mut(&mut self) -> impl Iterator<Item = &mut StringId> {
        let own = [&mut self.status, &mut self.status_detail, &mut self.account_type];
        let optional = own.into_iter().chain(&mut self.texts).filter_map(Option::as_mut);
        std::iter::once(&mut self.resource_type).chain(optional)
    }
}
