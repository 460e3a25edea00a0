//! What somebody wants changed.

use serde::Serialize;

use super::{
    ACCOUNT_ARGUMENT, AccountKind, AttributeValue, Attributes, EmailAddress, NamePart, Person,
    ProvisioningError, ResourceRef, Selector, UPDATE_ACCOUNT, Vocabulary,
};

/// A change that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An account is to hold a role.
    Grant {
        /// The role.
        role: Selector,
        /// The account.
        principal: Selector,
    },
    /// An account is not to hold a role.
    Revoke {
        /// The role.
        role: Selector,
        /// The account.
        principal: Selector,
    },
    /// An account is to exist.
    CreateAccount(AccountRequest),
    /// An account is to have other attributes.
    UpdateAccount {
        /// The account.
        account: Selector,
        /// The attributes.
        update: AccountUpdate,
    },
    /// An account is not to exist.
    DeleteAccount {
        /// The account.
        account: Selector,
        /// Do it to an administrator too.
        allow_administrator: bool,
    },
}

/// Sorts of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// [`Change::Grant`]
    Grant,
    /// [`Change::Revoke`]
    Revoke,
    /// [`Change::CreateAccount`]
    CreateAccount,
    /// [`Change::UpdateAccount`]
    UpdateAccount,
    /// [`Change::DeleteAccount`]
    DeleteAccount,
}

impl ChangeKind {
    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Revoke => "revoke",
            Self::CreateAccount => "create_account",
            Self::UpdateAccount => "update_account",
            Self::DeleteAccount => "delete_account",
        }
    }
}

impl Change {
    /// What invoking an action asks for. The account may be given as text, number or resource. No action is bound to a
    /// resource type, so that an invocation for one finds none, as in the reference.
    ///
    /// # Errors
    /// [`ProvisioningError::NoAction`] or [`ProvisioningError::NoActionForType`] for an unknown one, and what its
    /// arguments are refused with.
    pub fn of_action(
        name: &str,
        resource_type: &str,
        mut arguments: Attributes,
        vocabulary: &Vocabulary,
    ) -> Result<Self, ProvisioningError> {
        if name != UPDATE_ACCOUNT {
            return Err(ProvisioningError::NoAction {
                name: name.to_owned(),
            });
        }
        if !resource_type.is_empty() {
            return Err(ProvisioningError::NoActionForType {
                name: name.to_owned(),
                resource_type: resource_type.to_owned(),
            });
        }
        let account = match arguments.remove(ACCOUNT_ARGUMENT) {
            Some(AttributeValue::Text(text)) => Selector::account(&text, vocabulary)?,
            Some(AttributeValue::Number(number)) => Selector::account(&number.to_string(), vocabulary)?,
            Some(AttributeValue::Resource(ResourceRef {
                resource_type,
                resource,
            })) => Selector::principal(&resource_type, &resource, vocabulary)?,
            _ => Selector::account("", vocabulary)?,
        };
        Ok(Self::UpdateAccount {
            account,
            update: AccountUpdate::parse(&arguments)?,
        })
    }

    /// Which sort it is.
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        match self {
            Self::Grant { .. } => ChangeKind::Grant,
            Self::Revoke { .. } => ChangeKind::Revoke,
            Self::CreateAccount(_) => ChangeKind::CreateAccount,
            Self::UpdateAccount { .. } => ChangeKind::UpdateAccount,
            Self::DeleteAccount { .. } => ChangeKind::DeleteAccount,
        }
    }

    /// What is asked for, in words, before anything has been looked up.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Grant { role, principal } => format!("grant role {role} to user {principal}"),
            Self::Revoke { role, principal } => format!("revoke role {role} from user {principal}"),
            Self::CreateAccount(wanted) => format!("create the {} <{}>", wanted.kind, wanted.person.email),
            Self::UpdateAccount { account, .. } => format!("update user {account}"),
            Self::DeleteAccount { account, .. } => format!("delete user {account}"),
        }
    }
}

/// An account that is asked for. Roles and the organization are still to be looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRequest {
    /// Which kind.
    pub kind: AccountKind,
    /// Who.
    pub person: Person,
    /// The organization; end users only.
    pub organization: Option<Selector>,
    /// Full access to the portal; end users only.
    pub full_portal_access: Option<bool>,
    /// Whether an invitation is sent now; end users only.
    pub send_invitation: bool,
    /// Roles to assign once the account exists.
    pub roles: Vec<Selector>,
    /// Attributes that mean nothing here.
    pub ignored: Vec<String>,
}

/// Other attributes for an account; `None` leaves one as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountUpdate {
    /// Given name.
    pub given_name: Option<NamePart>,
    /// Family name.
    pub family_name: Option<NamePart>,
    /// Organization; end users only.
    pub organization: Option<Selector>,
    /// Full access to the portal; end users only.
    pub full_portal_access: Option<bool>,
}

