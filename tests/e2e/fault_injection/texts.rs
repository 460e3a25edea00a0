//! Every text of every answer × everything that producers of JSON get wrong in a text. The rows have to be those of the same
//! answer in which the text is written as JSON demands, with U+FFFD for what is not Unicode; and the row is named.

use ninjaone_sim::{Fault, FaultRule, When};
use serde_json::Value;

use super::in_process_run::{Ended, Rehearsal};
use super::model::{DEVICES, END_USERS, ORGANIZATIONS, ROLES, TECHNICIANS, USERS};
use super::sweep::{Picks, exhaustive, seed, sweep};

/// The bytes on the wire between the quotes, their meaning, and whether that is reported.
const DAMAGES: [(&str, &[u8], &str, bool); 24] = [
    ("lone high surrogate", br"Zo\ud83d", "Zo\u{fffd}", true),
    ("lone low surrogate", br"\ude00x", "\u{fffd}x", true),
    ("surrogates swapped", br"\ude00\ud83d", "\u{fffd}\u{fffd}", true),
    (
        "surrogate before an escape",
        br"\ud83d\n\u0041",
        "\u{fffd}\nA",
        true,
    ),
    ("whole pair", br"\ud83d\ude00", "\u{1f600}", false),
    ("escape cut", br"Zo\ud8", "Zo\u{fffd}", true),
    ("escape begun", br"Zo\u", "Zo\u{fffd}", true),
    ("Latin-1", b"M\xfcller", "M\u{fffd}ller", true),
    ("byte FF", b"\xff\xfe", "\u{fffd}\u{fffd}", true),
    ("overlong", b"a\xc0\x80b", "a\u{fffd}\u{fffd}b", true),
    (
        "CESU-8",
        b"\xed\xa0\xbd\xed\xb8\x80",
        "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
        true,
    ),
    ("character cut", b"caf\xc3", "caf\u{fffd}", true),
    ("emoji cut", b"\xf0\x9f\x98", "\u{fffd}\u{fffd}\u{fffd}", true),
    ("Windows-1252", b"\x93quoted\x94", "\u{fffd}quoted\u{fffd}", true),
    ("raw tab", b"a\tb", "a\tb", true),
    ("raw line break", b"a\r\nb", "a\r\nb", true),
    ("raw NUL", b"a\0b", "a\0b", true),
    ("raw escape", b"\x1b[31mred", "\x1b[31mred", true),
    ("escaped NUL", br"a\u0000b", "a\0b", false),
    ("byte order mark", b"\xef\xbb\xbfx", "\u{feff}x", false),
    ("quote of another language", br"O\'Brien", "O'Brien", true),
    ("hexadecimal escape", br"\x41", "\\x41", true),
    ("backslash of a path", br"C:\Users", "C:\\Users", true),
    (
        "beyond the plane",
        "\u{1f469}\u{200d}\u{1f680}\u{2028}\u{7f}".as_bytes(),
        "\u{1f469}\u{200d}\u{1f680}\u{2028}\u{7f}",
        false,
    ),
];

/// A text and its problem.
#[derive(Debug)]
struct Case {
    path: &'static str,
    /// The answer with a mark where the text is.
    marked: Vec<u8>,
    /// The id of the row, if it has one still.
    id: Option<u64>,
    wire: Vec<u8>,
    meaning: String,
    remark: bool,
}

const MARK: &str = "@@here@@";

impl Case {
    fn answer(&self, text: &[u8]) -> FaultRule {
        let at = self
            .marked
            .windows(MARK.len())
            .position(|window| window == MARK.as_bytes())
            .unwrap();
        let body = [&self.marked[..at], text, &self.marked[at + MARK.len()..]].concat();
        FaultRule {
            method: None,
            path: self.path.to_owned(),
            when: When::Nth(1),
            fault: Fault::Answer {
                status: 200,
                content_type: "application/json",
                body,
            },
        }
    }
}

