//! Columns of rows, for people and for programs.

/// Columns with this rank or a higher one are dropped on a narrow terminal, the highest first.
pub(crate) const OPTIONAL: u8 = 10;
/// The default rank.
const PLAIN: u8 = 5;

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its name in JSON and CSV; `None` for people only.
    pub(crate) name: Option<&'static str>,
    /// Its heading in a table; `None` for programs only.
    pub(crate) heading: Option<&'static str>,
    /// Its importance; see [`OPTIONAL`].
    pub(super) rank: u8,
    /// Its position in a table: low ones come first.
    pub(super) position: u8,
    /// Whether its texts may be shortened to fit a terminal.
    pub(super) elastic: bool,
    /// A table drops the column if every row has this text.
    pub(super) needless: Option<&'static str>,
    /// The column with the ids that distinguish equal names.
    pub(super) ids: Option<&'static str>,
}

impl Column {
    const fn new(name: Option<&'static str>, heading: Option<&'static str>) -> Self {
        Self {
            name,
            heading,
            rank: PLAIN,
            position: PLAIN,
            elastic: true,
            needless: None,
            ids: None,
        }
    }

    /// Sets the importance, and the position to the same number.
    pub(crate) const fn rank(self, rank: u8) -> Self {
        Self {
            rank,
            position: rank,
            ..self
        }
    }

    /// Sets a position that differs from the importance.
    pub(crate) const fn at(self, position: u8) -> Self {
        Self { position, ..self }
    }

    /// Prevents shortening.
    pub(crate) const fn never_shortened(self) -> Self {
        Self {
            elastic: false,
            ..self
        }
    }

    /// Drops the column from a table in which all rows have this text.
    pub(crate) const fn unless_all(self, text: &'static str) -> Self {
        Self {
            needless: Some(text),
            ..self
        }
    }

    /// Adds ids from another column if equal names have different ids.
    pub(crate) const fn with_ids_from(self, ids: &'static str) -> Self {
        Self {
            ids: Some(ids),
            ..self
        }
    }

    /// The heading or the name.
    pub(super) fn title(&self) -> &'static str {
        self.heading.or(self.name).unwrap_or_default()
    }
}

/// A column for people and programs.
pub(crate) const fn shown(name: &'static str, heading: &'static str) -> Column {
    Column::new(Some(name), Some(heading))
}

/// A column for programs.
pub(crate) const fn data(name: &'static str) -> Column {
    Column::new(Some(name), None)
}

/// A column for people.
pub(crate) const fn people(heading: &'static str) -> Column {
    Column::new(None, Some(heading))
}

/// A column that is never shown, so that related tables have the same cells.
pub(crate) const fn hidden() -> Column {
    Column::new(None, None)
}
