//! Reports that were written before, read back.

use std::io;
use std::path::Path;

use regular_file::FileError;

use crate::error::ReportError;
use crate::payload::SECTIONS;
use crate::payload::Section;
use crate::render::ENDS;
use crate::render::SEAL_BEGINS;
use crate::render::section_begins;
use crate::render::unpacked;
use crate::seal::{FORMAT, Seal, VERSION, sha256};

/// The first bytes of every report.
const BEGINS: &str = "<!doctype html>";
/// The largest report; a larger file is not read.
const MAX_BYTES: u64 = 1 << 30;
/// Unpacked bytes of all sections together that any report may have, and how many more for each byte of the file. Sections of real
/// reports are columns of numbers and texts, which unpack to a few times their size.
const FREE_UNPACKED_BYTES: u64 = 96 << 20;
const MAX_UNPACKED_RATIO: u64 = 16;

/// A report in a file, not yet checked.
#[derive(Debug)]
pub(crate) struct ReportFile {
    text: String,
    pub(crate) seal: Seal,
    /// Where the seal's text is.
    at: std::ops::Range<usize>,
}

impl ReportFile {
    /// Reads the file at a path.
    ///
    /// # Errors
    /// [`ReportError`] if it cannot be read, is not a report, or one of a newer version.
    pub(crate) fn read(path: &Path) -> Result<Self, ReportError> {
        let foreign = || ReportError::Foreign {
            path: path.to_owned(),
        };
        let bytes = match regular_file::read(path, MAX_BYTES) {
            Err(FileError::Io(error)) if error.kind() == io::ErrorKind::FileTooLarge => return Err(foreign()),
            read => read.map_err(|error| ReportError::file("reading", path, error))?,
        };
        let text = String::from_utf8(bytes).map_err(|_| foreign())?;
        let at = text
            .rfind(SEAL_BEGINS)
            .filter(|_| text.starts_with(BEGINS))
            .map(|begin| begin + SEAL_BEGINS.len())
            .and_then(|begin| Some(begin..begin + text[begin..].find(ENDS)?));
        let at = at.ok_or_else(foreign)?;
        let loose: serde_json::Value = serde_json::from_str(&text[at.clone()])
            .map_err(|_| ReportError::altered(path, "its seal cannot be read"))?;
        if loose["format"] != FORMAT {
            return Err(foreign());
        }
        match loose["version"].as_u64() {
            Some(version) if version > VERSION => {
                return Err(ReportError::Newer {
                    path: path.to_owned(),
                    version,
                    known: VERSION,
                });
            }
            _ => {}
        }
        let seal = serde_json::from_value(loose)
            .map_err(|error| ReportError::altered(path, format!("its seal cannot be read: {error}")))?;
        Ok(Self { text, seal, at })
    }

    /// The hash of the seal, which names the report.
    pub(crate) fn fingerprint(&self) -> String {
        sha256([self.text[self.at.clone()].as_bytes()])
    }

    /// Whether the page, i.e. everything but data and seal, matches the seal.
    pub(crate) fn page_is_intact(&self) -> bool {
        let (before, after) = (&self.text[..self.at.start], &self.text[self.at.end..]);
        sha256([before.as_bytes(), after.as_bytes()]) == self.seal.page_sha256
    }

    /// Whether these are its bytes.
    pub(crate) fn is(&self, bytes: &[u8]) -> bool {
        self.text.as_bytes() == bytes
    }

    /// A section, or the problem with it.
    pub(crate) fn section(&self, name: &'static str) -> Result<Section, String> {
        let sealed = self.seal.sections.iter().find(|section| section.name == name);
        let sealed = sealed.ok_or_else(|| format!("the seal has no section {name}"))?;
        let sizes = self.seal.sections.iter().map(|section| section.bytes);
        let all = sizes.fold(0, u64::saturating_add);
        let most = MAX_UNPACKED_RATIO.saturating_mul(self.text.len() as u64);
        if all > FREE_UNPACKED_BYTES.saturating_add(most) {
            return Err(format!(
                "its sections are said to have {all} bytes, too many for a file of {}",
                self.text.len()
            ));
        }
        let mark = section_begins(name);
        let text = self
            .text
            .split_once(&mark)
            .and_then(|(_, rest)| rest.split_once(ENDS));
        let (text, _) = text.ok_or_else(|| format!("section {name} is missing"))?;
        let bytes = unpacked(text, sealed.bytes).map_err(|_| format!("section {name} cannot be unpacked"))?;
        if sha256([bytes.as_slice()]) != sealed.sha256 {
            return Err(format!("section {name} was altered"));
        }
        Ok(Section {
            name,
            rows: sealed.rows,
            bytes,
        })
    }

    /// All sections, if all match the seal.
    pub(crate) fn sections(&self) -> Result<[Section; 5], String> {
        let mut sections = Vec::with_capacity(SECTIONS.len());
        for name in SECTIONS {
            sections.push(self.section(name)?);
        }
        sections.try_into().map_err(|_| "sections are missing".to_owned())
    }
}
