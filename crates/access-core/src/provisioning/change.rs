//! Requested changes.

use serde::Serialize;

use super::{
    ACCOUNT_ARGUMENT, AccountField, AccountKind, AccountSchema, AccountValue, AccountValues, AttributeValue,
    Attributes, EmailAddress, FieldRule, NamePart, Person, ProvisioningError, ProvisioningTerms, ResourceRef,
    Selector, UPDATE_ACCOUNT,
};

/// A requested change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Assigns a role to an account.
    Grant {
        /// The role.
        role: Selector,
        /// The account.
        principal: Selector,
    },
    /// Removes a role from an account.
    Revoke {
        /// The role.
        role: Selector,
        /// The account.
        principal: Selector,
    },
    /// Creates an account.
    CreateAccount(AccountRequest),
    /// Updates the attributes of an account.
    UpdateAccount {
        /// The account.
        account: Selector,
        /// The attributes.
        update: AccountUpdate,
    },
    /// Deletes an account.
    DeleteAccount {
        /// The account.
        account: Selector,
        /// Also delete administrators.
        allow_administrator: bool,
    },
}

/// The operation of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeOperation {
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

impl ChangeOperation {
    /// The serialized name.
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
    /// Parses the invocation of an action. The account can be a text, a number or a resource. No action is bound to a
    /// resource type, so an invocation for one finds none, as in the reference SDK.
    ///
    /// # Errors
    /// [`ProvisioningError::UnknownAction`] or [`ProvisioningError::UnsupportedActionType`], and errors of the
    /// arguments.
    pub fn from_action(
        name: &str,
        resource_type: &str,
        mut arguments: Attributes,
        terms: &ProvisioningTerms,
    ) -> Result<Self, ProvisioningError> {
        if name != UPDATE_ACCOUNT {
            return Err(ProvisioningError::UnknownAction {
                name: name.to_owned(),
            });
        }
        if !resource_type.is_empty() {
            return Err(ProvisioningError::UnsupportedActionType {
                name: name.to_owned(),
                resource_type: resource_type.to_owned(),
            });
        }
        let account = match arguments.remove(ACCOUNT_ARGUMENT) {
            Some(AttributeValue::Text(text)) => Selector::parse_account(&text, terms)?,
            Some(AttributeValue::Number(number)) => Selector::parse_account(&number.to_string(), terms)?,
            Some(AttributeValue::Resource(ResourceRef {
                resource_type,
                resource,
            })) => Selector::parse_principal(&resource_type, &resource, terms)?,
            _ => Selector::parse_account("", terms)?,
        };
        Ok(Self::UpdateAccount {
            account,
            update: AccountUpdate::parse(&arguments, terms)?,
        })
    }

    /// The operation.
    #[must_use]
    pub fn kind(&self) -> ChangeOperation {
        match self {
            Self::Grant { .. } => ChangeOperation::Grant,
            Self::Revoke { .. } => ChangeOperation::Revoke,
            Self::CreateAccount(_) => ChangeOperation::CreateAccount,
            Self::UpdateAccount { .. } => ChangeOperation::UpdateAccount,
            Self::DeleteAccount { .. } => ChangeOperation::DeleteAccount,
        }
    }

    /// Description of the change, before names are resolved.
    #[must_use]
    pub fn label(&self) -> String {
        match self {
            Self::Grant { role, principal } => format!("grant role {role} to user {principal}"),
            Self::Revoke { role, principal } => format!("revoke role {role} from user {principal}"),
            Self::CreateAccount(requested) => {
                format!("create the {} <{}>", requested.kind, requested.person.email)
            }
            Self::UpdateAccount { account, .. } => format!("update user {account}"),
            Self::DeleteAccount { account, .. } => format!("delete user {account}"),
        }
    }
}

/// A requested account. Roles and the organization are not resolved yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRequest {
    /// The kind.
    pub kind: AccountKind,
    /// Name and address.
    pub person: Person,
    /// Other values.
    pub values: AccountValues<Selector>,
    /// Roles to assign after creation.
    pub roles: Vec<Selector>,
    /// Unknown attributes.
    pub ignored: Vec<String>,
}

/// New values for attributes of an account; others stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AccountUpdate(pub AccountValues<Selector>);

