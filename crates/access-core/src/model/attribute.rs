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
    /// Whether the review report includes it.
    pub in_report: bool,
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
            in_report: false,
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

    /// Includes the attribute in the review report.
    #[must_use]
    pub const fn in_report(self) -> Self {
        Self {
            in_report: true,
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
