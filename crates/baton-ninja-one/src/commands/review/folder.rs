//! The folder of a review: `review.json`, the report, a file for each reviewer and the coordinator, returned sheets, results.

use std::path::{Path, PathBuf};

use access_core::{Diagnostic, StatusCode};
use access_review::{Review, SheetFile, sha256_hex};

use super::report_lines::lines_of_report;
use super::report_lines::read_intact_report;
use super::sheet_file;
use crate::failure::Failure;

/// The review itself.
pub(crate) const REVIEW_FILE: &str = "review.json";
/// The complete report.
pub(crate) const REPORT_FILE: &str = "report.html";
/// The coordinator's file.
pub(crate) const COORDINATOR_FILE: &str = "coordinator.html";
/// The folder of returned sheets.
pub(crate) const SHEETS_FOLDER: &str = "sheets";
/// Results of revocations, as JSON lines.
pub(crate) const RESULTS_FILE: &str = "results.jsonl";

/// A verified review.
#[derive(Debug)]
pub(crate) struct ReviewFolder {
    pub(crate) path: PathBuf,
    pub(crate) review: Review,
    /// SHA-256 of `review.json`.
    pub(crate) sha256: String,
}

/// Why a folder is not an intact review.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FolderError {
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// The folder is not a review.
    #[error("{} is not a review: there is no {REVIEW_FILE}", path.display())]
    Foreign { path: PathBuf },
    /// A file was altered.
    #[error("{} does not match what was written: {reason}", path.display())]
    Altered { path: PathBuf, reason: String },
}

impl Diagnostic for FolderError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Io { .. } => StatusCode::Unknown,
            Self::Foreign { .. } => StatusCode::NotFound,
            Self::Altered { .. } => StatusCode::DataLoss,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::Foreign { .. } => Some("start a review with `review start`".to_owned()),
            Self::Altered { .. } => Some("restore the file from a backup".to_owned()),
        }
    }
}

impl ReviewFolder {
    /// Reads a review and checks every file of it.
    ///
    /// # Errors
    /// [`Failure`] with the first file that is missing or was altered.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let at = path.join(REVIEW_FILE);
        let altered = |path: &Path, reason: String| FolderError::Altered {
            path: path.to_owned(),
            reason,
        };
        let bytes = match read(&at) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(FolderError::Foreign {
                    path: path.to_owned(),
                }
                .into());
            }
            Err(source) => return Err(FolderError::Io { path: at, source }.into()),
        };
        let review: Review =
            serde_json::from_slice(&bytes).map_err(|error| altered(&at, error.to_string()))?;
        review.check().map_err(|error| altered(&at, error.to_string()))?;
        for file in &review.files {
            let at = path.join(&file.name);
            if Path::new(&file.name)
                .file_name()
                .is_none_or(|name| name != file.name.as_str())
            {
                return Err(altered(&at, "the review names a file of another folder".to_owned()).into());
            }
            let bytes = read(&at).map_err(|source| FolderError::Io {
                path: at.clone(),
                source,
            })?;
            if sha256_hex(&bytes) != file.sha256 {
                return Err(altered(&at, "its SHA-256 is not the one in the review".to_owned()).into());
            }
        }
        let folder = Self {
            path: path.to_owned(),
            review,
            sha256: sha256_hex(&bytes),
        };
        folder.check_lines()?;
        Ok(folder)
    }

    /// Checks that the lines are those of the report.
    fn check_lines(&self) -> Result<(), Failure> {
        let report = read_intact_report(&self.report())?;
        let seal = &report.verification.seal;
        let review = &self.review;
        let mut lines = lines_of_report(&report, &review.scope);
        for (line, own) in lines.iter_mut().zip(&review.lines) {
            line.assigned = own.assigned;
        }
        let same = (
            &seal.tenant,
            &seal.sync_id,
            &seal.started_at,
            &report.verification.fingerprint,
        ) == (
            &review.tenant,
            &review.sync_id,
            &review.sync_started_at,
            &review.report_sha256,
        ) && lines == review.lines;
        if same {
            return Ok(());
        }
        Err(FolderError::Altered {
            path: self.path.join(REVIEW_FILE),
            reason: format!("its lines are not those of {REPORT_FILE}"),
        }
        .into())
    }

    /// The complete report.
    pub(crate) fn report(&self) -> PathBuf {
        self.path.join(REPORT_FILE)
    }

    /// The file of results.
    pub(crate) fn results(&self) -> PathBuf {
        self.path.join(RESULTS_FILE)
    }

    /// The returned sheets sorted by name, followed by others.
    pub(crate) fn sheets(&self, others: &[PathBuf]) -> Result<Vec<SheetFile>, Failure> {
        read_sheets(&self.sheet_paths(others)?)
    }

    /// The paths of these sheets.
    pub(crate) fn sheet_paths(&self, others: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
        let folder = self.path.join(SHEETS_FOLDER);
        let failed = |path: &Path, source| FolderError::Io {
            path: path.to_owned(),
            source,
        };
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => Some(entries),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(source) => return Err(failed(&folder, source).into()),
        };
        let mut paths = Vec::new();
        for entry in entries.into_iter().flatten() {
            let path = entry.map_err(|source| failed(&folder, source))?.path();
            if is_hidden(&path) {
                continue;
            }
            // A sheet that is not read would turn its decisions into open ones.
            let found = std::fs::metadata(&path).map_err(|source| failed(&path, source))?;
            if found.is_file() {
                paths.push(path);
            }
        }
        paths.sort();
        paths.extend(others.iter().cloned());
        Ok(paths)
    }
}

/// Whether a file is left by a spreadsheet or the system, such as `.~lock.review.csv#`.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.starts_with('.') || name.starts_with('~')
}

/// Reads sheets; duplicates by content are dropped.
pub(crate) fn read_sheets(paths: &[PathBuf]) -> Result<Vec<SheetFile>, Failure> {
    let mut sheets: Vec<SheetFile> = Vec::new();
    for path in paths {
        let sheet = sheet_file::read_sheet(path)?;
        if !sheets.iter().any(|other| other.sha256 == sheet.sha256) {
            sheets.push(sheet);
        }
    }
    Ok(sheets)
}

/// Maximum size of a file of a review.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Reads a regular file; pipes and devices are rejected without blocking.
pub(super) fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    regular_file::read(path, MAX_FILE_BYTES).map_err(regular_file::FileError::into_io)
}
