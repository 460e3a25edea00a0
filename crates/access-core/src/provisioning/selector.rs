//! Selectors: how users and programs name roles and accounts.

use std::fmt;

use super::{ProvisioningError, ProvisioningTerms};
use crate::model::NativeId;
use crate::model::spelling::fold;

/// An object by id, name or login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// By native id.
    Id(NativeId),
    /// By name, login or native id.
    Text(String),
}

impl Selector {
    /// Parses a role: `role:7:assigned`, `role:7`, `7` or a name.
    ///
    /// # Errors
    /// [`ProvisioningError::NotGrantable`] for an entitlement that cannot be granted.
    pub fn parse_role(text: &str, terms: &ProvisioningTerms) -> Result<Self, ProvisioningError> {
        let text = text.trim();
        let own = format!("{}:", terms.role_type);
        if let Some(rest) = text.strip_prefix(&own) {
            let end = format!(":{}", terms.role_slug);
            let id = rest.strip_suffix(&end).unwrap_or(rest);
            return parse_id(id).ok_or_else(|| not_grantable(text, terms));
        }
        let foreign = |of: &crate::model::ResourceTypeId| text.starts_with(&format!("{of}:"));
        if terms.immutable_types.iter().any(foreign) || foreign(&terms.account_type) {
            return Err(not_grantable(text, terms));
        }
        parse_text(text).ok_or(ProvisioningError::EmptyName { what: "role" })
    }

    /// Parses an account: `user:901`, `901` or a login.
    ///
    /// # Errors
    /// [`ProvisioningError::NotAnAccount`] for the id of another object.
    pub fn parse_account(text: &str, terms: &ProvisioningTerms) -> Result<Self, ProvisioningError> {
        let text = text.trim();
        if let Some(id) = text.strip_prefix(&format!("{}:", terms.account_type)) {
            return parse_id(id).ok_or_else(|| ProvisioningError::NotAnAccount {
                text: text.to_owned(),
            });
        }
        let other = terms.immutable_types.iter().chain([&terms.role_type]);
        if other.into_iter().any(|of| text.starts_with(&format!("{of}:"))) {
            return Err(ProvisioningError::NotAnAccount {
                text: text.to_owned(),
            });
        }
        parse_text(text).ok_or(ProvisioningError::EmptyName { what: "account" })
    }

    /// Parses an account from type and id, like the flags of the reference SDK.
    ///
    /// # Errors
    /// [`ProvisioningError::NotAnAccount`] for another type.
    pub fn parse_principal(
        resource_type: &str,
        id: &str,
        terms: &ProvisioningTerms,
    ) -> Result<Self, ProvisioningError> {
        let refuse = || ProvisioningError::NotAnAccount {
            text: format!("{resource_type}:{id}"),
        };
        if resource_type == terms.account_type.as_str() {
            parse_id(id).ok_or_else(refuse)
        } else {
            Err(refuse())
        }
    }

    /// Splits a grant id, `role:7:assigned:user:901`, into the role and the account.
    ///
    /// # Errors
    /// [`ProvisioningError::NotGrantable`] or [`ProvisioningError::InvalidGrantId`].
    pub fn parse_grant(text: &str, terms: &ProvisioningTerms) -> Result<(Self, Self), ProvisioningError> {
        let refuse = || ProvisioningError::InvalidGrantId {
            text: text.to_owned(),
        };
        let (rest, account) = text.rsplit_once(':').ok_or_else(refuse)?;
        let (entitlement, principal_type) = rest.rsplit_once(':').ok_or_else(refuse)?;
        if principal_type != terms.account_type.as_str() {
            return Err(refuse());
        }
        let account = parse_id(account).ok_or_else(refuse)?;
        Ok((Self::parse_entitlement(entitlement, terms)?, account))
    }

    /// Parses the entitlement id of a role.
    ///
    /// # Errors
    /// [`ProvisioningError::NotGrantable`] for any other.
    pub fn parse_entitlement(text: &str, terms: &ProvisioningTerms) -> Result<Self, ProvisioningError> {
        let start = format!("{}:", terms.role_type);
        let end = format!(":{}", terms.role_slug);
        let id = text.strip_prefix(&start).and_then(|rest| rest.strip_suffix(&end));
        id.and_then(parse_id).ok_or_else(|| not_grantable(text, terms))
    }

