//! What the API sends, in three states (docs/reference/design.md §3): said, not said (absent or null), not readable (of another
//! type). Unknown keys are ignored (docs/reference/ninjaone-api.md §3.1, §12).

use serde::Serialize;

/// A field or list of an answer. Only what is said decides anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::enum_variant_names,
    reason = "said, not said and not readable are the words of the design"
)]
pub(crate) enum Said<T> {
    /// A value of the type that is due.
    Said(T),
    /// Absent or null: neither yes nor no.
    #[default]
    NotSaid,
    /// A value of another type.
    NotReadable,
}

/// A text of at most [`MAX_LABEL_BYTES`]: a longer label is clipped, a longer word or address is not readable.
pub(crate) type Text = Said<Box<str>>;

/// True or false.
pub(crate) type Flag = Said<bool>;

/// A number that names something: a JSON number or its decimal text.
pub(crate) type Id = Said<u64>;

/// A list.
pub(crate) type List<T> = Said<Entries<T>>;

/// The elements of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entries<T> {
    /// Those of the type that is due.
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

/// A row of a list: an object, nothing, or something that cannot be a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Row<T> {
    Object(T),
    /// `null`: there is a row, and nothing is said of it.
    Null,
    Other,
}

impl<T> Said<T> {
    /// What is said.
    pub(crate) fn said(&self) -> Option<&T> {
        match self {
            Self::Said(value) => Some(value),
            Self::NotSaid | Self::NotReadable => None,
        }
    }

    /// Whether there is a value of another type.
    pub(crate) fn is_not_readable(&self) -> bool {
        matches!(self, Self::NotReadable)
    }

    /// What is said here, or else what is said there; not readable if neither says it and one cannot be read.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (said @ Self::Said(_), _) | (_, said @ Self::Said(_)) => said,
            (Self::NotReadable, _) | (_, Self::NotReadable) => Self::NotReadable,
            (Self::NotSaid, Self::NotSaid) => Self::NotSaid,
        }
    }

    /// Forgets a value that is not readable. Whether there was one.
    pub(super) fn take_unreadable(&mut self) -> bool {
        let unreadable = self.is_not_readable();
        if unreadable {
            *self = Self::NotSaid;
        }
        unreadable
    }
}

impl<T: Copy> Said<T> {
    /// What is said.
    pub(crate) fn get(self) -> Option<T> {
        self.said().copied()
    }
}

impl<T> From<Option<T>> for Said<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::NotSaid, Self::Said)
    }
}

impl<T: Serialize> Serialize for Said<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.said().serialize(serializer)
    }
}

impl Text {
    /// The text, if one is said.
    pub(crate) fn text(&self) -> Option<&str> {
        self.said().map(AsRef::as_ref)
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
        self.said().map_or(&[], |entries| &entries.usable)
    }

    /// What either list says.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Said(mut own), Self::Said(other)) => {
                own.usable.extend(other.usable);
                own.unusable += other.unusable;
                Self::Said(own)
            }
            (own, other) => own.or(other),
        }
    }

    /// Whether it is no list, or not all of its elements can be used.
    pub(super) fn is_partly_unreadable(&self) -> bool {
        self.is_not_readable() || self.said().is_some_and(|entries| entries.unusable > 0)
    }
}

impl Said<OrganizationIds> {
    /// The ids.
    pub(crate) fn ids(&self) -> &[u64] {
        match self {
            Self::Said(OrganizationIds::One(id)) => std::slice::from_ref(id),
            Self::Said(OrganizationIds::Several(ids)) => &ids.usable,
            Self::NotSaid | Self::NotReadable => &[],
        }
    }

    pub(super) fn is_partly_unreadable(&self) -> bool {
        match self {
            Self::Said(OrganizationIds::Several(ids)) => ids.unusable > 0,
            Self::Said(OrganizationIds::One(_)) | Self::NotSaid => false,
            Self::NotReadable => true,
        }
    }
}
