//! Kinds of accounts, declared by the adapter.

use std::fmt;
use std::ops::Deref;

/// A kind of account, declared by the adapter. All kinds share one id space; a role can be restricted to one kind.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AccountKind(&'static AccountKindSpec);

/// Declaration of an account kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountKindSpec {
    /// Its value in attributes.
    pub word: &'static str,
    /// Singular for messages; `s` is appended for the plural.
    pub name: &'static str,
    /// The indefinite article of the name.
    pub article: &'static str,
    /// Whether accounts of this kind can have full rights. If the tenant does not report it for such an account, it is
    /// unknown; accounts of other kinds have none.
    pub may_administer: bool,
    /// Attributes recorded in the audit log.
    pub audited: &'static [&'static str],
    /// Warnings for new accounts without certain fields.
    pub advice: &'static [Advice],
}

/// A warning for a new account without a certain field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advice {
    /// The missing field.
    pub without: &'static str,
    /// The code of the warning.
    pub code: &'static str,
    /// The text of the warning.
    pub message: &'static str,
}

impl AccountKind {
    /// Creates a kind from its declaration.
    #[must_use]
    pub const fn new(spec: &'static AccountKindSpec) -> Self {
        Self(spec)
    }

    /// The name with its indefinite article.
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
