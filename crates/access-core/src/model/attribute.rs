//! Typed attributes of users, as an adapter declares them.

/// The type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeType {
    /// A text.
    Text,
    /// A text with few distinct values.
    Word,
    /// A boolean.
    Flag,
}

/// Meaning of an attribute to reports, independent of its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeRole {
    /// The type of a user: a text.
    UserType,
    /// The state of an account's invitation: a text. `PENDING` and `EXPIRED`, in any case, mean that nobody accepted it.
    Invitation,
    /// How an account signs in: a text.
    SignInMethod,
    /// Whether an identity provider manages the account: a flag.
    ManagedByIdentityProvider,
    /// Whether an account has full rights over the tenant: a flag.
    Administrator,
    /// The id of the organization that an account belongs to: a text.
    OrganizationId,
    /// The name of that organization: a text.
    OrganizationName,
}

impl AttributeRole {
    /// The identifier of the role, e.g. `user_type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UserType => "user_type",
            Self::Invitation => "invitation",
            Self::SignInMethod => "sign_in_method",
            Self::ManagedByIdentityProvider => "managed_by_identity_provider",
            Self::Administrator => "administrator",
            Self::OrganizationId => "organization_id",
            Self::OrganizationName => "organization_name",
        }
    }
}

/// Whom the accounts of a user type belong to. Reports judge a weak sign-in of the workforce more severely.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdentityClass {
    /// People who operate the tenant.
    Workforce,
    /// People whom the tenant serves, usually as members of an organization.
    Customer,
}

impl IdentityClass {
    /// The identifier of the class.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Workforce => "workforce",
            Self::Customer => "customer",
        }
    }
}

/// Label of an attribute value. Values without a label are shown as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributeValue {
    /// The value in the profile.
    pub value: &'static str,
    /// Its name, e.g. `Service account`.
    pub label: &'static str,
    /// The name of several accounts with it, e.g. `Service accounts`.
    pub plural: &'static str,
    /// For a user type: whom its accounts belong to, if reports count them separately.
    pub identity_class: Option<IdentityClass>,
}

impl AttributeValue {
    /// A value with a name.
    #[must_use]
    pub const fn new(value: &'static str, label: &'static str) -> Self {
        Self {
            value,
            label,
            plural: label,
            identity_class: None,
        }
    }

    /// Adds the name of several accounts with this value.
    #[must_use]
    pub const fn plural(self, plural: &'static str) -> Self {
        Self { plural, ..self }
    }

    /// Adds whom accounts of this type belong to.
    #[must_use]
    pub const fn identity_class(self, class: IdentityClass) -> Self {
        Self {
            identity_class: Some(class),
            ..self
        }
    }
}

/// The number of users who have a flag, as a report shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttributeFigure {
    /// Identifies the number from report to report.
    pub key: &'static str,
    /// Its name.
    pub label: &'static str,
    /// Who is counted, as a sentence without a stop.
    pub meaning: &'static str,
}

/// Declaration of a user attribute. Dataset columns, comparison, history, tables, the report and the generated docs are
/// derived from it.
///
/// ```
/// use access_core::model::{UserAttribute, UserAttributes};
///
/// const ATTRIBUTES: UserAttributes = UserAttributes::new(&[
///     UserAttribute::text("phone", "Phone number.").column(11).compared(11),
///     UserAttribute::flag("on_call", "Whether it is on call.").column(32).compared(36),
/// ]);
/// assert_eq!(ATTRIBUTES.get("on_call").unwrap().column, Some(32));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserAttribute {
    /// Key in profiles and name of the column.
    pub key: &'static str,
    /// Type of the values.
    pub attribute_type: AttributeType,
    /// Meaning, as a sentence for the generated docs.
    pub meaning: &'static str,
    /// Field id of the column in the table `users`, if any. Columns are sorted by field id.
    pub column: Option<i32>,
    /// Field id of the column in the table `users_history`, if the attribute is compared between syncs. Attributes that
    /// repeat another record, or that were declared after the first syncs, have a column but are not compared:
    /// otherwise every user would appear changed.
    pub history_column: Option<i32>,
    /// Column heading in terminal output, if shown there.
    pub heading: Option<&'static str>,
    /// Label in the review report, if the report includes it.
    pub report_label: Option<&'static str>,
    /// Meaning of the attribute to reports.
    pub role: Option<AttributeRole>,
    /// Labels of values.
    pub values: &'static [AttributeValue],
    /// Figure of the report that counts the users with this flag, if any.
    pub figure: Option<AttributeFigure>,
}

impl UserAttribute {
    const fn new(key: &'static str, attribute_type: AttributeType, meaning: &'static str) -> Self {
        Self {
            key,
            attribute_type,
            meaning,
            column: None,
            history_column: None,
            heading: None,
            report_label: None,
            role: None,
            values: &[],
            figure: None,
        }
    }

