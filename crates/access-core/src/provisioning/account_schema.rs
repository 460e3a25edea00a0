//! The account schema: declared by the adapter as data, applied by the domain.

use super::AccountKind;

/// Declares the accounts of a tenant. Provisioning rules, the form for new accounts and the arguments of the update
/// action follow from it.
#[derive(Debug, PartialEq, Eq)]
pub struct AccountSchema {
    /// The account kinds.
    pub kinds: &'static [AccountKind],
    /// Title of accounts with full rights, e.g. `Administrator`.
    pub administrator_title: &'static str,
    /// Maximum length of given and family names, in characters.
    pub max_name_chars: usize,
    /// Fields of new accounts, in form order.
    pub create_fields: &'static [AccountField],
    /// Arguments of the update action.
    pub update_fields: &'static [AccountField],
    /// Description of the update action.
    pub update_description: &'static str,
    /// Attributes that new accounts must not have, each with the reason.
    pub refused: &'static [(&'static str, &'static str)],
    /// Attributes that cannot be changed, each with the reason.
    pub unchangeable: &'static [(&'static str, &'static str)],
}

impl AccountSchema {
    /// Finds a kind by its word, ignoring case and separators (`-`, `_`, space).
    #[must_use]
    pub fn kind(&self, word: &str) -> Option<AccountKind> {
        let requested = letters(word);
        let kinds = self.kinds.iter().copied();
        kinds.into_iter().find(|kind| letters(kind.word) == requested)
    }

    /// The words of all kinds, joined, e.g. `A or B`.
    pub(super) fn join_kind_words(&self, separator: &str) -> String {
        let words: Vec<&str> = self.kinds.iter().map(|kind| kind.word).collect();
        words.join(separator)
    }

    /// Finds a field of new accounts.
    #[must_use]
    pub fn create_field(&self, name: &str) -> Option<&'static AccountField> {
        self.create_fields.iter().find(|field| field.name == name)
    }

    /// Finds an argument of the update action.
    #[must_use]
    pub fn update_field(&self, name: &str) -> Option<&'static AccountField> {
        self.update_fields.iter().find(|field| field.name == name)
    }
}

fn letters(word: &str) -> String {
    let letters = word.chars().filter(char::is_ascii_alphabetic);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// A field of an account form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountField {
    /// Key of the field and of the profile attribute.
    pub name: &'static str,
    /// The display name.
    pub display_name: &'static str,
    /// Type and validation of the value.
    pub rule: FieldRule,
    /// Whether new accounts require it.
    pub required: bool,
    /// The only account kind with this field; `None` for all.
    pub only_for: Option<AccountKind>,
    /// The meaning.
    pub description: &'static str,
    /// An example.
    pub placeholder: &'static str,
}

/// Type and validation of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldRule {
    /// The account, by id or login.
    Account,
    /// An account kind.
    Kind,
    /// A given name.
    GivenName,
    /// A family name.
    FamilyName,
    /// An e-mail address; defaults to the login.
    Email,
    /// Any text.
    Text,
    /// Yes or no.
    Flag,
    /// An organization, by id or name. The key is also accepted without `_id`.
    Organization,
    /// Roles, by id or name.
    Roles,
}

/// The input type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// A text.
    Text,
    /// Yes or no.
    Flag,
    /// A list of texts.
    List,
}

impl AccountField {
    /// An optional field of all account kinds.
    #[must_use]
    pub const fn optional(
        name: &'static str,
        display_name: &'static str,
        rule: FieldRule,
        description: &'static str,
        placeholder: &'static str,
    ) -> Self {
        Self {
            name,
            display_name,
            rule,
            required: false,
            only_for: None,
            description,
            placeholder,
        }
    }

    /// Makes the field required.
    #[must_use]
    pub const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    /// Restricts the field to one account kind.
    #[must_use]
    pub const fn only_for(self, kind: AccountKind) -> Self {
        Self {
            only_for: Some(kind),
            ..self
        }
    }

    /// The input type.
    #[must_use]
    pub const fn kind(&self) -> FieldType {
        match self.rule {
            FieldRule::Flag => FieldType::Flag,
            FieldRule::Roles => FieldType::List,
            FieldRule::Account
            | FieldRule::Kind
            | FieldRule::GivenName
            | FieldRule::FamilyName
            | FieldRule::Email
            | FieldRule::Text
            | FieldRule::Organization => FieldType::Text,
        }
    }

    /// The name within a sentence.
    pub(super) fn label(&self) -> String {
        let mut letters = self.display_name.chars();
        let first = letters.next().into_iter().flat_map(char::to_lowercase);
        first.chain(letters).collect()
    }
}

/// The action that updates an account.
pub const UPDATE_ACCOUNT: &str = "update-account";
/// Its argument for the account.
pub const ACCOUNT_ARGUMENT: &str = "user_id";
