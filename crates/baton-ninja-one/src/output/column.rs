//! Columns of rows, for people and for programs.

/// Ranks from here on are left out where a terminal is too narrow, the highest first.
pub(crate) const OPTIONAL: u8 = 10;
/// The rank by default.
const PLAIN: u8 = 5;

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its name in JSON and CSV; without one it is for people only.
    pub(crate) name: Option<&'static str>,
    /// Its heading in a table; without one it is for programs only.
    pub(crate) heading: Option<&'static str>,
    /// Its importance: see [`OPTIONAL`].
    pub(super) rank: u8,
    /// Its position in a table: low ones come first.
    pub(super) position: u8,
    /// Whether its texts may be shortened to fit a terminal.
    pub(super) elastic: bool,
    /// The text that makes it needless in a table where every row has it.
    pub(super) needless: Option<&'static str>,
    /// The column with the ids that tell equal names apart.
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

    /// The same with another importance, and at that position.
    pub(crate) const fn rank(self, rank: u8) -> Self {
        Self {
            rank,
            position: rank,
            ..self
        }
    }

    /// The same at another position than its importance says.
    pub(crate) const fn at(self, position: u8) -> Self {
        Self { position, ..self }
    }

    /// The same, never shortened.
    pub(crate) const fn never_shortened(self) -> Self {
        Self {
            elastic: false,
            ..self
        }
    }

    /// The same, left out of a table where all rows have this text.
    pub(crate) const fn unless_all(self, text: &'static str) -> Self {
        Self {
            needless: Some(text),
            ..self
        }
    }

    /// The same; where two rows have one name and different ids in that column, the ids are shown.
    pub(crate) const fn with_ids_from(self, ids: &'static str) -> Self {
        Self {
            ids: Some(ids),
            ..self
        }
    }

    /// What it is called in a table.
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

/// A column that is neither, so that all tables of a family have the same cells.
pub(crate) const fn hidden() -> Column {
    Column::new(None, None)
}
