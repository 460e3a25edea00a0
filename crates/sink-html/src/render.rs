//! The file: the page, its style, its data and its code in one, in a form that needs nothing else and lets nothing else in.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::metrics::Figure;
use crate::payload::ReportHeader;
use crate::payload::Section;
use crate::seal::{FORMAT, Seal, SealedSection, VERSION, sha256};

/// The page without style, data and code.
const PAGE: &str = include_str!("page/index.html");

/// The style sheets, in the order of precedence.
const STYLE: [&str; 10] = [
    include_str!("page/css/tokens.css"),
    include_str!("page/css/base.css"),
    include_str!("page/css/layout.css"),
    include_str!("page/css/controls.css"),
    include_str!("page/css/tables.css"),
    include_str!("page/css/charts.css"),
    include_str!("page/css/matrix.css"),
    include_str!("page/css/review.css"),
    include_str!("page/css/dialogs.css"),
    include_str!("page/css/print.css"),
];

/// The scripts, in the order of their dependencies.
const CODE: [&str; 29] = [
    include_str!("page/js/dom.js"),
    include_str!("page/js/text.js"),
    include_str!("page/js/schema.js"),
    include_str!("page/js/data.js"),
    include_str!("page/js/sha256.js"),
    include_str!("page/js/model.js"),
    include_str!("page/js/insight.js"),
    include_str!("page/js/filters.js"),
    include_str!("page/js/csv.js"),
    include_str!("page/js/sheet.js"),
    include_str!("page/js/decisions.js"),
    include_str!("page/js/list.js"),
    include_str!("page/js/deciding.js"),
    include_str!("page/js/table.js"),
    include_str!("page/js/charts.js"),
    include_str!("page/js/views/overview.js"),
    include_str!("page/js/views/people.js"),
    include_str!("page/js/views/person.js"),
    include_str!("page/js/views/access.js"),
    include_str!("page/js/views/entitlement.js"),
    include_str!("page/js/views/matrix.js"),
    include_str!("page/js/views/changes.js"),
    include_str!("page/js/views/review_lines.js"),
    include_str!("page/js/views/review_actions.js"),
    include_str!("page/js/views/review_print.js"),
    include_str!("page/js/views/review_rows.js"),
    include_str!("page/js/views/review.js"),
    include_str!("page/js/views/evidence.js"),
    include_str!("page/js/main.js"),
];

/// Compression level of gzip. Higher levels take longer and save hardly anything (docs/reference/performance.md).
const COMPRESSION_LEVEL: u32 = 6;

/// Where the seal begins and ends in a file.
pub(crate) const SEAL_BEGINS: &str = "<script type=\"application/json\" id=\"seal\">";
pub(crate) const ENDS: &str = "</script>";

/// The opening tag of a section's element.
pub(crate) fn section_begins(name: &str) -> String {
    format!("<script type=\"text/plain\" id=\"data-{name}\">")
}

/// Renders the file, and gives its seal.
pub(crate) fn render(head: &ReportHeader, sections: &[Section]) -> io::Result<(Vec<u8>, Seal)> {
    let style = STYLE.concat();
    let code = format!("\"use strict\";\n(() => {{\n{}}})();\n", CODE.concat());
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        source_hash(&code),
        source_hash(&style),
    );
    let mut data = String::new();
    for section in sections {
        data.push_str(&section_begins(section.name));
        STANDARD.encode_string(compressed(&section.bytes)?, &mut data);
        let _ = writeln!(data, "{ENDS}");
    }
    let title = format!("Access review of {}", head.tenant);
    // Only the program's own texts are searched for marks; tenant data is inserted once and not searched again.
    let page = filled(
        PAGE,
        &[
            ("policy", &policy),
            ("title", &escape_html(&title)),
            ("tenant", &escape_html(&head.tenant)),
            ("when", &escape_html(&head.started_at)),
            ("figures", &figures(&head.figures)),
            ("style", &style),
            ("data", &data),
            ("code", &code),
        ],
    );
    let (before, after) = page.split_once("{{seal}}").ok_or(io::ErrorKind::InvalidData)?;
    let seal = Seal {
        format: FORMAT.to_owned(),
        version: VERSION,
        program: head.program.to_string(),
        tenant: head.tenant.to_string(),
        sync_id: head.sync_id.to_string(),
        sync_type: head.sync_type.to_string(),
        started_at: head.started_at.to_string(),
        sections: sections.iter().map(sealed).collect(),
        page_sha256: sha256([before.as_bytes(), after.as_bytes()]),
        previous: head.previous.clone(),
    };
    let text = seal.text()?;
    let mut file = Vec::with_capacity(page.len() + text.len());
    for piece in [before, &text, after] {
        file.write_all(piece.as_bytes())?;
    }
    Ok((file, seal))
}

