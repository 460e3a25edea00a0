//! Prints rows as a table, JSON lines or CSV, from one definition of columns.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use access_core::StatusCode;
use access_core::query::nearest;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

pub(crate) use super::cell::{Cell, object};
pub(crate) use super::column::{Column, OPTIONAL, data, hidden, people, shown};

use super::cell::{Object, order};
use super::format::OutputFormat;
use super::pager::{OutputClosed, OutputTarget};
use super::wrap::terminal_width;
use crate::failure::Failure;

/// Number of rows that determine the widths of a table.
const MEASURED_ROWS: usize = 1_000;
/// Shortened texts keep this width while optional columns can be dropped.
const COMFORTABLE_WIDTH: usize = 24;
/// Minimum width of shortened texts.
const MIN_WIDTH: usize = 8;
/// Width of the gap before each cell.
const GAP: usize = 2;

/// The requested columns and rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowSelection {
    /// Names or headings of columns, or `all`; empty for those that fit.
    pub(crate) columns: Vec<String>,
    /// A column, optionally with `:desc` or `:asc`.
    pub(crate) sort: Option<String>,
    /// Maximum number of rows.
    pub(crate) limit: Option<u64>,
}

/// The order of rows in a table for people. Programs get rows in the order of their keys.
#[derive(Debug, Clone, Copy)]
pub(crate) enum SortOrder {
    /// The order of arrival.
    AsTheyCome,
    /// Sorted by these columns, numbers by value. All rows are held in memory.
    By(&'static [&'static str]),
    /// Sorted by other columns within consecutive rows with the same value in the first.
    Within(&'static str, &'static [&'static str]),
}

/// Formats rows and writes them to the output.
pub(crate) struct RowPrinter {
    columns: Cow<'static, [Column]>,
    format: OutputFormat,
    /// Columns requested by name.
    selected: Option<Vec<usize>>,
    /// The column to sort by, and whether descending.
    sort: Option<(usize, bool)>,
    limit: u64,
    /// The terminal's width; `None` for unlimited lines.
    width: Option<usize>,
    order: SortOrder,
    /// Rows to be sorted.
    unsorted: Vec<Vec<Cell>>,
    /// The first rows of a table, before they are measured.
    waiting: Vec<Vec<Cell>>,
    layout: Option<TableLayout>,
    rows: u64,
    written: u64,
}

/// The columns of a table and their widths.
#[derive(Debug, Clone, Default)]
struct TableLayout {
    columns: Vec<(usize, usize)>,
    left_out: Vec<&'static str>,
}

/// The result of printing rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct RowsWritten {
    /// Number of rows.
    pub(crate) rows: u64,
    /// Number of printed rows.
    pub(crate) shown: u64,
    /// Columns that were dropped on a narrow terminal.
    pub(crate) left_out: Vec<&'static str>,
}

impl RowPrinter {
    /// Prints all rows in the order of arrival.
    pub(crate) fn new(columns: impl Into<Cow<'static, [Column]>>, format: OutputFormat) -> Self {
        Self {
            columns: columns.into(),
            format,
            selected: None,
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

    /// Selects the requested columns and rows.
    ///
    /// # Errors
    /// A [`Failure`] if there is no such column.
    pub(crate) fn with_view(self, view: &RowSelection, order: SortOrder) -> Result<Self, Failure> {
        let mut selected = Vec::new();
        for name in view.columns.iter().map(|name| name.trim()) {
            if name.eq_ignore_ascii_case("all") {
                selected.extend((0..self.columns.len()).filter(|n| self.is_offered(*n)));
            } else {
                selected.push(self.column("--columns", name)?);
            }
        }
        let mut seen = HashSet::new();
        selected.retain(|n| seen.insert(*n));
        let sort = view.sort.as_deref().map(|text| {
            let (name, last_first) = match text.rsplit_once(':') {
                Some((name, "desc")) => (name, true),
                Some((name, "asc")) => (name, false),
                _ => (text, false),
            };
            Ok::<_, Failure>((self.column("--sort", name.trim())?, last_first))
        });
        Ok(Self {
            selected: (!view.columns.is_empty()).then_some(selected),
            sort: sort.transpose()?,
            limit: view.limit.unwrap_or(u64::MAX),
            order,
            ..self
        })
    }

    fn is_offered(&self, n: usize) -> bool {
        let column = &self.columns[n];
        column.name.is_some() || (self.format == OutputFormat::Table && column.heading.is_some())
    }

    fn column(&self, flag: &str, name: &str) -> Result<usize, Failure> {
        let is = |known: Option<&str>| known.is_some_and(|known| known.eq_ignore_ascii_case(name));
        // Names are unambiguous, but a heading may be the name of another column.
        let offered = (0..self.columns.len()).filter(|n| self.is_offered(*n));
        let find = |by: &dyn Fn(&Column) -> Option<&'static str>| {
            offered.clone().find(|n| is(by(&self.columns[*n])))
        };
        let found = if self.format == OutputFormat::Table {
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
            Failure::new(
                format!("{flag}: there is no column `{name}` here"),
                Some(hint),
                StatusCode::InvalidArgument,
            )
        })
    }

