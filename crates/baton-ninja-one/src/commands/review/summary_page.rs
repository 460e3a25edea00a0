//! The summary of a pack: one printable HTML page without scripts.

use std::fmt::Write;

use access_review::{Assessment, LineState, Review};
use sink_html::{escape_html, source_hash};

use super::pack::Pack;
use super::pack::PackRevocation;

/// Maximum number of listed revocations; all are in the pack.
const MAX_LISTED: usize = 100;

const STYLE: &str = "body{font:14px/1.45 system-ui,sans-serif;margin:24px auto;max-width:960px;padding:0 16px;color:#111;background:#fff}\
h1{font-size:22px;margin:0 0 4px}h2{font-size:16px;margin:20px 0 6px}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;vertical-align:top;padding:4px 8px;border-bottom:1px solid #ccc;overflow-wrap:anywhere}\
code{font-size:12px;overflow-wrap:anywhere}.warn{font-weight:600}@media print{body{margin:0;max-width:none;font-size:11px}tr{break-inside:avoid}}\
@page{margin:14mm}";

/// Renders the page.
pub(super) fn render(
    pack: &Pack,
    review: &Review,
    assessment: &Assessment,
    revocations: &[PackRevocation],
) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{}'\"><title>{}</title><style>{STYLE}</style></head><body>\n\
<h1>{}</h1>\n<p>Access review of {}, closed {} by {}</p>\n",
        source_hash(STYLE),
        escape_html(&pack.title),
        escape_html(&pack.title),
        escape_html(&pack.tenant),
        escape_html(&pack.closed_at),
        escape_html(&pack.closed_by)
    );
    table(&mut page, "Result", &["", ""], &result_rows(pack));
    table(
        &mut page,
        "Reviewers",
        &["Reviewer", "Lines", "Decided", "Due"],
        &reviewers(review, assessment),
    );
    if !pack.accepted.is_empty() {
        let rows: Vec<[String; 1]> = pack.accepted.iter().map(|text| [text.clone()]).collect();
        table(&mut page, "Accepted when it was closed", &["What"], &rows);
    }
    let rows: Vec<[String; 6]> = revocations
        .iter()
        .take(MAX_LISTED)
        .map(|revocation| revocation_cells(revocation, review))
        .collect();
    table(
        &mut page,
        "Revocations",
        &["Access", "From", "Decided by", "Reason", "Result", "Verified"],
        &rows,
    );
    if revocations.len() > MAX_LISTED {
        let _ = writeln!(
            page,
            "<p>And {} more in revocations.jsonl.</p>",
            revocations.len() - MAX_LISTED
        );
    }
    let _ = write!(
        page,
        "<p>{}. Check this file with <code>baton-ninja-one verify</code>: every file in it, every hash, and that the result follows from the sheets.</p>\n</body></html>\n",
        escape_html(&pack.program)
    );
    page
}

/// The rows of the result table.
fn result_rows(pack: &Pack) -> [[String; 2]; 10] {
    let counts = &pack.counts;
    let open = match pack.open_means.as_str() {
        "revoke" => "undecided lines were revoked",
        _ => "undecided lines stay undecided",
    };
    let after = pack.after.as_ref().map_or_else(
        || "none".to_owned(),
        |after| {
            format!(
                "{}, sync {}, seal {}",
                after.started_at, after.sync_id, after.report_sha256
            )
        },
    );
    [
        [
            "Lines in scope".to_owned(),
            format!("{} ({})", counts.lines, pack.scope),
        ],
        ["Kept".to_owned(), counts.keep.to_string()],
        ["To be revoked by decision".to_owned(), counts.revoke.to_string()],
        ["Undecided".to_owned(), format!("{}; {open}", counts.open)],
        [
            "Revocations".to_owned(),
            format!(
                "{}: {} revoked, {} already gone, {} accepted and not verified, {} to be done by hand, {} not carried out",
                counts.revocations,
                counts.revoked,
                counts.already_gone,
                counts.not_verified,
                counts.by_hand,
                counts.not_carried_out
            ),
        ],
        [
            "Still held in the report after".to_owned(),
            counts.still_held.to_string(),
        ],
        [
            "Report before".to_owned(),
            format!(
                "{}, sync {}, seal {}",
                pack.before.started_at, pack.before.sync_id, pack.before.report_sha256
            ),
        ],
        ["Report after".to_owned(), after],
        [
            "Review".to_owned(),
            format!(
                "{}, started {}, SHA-256 {}",
                pack.review_id, pack.started_at, pack.review_sha256
            ),
        ],
        [
            "Decisions".to_owned(),
            format!(
                "chained to the seal of the report before; last hash {}",
                pack.decisions_head
            ),
        ],
    ]
}