fn sealed(section: &Section) -> SealedSection {
    SealedSection {
        name: section.name.to_owned(),
        rows: section.rows,
        bytes: section.bytes.len() as u64,
        sha256: sha256([section.bytes.as_slice()]),
    }
}

/// Replaces marks by texts in one pass, so that a mark within a text stays as it is.
fn filled(page: &str, texts: &[(&str, &str)]) -> String {
    let mut filled =
        String::with_capacity(page.len() + texts.iter().map(|(_, text)| text.len()).sum::<usize>());
    let mut rest = page;
    while let Some((before, marked)) = rest.split_once("{{") {
        filled.push_str(before);
        let Some((mark, after)) = marked.split_once("}}") else {
            rest = marked;
            break;
        };
        match texts.iter().find(|(name, _)| *name == mark) {
            Some((_, text)) => filled.push_str(text),
            None => {
                let _ = write!(filled, "{{{{{mark}}}}}");
            }
        }
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// The figures for browsers without scripts.
fn figures(figures: &[Figure]) -> String {
    let mut rows = String::new();
    for figure in figures {
        let _ = write!(
            rows,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>",
            escape_html(&figure.label),
            figure.value,
            escape_html(&figure.meaning)
        );
    }
    rows
}

/// A text as it stands in HTML, between tags or in an attribute.
#[must_use]
pub fn escape_html(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The hash by which a content security policy knows a text: SHA-256 in base64.
#[must_use]
pub fn source_hash(text: &str) -> String {
    STANDARD.encode(Sha256::digest(text.as_bytes()))
}

fn compressed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    // Without a name or a time, so that the same data gives the same bytes.
    let mut encoder = GzEncoder::new(
        Vec::with_capacity(bytes.len() / 4),
        Compression::new(COMPRESSION_LEVEL),
    );
    encoder.write_all(bytes)?;
    encoder.finish()
}

/// Unpacks a section, up to its stated size and one byte.
pub(crate) fn unpacked(text: &str, bytes: u64) -> io::Result<Vec<u8>> {
    let packed = STANDARD.decode(text).map_err(|_| io::ErrorKind::InvalidData)?;
    let mut unpacked = Vec::new();
    GzDecoder::new(packed.as_slice())
        .take(bytes.saturating_add(1))
        .read_to_end(&mut unpacked)?;
    Ok(unpacked)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// All files are one script: a top-level name that is declared twice stops the page.
    #[test]
    fn every_name_of_the_script_is_declared_once() {
        let mut names = BTreeSet::new();
        for line in CODE.iter().flat_map(|code| code.lines()) {
            let line = line.strip_prefix("async ").unwrap_or(line);
            let declared = ["const ", "let ", "function ", "class "]
                .iter()
                .find_map(|keyword| line.strip_prefix(keyword));
            let name = declared.and_then(|rest| {
                rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')
                    .next()
            });
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                assert!(names.insert(name), "`{name}` is declared twice");
            }
        }
        assert!(names.len() > 50, "{names:?}");
    }

    #[test]
    fn marks_within_texts_stay() {
        let filled = filled("<a>{{x}}</a>{{y}}{{z}}{{", &[("x", "{{y}}"), ("y", "why")]);
        assert_eq!(filled, "<a>{{y}}</a>why{{z}}");
    }

    #[test]
    fn nothing_in_a_text_is_markup() {
        assert_eq!(escape_html("<b a='\"'>&"), "&lt;b a=&#39;&quot;&#39;&gt;&amp;");
    }

    #[test]
    fn style_and_code_cannot_end_their_elements() {
        for text in STYLE.into_iter().chain(CODE) {
            assert!(!text.contains("</script") && !text.contains("</style") && !text.contains("<!--"));
        }
    }

    #[test]
    fn unpacking_stops_at_the_stated_size() {
        let text = STANDARD.encode(compressed(&vec![0; 1 << 20]).unwrap());
        assert_eq!(unpacked(&text, 100).unwrap().len(), 101);
    }
}