    /// Adds a row: a cell for each column.
    pub(crate) fn push(&mut self, cells: Vec<Cell>, output: &mut OutputTarget) -> Result<(), OutputClosed> {
        debug_assert_eq!(cells.len(), self.columns.len());
        self.rows += 1;
        if self.sort.is_some() {
            self.unsorted.push(cells);
            return Ok(());
        }
        if self.format != OutputFormat::Table {
            if self.written == self.limit {
                return Err(OutputClosed);
            }
            return self.emit(cells, output);
        }
        match self.order {
            SortOrder::AsTheyCome => self.emit(cells, output),
            SortOrder::By(_) => {
                self.unsorted.push(cells);
                Ok(())
            }
            SortOrder::Within(group, _) => {
                let group = self.column_index(group);
                let ends = |last: &Vec<Cell>| group.is_some_and(|n| last[n] != cells[n]);
                if self.unsorted.last().is_some_and(ends) {
                    self.emit_sorted(output)?;
                }
                self.unsorted.push(cells);
                Ok(())
            }
        }
    }

    fn column_index(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == Some(name))
    }

    fn emit_sorted(&mut self, output: &mut OutputTarget) -> Result<(), OutputClosed> {
        let mut rows = std::mem::take(&mut self.unsorted);
        let keys = match (self.format, self.order) {
            (OutputFormat::Table, SortOrder::By(keys) | SortOrder::Within(_, keys)) => keys,
            _ => &[],
        };
        let keys: Vec<usize> = keys.iter().filter_map(|name| self.column_index(name)).collect();
        let by_keys = |a: &[Cell], b: &[Cell]| {
            keys.iter()
                .map(|n| order(&a[*n], &b[*n]))
                .find(|order| order.is_ne())
                .unwrap_or(Ordering::Equal)
        };
        match self.sort {
            Some((n, last_first)) => rows.sort_by(|a, b| {
                let sorted = match (&a[n], &b[n]) {
                    // Unknown values come last in both directions.
                    (Cell::Nothing, _) | (_, Cell::Nothing) => order(&a[n], &b[n]),
                    (a, b) if last_first => order(b, a),
                    (a, b) => order(a, b),
                };
                sorted.then_with(|| by_keys(a, b))
            }),
            None => rows.sort_by(|a, b| by_keys(a, b)),
        }
        for row in rows {
            self.emit(row, output)?;
        }
        Ok(())
    }

    /// Writes a row, or keeps it until the table is measured.
    fn emit(&mut self, cells: Vec<Cell>, output: &mut OutputTarget) -> Result<(), OutputClosed> {
        if self.written == self.limit {
            return Ok(());
        }
        self.written += 1;
        match self.format {
            OutputFormat::Table => {
                if let Some(layout) = &self.layout {
                    return self.line(layout, &cells, output);
                }
                self.waiting.push(cells);
                if self.waiting.len() < MEASURED_ROWS
                    || !matches!(self.order, SortOrder::AsTheyCome | SortOrder::Within(..))
                {
                    return Ok(());
                }
                self.measure(false, output)
            }
            OutputFormat::Json => {
                let text = serde_json::to_string(&Object(&self.columns, &self.data_columns(), &cells));
                output.line(&text.unwrap_or_default())
            }
            OutputFormat::Csv => {
                if self.written == 1 {
                    self.csv_heading(output)?;
                }
                let mut line = Vec::new();
                for (n, column) in self.data_columns().into_iter().enumerate() {
                    if n > 0 {
                        line.push(b',');
                    }
                    cells[column].write_csv(&mut line);
                }
                line.push(b'\r');
                output.line(&String::from_utf8_lossy(&line))
            }
        }
    }

    /// The columns in JSON and CSV.
    fn data_columns(&self) -> Vec<usize> {
        let all = || (0..self.columns.len()).collect();
        let mut columns = self.selected.clone().unwrap_or_else(all);
        columns.retain(|n| self.columns[*n].name.is_some());
        columns
    }

    /// Prints the remaining rows.
    pub(crate) fn finish(mut self, output: &mut OutputTarget) -> Result<RowsWritten, OutputClosed> {
        self.emit_sorted(output)?;
        match self.format {
            OutputFormat::Table if self.layout.is_none() => self.measure(true, output)?,
            OutputFormat::Csv if self.written == 0 => self.csv_heading(output)?,
            OutputFormat::Table | OutputFormat::Json | OutputFormat::Csv => {}
        }
        Ok(RowsWritten {
            rows: self.rows,
            shown: self.written,
            left_out: self.layout.map(|layout| layout.left_out).unwrap_or_default(),
        })
    }

    fn csv_heading(&self, output: &mut OutputTarget) -> Result<(), OutputClosed> {
        let columns = self.data_columns().into_iter();
        let names: Vec<&str> = columns.filter_map(|n| self.columns[n].name).collect();
        output.line(&(names.join(",") + "\r"))
    }

    fn measure(&mut self, complete: bool, output: &mut OutputTarget) -> Result<(), OutputClosed> {
        let mut waiting = std::mem::take(&mut self.waiting);
        if complete {
            self.add_ids_to_equal_names(&mut waiting);
        }
        let layout = self.compute_layout(&waiting, complete);
        if !waiting.is_empty() {
            let headings: Vec<Cell> = self
                .columns
                .iter()
                .map(|column| Cell::text(column.title()))
                .collect();
            for row in std::iter::once(&headings).chain(&waiting) {
                self.line(&layout, row, output)?;
            }
        }
        self.layout = Some(layout);
        Ok(())
    }

    /// Adds ids to names that are not unique.
    fn add_ids_to_equal_names(&self, rows: &mut [Vec<Cell>]) {
        for (n, column) in self.columns.iter().enumerate() {
            let Some(ids) = column.ids.and_then(|ids| self.column_index(ids)) else {
                continue;
            };
            let mut column_index: HashMap<String, HashSet<String>> = HashMap::new();
            for row in rows.iter().filter(|row| row[ids] != Cell::Nothing) {
                let of_name = column_index.entry(row[n].for_people()).or_default();
                of_name.insert(row[ids].for_people());
            }
            for row in rows.iter_mut().filter(|row| row[ids] != Cell::Nothing) {
                let name = row[n].for_people();
                if column_index.get(&name).is_some_and(|ids| ids.len() > 1) {
                    row[n] = Cell::Text(format!("{name} ({})", row[ids].for_people()));
                }
            }
        }
    }

    /// Chooses the columns of a table and their widths.
    fn compute_layout(&self, rows: &[Vec<Cell>], complete: bool) -> TableLayout {
        let mut columns: Vec<usize> = match &self.selected {
            Some(selected) => selected.clone(),
            None => (0..self.columns.len())
                .filter(|n| self.columns[*n].heading.is_some())
                .collect(),
        };
        if self.selected.is_none() {
            columns.sort_by_key(|n| self.columns[*n].position);
            if complete && !rows.is_empty() {
                columns.retain(|n| {
                    let needless = self.columns[*n].needless;
                    needless.is_none_or(|text| rows.iter().any(|row| row[*n].for_people() != text))
                });
            }
        }
        let widest = |n: usize| {
            let cells = rows.iter().map(|row| display_width(&row[n].for_people())).max();
            cells.unwrap_or(0).max(display_width(self.columns[n].title()))
        };
        let mut columns: Vec<(usize, usize)> = columns.into_iter().map(|n| (n, widest(n))).collect();
        let mut left_out = Vec::new();
        if let (Some(width), None) = (self.width, &self.selected) {
            let comfortable = |(n, wide): &(usize, usize)| {
                GAP + if self.columns[*n].elastic {
                    (*wide).min(COMFORTABLE_WIDTH)
                } else {
                    *wide
                }
            };
            while columns.iter().map(comfortable).sum::<usize>() > width {
                let optional = columns
                    .iter()
                    .enumerate()
                    .map(|(at, (n, _))| (self.columns[*n].rank, at))
                    .filter(|(rank, _)| *rank >= OPTIONAL);
                let Some((_, at)) = optional.max() else { break };
                left_out.push(self.columns[columns.remove(at).0].title());
            }
            left_out.reverse();
            let mut excess = columns
                .iter()
                .map(|(_, wide)| GAP + wide)
                .sum::<usize>()
                .saturating_sub(width);
            while excess > 0 {
                let least = |n: usize| MIN_WIDTH.max(display_width(self.columns[n].title()));
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
        output: &mut OutputTarget,
    ) -> Result<(), OutputClosed> {
        let fits = self.width.is_some() && self.selected.is_none();
        let mut line = String::new();
        for (n, width) in &layout.columns {
            let cell = &cells[*n];
            let mut text = cell.for_people();
            if fits && self.columns[*n].elastic {
                text = shorten(text, *width);
            }
            let gap = " ".repeat(width.saturating_sub(display_width(&text)));
            line.push_str("  ");
            if matches!(cell, Cell::Count(_)) {
                line.push_str(&gap);
                line.push_str(&text);
            } else {
                line.push_str(&text);
                line.push_str(&gap);
            }
        }
        output.line(line.trim_end())
    }
}

/// Width of a text on a terminal, where some characters are two columns wide.
fn display_width(text: &str) -> usize {
    text.width()
}

/// Shortens a text to a width on a terminal.
fn shorten(text: String, width: usize) -> String {
    if display_width(&text) <= width {
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

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[Column] = &[
        shown("user_id", "id").rank(1).never_shortened(),
        shown("login", "login").rank(OPTIONAL),
        shown("display_name", "name").rank(2),
        shown("mfa_enabled", "mfa").rank(3),
        data("organization_id"),
        shown("organization_name", "organization")
            .rank(4)
            .with_ids_from("organization_id"),
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

    fn printer(width: usize) -> RowPrinter {
        RowPrinter {
            width: Some(width),
            ..RowPrinter::new(COLUMNS, OutputFormat::Table)
        }
    }

    #[test]
    fn important_columns_are_kept_at_any_width() {
        for (width, columns, left_out) in [
            (40, &[0, 2, 3, 5][..], &["login"][..]),
            (60, &[0, 2, 3, 5], &["login"]),
            (100, &[0, 2, 3, 5, 1], &[]),
            (200, &[0, 2, 3, 5, 1], &[]),
        ] {
            let layout = printer(width).compute_layout(&rows(), true);
            let selected: Vec<usize> = layout.columns.iter().map(|(n, _)| *n).collect();
            assert_eq!((&*selected, &*layout.left_out), (columns, left_out), "{width}");
            let total: usize = layout.columns.iter().map(|(_, wide)| wide + GAP).sum();
            assert!(total <= width, "{width}: {total}");
        }
    }

    #[test]
    fn equal_names_get_their_ids() {
        let mut rows = rows();
        printer(100).add_ids_to_equal_names(&mut rows);
        assert_eq!(rows[0][5], Cell::text("Alder & Finch Accountants (1)"));
        assert_eq!(rows[1][5], Cell::text("Alder & Finch Accountants (2)"));
    }

    #[test]
    fn columns_are_found_by_name_and_heading() {
        let view = |columns: &str, sort: &str| RowSelection {
            columns: columns.split(',').map(str::to_owned).collect(),
            sort: Some(sort.to_owned()),
            limit: None,
        };
        let select = |view: &RowSelection| printer(80).with_view(view, SortOrder::By(&["user_id"]));
        let by_heading = select(&view("name,ID, MFA", "id:desc")).unwrap();
        assert_eq!(
            (by_heading.selected, by_heading.sort),
            (Some(vec![2, 0, 3]), Some((0, true)))
        );
        let by_name = select(&view("display_name,user_id", "user_id")).unwrap();
        assert_eq!(by_name.selected, Some(vec![2, 0]));
        assert!(select(&view("nmae", "id")).is_err());
        assert!(select(&view("all", "id:up")).is_err());
    }

    #[test]
    fn texts_are_shortened_by_display_width() {
        assert_eq!(shorten("größer als".to_owned(), 7), "größer…");
        assert_eq!(shorten("李伟 李伟".to_owned(), 6), "李伟…");
    }
}
