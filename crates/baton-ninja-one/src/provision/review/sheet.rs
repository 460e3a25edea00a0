//! A review sheet: the decisions that were exported from a report.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use access_core::{Classified, StatusCode};

/// What was decided on one grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) line: u64,
    pub(super) revoke: bool,
    pub(super) entitlement: String,
    pub(super) principal_type: String,
    pub(super) principal: String,
    pub(super) reviewer: String,
    pub(super) note: String,
    /// Names for people: who, and what.
    pub(super) names: [String; 2],
}

/// A sheet that makes sense from its first row to its last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sheet {
    pub(super) tenant: String,
    pub(super) sync: String,
    pub(super) decisions: Vec<Decision>,
    /// Rows without a decision.
    pub(super) open: u64,
}

/// Why a file is no sheet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SheetError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// It is no CSV.
    #[error("{}: not a review sheet: {reason}", path.display())]
    Shape { path: PathBuf, reason: String },
    /// A row cannot be used.
    #[error("{}, row {line}: {reason}", path.display())]
    Row {
        path: PathBuf,
        line: u64,
        reason: String,
    },
}

impl Classified for SheetError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => StatusCode::NotFound,
            Self::Io { .. } => StatusCode::Unknown,
            Self::Shape { .. } | Self::Row { .. } => StatusCode::InvalidArgument,
        }
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Io { .. } => return None,
            Self::Shape { .. } => "take the file that the report's review sheet exports",
            Self::Row { .. } => "mend the row, or take it out; nothing was changed",
        };
        Some(hint.to_owned())
    }
}

/// Columns that a sheet must have.
const COLUMNS: [&str; 10] = [
    "decision",
    "reviewer",
    "note",
    "entitlement_id",
    "principal_type",
    "principal_id",
    "principal_name",
    "entitlement_name",
    "tenant",
    "sync_id",
];

/// The largest sheet that is read.
const MAX_SHEET_BYTES: u64 = 1 << 30;

/// Reads a sheet to its end before anything is done with it.
pub(super) fn read(path: &Path) -> Result<Sheet, SheetError> {
    let bytes = regular_file::read(path, MAX_SHEET_BYTES).map_err(|error| SheetError::Io {
        path: path.to_owned(),
        source: error.into_io(),
    })?;
    parse(path, bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes))
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Sheet, SheetError> {
    let shape = |reason: String| SheetError::Shape {
        path: path.to_owned(),
        reason,
    };
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader
        .headers()
        .map_err(|error| shape(error.to_string()))?
        .clone();
    let mut places = [0; COLUMNS.len()];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        let found = header.iter().position(|name| name == column);
        *place = found.ok_or_else(|| shape(format!("it has no column {column}")))?;
    }
    let mut sheet = Sheet {
        tenant: String::new(),
        sync: String::new(),
        decisions: Vec::new(),
        open: 0,
    };
    let mut seen = BTreeMap::new();
    // As a spreadsheet counts them: the first row is the header.
    for (line, record) in (2..).zip(reader.records()) {
        let record = record.map_err(|error| shape(error.to_string()))?;
        let refuse = |reason: String| SheetError::Row {
            path: path.to_owned(),
            line,
            reason,
        };
        let row = places.map(|place| plain(record.get(place).unwrap_or_default()));
        let Some(decision) = sheet.row(line, row).map_err(refuse)? else {
            continue;
        };
        let key = (
            decision.entitlement.clone(),
            decision.principal_type.clone(),
            decision.principal.clone(),
        );
        match seen.insert(key, (decision.revoke, line)) {
            Some((revoke, earlier)) if revoke != decision.revoke => {
                return Err(refuse(format!("it decides otherwise than row {earlier}")));
            }
            Some(_) => {}
            None => sheet.decisions.push(decision),
        }
    }
    Ok(sheet)
}

impl Sheet {
    /// Takes a row; none if it decides nothing.
    fn row(&mut self, line: u64, row: [String; COLUMNS.len()]) -> Result<Option<Decision>, String> {
        let [
            word,
            reviewer,
            note,
            entitlement,
            principal_type,
            principal,
            who,
            what,
            tenant,
            sync,
        ] = row;
        let revoke = match word.trim().to_lowercase().as_str() {
            "revoke" => true,
            "keep" => false,
            "" => {
                self.open += 1;
                return Ok(None);
            }
            other => return Err(format!("`{other}` is neither keep nor revoke")),
        };
        for (column, text) in [
            ("entitlement_id", &entitlement),
            ("principal_type", &principal_type),
            ("principal_id", &principal),
            ("tenant", &tenant),
        ] {
            if text.trim().is_empty() {
                return Err(format!("{column} is empty"));
            }
        }
        if reviewer.trim().is_empty() {
            return Err("reviewer is empty: a decision needs somebody who made it".to_owned());
        }
        if self.tenant.is_empty() {
            (self.tenant, self.sync) = (tenant, sync);
        } else if self.tenant != tenant {
            return Err(format!(
                "the tenant is {tenant}, in rows before it {}",
                self.tenant
            ));
        }
        Ok(Some(Decision {
            line,
            revoke,
            entitlement,
            principal_type,
            principal,
            reviewer,
            note,
            names: [who, what],
        }))
    }
}

/// Takes the apostrophes off that keep a spreadsheet from reading formulas.
fn plain(text: &str) -> String {
    sink_csv::text_of_cell(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "decision,reviewer,decided_at,note,entitlement_id,principal_type,principal_id,entitlement_name,resource_name,principal_name,principal_login,can_be_revoked,tenant,sync_id,report_sha256";

    fn shown(rows: &[&str]) -> String {
        let text = format!("{HEADER}\r\n{}\r\n", rows.join("\r\n"));
        match parse(Path::new("review.csv"), text.as_bytes()) {
            Ok(sheet) => {
                let words = sheet.decisions.iter().map(|decision| {
                    let word = if decision.revoke { "revoke" } else { "keep" };
                    format!(
                        "{word} {} {} {}",
                        decision.entitlement, decision.principal, decision.names[0]
                    )
                });
                format!(
                    "{}: {} open; {}",
                    sheet.tenant,
                    sheet.open,
                    words.collect::<Vec<_>>().join("; ")
                )
            }
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn what_a_sheet_says() {
        let keep = "keep,Ada,,,role:1:assigned,user,7,x,y,\"'=Eve, \"\"E\"\"\",,yes,https://t,1,";
        let revoke = "Revoke,Ada,,because,role:1:assigned,user,8,x,y,Bo,,yes,https://t,1,";
        let lines = [
            shown(&[keep, revoke, ",,,,role:1:assigned,user,9,x,y,z,,yes,https://t,1,"]),
            shown(&[keep, keep]),
            shown(&[keep, &keep.replace("keep", "revoke")]),
            shown(&[&keep.replace("keep", "perhaps")]),
            shown(&[&keep.replace("Ada", " ")]),
            shown(&[&keep.replace("user,7", "user,")]),
            shown(&[keep, &revoke.replace("https://t", "https://u")]),
            shown(&["keep,Ada"]),
        ];
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn another_file_is_no_sheet() {
        let error = parse(Path::new("x.csv"), b"a,b\n1,2\n").unwrap_err();
        assert_eq!(
            error.to_string(),
            "x.csv: not a review sheet: it has no column decision"
        );
        assert_eq!(error.status(), StatusCode::InvalidArgument);
    }
}
