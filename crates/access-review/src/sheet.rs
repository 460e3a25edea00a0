//! Review sheets: header records, column names, and one row per line.

use std::collections::BTreeMap;

use access_core::{Diagnostic, StatusCode};

use crate::line::Subject;
use crate::statement::{Decision, Statement};

/// The format in the first header record.
pub const SHEET_FORMAT: &str = "baton-ninja-one review sheet 1";

/// The columns, in output order.
pub const COLUMNS: [&str; 18] = [
    "decision",
    "reviewer",
    "decided_at",
    "note",
    "entitlement_id",
    "principal_type",
    "principal_id",
    "entitlement_name",
    "resource_name",
    "principal_name",
    "principal_login",
    "can_be_revoked",
    "tenant",
    "sync_id",
    "report_sha256",
    "line_id",
    "self_review",
    "superseded",
];

/// Required columns. Sheets of the first version have no others.
const REQUIRED_COLUMNS: [&str; 9] = [
    "decision",
    "reviewer",
    "entitlement_id",
    "principal_type",
    "principal_id",
    "principal_name",
    "entitlement_name",
    "tenant",
    "sync_id",
];

/// A record of a CSV file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The row number in the spreadsheet, from 1.
    pub row: u64,
    /// The cells.
    pub cells: Vec<String>,
}

/// The header of a sheet. Absent in the first version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Header {
    fields: BTreeMap<String, String>,
}

/// A row: a review line and its decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The row number in the spreadsheet.
    pub row: u64,
    /// The decision; `None` if the line is open.
    pub statement: Option<Statement>,
    /// A note, also on an open line.
    pub note: String,
    /// The grant, by ids.
    pub subject: Subject,
    /// Name of the entitlement in the sheet.
    pub entitlement_name: String,
    /// Name of the resource in the sheet.
    pub resource_name: String,
    /// Name of the principal in the sheet.
    pub principal_name: String,
    /// Login of the principal.
    pub principal_login: String,
    /// The tenant.
    pub tenant: String,
    /// The sync.
    pub sync_id: String,
    /// The seal of the report.
    pub report_sha256: String,
    /// The line id; empty in sheets of the first version.
    pub line_id: String,
    /// Statements that this decision supersedes, oldest first.
    pub superseded: Vec<Statement>,
}

/// A parsed sheet. It is not trusted yet: see [`assess`](crate::assess).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The header.
    pub header: Header,
    /// The rows.
    pub rows: Vec<Row>,
}

/// Why a file is not a sheet.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// The file has another format.
    #[error("not a review sheet: {0}")]
    Foreign(String),
    /// A row is invalid.
    #[error("row {row}: {reason}")]
    Row {
        /// The row number in the spreadsheet.
        row: u64,
        /// The reason.
        reason: String,
    },
}

impl Diagnostic for SheetError {
    fn status(&self) -> StatusCode {
        StatusCode::InvalidArgument
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Foreign(_) => "pass the CSV file that the review page of the report exports".to_owned(),
            Self::Row { .. } => "correct the row in the report and export the sheet again".to_owned(),
        })
    }
}

impl Header {
    /// Whether the sheet has a header.
    #[must_use]
    pub fn is_present(&self) -> bool {
        self.fields.contains_key("sheet")
    }

    /// A header field, unless empty.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.fields
            .get(key)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A numeric header field.
    #[must_use]
    pub fn count(&self, key: &str) -> Option<u64> {
        self.get(key)?.parse().ok()
    }

    /// Sets a header field.
    pub fn set(&mut self, key: &str, value: impl Into<String>) {
        let value: String = value.into();
        self.fields
            .insert(key.to_owned(), value.replace(['\r', '\n'], " "));
    }

    /// The reviewers listed in the header.
    #[must_use]
    pub fn reviewers(&self) -> Vec<&str> {
        let names = self.get("reviewers").unwrap_or_default().split(';');
        names.map(str::trim).filter(|name| !name.is_empty()).collect()
    }
}

/// Header fields in output order.
const HEADER_FIELDS: [&str; 18] = [
    "sheet",
    "program",
    "tenant",
    "sync_id",
    "sync_started_at",
    "report_sha256",
    "file_sha256",
    "review_id",
    "assigned_to",
    "due",
    "scope",
    "lines",
    "decided",
    "open",
    "reviewers",
    "exported_at",
    "signed_off_by",
    "signed_off_at",
];