/// All texts in a value, as pointers.
fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::String(_) => found.push(at.to_owned()),
        Value::Array(list) => {
            for (position, element) in list.iter().enumerate() {
                texts(element, &format!("{at}/{position}"), found);
            }
        }
        Value::Object(object) => {
            for (key, value) in object {
                texts(value, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

/// The answers of a healthy tenant.
fn answers() -> Vec<(&'static str, Value)> {
    let ended = Rehearsal::default().run(&[]);
    [TECHNICIANS, END_USERS, USERS, ROLES, ORGANIZATIONS, DEVICES]
        .map(|path| {
            let call = ended.calls.iter().find(|call| call.path == path).unwrap();
            (
                path,
                serde_json::from_slice(call.answer.as_deref().unwrap()).unwrap(),
            )
        })
        .to_vec()
}

fn cases() -> Vec<(String, Case)> {
    let mut picks = Picks::new(seed());
    let mut cases = Vec::new();
    for (path, answer) in answers() {
        // Rows with all that a row can have, from the middle of the list.
        let rows = answer.as_array().unwrap();
        let row = rows.len() / 2;
        let mut found = Vec::new();
        texts(&rows[row], &format!("/{row}"), &mut found);
        for pointer in found {
            let mut marked = answer.clone();
            *marked.pointer_mut(&pointer).unwrap() = MARK.into();
            let chosen: Vec<_> = if exhaustive() || pointer.ends_with("Name") || pointer.ends_with("/name") {
                DAMAGES.to_vec()
            } else {
                (0..3).map(|_| *picks.one(&DAMAGES)).collect()
            };
            for (name, wire, meaning, remark) in chosen {
                let case = Case {
                    path,
                    marked: serde_json::to_vec(&marked).unwrap(),
                    id: marked[row]["id"].as_u64(),
                    wire: wire.to_vec(),
                    meaning: meaning.to_owned(),
                    remark,
                };
                cases.push((format!("{path}{pointer}: {name}"), case));
            }
        }
    }
    assert!(cases.len() > 200, "{} cases", cases.len());
    cases
}

fn outcome(ended: &Ended) -> Result<(&super::row_lines::Lines, &super::rows::Ledger), String> {
    match &ended.result {
        Ok(rows) => Ok((&rows.lines, &rows.dropped)),
        Err(failed) => Err(format!("{}: {}", failed.code, failed.message)),
    }
}

fn judge(rehearsal: &mut Rehearsal, case: &Case) -> Result<String, String> {
    let written = serde_json::to_string(&case.meaning).unwrap();
    let right = rehearsal.run(&[case.answer(&written.as_bytes()[1..written.len() - 1])]);
    let damaged = rehearsal.run(&[case.answer(&case.wire)]);
    if !damaged.unfired.is_empty() || !right.unfired.is_empty() {
        return Err("the answer was not asked for".to_owned());
    }
    let (right, seen) = (outcome(&right)?, outcome(&damaged)?);
    if right != seen {
        let more: Vec<_> = seen.0.difference(right.0).collect();
        let less: Vec<_> = right.0.difference(seen.0).collect();
        return Err(format!("rows {more:?}\nin place of {less:?}"));
    }
    let warnings = &damaged.result.as_ref().ok().unwrap().warnings;
    let remarks: Vec<&String> = warnings
        .iter()
        .filter(|warning| warning.starts_with("text_repaired: "))
        .collect();
    let named = case.id.map(|id| format!("id {id}")).unwrap_or_default();
    match remarks.as_slice() {
        [] if !case.remark => Ok("read, without a remark".to_owned()),
        [remark] if case.remark && remark.contains(case.path) && remark.ends_with(&named) => {
            Ok("read, with a remark".to_owned())
        }
        _ => Err(format!("the remarks are {remarks:?}, for {named}")),
    }
}

#[test]
fn every_text_of_every_answer() {
    sweep(
        "fault_injection::texts::every_text_of_every_answer",
        &cases(),
        Rehearsal::default,
        judge,
    );
}

/// A text of a megabyte is read, repaired at its end as at its beginning.
#[test]
fn long_texts() {
    let mut rehearsal = Rehearsal::default();
    for (path, answer) in answers() {
        let key = if answer[0].get("name").is_some() {
            "name"
        } else {
            "firstName"
        };
        let key = if path == DEVICES { "displayName" } else { key };
        let mut marked = answer.clone();
        marked[0][key] = MARK.into();
        let long = "x".repeat(1 << 20);
        let case = Case {
            path,
            marked: serde_json::to_vec(&marked).unwrap(),
            id: marked[0]["id"].as_u64(),
            wire: [b"\xe4", long.as_bytes(), br"\ud83d"].concat(),
            meaning: format!("\u{fffd}{long}\u{fffd}"),
            remark: true,
        };
        judge(&mut rehearsal, &case)
            .unwrap_or_else(|wrong| panic!("{path}: {}", &wrong[..wrong.len().min(500)]));
    }
}
