//! What accounts of a tenant are: declared by its adapter as plain data, and applied here.

use super::AccountKind;

/// What an adapter declares of its accounts. The rules of provisioning, the form for new accounts and the arguments of
/// the update action all follow from it.
#[derive(Debug, PartialEq, Eq)]
pub struct AccountSchema {
    /// The kinds of accounts.
    pub kinds: &'static [AccountKind],
    /// What an account with full rights is called, e.g. `Administrator`.
    pub administrator_title: &'static str,
    /// Characters that a given or family name can have.
    pub max_name_chars: usize,
    /// What a new account is made of, in the order of the form.
    pub create_fields: &'static [AccountField],
    /// Arguments of the update action.
    pub update_fields: &'static [AccountField],
    /// What the update action does.
    pub update_description: &'static str,
    /// Attributes that a new account must not be given, each with the reason.
    pub refused: &'static [(&'static str, &'static str)],
    /// Attributes of an existing account that cannot be changed, each with the reason.
    pub unchangeable: &'static [(&'static str, &'static str)],
}

impl AccountSchema {
    /// The kind that a word names, in any case and with `-`, `_`, a space or nothing between its parts.
    #[must_use]
    pub fn kind(&self, word: &str) -> Option<AccountKind> {
        let wanted = letters(word);
        let kinds = self.kinds.iter().copied();
        kinds.into_iter().find(|kind| letters(kind.word) == wanted)
    }

    /// The words of all kinds, e.g. `A or B`.
    pub(super) fn kind_words(&self, separator: &str) -> String {
        let words: Vec<&str> = self.kinds.iter().map(|kind| kind.word).collect();
        words.join(separator)
    }

    /// A field of the form for new accounts.
    #[must_use]
    pub fn create_field(&self, name: &str) -> Option<&'static AccountField> {
        self.create_fields.iter().find(|field| field.name == name)
    }

    /// An argument of the update action.
    #[must_use]
    pub fn update_field(&self, name: &str) -> Option<&'static AccountField> {
        self.update_fields.iter().find(|field| field.name == name)
    }
}

fn letters(word: &str) -> String {
    let letters = word.chars().filter(char::is_ascii_alphabetic);
    letters.map(|letter| letter.to_ascii_lowercase()).collect()
}

/// One field of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountField {
    /// Its key, which is also that of the attribute in a profile.
    pub name: &'static str,
    /// Its name for people.
    pub display_name: &'static str,
    /// What its value is.
    pub rule: FieldRule,
    /// Whether an account cannot be made without it.
    pub required: bool,
    /// The only kind of accounts that has it; `None` if all have.
    pub only_for: Option<AccountKind>,
    /// What it means.
    pub description: &'static str,
    /// An example.
    pub placeholder: &'static str,
}

/// What the value of a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldRule {
    /// The account itself, by id or login.
    Account,
    /// The word of a kind of accounts.
    Kind,
    /// A given name.
    GivenName,
    /// A family name.
    FamilyName,
    /// An e-mail address; a login stands in for a missing one.
    Email,
    /// Any text.
    Text,
    /// Yes or no.
    Flag,
    /// An organization, by id or name. The key without `_id` is accepted too.
    Organization,
    /// Roles, by id or name.
    Roles,
}

/// What a field looks like in a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// A text.
    Text,
    /// Yes or no.
    Flag,
    /// Several texts.
    List,
}

impl AccountField {
    /// A field that may be left empty, of all kinds of accounts.
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

    /// The same, without which an account cannot be made.
    #[must_use]
    pub const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    /// The same, of accounts of one kind.
    #[must_use]
    pub const fn only_for(self, kind: AccountKind) -> Self {
        Self {
            only_for: Some(kind),
            ..self
        }
    }

    /// What it looks like in a form.
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

    /// Its name within a sentence.
    pub(super) fn label(&self) -> String {
        let mut letters = self.display_name.chars();
        let first = letters.next().into_iter().flat_map(char::to_lowercase);
        first.chain(letters).collect()
    }
}

/// The action that changes an account.
pub const UPDATE_ACCOUNT: &str = "update-account";
/// Its argument that names the account.
pub const ACCOUNT_ARGUMENT: &str = "user_id";