impl Sheet {
    /// Parses records. Cells are trimmed, blank records are skipped, header records can be anywhere, and columns can be
    /// in any order.
    ///
    /// # Errors
    /// [`SheetError`] for another format, or a row that is invalid in any review.
    pub fn parse(records: &[Record]) -> Result<Self, SheetError> {
        let mut header = Header::default();
        let mut columns: Option<Columns> = None;
        let mut rows = Vec::new();
        for record in records {
            let first = record
                .cells
                .iter()
                .map(|cell| cell.trim())
                .find(|cell| !cell.is_empty());
            let Some(first) = first else { continue };
            if let Some(field) = first.strip_prefix('#') {
                header.read(record.row, field)?;
            } else if columns.is_none() {
                columns = Some(Columns::read(&record.cells)?);
            } else {
                rows.push(record);
            }
        }
        let Some(columns) = columns else {
            return Err(SheetError::Foreign("it has no column decision".to_owned()));
        };
        if let Some(format) = header.get("sheet").filter(|format| *format != SHEET_FORMAT) {
            return Err(SheetError::Foreign(format!(
                "its header says `{format}`, and this program reads `{SHEET_FORMAT}`"
            )));
        }
        let rows = rows.into_iter().map(|record| columns.row(record));
        Ok(Self {
            rows: rows.collect::<Result<_, _>>()?,
            header,
        })
    }
}

impl Header {
    fn read(&mut self, row: u64, field: &str) -> Result<(), SheetError> {
        let (key, value) = field.split_once(':').unwrap_or((field, ""));
        let (key, value) = (key.trim().to_lowercase(), value.trim().to_owned());
        match self.fields.get(&key) {
            Some(earlier) if *earlier != value => Err(SheetError::Row {
                row,
                reason: format!("the header says {key} twice: `{earlier}` and `{value}`"),
            }),
            _ => {
                self.fields.insert(key, value);
                Ok(())
            }
        }
    }
}