impl AccountRequest {
    /// Reads the attributes of [`super::ACCOUNT_FIELDS`]; `login` stands in for a missing `email`.
    ///
    /// # Errors
    /// [`ProvisioningError::InvalidAttributes`] with everything that is wrong.
    pub fn parse(attributes: &Attributes, vocabulary: &Vocabulary) -> Result<Self, ProvisioningError> {
        let mut reading = Reading::new(attributes);
        if reading.has("password") {
            reading.problem("password: NinjaOne takes none; it invites the person, who chooses one");
        }
        let kind = reading
            .text("user_type")
            .map(|word| (AccountKind::parse(&word), word));
        let kind = match kind {
            Some((Some(kind), _)) => Some(kind),
            Some((None, word)) => {
                reading.problem(&format!("user_type: `{word}` is neither TECHNICIAN nor END_USER"));
                None
            }
            None => {
                reading.problem("user_type is missing: TECHNICIAN or END_USER");
                None
            }
        };
        let login = reading.text("login");
        let email = reading.text("email").or(login);
        let email = reading.required("email", email.as_deref(), EmailAddress::parse);
        let first = reading.text("first_name");
        let given_name = reading.required("first_name", first.as_deref(), NamePart::parse);
        let last = reading.text("last_name");
        let family_name = reading.required("last_name", last.as_deref(), NamePart::parse);
        let phone = reading.text("phone").map(Into::into);
        let organization = reading.organization();
        let full_portal_access = reading.flag("full_portal_access");
        let send_invitation = reading.flag("send_invitation");
        if kind == Some(AccountKind::Technician) {
            reading.only_for_end_users(&[
                ("organization_id", organization.is_some()),
                ("full_portal_access", full_portal_access == Some(true)),
                ("send_invitation", send_invitation == Some(true)),
            ]);
        }
        let roles = reading.list("roles");
        let roles: Result<Vec<Selector>, _> = roles
            .iter()
            .map(|role| Selector::role(role, vocabulary))
            .collect();
        let roles = roles.unwrap_or_else(|error| {
            reading.problem(&format!("roles: {error}"));
            Vec::new()
        });
        let ignored = reading.rest();
        match (kind, email, given_name, family_name) {
            (Some(kind), Some(email), Some(given_name), Some(family_name)) if reading.problems.is_empty() => {
                Ok(Self {
                    kind,
                    person: Person {
                        given_name,
                        family_name,
                        email,
                        phone,
                    },
                    organization,
                    full_portal_access: full_portal_access.filter(|_| kind == AccountKind::EndUser),
                    send_invitation: send_invitation == Some(true),
                    roles,
                    ignored,
                })
            }
            _ => Err(reading.refuse("a new account")),
        }
    }
}

/// Attributes that the API cannot change, and why (docs/reference/ninjaone-api.md §4, §7).
const UNCHANGEABLE: [(&str, &str); 9] = [
    (
        "email",
        "NinjaOne's API takes no other e-mail for an existing account",
    ),
    (
        "login",
        "the login is the e-mail, which NinjaOne's API cannot change",
    ),
    (
        "phone",
        "NinjaOne's API takes no other phone number for an existing account",
    ),
    (
        "administrator",
        "NinjaOne's API cannot make or unmake a System Administrator",
    ),
    (
        "enabled",
        "NinjaOne documents no way to enable or disable an account through its API",
    ),
    ("password", "NinjaOne's API sets no passwords"),
    ("mfa_configured", "NinjaOne's API resets no second factor"),
    ("user_type", "an account cannot become one of the other kind"),
    ("roles", "roles are granted and revoked, not updated"),
];

impl AccountUpdate {
    /// Reads attributes.
    ///
    /// # Errors
    /// [`ProvisioningError::CannotChange`] for what the API has no way to change, and
    /// [`ProvisioningError::InvalidAttributes`].
    pub fn parse(attributes: &Attributes) -> Result<Self, ProvisioningError> {
        if let Some((attribute, reason)) = UNCHANGEABLE.iter().find(|(key, _)| attributes.contains_key(*key))
        {
            return Err(ProvisioningError::CannotChange {
                attribute: (*attribute).to_owned(),
                reason,
            });
        }
        let mut reading = Reading::new(attributes);
        let first = reading.text("first_name");
        let given_name = reading.checked("first_name", first.as_deref(), NamePart::parse);
        let last = reading.text("last_name");
        let family_name = reading.checked("last_name", last.as_deref(), NamePart::parse);
        let organization = reading.organization();
        let full_portal_access = reading.flag("full_portal_access");
        for key in reading.rest() {
            reading.problem(&format!("{key}: there is no such attribute of an account"));
        }
        let update = Self {
            given_name,
            family_name,
            organization,
            full_portal_access,
        };
        if reading.problems.is_empty() && update == Self::default() {
            reading
                .problem("nothing to change: first_name, last_name, organization_id or full_portal_access");
        }
        if reading.problems.is_empty() {
            Ok(update)
        } else {
            Err(reading.refuse("an update"))
        }
    }

