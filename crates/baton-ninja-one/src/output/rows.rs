//! Rows for people and for programs: a table, JSON lines, or CSV, from one description of the columns.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use access_core::StatusCode;
use access_core::query::{natural_order, nearest};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use sink_csv::SpreadsheetSafety;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::pager::OutputTarget;
use super::pager::terminal_width;
use crate::failure::Failure;
use crate::output::console::escape_line;
use crate::output::text_table::format_thousands;
use crate::output::text_table::moment;

/// Ranks from here on are left out where a terminal is too narrow, the highest first.
pub(crate) const OPTIONAL: u8 = 10;
/// The rank of a column that nothing else is said of.
const PLAIN: u8 = 5;

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    /// Its name in JSON and CSV; without one it is for people only.
    pub(crate) name: Option<&'static str>,
    /// Its heading in a table; without one it is for programs only.
    pub(crate) heading: Option<&'static str>,
    /// Its place in a table: low ranks come first; see [`OPTIONAL`].
    rank: u8,
    /// Whether its texts may be shortened to fit a terminal.
    elastic: bool,
    /// The text that makes it needless in a table where every row has it.
    needless: Option<&'static str>,
    /// The column with the ids that tell equal names apart.
    ids: Option<&'static str>,
}

impl Column {
    const fn new(name: Option<&'static str>, heading: Option<&'static str>) -> Self {
        Self {
            name,
            heading,
            rank: PLAIN,
            elastic: true,
            needless: None,
            ids: None,
        }
    }

    /// The same at another place in a table.
    pub(crate) const fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    /// The same, never shortened.
    pub(crate) const fn whole(self) -> Self {
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
    pub(crate) const fn told_apart_by(self, ids: &'static str) -> Self {
        Self {
            ids: Some(ids),
            ..self
        }
    }

    /// What it is called in a table.
    fn title(&self) -> &'static str {
        self.heading.or(self.name).unwrap_or_default()
    }
}

/// A column for everybody.
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

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Nobody says.
    Nothing,
    Text(String),
    /// A word of the tenant's in capitals, e.g. `END_USER`; people see `end user`.
    Word(String),
    /// A time as its source says it; people see it to the second.
    Time(String),
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

    pub(crate) fn word_or_nothing(text: Option<&str>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Word(text.to_owned()))
    }

    fn for_people(&self) -> String {
        match self {
            Self::Nothing => "-".to_owned(),
            Self::Word(text) => Self::Text(plain_words(text)).for_people(),
            Self::Time(text) => Self::Text(moment_of(text)).for_people(),
            // A line end would tear the table.
            Self::Text(text) => escape_line(&text.replace(['\n', '\t'], " ")).into_owned(),
            Self::Flag(true) => "yes".to_owned(),
            Self::Flag(false) => "no".to_owned(),
            Self::Count(count) => format_thousands(*count),
            Self::List(texts) if texts.is_empty() => "-".to_owned(),
            Self::List(texts) => escape_line(&texts.join(", ").replace(['\n', '\t'], " ")).into_owned(),
        }
    }

    fn write_csv(&self, line: &mut Vec<u8>) {
        match self {
            Self::Nothing => {}
            Self::Text(text) | Self::Word(text) | Self::Time(text) => {
                sink_csv::text_cell(text, SpreadsheetSafety::Safe, line);
            }
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
            Self::Text(text) | Self::Word(text) | Self::Time(text) => serializer.serialize_str(text),
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
pub(crate) enum OutputFormat {
    Table,
    Json,
    Csv,
}

/// Rows after which a table's columns are as wide as they will be.
const MEASURED_ROWS: usize = 1_000;
/// Texts that may be shortened keep this width as long as there are columns that can be left out.
const COMFORTABLE_WIDTH: usize = 24;
/// Texts are not shortened below this width.
const MIN_WIDTH: usize = 8;
/// Columns between two cells, and before the first.
const GAP: usize = 2;

/// Which columns and rows were asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowSelection {
    /// Names or headings of columns, or `all`; none for those that fit.
    pub(crate) columns: Vec<String>,
    /// A column, perhaps with `:desc` or `:asc`.
    pub(crate) sort: Option<String>,
    /// The most rows that are shown.
    pub(crate) limit: Option<u64>,
}

/// In which order a table for people shows its rows. For programs they come in the order of their keys.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SortOrder {
    /// As they come.
    AsTheyCome,
    /// By these columns, numbers by their value. All rows are held in memory.
    By(&'static [&'static str]),
    /// Within rows that come together and have one value in the first column, by the others.
    Within(&'static str, &'static [&'static str]),
}

/// Rows on their way to standard output.
pub(crate) struct RowPrinter {
    columns: Cow<'static, [Column]>,
    form: OutputFormat,
    /// Columns that were asked for by name.
    chosen: Option<Vec<usize>>,
    /// The column to sort by, and whether the last comes first.
    sort: Option<(usize, bool)>,
    limit: u64,
    /// The terminal's width; none if lines may be of any length.
    width: Option<usize>,
    order: SortOrder,
    /// Rows that are still to be sorted.
    unsorted: Vec<Vec<Cell>>,
    /// The first rows of a table, until they are measured.
    waiting: Vec<Vec<Cell>>,
    layout: Option<TableLayout>,
    rows: u64,
    written: u64,
}

/// The columns of a table and how wide they are.
#[derive(Debug, Clone, Default)]
struct TableLayout {
    columns: Vec<(usize, usize)>,
    left_out: Vec<&'static str>,
}

/// What a sheet came to.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowsWritten {
    /// Rows that there were.
    pub(crate) rows: u64,
    /// Rows that were shown.
    pub(crate) shown: u64,
    /// Columns for which the terminal is too narrow.
    pub(crate) left_out: Vec<&'static str>,
}

