//! Review sheets as spreadsheets and people may hand them in (docs/development/testing.md). Not in the program: compiled with
//! `--cfg fuzzing`, and for the tests that replay the corpus.

use std::path::Path;

use access_core::{Diagnostic, StatusCode};
use access_review::{
    Conditions, FORMAT, Line, LineId, LineState, PersonNames, Review, Row, Scope, Sheet, SheetFile, Subject,
    VERSION, assess, render,
};
use sink_csv::SpreadsheetSafety;
use time::OffsetDateTime;

use crate::commands::review::sheet_file::{SheetFileError, parse_sheet};

/// The bytes of a file.
///
/// # Panics
/// If reading it breaks a promise.
pub fn sheet(input: &[u8]) {
    let read = parse_sheet(Path::new("review.csv"), input);
    same_in_other_encodings(input, &read);
    let file = match read {
        Ok(file) => file,
        Err(error) => {
            assert_eq!(error.status(), StatusCode::InvalidArgument, "{error}");
            assert!(error.hint().is_some(), "{error}");
            return;
        }
    };
    let rows = &file.sheet.rows;
    assert!(rows.is_sorted_by(|a, b| a.row < b.row), "rows out of order");
    for row in rows {
        let ids = [
            &row.subject.entitlement_id,
            &row.subject.principal_type,
            &row.subject.principal_id,
            &row.tenant,
        ];
        assert!(ids.iter().all(|id| !id.is_empty()), "row {} lacks an id", row.row);
        assert!(
            row.statement
                .as_ref()
                .is_none_or(|statement| !statement.reviewer.is_empty()),
            "row {} is decided by nobody",
            row.row
        );
    }
    let again = csv(&file.sheet);
    let again = match parse_sheet(Path::new("review.csv"), &again) {
        Ok(again) => again.sheet,
        Err(error) => panic!("what is written cannot be read: {error}"),
    };
    assert_eq!(without_numbers(&again), without_numbers(&file.sheet));
    assert_eq!(render(&again), render(&file.sheet));
    decides_what_it_says(file);
}

/// A sheet has the same meaning in every encoding that spreadsheets use.
fn same_in_other_encodings(input: &[u8], read: &Result<SheetFile, SheetFileError>) {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    if text.starts_with(['\u{feff}', '\0']) || text.starts_with("PK\u{3}\u{4}") || text.contains('\0') {
        return;
    }
    let marked = format!("\u{feff}{text}");
    let utf16 = |bytes: fn(u16) -> [u8; 2]| marked.encode_utf16().flat_map(bytes).collect();
    let little: Vec<u8> = utf16(u16::to_le_bytes);
    let big: Vec<u8> = utf16(u16::to_be_bytes);
    for bytes in [marked.clone().into_bytes(), little, big] {
        let other = parse_sheet(Path::new("review.csv"), &bytes);
        match (read, &other) {
            (Ok(read), Ok(other)) => assert_eq!(read.sheet, other.sheet, "{text:?}"),
            (Err(read), Err(other)) => assert_eq!(read.to_string(), other.to_string(), "{text:?}"),
            _ => panic!("the encoding decides whether it is a sheet: {text:?}"),
        }
    }
}

/// The sheet as a file for spreadsheets.
fn csv(sheet: &Sheet) -> Vec<u8> {
    let mut file = "\u{feff}".as_bytes().to_vec();
    for record in render(sheet) {
        for (column, cell) in record.iter().enumerate() {
            if column > 0 {
                file.push(b',');
            }
            sink_csv::text_cell(cell, SpreadsheetSafety::Safe, &mut file);
        }
        file.extend_from_slice(b"\r\n");
    }
    file
}

fn without_numbers(sheet: &Sheet) -> Vec<Row> {
    let rows = sheet.rows.iter().cloned();
    rows.map(|row| Row { row: 0, ..row }).collect()
}

/// Against a review: every decision of a line comes from a row with this decision.
fn decides_what_it_says(file: SheetFile) {
    let review = review();
    let conditions = Conditions {
        now: OffsetDateTime::UNIX_EPOCH + time::Duration::days(20_787),
        max_age: None,
    };
    let files = [file];
    let assessment = assess(&review, &files, conditions);
    assert_eq!(assessment.states.len(), review.lines.len());
    for (line, state) in review.lines.iter().zip(&assessment.states) {
        let LineState::Decided(decided) = state else {
            continue;
        };
        let row = files[decided.sheet]
            .sheet
            .rows
            .iter()
            .find(|row| row.row == decided.row);
        assert!(
            row.is_some_and(
                |row| row.subject == line.subject && row.statement.as_ref() == Some(&decided.statement)
            ),
            "line {} is decided by a row that does not say so",
            line.subject
        );
    }
}

fn review() -> Review {
    let report = "a1".repeat(32);
    let line = |principal: &str| {
        let subject = Subject {
            entitlement_id: "role:1:assigned".to_owned(),
            principal_type: "user".to_owned(),
            principal_id: principal.to_owned(),
        };
        Line {
            id: LineId::new(&report, &subject),
            subject,
            entitlement_name: "Desk role".to_owned(),
            resource_name: "Desk".to_owned(),
            trait_kind: "role".to_owned(),
            principal: PersonNames {
                name: "Ada".to_owned(),
                login: Some("ada".to_owned()),
                email: None,
            },
            organization: Vec::new(),
            can_be_revoked: true,
            assigned: None,
        }
    };
    let mut review = Review {
        format: FORMAT.to_owned(),
        version: VERSION,
        program: "fuzz".to_owned(),
        id: String::new(),
        title: "Q4".to_owned(),
        started_at: "2026-11-24T12:00:00Z".to_owned(),
        tenant: "https://t".to_owned(),
        sync_id: "1".to_owned(),
        sync_started_at: "2026-11-24T12:00:00Z".to_owned(),
        lines: vec![line("7"), line("8")],
        report_sha256: report,
        scope: Scope::default(),
        due: None,
        coordinator: "Margaret".to_owned(),
        reviewers: Vec::new(),
        files: Vec::new(),
    };
    review.id = review.expected_id();
    review
}