    /// What it would change that only end users have.
    #[must_use]
    pub fn for_end_users_only(&self) -> Vec<&'static str> {
        let organization = self.organization.as_ref().map(|_| "organization_id");
        let portal = self.full_portal_access.map(|_| "full_portal_access");
        organization.into_iter().chain(portal).collect()
    }
}

/// Reads attributes and gathers what is wrong with them.
struct Reading<'a> {
    attributes: &'a Attributes,
    known: Vec<&'static str>,
    problems: Vec<String>,
}

impl<'a> Reading<'a> {
    fn new(attributes: &'a Attributes) -> Self {
        Self {
            attributes,
            known: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn problem(&mut self, text: &str) {
        self.problems.push(text.to_owned());
    }

    fn has(&mut self, key: &'static str) -> bool {
        self.known.push(key);
        self.attributes.contains_key(key)
    }

    /// The text of an attribute, without blanks around it, if anything is left.
    fn text(&mut self, key: &'static str) -> Option<String> {
        self.known.push(key);
        let text = match self.attributes.get(key)? {
            AttributeValue::Text(text) => text.trim().to_owned(),
            AttributeValue::Number(number) => number.to_string(),
            AttributeValue::Flag(_) | AttributeValue::List(_) | AttributeValue::Resource(_) => {
                self.problem(&format!("{key}: a text is wanted"));
                return None;
            }
        };
        Some(text).filter(|text| !text.is_empty())
    }

    fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.known.push(key);
        match self.attributes.get(key)? {
            AttributeValue::Flag(flag) => Some(*flag),
            AttributeValue::Text(text) if text.trim().is_empty() => None,
            AttributeValue::Text(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
            AttributeValue::Text(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
            _ => {
                self.problem(&format!("{key}: true or false is wanted"));
                None
            }
        }
    }

    /// A list; one text is split at commas.
    fn list(&mut self, key: &'static str) -> Vec<String> {
        self.known.push(key);
        let texts: Vec<String> = match self.attributes.get(key) {
            None => Vec::new(),
            Some(AttributeValue::List(texts)) => texts.clone(),
            Some(AttributeValue::Text(text)) => text.split(',').map(str::to_owned).collect(),
            Some(AttributeValue::Number(number)) => vec![number.to_string()],
            Some(AttributeValue::Resource(resource)) => vec![resource.to_string()],
            Some(AttributeValue::Flag(_)) => {
                self.problem(&format!("{key}: a list of texts is wanted"));
                Vec::new()
            }
        };
        texts
            .into_iter()
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
            .collect()
    }

    fn organization(&mut self) -> Option<Selector> {
        if let Some(AttributeValue::Resource(given)) = self.attributes.get("organization_id") {
            self.known.push("organization_id");
            if given.resource_type != "organization" {
                self.problem(&format!("organization_id: {given} is not an organization"));
            }
            return Some(Selector::Text(given.resource.clone()));
        }
        let other = self.text("organization");
        let text = self.text("organization_id").or(other)?;
        Some(Selector::Text(
            text.strip_prefix("organization:").unwrap_or(&text).to_owned(),
        ))
    }

    fn checked<T, E: std::fmt::Display>(
        &mut self,
        key: &str,
        text: Option<&str>,
        parse: fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(text?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(&format!("{key}: {error}"));
                None
            }
        }
    }

    fn required<T, E: std::fmt::Display>(
        &mut self,
        key: &str,
        text: Option<&str>,
        parse: fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        if text.is_none() {
            self.problem(&format!("{key} is missing"));
        }
        self.checked(key, text, parse)
    }

    fn only_for_end_users(&mut self, given: &[(&str, bool)]) {
        for (key, _) in given.iter().filter(|(_, given)| *given) {
            self.problem(&format!("{key}: only end users have it"));
        }
    }

    /// Keys that nobody asked for.
    fn rest(&self) -> Vec<String> {
        self.attributes
            .keys()
            .filter(|key| !self.known.contains(&key.as_str()))
            .cloned()
            .collect()
    }

    fn refuse(self, what: &'static str) -> ProvisioningError {
        ProvisioningError::InvalidAttributes {
            what,
            problems: self.problems,
        }
    }
}
