//! The schema of a database: tables, columns, indexes.

/// A table. Every table begins with `id integer primary key`, which is SQLite's row id and is not listed here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) indexes: &'static [Index],
}

/// A column: name and the rest of its declaration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) declaration: &'static str,
}

/// An index over columns of its table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Index {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [&'static str],
    pub(crate) unique: bool,
    pub(crate) only: Option<Predicate>,
}

/// The condition of a partial index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Predicate {
    NotNull(&'static str),
    IsOne(&'static str),
}

/// The name of the row id column.
pub(crate) const ROW_ID: &str = "id";

/// Number of b-trees of these tables and their indexes.
pub(crate) fn trees(tables: &[Table]) -> usize {
    tables.iter().map(|table| 1 + table.indexes.len()).sum()
}

impl Table {
    /// The position of a column among the values of a row; `None` for the row id.
    pub(crate) fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known.name == column)
    }

    /// The statement that creates the table.
    pub(crate) fn create_statement(&self) -> String {
        let columns = self
            .columns
            .iter()
            .map(|column| format!(", {} {}", column.name, column.declaration));
        format!(
            "CREATE TABLE {} ({ROW_ID} integer primary key{})",
            self.name,
            columns.collect::<String>()
        )
    }
}

impl Index {
    /// The statement that creates the index.
    pub(crate) fn create_statement(&self, table: &Table) -> String {
        let unique = if self.unique { "UNIQUE " } else { "" };
        let columns = self.columns.join(", ");
        let only = match self.only {
            None => String::new(),
            Some(Predicate::NotNull(column)) => format!(" WHERE {column} is not null"),
            Some(Predicate::IsOne(column)) => format!(" WHERE {column} = 1"),
        };
        format!(
            "CREATE {unique}INDEX {} ON {} ({columns}){only}",
            self.name, table.name
        )
    }
}