/// Column positions.
struct Columns(BTreeMap<&'static str, usize>);

impl Columns {
    fn read(cells: &[String]) -> Result<Self, SheetError> {
        let mut found = BTreeMap::new();
        for (index, cell) in cells.iter().enumerate() {
            let name = cell.trim().to_lowercase();
            if let Some(column) = COLUMNS.into_iter().find(|column| *column == name)
                && found.insert(column, index).is_some()
            {
                return Err(SheetError::Foreign(format!("it has two columns {column}")));
            }
        }
        for column in REQUIRED_COLUMNS {
            if !found.contains_key(column) {
                return Err(SheetError::Foreign(format!("it has no column {column}")));
            }
        }
        Ok(Self(found))
    }

    fn row(&self, record: &Record) -> Result<Row, SheetError> {
        let row_error = |reason: String| SheetError::Row {
            row: record.row,
            reason,
        };
        let text = |column: &str| {
            let cell = self.0.get(column).and_then(|index| record.cells.get(*index));
            cell.map_or("", |cell| cell.trim()).to_owned()
        };
        let decision = match text("decision").to_lowercase().as_str() {
            "keep" => Some(Decision::Keep),
            "revoke" => Some(Decision::Revoke),
            "" | "open" => None,
            other => return Err(row_error(format!("`{other}` is not keep, revoke or open"))),
        };
        for column in ["entitlement_id", "principal_type", "principal_id", "tenant"] {
            if text(column).is_empty() {
                return Err(row_error(format!("{column} is empty")));
            }
        }
        let reviewer = text("reviewer");
        if decision.is_some() && reviewer.is_empty() {
            return Err(row_error(
                "reviewer is empty: a decision needs a reviewer".to_owned(),
            ));
        }
        let note = text("note");
        let superseded = text("superseded");
        let superseded = match superseded.as_str() {
            "" => Vec::new(),
            json => serde_json::from_str(json)
                .map_err(|error| row_error(format!("superseded is not a list of decisions: {error}")))?,
        };
        Ok(Row {
            row: record.row,
            statement: decision.map(|decision| Statement {
                decision,
                reviewer,
                decided_at: text("decided_at"),
                note: note.clone(),
            }),
            note,
            subject: Subject {
                entitlement_id: text("entitlement_id"),
                principal_type: text("principal_type"),
                principal_id: text("principal_id"),
            },
            entitlement_name: text("entitlement_name"),
            resource_name: text("resource_name"),
            principal_name: text("principal_name"),
            principal_login: text("principal_login"),
            tenant: text("tenant"),
            sync_id: text("sync_id"),
            report_sha256: text("report_sha256").to_lowercase(),
            line_id: text("line_id"),
            superseded,
        })
    }
}

/// Renders a sheet as records: header, columns, rows.
#[must_use]
pub fn render(sheet: &Sheet) -> Vec<Vec<String>> {
    let mut records = Vec::with_capacity(sheet.rows.len() + HEADER_FIELDS.len() + 1);
    let rest = sheet
        .header
        .fields
        .keys()
        .map(String::as_str)
        .filter(|key| !HEADER_FIELDS.contains(key));
    for key in HEADER_FIELDS.into_iter().chain(rest) {
        if let Some(value) = sheet.header.get(key) {
            records.push(vec![format!("#{key}: {value}")]);
        }
    }
    records.push(COLUMNS.map(str::to_owned).to_vec());
    records.extend(sheet.rows.iter().map(cells));
    records
}

fn cells(row: &Row) -> Vec<String> {
    let statement = row.statement.as_ref();
    let superseded = if row.superseded.is_empty() {
        String::new()
    } else {
        // Serializing statements cannot fail.
        serde_json::to_string(&row.superseded).unwrap_or_default()
    };
    let text = |text: &str| text.to_owned();
    vec![
        statement
            .map_or("open", |statement| statement.decision.as_str())
            .to_owned(),
        statement.map_or_else(String::new, |statement| statement.reviewer.clone()),
        statement.map_or_else(String::new, |statement| statement.decided_at.clone()),
        text(&row.note),
        text(&row.subject.entitlement_id),
        text(&row.subject.principal_type),
        text(&row.subject.principal_id),
        text(&row.entitlement_name),
        text(&row.resource_name),
        text(&row.principal_name),
        text(&row.principal_login),
        String::new(),
        text(&row.tenant),
        text(&row.sync_id),
        text(&row.report_sha256),
        text(&row.line_id),
        String::new(),
        superseded,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(text: &str) -> Vec<Record> {
        (1..)
            .zip(text.lines())
            .map(|(row, line)| Record {
                row,
                cells: line.split('|').map(str::to_owned).collect(),
            })
            .collect()
    }

    const OLD: &str = "decision|reviewer|note|entitlement_id|principal_type|principal_id|principal_name|entitlement_name|tenant|sync_id";

    fn shown(text: &str) -> String {
        match Sheet::parse(&records(text)) {
            Err(error) => error.to_string(),
            Ok(sheet) => {
                let rows = sheet.rows.iter().map(|row| match &row.statement {
                    Some(statement) => format!("{} {statement} {:?}", row.subject, row.superseded.len()),
                    None => format!("{} open `{}`", row.subject, row.note),
                });
                rows.collect::<Vec<_>>().join("; ")
            }
        }
    }

    #[test]
    fn rows_are_parsed_or_refused() {
        let row = |decision: &str, more: &str| {
            format!("{OLD}\n{decision}|Ada|why|role:1:assigned|user|7|Eve|Desk|https://t|1{more}")
        };
        let texts = [
            row("keep", ""),
            row(" Revoke ", ""),
            row("open", ""),
            row("", ""),
            row("perhaps", ""),
            row("keep", "\n\n   |  \n#lines: 1\n#lines: 2"),
            row("keep", "").replace("Ada", " "),
            row("open", "").replace("Ada", " "),
            row("keep", "").replace("|7|", "||"),
            row("keep", "").replace("https://t", ""),
            row("keep", "").replace("note|", ""),
            row("keep", "").replace("tenant", "decision"),
            row("keep", "").replace("entitlement_name", "what"),
            "a|b\n1|2".to_owned(),
            String::new(),
            format!("#sheet: baton-ninja-one review sheet 9\n{}", row("keep", "")),
        ];
        insta::assert_snapshot!(texts.map(|text| shown(&text)).join("\n"));
    }

    #[test]
    fn rendered_sheets_parse_back() {
        let mut sheet = Sheet::parse(&records(&format!(
            "{OLD}|decided_at|superseded\nkeep|Ada|why|role:1:assigned|user|7|Eve|Desk|https://t|1|2026-11-30T00:00:00Z|[{{\"decision\":\"revoke\",\"reviewer\":\"Bo\"}}]"
        )))
        .unwrap();
        sheet.header.set("sheet", SHEET_FORMAT);
        sheet.header.set("lines", "1");
        sheet.header.set("sign_off_reason", "two\nlines");
        let rendered = render(&sheet);
        let first = rendered.iter().map(|cells| cells[0].clone());
        let first: Vec<String> = first.collect();
        assert_eq!(
            first[..3],
            [
                "#sheet: baton-ninja-one review sheet 1",
                "#lines: 1",
                "#sign_off_reason: two lines"
            ]
        );
        let again = (1..).zip(rendered).map(|(row, cells)| Record { row, cells });
        let mut again = Sheet::parse(&again.collect::<Vec<_>>()).unwrap();
        again.rows[0].row = sheet.rows[0].row;
        assert_eq!(again, sheet);
        assert_eq!(again.rows[0].superseded[0].to_string(), "revoke by Bo");
    }
}