    /// A text attribute without columns.
    #[must_use]
    pub const fn text(key: &'static str, meaning: &'static str) -> Self {
        Self::new(key, AttributeType::Text, meaning)
    }

    /// A text attribute with few distinct values, without columns.
    #[must_use]
    pub const fn word(key: &'static str, meaning: &'static str) -> Self {
        Self::new(key, AttributeType::Word, meaning)
    }

    /// A boolean attribute without columns.
    #[must_use]
    pub const fn flag(key: &'static str, meaning: &'static str) -> Self {
        Self::new(key, AttributeType::Flag, meaning)
    }

    /// Adds a column with this field id to `users`.
    #[must_use]
    pub const fn column(self, field_id: i32) -> Self {
        Self {
            column: Some(field_id),
            ..self
        }
    }

    /// Compares the attribute between syncs and adds a column with this field id to `users_history`.
    #[must_use]
    pub const fn compared(self, history_field_id: i32) -> Self {
        Self {
            history_column: Some(history_field_id),
            ..self
        }
    }

    /// Shows the attribute in terminal output under this heading.
    #[must_use]
    pub const fn heading(self, heading: &'static str) -> Self {
        Self {
            heading: Some(heading),
            ..self
        }
    }

    /// Includes the attribute in the review report under this label.
    #[must_use]
    pub const fn in_report(self, label: &'static str) -> Self {
        Self {
            report_label: Some(label),
            ..self
        }
    }

    /// Sets the meaning to reports.
    #[must_use]
    pub const fn role(self, role: AttributeRole) -> Self {
        Self {
            role: Some(role),
            ..self
        }
    }

    /// Sets the labels of values.
    #[must_use]
    pub const fn values(self, values: &'static [AttributeValue]) -> Self {
        Self { values, ..self }
    }

    /// Adds a figure to the report that counts the users with this flag.
    #[must_use]
    pub const fn counted(self, figure: AttributeFigure) -> Self {
        Self {
            figure: Some(figure),
            ..self
        }
    }
}

/// All user attributes that an adapter declares.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserAttributes(&'static [UserAttribute]);

impl UserAttributes {
    /// Maximum number of attributes with columns; limited by the row buffer of datasets.
    pub const MAX_COLUMNS: usize = 48;

    /// Validates a declaration. Call it in a constant, so that an invalid declaration does not compile.
    ///
    /// # Panics
    /// If columns are not declared in the order of their field ids, an attribute is compared without a column, or there
    /// are more than [`MAX_COLUMNS`](Self::MAX_COLUMNS) columns.
    #[must_use]
    pub const fn new(attributes: &'static [UserAttribute]) -> Self {
        let (mut n, mut columns, mut last, mut last_history) = (0, 0, 0, 0);
        while n < attributes.len() {
            if let Some(column) = attributes[n].column {
                assert!(
                    column > last,
                    "columns are declared in the order of their field ids"
                );
                last = column;
                columns += 1;
            }
            if let Some(column) = attributes[n].history_column {
                assert!(
                    attributes[n].column.is_some(),
                    "an attribute that is compared has a column"
                );
                assert!(
                    column > last_history,
                    "columns are declared in the order of their field ids"
                );
                last_history = column;
            }
            n += 1;
        }
        assert!(columns <= Self::MAX_COLUMNS, "there are too many columns");
        Self(attributes)
    }

    /// All attributes in the order of declaration.
    pub fn iter(self) -> impl Iterator<Item = &'static UserAttribute> + Clone {
        self.0.iter()
    }

    /// Attributes with a column and its field id in `users`, sorted by it.
    pub fn columns(self) -> impl Iterator<Item = (&'static UserAttribute, i32)> + Clone {
        self.iter()
            .filter_map(|attribute| Some((attribute, attribute.column?)))
    }

    /// Compared attributes and their field ids in `users_history`, sorted by it.
    pub fn compared(self) -> impl Iterator<Item = (&'static UserAttribute, i32)> + Clone {
        self.iter()
            .filter_map(|attribute| Some((attribute, attribute.history_column?)))
    }

    /// Attributes in the review report, in the order of their declaration.
    pub fn reported(self) -> impl Iterator<Item = &'static UserAttribute> + Clone {
        self.iter().filter(|attribute| attribute.report_label.is_some())
    }

    /// Finds the reported attribute with a role.
    #[must_use]
    pub fn with_role(self, role: AttributeRole) -> Option<&'static UserAttribute> {
        self.reported().find(|attribute| attribute.role == Some(role))
    }

    /// Finds an attribute by key.
    #[must_use]
    pub fn get(self, key: &str) -> Option<&'static UserAttribute> {
        self.iter().find(|attribute| attribute.key == key)
    }

    /// Whether the comparison ignores an attribute; see [`UserAttribute::history_column`].
    #[must_use]
    pub fn ignores(self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|attribute| attribute.column.is_some() && attribute.history_column.is_none())
    }
}
