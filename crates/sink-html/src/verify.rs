//! Verifies that a report is as it was written, and follows the previous one.

use std::path::Path;

use access_core::model::ReportSchema;

use crate::charts::charts;
use crate::error::ReportError;
use crate::metrics::figures;
use crate::payload::Section;
use crate::payload::decode;
use crate::render::render;
use crate::report_reader::ReportFile;
use crate::schema::page_schema;
use crate::seal::Seal;

/// The result of a verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The seal of the report.
    pub seal: Seal,
    /// SHA-256 of the seal. A copy kept elsewhere shows that nothing was altered, not even the seal.
    pub fingerprint: String,
    /// The deviations; empty if there are none.
    pub problems: Vec<String>,
}

impl Verification {
    /// Why this report cannot be the predecessor of another, if it cannot.
    #[must_use]
    pub fn precedes(&self, next: &Self) -> Option<String> {
        match &next.seal.previous {
            None => Some(format!(
                "the report of sync {} follows no other",
                next.seal.sync_id
            )),
            Some(link) if link.seal_sha256 != self.fingerprint => Some(format!(
                "the report of sync {} follows the one of sync {} with the hash {}, and this one has {}",
                next.seal.sync_id, link.sync_id, link.seal_sha256, self.fingerprint
            )),
            Some(_) => None,
        }
    }
}

/// Checks a report: the hashes of its parts, the counts of its rows, that its numbers follow from its data, and, if this
/// version of the program wrote it, that every other byte is what the program writes.
///
/// # Errors
/// [`ReportError`] if the file cannot be read or is not a report.
pub fn verify(path: &Path, program: &str, schema: ReportSchema) -> Result<Verification, ReportError> {
    let file = ReportFile::read(path)?;
    let mut problems = Vec::new();
    if !file.page_is_intact() {
        problems.push("the page differs from its seal".to_owned());
    }
    if let Ok(sections) = file.sections() {
        problems.extend(data(&file, &sections, program, schema));
    } else {
        let names = crate::payload::SECTIONS;
        problems.extend(names.into_iter().filter_map(|name| file.section(name).err()));
    }
    Ok(Verification {
        fingerprint: file.fingerprint(),
        seal: file.seal,
        problems,
    })
}

/// The problems of data with correct hashes.
fn data(file: &ReportFile, sections: &[Section; 5], program: &str, schema: ReportSchema) -> Vec<String> {
    let (head, model) = match decode(sections) {
        Ok(decoded) => decoded,
        Err(error) => return vec![format!("the data cannot be read: {error}")],
    };
    let mut problems = Vec::new();
    let seal = &file.seal;
    let says = [
        ("tenant", &*head.tenant, &seal.tenant),
        ("sync", &*head.sync_id, &seal.sync_id),
        ("type of sync", &*head.sync_type, &seal.sync_type),
        ("begin of the sync", &*head.started_at, &seal.started_at),
    ];
    for (what, found, sealed) in says {
        if found != sealed {
            problems.push(format!("{what}: the data says {found}, the seal {sealed}"));
        }
    }
    if head.previous != seal.previous {
        problems.push("the report before it is another in the data than in the seal".to_owned());
    }
    let rows = [
        ("kinds", head.kinds.len() as u64, sections[0].rows),
        ("people", model.people.len() as u64, sections[1].rows),
        ("entitlements", model.entitlements.len() as u64, sections[2].rows),
        ("grants", model.grants(), sections[3].rows),
    ];
    for (what, found, sealed) in rows {
        if found != sealed {
            problems.push(format!("{what}: {found} rows, the seal says {sealed}"));
        }
    }
    // Another version may count differently.
    if *head.program == *program {
        let follows = head.figures == figures(&model, schema)
            && head.charts == charts(&model, schema)
            && page_schema(schema).is_ok_and(|schema| head.schema == schema);
        if !follows {
            problems.push("the numbers of the overview do not follow from the data".to_owned());
        }
    }
    if *head.program == *program {
        let rendered = render(&head, sections);
        if !rendered.is_ok_and(|(bytes, _)| file.is(&bytes)) {
            problems.push("the page is not the one that this version of the program writes".to_owned());
        }
    }
    problems
}