impl AccountRequest {
    /// Parses the attributes of [`AccountSchema::create_fields`]; a missing `email` defaults to `login`.
    ///
    /// # Errors
    /// [`ProvisioningError::InvalidAttributes`] with all problems.
    pub fn parse(attributes: &Attributes, terms: &ProvisioningTerms) -> Result<Self, ProvisioningError> {
        let schema = terms.accounts;
        let mut reader = AttributeReader::new(attributes, schema);
        for (key, reason) in schema.refused {
            if reader.has(key) {
                reader.add_problem(&format!("{key}: {reason}"));
            }
        }
        let (mut kind, mut given_name, mut family_name, mut email) = (None, None, None, None);
        let (mut values, mut roles) = (Vec::new(), Vec::new());
        for field in schema.create_fields {
            match field.rule {
                FieldRule::Account => {}
                FieldRule::Kind => kind = reader.account_kind(field),
                FieldRule::GivenName => given_name = reader.required_name(field),
                FieldRule::FamilyName => family_name = reader.required_name(field),
                FieldRule::Email => {
                    let login = reader.text("login");
                    let own = reader.text(field.name);
                    if let (Some(own), Some(login)) = (&own, &login)
                        && EmailAddress::parse(login).is_ok_and(|login| !login.is(own))
                    {
                        let name = field.name;
                        reader.add_problem(&format!("{name}: login has another address"));
                    }
                    let text = own.or(login);
                    email = reader.parse_required(field.name, text.as_deref(), EmailAddress::parse);
                }
                FieldRule::Roles => roles = reader.roles(field, terms),
                FieldRule::Text | FieldRule::Flag | FieldRule::Organization => {
                    values.extend(reader.value(field).map(|value| (field, value)));
                }
            }
        }
        if let Some(kind) = kind {
            values.retain(|(field, value)| reader.belongs_to_kind(field, value, kind));
        }
        let ignored = reader.unknown_keys();
        match (kind, email, given_name, family_name) {
            (Some(kind), Some(email), Some(given_name), Some(family_name)) if reader.problems.is_empty() => {
                Ok(Self {
                    kind,
                    person: Person {
                        given_name,
                        family_name,
                        email,
                    },
                    values: values.into_iter().collect(),
                    roles,
                    ignored,
                })
            }
            _ => Err(reader.into_error("a new account")),
        }
    }
}

impl AccountUpdate {
    /// Parses the attributes of [`AccountSchema::update_fields`].
    ///
    /// # Errors
    /// [`ProvisioningError::ImmutableAttribute`] or [`ProvisioningError::InvalidAttributes`].
    pub fn parse(attributes: &Attributes, terms: &ProvisioningTerms) -> Result<Self, ProvisioningError> {
        let schema = terms.accounts;
        let mut unchangeable = schema.unchangeable.iter();
        if let Some((attribute, reason)) = unchangeable.find(|(key, _)| attributes.contains_key(*key)) {
            return Err(ProvisioningError::ImmutableAttribute {
                attribute: (*attribute).to_owned(),
                reason,
            });
        }
        let mut reader = AttributeReader::new(attributes, schema);
        let fields = schema.update_fields.iter();
        let fields = fields.filter(|field| field.rule != FieldRule::Account);
        let values: Vec<_> = fields
            .clone()
            .filter_map(|field| Some((field, reader.value(field)?)))
            .collect();
        for key in reader.unknown_keys() {
            reader.add_problem(&format!("{key}: an account has no such attribute"));
        }
        if reader.problems.is_empty() && values.is_empty() {
            let names: Vec<&str> = fields.map(|field| field.name).collect();
            let (last, others) = names.split_last().unwrap_or((&"", &[]));
            reader.add_problem(&format!("nothing to change: {} or {last}", others.join(", ")));
        }
        if reader.problems.is_empty() {
            Ok(Self(values.into_iter().collect()))
        } else {
            Err(reader.into_error("an update"))
        }
    }

    /// The attributes that accounts of this kind do not have, and the kind that has them.
    #[must_use]
    pub fn unsupported_by(&self, kind: AccountKind) -> Option<(AccountKind, Vec<&'static str>)> {
        let foreign = |field: &AccountField| field.only_for.filter(|holders| *holders != kind);
        let holders = self.0.iter().find_map(|(field, _)| foreign(field))?;
        let fields = self.0.iter().map(|(field, _)| field);
        let fields = fields.filter(|field| foreign(field) == Some(holders));
        Some((holders, fields.map(|field| field.name).collect()))
    }
}

/// Parses attributes and collects all problems.
struct AttributeReader<'a> {
    attributes: &'a Attributes,
    schema: &'static AccountSchema,
    known: Vec<&'static str>,
    problems: Vec<String>,
}

impl<'a> AttributeReader<'a> {
    fn new(attributes: &'a Attributes, schema: &'static AccountSchema) -> Self {
        Self {
            attributes,
            schema,
            known: Vec::new(),
            problems: Vec::new(),
        }
    }

    fn add_problem(&mut self, text: &str) {
        self.problems.push(text.to_owned());
    }

    fn has(&mut self, key: &'static str) -> bool {
        self.known.push(key);
        self.attributes.contains_key(key)
    }

    /// A text attribute, trimmed; `None` if empty.
    fn text(&mut self, key: &'static str) -> Option<String> {
        self.known.push(key);
        let text = match self.attributes.get(key)? {
            AttributeValue::Text(text) => text.trim().to_owned(),
            AttributeValue::Number(number) => number.to_string(),
            AttributeValue::Flag(_) | AttributeValue::List(_) | AttributeValue::Resource(_) => {
                self.add_problem(&format!("{key}: expected a text"));
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
                self.add_problem(&format!("{key}: expected true or false"));
                None
            }
        }
    }