/// Nobody reads any more, or nobody wants more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OutputClosed;

impl RowPrinter {
    /// All rows, in the order in which they come.
    pub(crate) fn new(columns: impl Into<Cow<'static, [Column]>>, form: OutputFormat) -> Self {
        Self {
            columns: columns.into(),
            form,
            chosen: None,
            sort: None,
            limit: u64::MAX,
            width: terminal_width(),
            order: SortOrder::AsTheyCome,
            unsorted: Vec::new(),
            waiting: Vec::new(),
            layout: None,
            rows: 0,
            written: 0,
        }
    }

    /// The columns and rows that were asked for.
    ///
    /// # Errors
    /// A [`Failure`] if there is no such column.
    pub(crate) fn with_view(self, view: &RowSelection, order: SortOrder) -> Result<Self, Failure> {
        let mut chosen = Vec::new();
        for name in view.columns.iter().map(|name| name.trim()) {
            if name.eq_ignore_ascii_case("all") {
                chosen.extend((0..self.columns.len()).filter(|n| self.is_offered(*n)));
            } else {
                chosen.push(self.column("--columns", name)?);
            }
        }
        let mut seen = HashSet::new();
        chosen.retain(|n| seen.insert(*n));
        let sort = view.sort.as_deref().map(|text| {
            let (name, last_first) = match text.rsplit_once(':') {
                Some((name, "desc")) => (name, true),
                Some((name, "asc")) => (name, false),
                _ => (text, false),
            };
            Ok::<_, Failure>((self.column("--sort", name.trim())?, last_first))
        });
        Ok(Self {
            chosen: (!view.columns.is_empty()).then_some(chosen),
            sort: sort.transpose()?,
            limit: view.limit.unwrap_or(u64::MAX),
            order,
            ..self
        })
    }

    fn is_offered(&self, n: usize) -> bool {
        let column = &self.columns[n];
        column.name.is_some() || (self.form == OutputFormat::Table && column.heading.is_some())
    }