fn reviewers(review: &Review, assessment: &Assessment) -> Vec<[String; 4]> {
    let names = review
        .reviewers
        .iter()
        .map(|reviewer| Some(reviewer.name.clone()));
    let mut rows: Vec<(Option<String>, usize, usize, String)> = names
        .chain([None])
        .map(|name| (name, 0, 0, String::new()))
        .collect();
    let nobody = rows.len() - 1;
    for (line, state) in review.lines.iter().zip(&assessment.states) {
        let row = &mut rows[line.assigned.unwrap_or(nobody).min(nobody)];
        row.1 += 1;
        row.2 += usize::from(matches!(state, LineState::Decided(_)));
        review.due_of(line).unwrap_or_default().clone_into(&mut row.3);
    }
    rows.into_iter()
        .filter(|row| row.1 > 0)
        .map(|(name, lines, decided, due)| {
            let name = name.unwrap_or_else(|| format!("{} (coordinator)", review.coordinator));
            [name, lines.to_string(), decided.to_string(), due]
        })
        .collect()
}

fn revocation_cells(revocation: &PackRevocation, review: &Review) -> [String; 6] {
    let row = &revocation.row;
    let line = review.lines.iter().find(|line| line.id.as_str() == row.line_id);
    let reviewed = |name: fn(&access_review::Line) -> &str| line.map_or("", name).to_owned();
    let access = row
        .access
        .clone()
        .unwrap_or_else(|| reviewed(|line| &line.entitlement_name));
    let name = row
        .name
        .clone()
        .unwrap_or_else(|| reviewed(|line| &line.principal.name));
    let verified = match (row.verified, revocation.held_after) {
        (_, Some(true)) => "STILL HELD in the report after".to_owned(),
        (verified, held) => {
            let words = [
                verified.map(crate::commands::apply_review::Verification::label),
                held.map(|_| "not in the report after"),
            ];
            words.into_iter().flatten().collect::<Vec<_>>().join("; ")
        }
    };
    let result = match &row.error {
        Some(error) => format!("{}: {error}", row.result.label()),
        None => row.result.label().to_owned(),
    };
    [
        format!("{access} ({})", row.entitlement_id),
        format!("{name} ({})", row.principal),
        format!("{} {}", row.reviewer, row.decided_at),
        row.note.clone(),
        result,
        verified,
    ]
}

fn table<const COLUMNS: usize>(
    page: &mut String,
    title: &str,
    heads: &[&str; COLUMNS],
    rows: &[[String; COLUMNS]],
) {
    let _ = writeln!(page, "<h2>{}</h2>\n<table>", escape_html(title));
    if heads.iter().any(|head| !head.is_empty()) {
        page.push_str("<thead><tr>");
        for head in heads {
            let _ = write!(page, "<th scope=\"col\">{}</th>", escape_html(head));
        }
        page.push_str("</tr></thead>\n");
    }
    page.push_str("<tbody>\n");
    for row in rows {
        page.push_str("<tr>");
        for cell in row {
            let _ = write!(page, "<td>{}</td>", escape_html(cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table>\n");
}