    /// A list attribute; a text is split at commas.
    fn list(&mut self, key: &'static str) -> Vec<String> {
        self.known.push(key);
        let texts: Vec<String> = match self.attributes.get(key) {
            None => Vec::new(),
            Some(AttributeValue::List(texts)) => texts.clone(),
            Some(AttributeValue::Text(text)) => text.split(',').map(str::to_owned).collect(),
            Some(AttributeValue::Number(number)) => vec![number.to_string()],
            Some(AttributeValue::Resource(resource)) => vec![resource.to_string()],
            Some(AttributeValue::Flag(_)) => {
                self.add_problem(&format!("{key}: expected a list of strings"));
                Vec::new()
            }
        };
        texts
            .into_iter()
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
            .collect()
    }

    fn account_kind(&mut self, field: &AccountField) -> Option<AccountKind> {
        let name = field.name;
        let Some(word) = self.text(name) else {
            self.add_problem(&format!(
                "{name} is missing: {}",
                self.schema.join_kind_words(" or ")
            ));
            return None;
        };
        let kind = self.schema.kind(&word);
        if kind.is_none() {
            let words = self.schema.join_kind_words(" nor ");
            self.add_problem(&format!("{name}: `{word}` is neither {words}"));
        }
        kind
    }

    fn required_name(&mut self, field: &AccountField) -> Option<NamePart> {
        let (name, max_chars) = (field.name, self.schema.max_name_chars);
        let text = self.text(name);
        self.parse_required(name, text.as_deref(), |text| NamePart::parse(text, max_chars))
    }

    fn roles(&mut self, field: &AccountField, terms: &ProvisioningTerms) -> Vec<Selector> {
        let texts = self.list(field.name);
        let roles: Result<Vec<Selector>, _> = texts
            .iter()
            .map(|role| Selector::parse_role(role, terms))
            .collect();
        roles.unwrap_or_else(|error| {
            self.add_problem(&format!("{}: {error}", field.name));
            Vec::new()
        })
    }

    /// The value of a field.
    fn value(&mut self, field: &'static AccountField) -> Option<AccountValue<Selector>> {
        let (name, max_chars) = (field.name, self.schema.max_name_chars);
        match field.rule {
            FieldRule::GivenName | FieldRule::FamilyName => {
                let text = self.text(name);
                let part =
                    self.parse_value(name, text.as_deref(), |text| NamePart::parse(text, max_chars))?;
                Some(AccountValue::Text(part.as_str().into()))
            }
            FieldRule::Email | FieldRule::Text | FieldRule::Kind => {
                self.text(name).map(|text| AccountValue::Text(text.into()))
            }
            FieldRule::Flag => self.flag(name).map(AccountValue::Flag),
            FieldRule::Organization => self.organization(name).map(AccountValue::Organization),
            FieldRule::Account | FieldRule::Roles => None,
        }
    }

    /// Whether accounts of this kind have a field. `false` is accepted for flags that the kind does not have.
    fn belongs_to_kind(
        &mut self,
        field: &AccountField,
        value: &AccountValue<Selector>,
        kind: AccountKind,
    ) -> bool {
        match field.only_for {
            Some(holders) if holders != kind => {
                if *value != AccountValue::Flag(false) {
                    self.add_problem(&format!("{}: only {holders}s have it", field.name));
                }
                false
            }
            _ => true,
        }
    }

    fn organization(&mut self, name: &'static str) -> Option<Selector> {
        let short = name.strip_suffix("_id").unwrap_or(name);
        if let Some(AttributeValue::Resource(given)) = self.attributes.get(name) {
            self.known.push(name);
            if given.resource_type != short {
                self.add_problem(&format!("{name}: {given} is not an {short}"));
            }
            return Some(Selector::Text(given.resource.clone()));
        }
        let other = self.text(short);
        let text = self.text(name).or(other)?;
        let id = text
            .strip_prefix(short)
            .and_then(|unknown_keys| unknown_keys.strip_prefix(':'));
        Some(Selector::Text(id.unwrap_or(&text).to_owned()))
    }

    fn parse_value<T, E: std::fmt::Display>(
        &mut self,
        key: &str,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        match parse(text?) {
            Ok(value) => Some(value),
            Err(error) => {
                self.add_problem(&format!("{key}: {error}"));
                None
            }
        }
    }

    fn parse_required<T, E: std::fmt::Display>(
        &mut self,
        key: &str,
        text: Option<&str>,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if text.is_none() {
            self.add_problem(&format!("{key} is missing"));
        }
        self.parse_value(key, text, parse)
    }

    /// Keys that no field uses.
    fn unknown_keys(&self) -> Vec<String> {
        self.attributes
            .keys()
            .filter(|key| !self.known.contains(&key.as_str()))
            .cloned()
            .collect()
    }

    fn into_error(self, what: &'static str) -> ProvisioningError {
        ProvisioningError::InvalidAttributes {
            what,
            problems: self.problems,
        }
    }
}