    fn column(&self, flag: &str, name: &str) -> Result<usize, Failure> {
        let is = |known: Option<&str>| known.is_some_and(|known| known.eq_ignore_ascii_case(name));
        // The names of programs are unambiguous; a heading may be the name of another column.
        let offered = (0..self.columns.len()).filter(|n| self.is_offered(*n));
        let find = |by: &dyn Fn(&Column) -> Option<&'static str>| {
            offered.clone().find(|n| is(by(&self.columns[*n])))
        };
        let found = if self.form == OutputFormat::Table {
            find(&|column| column.heading).or_else(|| find(&|column| column.name))
        } else {
            find(&|column| column.name).or_else(|| find(&|column| column.heading))
        };
        found.ok_or_else(|| {
            let names: Vec<&str> = offered
                .clone()
                .filter_map(|n| self.columns[n].name.or(self.columns[n].heading))
                .collect();
            let titles = (0..self.columns.len()).filter_map(|n| self.columns[n].heading);
            let meant = nearest(name, names.iter().copied().chain(titles));
            let hint = meant.map_or_else(
                || format!("choose from: {}", names.join(", ")),
                |meant| format!("use {flag} {meant}"),
            );
            Failure::found(
                format!("{flag}: there is no column `{name}` here"),
                Some(hint),
                StatusCode::InvalidArgument,
            )
        })
    }

    /// Adds a row: a cell for each column.
    pub(crate) fn push(&mut self, cells: Vec<Cell>, outlet: &mut OutputTarget) -> Result<(), OutputClosed> {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows += 1;
        if self.sort.is_some() {
            self.unsorted.push(cells);
            return Ok(());
        }
        if self.form != OutputFormat::Table {
            if self.written == self.limit {
                return Err(OutputClosed);
            }
            return self.emit(cells, outlet);
        }
        match self.order {
            SortOrder::AsTheyCome => self.emit(cells, outlet),
            SortOrder::By(_) => {
                self.unsorted.push(cells);
                Ok(())
            }
            SortOrder::Within(group, _) => {
                let group = self.named(group);
                let ends = |last: &Vec<Cell>| group.is_some_and(|n| last[n] != cells[n]);
                if self.unsorted.last().is_some_and(ends) {
                    self.emit_sorted(outlet)?;
                }
                self.unsorted.push(cells);
                Ok(())
            }
        }
    }

    fn named(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == Some(name))
    }

    fn emit_sorted(&mut self, outlet: &mut OutputTarget) -> Result<(), OutputClosed> {
        let mut rows = std::mem::take(&mut self.unsorted);
        let keys = match (self.form, self.order) {
            (OutputFormat::Table, SortOrder::By(keys) | SortOrder::Within(_, keys)) => keys,
            _ => &[],
        };
        let keys: Vec<usize> = keys.iter().filter_map(|name| self.named(name)).collect();
        let by_keys = |a: &[Cell], b: &[Cell]| {
            keys.iter()
                .map(|n| order(&a[*n], &b[*n]))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        };
        match self.sort {
            Some((n, last_first)) => rows.sort_by(|a, b| {
                let sorted = match (&a[n], &b[n]) {
                    // What nobody knows comes last either way.
                    (Cell::Nothing, _) | (_, Cell::Nothing) => order(&a[n], &b[n]),
                    (a, b) if last_first => order(b, a),
                    (a, b) => order(a, b),
                };
                sorted.then_with(|| by_keys(a, b))
            }),
            None => rows.sort_by(|a, b| by_keys(a, b)),
        }
        for row in rows {
            self.emit(row, outlet)?;
        }
        Ok(())
    }

    /// Writes a row, or keeps it until the table is measured.
    fn emit(&mut self, cells: Vec<Cell>, outlet: &mut OutputTarget) -> Result<(), OutputClosed> {
        if self.written == self.limit {
            return Ok(());
        }
        self.written += 1;
        match self.form {
            OutputFormat::Table => {
                if let Some(layout) = &self.layout {
                    return self.line(layout, &cells, outlet);
                }
                self.waiting.push(cells);
                if self.waiting.len() < MEASURED_ROWS
                    || !matches!(self.order, SortOrder::AsTheyCome | SortOrder::Within(..))
                {
                    return Ok(());
                }
                self.measure(false, outlet)
            }
            OutputFormat::Json => {
                let text = serde_json::to_string(&Object(&self.columns, &self.for_programs(), &cells));
                outlet.line(&text.unwrap_or_default())
            }
            OutputFormat::Csv => {
                if self.written == 1 {
                    self.csv_heading(outlet)?;
                }
                let mut line = Vec::new();
                for (n, column) in self.for_programs().into_iter().enumerate() {
                    if n > 0 {
                        line.push(b',');
                    }
                    cells[column].write_csv(&mut line);
                }
                line.push(b'\r');
                outlet.line(&String::from_utf8_lossy(&line))
            }
        }
    }

    /// The columns in JSON and CSV.
    fn for_programs(&self) -> Vec<usize> {
        let all = || (0..self.columns.len()).collect();
        let mut columns = self.chosen.clone().unwrap_or_else(all);
        columns.retain(|n| self.columns[*n].name.is_some());
        columns
    }

    /// Writes what still waits.
    pub(crate) fn finish(mut self, outlet: &mut OutputTarget) -> Result<RowsWritten, OutputClosed> {
        self.emit_sorted(outlet)?;
        match self.form {
            OutputFormat::Table if self.layout.is_none() => self.measure(true, outlet)?,
            OutputFormat::Csv if self.written == 0 => self.csv_heading(outlet)?,
            OutputFormat::Table | OutputFormat::Json | OutputFormat::Csv => {}
        }
        Ok(RowsWritten {
            rows: self.rows,
            shown: self.written,
            left_out: self.layout.map(|layout| layout.left_out).unwrap_or_default(),
        })
    }

    fn csv_heading(&self, outlet: &mut OutputTarget) -> Result<(), OutputClosed> {
        let columns = self.for_programs().into_iter();
        let names: Vec<&str> = columns.filter_map(|n| self.columns[n].name).collect();
        outlet.line(&(names.join(",") + "\r"))
    }

    fn measure(&mut self, complete: bool, outlet: &mut OutputTarget) -> Result<(), OutputClosed> {
        let mut waiting = std::mem::take(&mut self.waiting);
        if complete {
            self.tell_apart(&mut waiting);
        }
        let layout = self.lay_out(&waiting, complete);
        if !waiting.is_empty() {
            let headings: Vec<Cell> = self
                .columns
                .iter()
                .map(|column| Cell::text(column.title()))
                .collect();
            for row in std::iter::once(&headings).chain(&waiting) {
                self.line(&layout, row, outlet)?;
            }
        }
        self.layout = Some(layout);
        Ok(())
    }

    /// Adds the ids to names that stand for several things.
    fn tell_apart(&self, rows: &mut [Vec<Cell>]) {
        for (n, column) in self.columns.iter().enumerate() {
            let Some(ids) = column.ids.and_then(|ids| self.named(ids)) else {
                continue;
            };
            let mut named: HashMap<String, HashSet<String>> = HashMap::new();
            for row in rows.iter().filter(|row| row[ids] != Cell::Nothing) {
                let of_name = named.entry(row[n].for_people()).or_default();
                of_name.insert(row[ids].for_people());
            }
            for row in rows.iter_mut().filter(|row| row[ids] != Cell::Nothing) {
                let name = row[n].for_people();
                if named.get(&name).is_some_and(|ids| ids.len() > 1) {
                    row[n] = Cell::Text(format!("{name} ({})", row[ids].for_people()));
                }
            }
        }
    }

    /// Chooses the columns of a table and their widths.
    fn lay_out(&self, rows: &[Vec<Cell>], complete: bool) -> TableLayout {
        let mut columns: Vec<usize> = match &self.chosen {
            Some(chosen) => chosen.clone(),
            None => (0..self.columns.len())
                .filter(|n| self.columns[*n].heading.is_some())
                .collect(),
        };
        if self.chosen.is_none() {
            columns.sort_by_key(|n| self.columns[*n].rank);
            if complete && !rows.is_empty() {
                columns.retain(|n| {
                    let needless = self.columns[*n].needless;
                    needless.is_none_or(|text| rows.iter().any(|row| row[*n].for_people() != text))
                });
            }
        }
        let widest = |n: usize| {
            let cells = rows.iter().map(|row| width_of(&row[n].for_people())).max();
            cells.unwrap_or(0).max(width_of(self.columns[n].title()))
        };
        let mut columns: Vec<(usize, usize)> = columns.into_iter().map(|n| (n, widest(n))).collect();
        let mut left_out = Vec::new();
        if let (Some(width), None) = (self.width, &self.chosen) {
            let comfortable = |(n, wide): &(usize, usize)| {
                GAP + if self.columns[*n].elastic {
                    (*wide).min(COMFORTABLE_WIDTH)
                } else {
                    *wide
                }
            };
            while columns.iter().map(comfortable).sum::<usize>() > width
                && columns
                    .last()
                    .is_some_and(|(n, _)| self.columns[*n].rank >= OPTIONAL)
            {
                left_out.extend(columns.pop().map(|(n, _)| self.columns[n].title()));
            }
            left_out.reverse();
            let mut excess = columns
                .iter()
                .map(|(_, wide)| GAP + wide)
                .sum::<usize>()
                .saturating_sub(width);
            while excess > 0 {
                let least = |n: usize| MIN_WIDTH.max(width_of(self.columns[n].title()));
                let can_shrink = columns
                    .iter_mut()
                    .filter(|(n, wide)| self.columns[*n].elastic && *wide > least(*n));
                let Some((_, wide)) = can_shrink.max_by_key(|(_, wide)| *wide) else {
                    break;
                };
                *wide -= 1;
                excess -= 1;
            }
        }
        TableLayout { columns, left_out }
    }

    fn line(
        &self,
        layout: &TableLayout,
        cells: &[Cell],
        outlet: &mut OutputTarget,
    ) -> Result<(), OutputClosed> {
        let fits = self.width.is_some() && self.chosen.is_none();
        let mut line = String::new();
        for (n, width) in &layout.columns {
            let cell = &cells[*n];
            let mut text = cell.for_people();
            if fits && self.columns[*n].elastic {
                text = shortened(text, *width);
            }
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

/// A text in so many columns of a terminal.
fn shortened(text: String, width: usize) -> String {
    if width_of(&text) <= width {
        return text;
    }
    let mut short = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        short.push(c);
    }
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// The order of two values; what nobody knows comes last.
fn order(a: &Cell, b: &Cell) -> Ordering {
    match (a, b) {
        (Cell::Nothing, Cell::Nothing) => Ordering::Equal,
        (Cell::Nothing, _) => Ordering::Greater,
        (_, Cell::Nothing) => Ordering::Less,
        (Cell::Count(a), Cell::Count(b)) => a.cmp(b),
        (Cell::Flag(a), Cell::Flag(b)) => a.cmp(b),
        (Cell::Time(a), Cell::Time(b)) => match (c1z::parse_timestamp(a), c1z::parse_timestamp(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.cmp(b),
        },
        (a, b) => natural_order(&a.for_people(), &b.for_people()),
    }
}

/// Abbreviations that people write in capitals.
const ABBREVIATIONS: [&str; 6] = ["LDAP", "MFA", "OIDC", "SAML", "SCIM", "SSO"];

/// Words in capitals as people write them: `END_USER` as `end user`, `SSO` as it is.
fn plain_words(text: &str) -> String {
    let plain = |word: &str| {
        let capitals = word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        if capitals && !ABBREVIATIONS.contains(&word) {
            word.to_ascii_lowercase().replace('_', " ")
        } else {
            word.to_owned()
        }
    };
    text.split(' ').map(plain).collect::<Vec<_>>().join(" ")
}

/// A time to the second; a text that is no time as it is.
fn moment_of(text: &str) -> String {
    c1z::parse_timestamp(text).map_or_else(|| text.to_owned(), moment)
}

/// A row as a JSON value.
pub(crate) fn object(columns: &[Column], cells: &[Cell]) -> serde_json::Value {
    let all: Vec<usize> = (0..columns.len()).collect();
    serde_json::to_value(Object(columns, &all, cells)).unwrap_or_default()
}

/// Some cells of a row as a JSON object, keys in the order that was chosen.
struct Object<'a>(&'a [Column], &'a [usize], &'a [Cell]);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for &n in self.1 {
            if let (Some(name), Some(cell)) = (self.0[n].name, self.2.get(n)) {
                map.serialize_entry(name, cell)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        shown("user_id", "id").rank(1).whole(),
        shown("login", "login").rank(OPTIONAL),
        shown("display_name", "name").rank(2),
        shown("mfa_enabled", "mfa").rank(3),
        data("organization_id"),
        shown("organization_name", "organization")
            .rank(4)
            .told_apart_by("organization_id"),
        people("how").rank(OPTIONAL).unless_all("direct"),
    ];

    fn rows() -> Vec<Vec<Cell>> {
        [
            (
                "11",
                "a.very.long.login@alder-finch.example.net",
                "Daniel Abara",
                "1",
                "Alder & Finch Accountants",
            ),
            (
                "2",
                "b@example.net",
                "Margaret Okafor-Wiśniewska",
                "2",
                "Alder & Finch Accountants",
            ),
        ]
        .map(|(id, login, name, organization, called)| {
            vec![
                Cell::text(id),
                Cell::text(login),
                Cell::text(name),
                Cell::Flag(id == "2"),
                Cell::text(organization),
                Cell::text(called),
                Cell::text("direct"),
            ]
        })
        .to_vec()
    }

    fn sheet(width: usize) -> RowPrinter {
        RowPrinter {
            width: Some(width),
            ..RowPrinter::new(COLUMNS, OutputFormat::Table)
        }
    }

    #[test]
    fn what_matters_most_is_there_at_any_width() {
        for (width, columns, left_out) in [
            (40, &[0, 2, 3, 5][..], &["login"][..]),
            (60, &[0, 2, 3, 5], &["login"]),
            (100, &[0, 2, 3, 5, 1], &[]),
            (200, &[0, 2, 3, 5, 1], &[]),
        ] {
            let layout = sheet(width).lay_out(&rows(), true);
            let chosen: Vec<usize> = layout.columns.iter().map(|(n, _)| *n).collect();
            assert_eq!((&*chosen, &*layout.left_out), (columns, left_out), "{width}");
            let total: usize = layout.columns.iter().map(|(_, wide)| wide + GAP).sum();
            assert!(total <= width, "{width}: {total}");
        }
    }

    #[test]
    fn equal_names_get_their_ids() {
        let mut rows = rows();
        sheet(100).tell_apart(&mut rows);
        assert_eq!(rows[0][5], Cell::text("Alder & Finch Accountants (1)"));
        assert_eq!(rows[1][5], Cell::text("Alder & Finch Accountants (2)"));
    }

    #[test]
    fn columns_are_known_by_both_of_their_names() {
        let view = |columns: &str, sort: &str| RowSelection {
            columns: columns.split(',').map(str::to_owned).collect(),
            sort: Some(sort.to_owned()),
            limit: None,
        };
        let asked = |view: &RowSelection| sheet(80).with_view(view, SortOrder::By(&["user_id"]));
        let of_people = asked(&view("name,ID, MFA", "id:desc")).unwrap();
        assert_eq!(
            (of_people.chosen, of_people.sort),
            (Some(vec![2, 0, 3]), Some((0, true)))
        );
        let of_programs = asked(&view("display_name,user_id", "user_id")).unwrap();
        assert_eq!(of_programs.chosen, Some(vec![2, 0]));
        assert!(asked(&view("nmae", "id")).is_err());
        assert!(asked(&view("all", "id:up")).is_err());
    }

    #[test]
    fn words_and_times_for_people() {
        assert_eq!(plain_words("END_USER"), "end user");
        assert_eq!(plain_words("invitation PENDING"), "invitation pending");
        assert_eq!(plain_words("Technician"), "Technician");
        for time in [
            "2026-11-30T01:30:40.348690064Z",
            "2026-11-30 01:30:40.348690064",
            "2026-11-30T02:30:40+01:00",
        ] {
            assert_eq!(moment_of(time), "2026-11-30 01:30:40 UTC");
        }
        assert_eq!(moment_of("yesterday"), "yesterday");
        assert_eq!(shortened("größer als".to_owned(), 7), "größer…");
        assert_eq!(shortened("李伟 李伟".to_owned(), 6), "李伟…");
    }
}
