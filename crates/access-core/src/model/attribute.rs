//! Typed attributes of users, as an adapter declares them.

/// The type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeType {
    /// A text.
    Text,
    /// A text of which there are few different ones.
    Word,
    /// Yes or no.
    Flag,
}

/// One attribute of users. Everything else follows from its declaration: the column of datasets, what is compared between
/// two syncs, the history, the tables for people, the documents.
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
    /// Its key in profiles, which is also the name of its column.
    pub key: &'static str,
    /// What its values are.
    pub attribute_type: AttributeType,
    /// What it means, as a sentence for the documents.
    pub meaning: &'static str,
    /// The field id of its column in the table `users`, if it has one. Columns are in the order of these ids.
    pub column: Option<i32>,
    /// The field id of its column in the table `users_history`, if the attribute is compared between syncs. An attribute
    /// with a column that is not compared changes nobody: it repeats what another record says, or was declared after the
    /// first syncs, which lack it, so that everybody would seem changed.
    pub history_column: Option<i32>,
    /// Its heading in tables for people, if it is shown there.
    pub heading: Option<&'static str>,
    /// Whether the review report has it.
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

    /// An attribute that is a text, in the profile only.
    #[must_use]
    pub const fn text(key: &'static str, meaning: &'static str) -> Self {
        Self::new(key, AttributeType::Text, meaning)
    }

    /// An attribute that is one of few texts, in the profile only.
    #[must_use]
    pub const fn word(key: &'static str, meaning: &'static str) -> Self {
        Self::new(key, AttributeType::Word, meaning)
    }

    /// An attribute that is yes or no, in the profile only.
    #[must_use]
    pub const fn flag(key: &'static str, meaning: &'static str) -> Self {
        Self::new(key, AttributeType::Flag, meaning)
    }

    /// The same, with a column of this field id in `users`.
    #[must_use]
    pub const fn column(self, field_id: i32) -> Self {
        Self {
            column: Some(field_id),
            ..self
        }
    }

    /// The same, compared between syncs, with a column of this field id in `users_history`.
    #[must_use]
    pub const fn compared(self, history_field_id: i32) -> Self {
        Self {
            history_column: Some(history_field_id),
            ..self
        }
    }

    /// The same, shown to people under this heading.
    #[must_use]
    pub const fn heading(self, heading: &'static str) -> Self {
        Self {
            heading: Some(heading),
            ..self
        }
    }

    /// The same, in the review report too.
    #[must_use]
    pub const fn in_report(self) -> Self {
        Self {
            in_report: true,
            ..self
        }
    }
}

/// All attributes that an adapter declares of users.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UserAttributes(&'static [UserAttribute]);

impl UserAttributes {
    /// Attributes that can have columns, at most: rows on their way into a dataset have room for so many.
    pub const MAX_COLUMNS: usize = 48;

    /// Checks a declaration.
    ///
    /// # Panics
    /// If those with columns are not in the order of their field ids, if one is compared without a column, or if there are
    /// more than [`MAX_COLUMNS`](Self::MAX_COLUMNS). A declaration is a constant, so that it does not compile then.
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

    /// All of them, in the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = &'static UserAttribute> + Clone {
        self.0.iter()
    }

    /// Those with a column, each with its field id in `users`, in the order of these.
    pub fn columns(self) -> impl Iterator<Item = (&'static UserAttribute, i32)> + Clone {
        self.iter()
            .filter_map(|attribute| Some((attribute, attribute.column?)))
    }

    /// Those that are compared, each with its field id in `users_history`, in the order of these.
    pub fn compared(self) -> impl Iterator<Item = (&'static UserAttribute, i32)> + Clone {
        self.iter()
            .filter_map(|attribute| Some((attribute, attribute.history_column?)))
    }

    /// The attribute of a key.
    #[must_use]
    pub fn get(self, key: &str) -> Option<&'static UserAttribute> {
        self.iter().find(|attribute| attribute.key == key)
    }

    /// Whether a change of an attribute is no change of the user; see [`UserAttribute::history_column`].
    #[must_use]
    pub fn ignores(self, key: &str) -> bool {
        self.get(key)
            .is_some_and(|attribute| attribute.column.is_some() && attribute.history_column.is_none())
    }
}
