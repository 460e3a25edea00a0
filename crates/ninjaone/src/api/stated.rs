//! A value of the API, in three states (docs/reference/design.md §3): present, unstated (absent or null), unreadable (of another
//! type). Unknown keys are ignored (docs/reference/ninjaone-api.md §3.1, §12).

use serde::Serialize;

/// A field or list of a response. Only a value decides anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Stated<T> {
    /// A value of the expected type.
    Value(T),
    /// Absent or null: neither yes nor no.
    #[default]
    Unstated,
    /// A value of another type.
    Unreadable,
}

/// A text of at most [`MAX_LABEL_BYTES`]: a longer label is clipped, a longer word or address is unreadable.
pub(crate) type Text = Stated<Box<str>>;

/// True or false.
pub(crate) type Flag = Stated<bool>;

/// A numeric id: a JSON number or its decimal text.
pub(crate) type Id = Stated<u64>;

/// A list.
pub(crate) type List<T> = Stated<Entries<T>>;

/// The elements of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entries<T> {
    /// The elements of the expected type.
    pub(crate) usable: Vec<T>,
    /// How many are null or of another type.
    pub(crate) unusable: u64,
}

/// The rows of a list within an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rows<T>(pub(crate) Vec<Row<T>>);

/// The organizations of an end user: one id, or a list of ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum OrganizationIds {
    One(u64),
    Several(Entries<u64>),
}

/// A row of a list: an object, `null`, or any other value, which is not a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Row<T> {
    Object(T),
    /// `null`: a row without content.
    Null,
    Other,
}

impl<T> Stated<T> {
    /// The value, if there is one.
    pub(crate) fn value(&self) -> Option<&T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Unstated | Self::Unreadable => None,
        }
    }

    /// Whether there is a value of another type.
    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(self, Self::Unreadable)
    }

    /// The first value of the two; unreadable if there is none and one of them is unreadable.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (value @ Self::Value(_), _) | (_, value @ Self::Value(_)) => value,
            (Self::Unreadable, _) | (_, Self::Unreadable) => Self::Unreadable,
            (Self::Unstated, Self::Unstated) => Self::Unstated,
        }
    }

    /// Drops an unreadable value, and returns whether there was one.
    pub(super) fn drop_unreadable(&mut self) -> bool {
        let unreadable = self.is_unreadable();
        if unreadable {
            *self = Self::Unstated;
        }
        unreadable
    }
}

impl<T: Copy> Stated<T> {
    /// The value, if there is one.
    pub(crate) fn get(self) -> Option<T> {
        self.value().copied()
    }
}

impl<T> From<Option<T>> for Stated<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Unstated, Self::Value)
    }
}

impl<T: Serialize> Serialize for Stated<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value().serialize(serializer)
    }
}

impl Text {
    /// The text, if there is one.
    pub(crate) fn text(&self) -> Option<&str> {
        self.value().map(AsRef::as_ref)
    }

    /// The text without spaces around it, if anything is left.
    pub(crate) fn trimmed(&self) -> Option<&str> {
        self.text().map(str::trim).filter(|text| !text.is_empty())
    }
}

impl<T> Default for Entries<T> {
    fn default() -> Self {
        Self {
            usable: Vec::new(),
            unusable: 0,
        }
    }
}

impl<T> List<T> {
    /// The usable elements.
    pub(crate) fn entries(&self) -> &[T] {
        self.value().map_or(&[], |entries| &entries.usable)
    }

    /// The elements of both lists.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Value(mut own), Self::Value(other)) => {
                own.usable.extend(other.usable);
                own.unusable += other.unusable;
                Self::Value(own)
            }
            (own, other) => own.or(other),
        }
    }

    /// Whether it is not a list, or some of its elements are unusable.
    pub(super) fn is_partly_unreadable(&self) -> bool {
        self.is_unreadable() || self.value().is_some_and(|entries| entries.unusable > 0)
    }
}

impl Stated<OrganizationIds> {
    /// The ids.
    pub(crate) fn ids(&self) -> &[u64] {
        match self {
            Self::Value(OrganizationIds::One(id)) => std::slice::from_ref(id),
            Self::Value(OrganizationIds::Several(ids)) => &ids.usable,
            Self::Unstated | Self::Unreadable => &[],
        }
    }

    pub(super) fn is_partly_unreadable(&self) -> bool {
        match self {
            Self::Value(OrganizationIds::Several(ids)) => ids.unusable > 0,
            Self::Value(OrganizationIds::One(_)) | Self::Unstated => false,
            Self::Unreadable => true,
        }
    }
}