    /// Whether an object with this id and these names is selected.
    #[must_use]
    pub fn selects<'a>(&self, id: &NativeId, names: impl IntoIterator<Item = &'a str>) -> bool {
        match self {
            Self::Id(own) => own == id,
            Self::Text(text) => id.as_str() == text || self.is_called(names),
        }
    }

    /// Whether an object with one of these names is selected, ignoring case. Names that only look alike differ.
    #[must_use]
    pub fn is_called<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> bool {
        match self {
            Self::Id(_) => false,
            Self::Text(text) => {
                let text = fold(text);
                names.into_iter().any(|name| fold(name) == text)
            }
        }
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => fmt::Display::fmt(id, f),
            Self::Text(text) => write!(f, "`{text}`"),
        }
    }
}

fn parse_id(id: &str) -> Option<Selector> {
    let id = NativeId::new(id).ok()?;
    id.as_number().is_some().then_some(Selector::Id(id))
}

fn parse_text(text: &str) -> Option<Selector> {
    (!text.is_empty()).then(|| Selector::Text(text.to_owned()))
}

fn not_grantable(text: &str, terms: &ProvisioningTerms) -> ProvisioningError {
    ProvisioningError::NotGrantable {
        entitlement: text.to_owned(),
        grantable: format!("{}:<id>:{}", terms.role_type, terms.role_slug),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ResourceTypeId, Slug};

    fn terms() -> ProvisioningTerms {
        let named = ResourceTypeId::from_static;
        ProvisioningTerms {
            account_type: named("user"),
            role_type: named("role"),
            role_slug: Slug::from_static("assigned"),
            immutable_types: vec![named("organization"), named("tenant")],
            account_permissions: Vec::new(),
            accounts: &crate::provisioning::tests::ACCOUNTS,
        }
    }

    fn shown(read: Result<Selector, ProvisioningError>) -> String {
        match read {
            Ok(Selector::Id(id)) => format!("id {id}"),
            Ok(Selector::Text(text)) => format!("text {text}"),
            Err(error) => format!("refused: {error}"),
        }
    }

    #[test]
    fn the_ways_to_name_a_role() {
        let texts = [
            "role:7:assigned",
            "role:7",
            "7",
            " Service Desk ",
            "role:name:TECHNICIAN:Service Desk:assigned",
            "role:",
            "organization:2:member",
            "tenant:ninja-one:system-administrator",
            "user:7",
            "",
            "Level 2: Desk",
        ];
        let lines = texts.map(|text| format!("{text:45} {}", shown(Selector::parse_role(text, &terms()))));
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn the_ways_to_name_an_account() {
        let texts = [
            "user:901",
            "901",
            "Ada@Example.com",
            "role:7",
            "user:ada",
            "organization:2",
            "",
            "user:0901",
        ];
        let lines = texts.map(|text| format!("{text:20} {}", shown(Selector::parse_account(text, &terms()))));
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn grant_ids_name_both() {
        let read = |text: &str| match Selector::parse_grant(text, &terms()) {
            Ok((role, account)) => format!("role {role}, account {account}"),
            Err(error) => format!("refused: {error}"),
        };
        let texts = [
            "role:7:assigned:user:901",
            "role:7:assigned:user:",
            "role:7:assigned:role:9",
            "organization:2:member:user:901",
            "901",
            "",
            "role:7:assigned:user:09",
        ];
        insta::assert_snapshot!(texts.map(|text| format!("{text:32} {}", read(text))).join("\n"));
    }

    #[test]
    fn names_ignore_case_and_spaces() {
        let desk = Selector::Text("service desk".to_owned());
        let id = NativeId::from_number(7);
        assert!(desk.selects(&id, [" Service Desk"]));
        assert!(!desk.selects(&id, ["Service"]));
        assert!(Selector::Text("7".to_owned()).selects(&id, []));
        assert!(!Selector::Id(id).selects(&NativeId::from_number(8), ["7"]));
    }
}
