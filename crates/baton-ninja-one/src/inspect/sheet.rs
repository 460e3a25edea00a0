//! Rows for people and for programs: a table, JSON lines, or CSV, from one description of the columns.

use std::borrow::Cow;

use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use sink_csv::SpreadsheetSafety;
use unicode_width::UnicodeWidthStr;

use super::pager::Outlet;
use crate::console::escape_line;
use crate::table::grouped;

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its name in JSON and CSV; without one it is for people only.
    pub(crate) name: Option<&'static str>,
    /// Its heading in a table; without one it is for programs only.
    pub(crate) heading: Option<&'static str>,
}

/// A column for everybody.
pub(crate) const fn shown(name: &'static str, heading: &'static str) -> Column {
    Column {
        name: Some(name),
        heading: Some(heading),
    }
}

/// A column for programs.
pub(crate) const fn data(name: &'static str) -> Column {
    Column {
        name: Some(name),
        heading: None,
    }
}

/// A column for people.
pub(crate) const fn people(heading: &'static str) -> Column {
    Column {
        name: None,
        heading: Some(heading),
    }
}

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nobody says.
    Nothing,
    Text(String),
    Flag(bool),
    Count(u64),
    List(Vec<String>),
}

impl Cell {
    pub(crate) fn text(text: &(impl ToString + ?Sized)) -> Self {
        Self::Text(text.to_string())
    }

    pub(crate) fn text_or_nothing(text: Option<&(impl ToString + ?Sized)>) -> Self {
        text.map_or(Self::Nothing, Self::text)
    }

    pub(crate) fn flag_or_nothing(flag: Option<bool>) -> Self {
        flag.map_or(Self::Nothing, Self::Flag)
    }

    fn for_people(&self) -> String {
        match self {
            Self::Nothing => "-".to_owned(),
            // A line end would tear the table.
            Self::Text(text) => escape_line(&text.replace(['\n', '\t'], " ")).into_owned(),
            Self::Flag(true) => "yes".to_owned(),
            Self::Flag(false) => "no".to_owned(),
            Self::Count(count) => grouped(*count),
            Self::List(texts) if texts.is_empty() => "-".to_owned(),
            Self::List(texts) => escape_line(&texts.join(", ").replace(['\n', '\t'], " ")).into_owned(),
        }
    }

    fn write_csv(&self, line: &mut Vec<u8>) {
        match self {
            Self::Nothing => {}
            Self::Text(text) => sink_csv::text_cell(text, SpreadsheetSafety::Safe, line),
            Self::Flag(flag) => line.extend_from_slice(flag.to_string().as_bytes()),
            Self::Count(count) => line.extend_from_slice(count.to_string().as_bytes()),
            Self::List(texts) => sink_csv::list_cell(texts.iter().map(String::as_str), line),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_none(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::List(texts) => {
                let mut list = serializer.serialize_seq(Some(texts.len()))?;
                for text in texts {
                    list.serialize_element(text)?;
                }
                list.end()
            }
        }
    }
}

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Table,
    Json,
    Csv,
}

/// Rows after which a table's columns are as wide as they will be.
const MEASURED_ROWS: usize = 1_000;

/// Rows on their way to standard output.
pub(crate) struct Sheet {
    columns: Cow<'static, [Column]>,
    form: Form,
    /// The first rows of a table, until they are measured.
    waiting: Vec<Vec<Cell>>,
    widths: Option<Vec<usize>>,
    rows: u64,
}

/// Nobody reads any more, or nobody wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed;

impl Sheet {
    pub(crate) fn new(columns: impl Into<Cow<'static, [Column]>>, form: Form) -> Self {
        Self {
            columns: columns.into(),
            form,
            waiting: Vec::new(),
            widths: None,
            rows: 0,
        }
    }

    /// Adds a row: a cell for each column.
    pub(crate) fn push(&mut self, cells: Vec<Cell>, outlet: &mut Outlet) -> Result<(), Closed> {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows += 1;
        match self.form {
            Form::Table => {
                if self.widths.is_some() {
                    return self.line(&cells, outlet);
                }
                self.waiting.push(cells);
                if self.waiting.len() < MEASURED_ROWS {
                    return Ok(());
                }
                self.measure(outlet)
            }
            Form::Json => {
                let text = serde_json::to_string(&Object(&self.columns, &cells)).unwrap_or_default();
                outlet.line(&text)
            }
            Form::Csv => {
                if self.rows == 1 {
                    self.csv_heading(outlet)?;
                }
                let mut line = Vec::new();
                let named = self.columns.iter().zip(&cells);
                let named = named.filter(|(column, _)| column.name.is_some());
                for (n, (_, cell)) in named.enumerate() {
                    if n > 0 {
                        line.push(b',');
                    }
                    cell.write_csv(&mut line);
                }
                line.push(b'\r');
                outlet.line(&String::from_utf8_lossy(&line))
            }
        }
    }

    /// Writes what still waits. Gives the number of rows.
    pub(crate) fn finish(mut self, outlet: &mut Outlet) -> Result<u64, Closed> {
        match self.form {
            Form::Table if self.widths.is_none() => self.measure(outlet)?,
            Form::Csv if self.rows == 0 => self.csv_heading(outlet)?,
            Form::Table | Form::Json | Form::Csv => {}
        }
        Ok(self.rows)
    }

    fn csv_heading(&self, outlet: &mut Outlet) -> Result<(), Closed> {
        let names: Vec<&str> = self.columns.iter().filter_map(|column| column.name).collect();
        outlet.line(&(names.join(",") + "\r"))
    }

    fn measure(&mut self, outlet: &mut Outlet) -> Result<(), Closed> {
        let waiting = std::mem::take(&mut self.waiting);
        let headings = self
            .columns
            .iter()
            .map(|column| column.heading.unwrap_or_default());
        let mut widths: Vec<usize> = headings.clone().map(width_of).collect();
        for row in &waiting {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(width_of(&cell.for_people()));
            }
        }
        self.widths = Some(widths);
        if waiting.is_empty() {
            return Ok(());
        }
        let headings = headings.map(Cell::text).collect();
        for row in std::iter::once(headings).chain(waiting) {
            self.line(&row, outlet)?;
        }
        Ok(())
    }

    fn line(&self, cells: &[Cell], outlet: &mut Outlet) -> Result<(), Closed> {
        let widths = self.widths.as_deref().unwrap_or_default();
        let mut line = String::new();
        for ((column, cell), width) in self.columns.iter().zip(cells).zip(widths) {
            if column.heading.is_none() {
                continue;
            }
            let text = cell.for_people();
            let gap = " ".repeat(width.saturating_sub(width_of(&text)));
            line.push_str("  ");
            if matches!(cell, Cell::Count(_)) {
                line.push_str(&gap);
                line.push_str(&text);
            } else {
                line.push_str(&text);
                line.push_str(&gap);
            }
        }
        outlet.line(line.trim_end())
    }
}

/// Columns that a text takes on a terminal, where some characters take two.
fn width_of(text: &str) -> usize {
    text.width()
}

/// A row as a JSON value.
pub(crate) fn object(columns: &[Column], cells: &[Cell]) -> serde_json::Value {
    serde_json::to_value(Object(columns, cells)).unwrap_or_default()
}

/// A row as a JSON object, keys in the order of the columns.
struct Object<'a>(&'a [Column], &'a [Cell]);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (column, cell) in self.0.iter().zip(self.1) {
            if let Some(name) = column.name {
                map.serialize_entry(name, cell)?;
            }
        }
        map.end()
    }
}
