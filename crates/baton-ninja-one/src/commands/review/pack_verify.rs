//! `verify` for evidence packs: checks that every byte is original, and that the result follows from the sheets.

use std::path::Path;

use access_core::StatusCode;
use access_review::{
    Conditions, OpenMeans, Review, SheetFile, assess, decision_log, sha256_hex, verify_decision_log,
};
use serde::Serialize;
use sink_html::{ReviewedReport, read_reviewed};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::close::access_in_report;
use super::container;
use super::container::Member;
use super::pack::AFTER;
use super::pack::BEFORE;
use super::pack::DECISIONS;
use super::pack::PACK;
use super::pack::PACK_FORMAT;
use super::pack::PACK_VERSION;
use super::pack::Pack;
use super::pack::PackCounts;
use super::pack::PackReport;
use super::pack::PackRevocation;
use super::pack::REVIEW;
use super::pack::REVOCATIONS;
use super::pack::SHEETS;
use super::pack::SUMMARY;
use super::pack::open_means_word;
use super::pack::sheet_names;
use super::report_lines::lines_of_report;
use super::sheet_file::parse_sheet;
use crate::failure::Failure;
use crate::output::console::Text;
use crate::output::console::print;
use crate::settings::{Output, Settings};

/// Whether a file is a pack, intact or not.
pub(crate) fn is_pack(path: &Path) -> bool {
    let is_zip = path
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("zip"));
    is_zip || starts_like_zip(path).unwrap_or(false)
}

fn starts_like_zip(path: &Path) -> std::io::Result<bool> {
    use std::io::Read;

    let mut start = [0; 4];
    let mut file = regular_file::open(path).map_err(regular_file::FileError::into_io)?;
    file.read_exact(&mut start)?;
    Ok(start == *b"PK\x03\x04")
}

/// The findings.
#[derive(Debug, Serialize)]
struct Found {
    path: String,
    sha256: String,
    pack: Option<Pack>,
    findings: Vec<Problem>,
}

/// A problem of a file in the pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Problem {
    file: String,
    problem: String,
}

/// Verifies a pack and prints the findings; an alteration is a failure. `known` is a hash recorded earlier.
pub(crate) fn verify(settings: &Settings, path: &Path, known: Option<&str>) -> Result<(), Failure> {
    let output = settings.output()?;
    let bytes = super::folder::read(path).map_err(|error| {
        Failure::new(
            format!("cannot read {}: {error}", path.display()),
            None,
            StatusCode::NotFound,
        )
    })?;
    let sha256 = sha256_hex(&bytes);
    let mut checking = Checking { problems: Vec::new() };
    let pack = checking.run(settings, &bytes)?;
    if let Some(hash) = known.filter(|hash| !hash.eq_ignore_ascii_case(&sha256)) {
        checking.add("the archive", format!("its SHA-256 is not {hash}"));
    }
    let found = Found {
        path: path.display().to_string(),
        sha256,
        pack,
        findings: checking.problems,
    };
    print(&match output {
        Output::Json => Text::from_json(&found),
        Output::Text => render_findings(&found),
    });
    if found.findings.is_empty() {
        return Ok(());
    }
    Err(Failure::new(
        format!(
            "{}: does not match what was written; {} findings",
            found.path,
            found.findings.len()
        ),
        Some("compare with a backup and with the hash you recorded".to_owned()),
        StatusCode::DataLoss,
    ))
}

fn render_findings(found: &Found) -> Text {
    let mut text = Text::new();
    match &found.pack {
        Some(pack) => text.line(format_args!(
            "{}: {} of {}, closed {} by {}",
            found.path, pack.title, pack.tenant, pack.closed_at, pack.closed_by
        )),
        None => text.line(&found.path),
    }
    text.line(format_args!("  SHA-256 {}", found.sha256));
    if let Some(pack) = &found.pack {
        let counts = &pack.counts;
        text.line(format_args!(
            "  {} lines: {} kept, {} to revoke, {} undecided; {} of {} revocations carried out",
            counts.lines,
            counts.keep,
            counts.revoke,
            counts.open,
            counts.revoked + counts.already_gone + counts.not_verified,
            counts.revocations
        ));
    }
    for problem in &found.findings {
        text.line(format_args!("  {}: {}", problem.file, problem.problem));
    }
    if found.findings.is_empty() {
        text.line("  unaltered since it was written");
    }
    text
}

struct Checking {
    problems: Vec<Problem>,
}

impl Checking {
    fn add(&mut self, file: &str, problem: impl Into<String>) {
        let problem = Problem {
            file: file.to_owned(),
            problem: problem.into(),
        };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    fn run(&mut self, settings: &Settings, bytes: &[u8]) -> Result<Option<Pack>, Failure> {
        let archive = match container::read(bytes) {
            Ok(archive) => archive,
            Err(reason) => {
                self.add("the archive", reason);
                return Ok(None);
            }
        };
        for (file, reason) in &archive.problems {
            self.add(file, *reason);
        }
        let Some(pack) = self.pack(&archive.members) else {
            return Ok(None);
        };
        let is_altered = |file: &str| archive.problems.iter().any(|(other, _)| other == file);
        // An altered seal says nothing about other files.
        if !is_altered(PACK) {
            self.members(&pack, &archive.members);
        }
        if self.problems.is_empty() {
            self.contents(settings, &pack, &archive.members)?;
        }
        Ok(Some(pack))
    }

    fn pack(&mut self, members: &[Member]) -> Option<Pack> {
        let Some(member) = members.iter().find(|member| member.name == PACK) else {
            self.add(PACK, "is missing");
            return None;
        };
        match serde_json::from_slice::<Pack>(&member.bytes) {
            Err(error) => {
                self.add(PACK, format!("cannot be read: {error}"));
                None
            }
            Ok(pack) if pack.format != PACK_FORMAT || pack.version != PACK_VERSION => {
                self.add(PACK, format!("is not {PACK_FORMAT} {PACK_VERSION}"));
                None
            }
            Ok(pack) => {
                let written = serde_json::to_vec_pretty(&pack).unwrap_or_default();
                if written != member.bytes {
                    self.add(PACK, "is not written as this program writes it");
                }
                Some(pack)
            }
        }
    }

    /// Checks that every file exists once, in order, with its hash in the seal.
    fn members(&mut self, pack: &Pack, members: &[Member]) {
        let expected = pack
            .members
            .iter()
            .map(|member| member.name.as_str())
            .chain([PACK]);
        let expected: Vec<&str> = expected.collect();
        let found: Vec<&str> = members.iter().map(|member| member.name.as_str()).collect();
        for name in expected.iter().filter(|name| !found.contains(name)) {
            self.add(name, "is missing");
        }
        for name in found.iter().filter(|name| !expected.contains(name)) {
            self.add(name, "was added");
        }
        if self.problems.is_empty() && expected != found {
            self.add("the archive", "its files are in another order");
        }
        for sealed in &pack.members {
            let Some(member) = members.iter().find(|member| member.name == sealed.name) else {
                continue;
            };
            if sha256_hex(&member.bytes) != sealed.sha256 || member.bytes.len() != sealed.bytes {
                self.add(&sealed.name, "its SHA-256 is not the one that was sealed");
            }
        }
    }

    /// Checks that the result follows from the sheets, the sheets belong to the review, and the review to the report.
    fn contents(&mut self, settings: &Settings, pack: &Pack, members: &[Member]) -> Result<(), Failure> {
        let bytes = |name: &str| {
            let member = members.iter().find(|member| member.name == name);
            member.map_or(&[][..], |member| &member.bytes)
        };
        let Some(review) = self.review(pack, bytes(REVIEW)) else {
            return Ok(());
        };
        let before = self.report(settings, BEFORE, bytes(BEFORE), &pack.before)?;
        if let Some(before) = &before {
            let mut lines = lines_of_report(before, &review.scope);
            for (line, own) in lines.iter_mut().zip(&review.lines) {
                line.assigned = own.assigned;
            }
            if lines != review.lines {
                self.add(REVIEW, "its lines are not those of the report before");
            }
        }
        let after = match &pack.after {
            None => None,
            Some(facts) => self.report(settings, AFTER, bytes(AFTER), facts)?,
        };
        let Some(sheets) = self.sheets(members) else {
            return Ok(());
        };
        let Ok(now) = OffsetDateTime::parse(&pack.closed_at, &Rfc3339) else {
            self.add(PACK, "closed_at is not a time");
            return Ok(());
        };
        let conditions = Conditions { now, max_age: None };
        let assessment = assess(&review, &sheets, conditions);
        let open_means = match pack.open_means.as_str() {
            "revoke" => OpenMeans::Revoke,
            _ => OpenMeans::Open,
        };
        if open_means_word(open_means) != pack.open_means {
            self.add(PACK, "open_means is neither open nor revoke");
        }
        if let Some(finding) = assessment
            .findings
            .iter()
            .find(|finding| finding.problem.waiver().is_none())
        {
            self.add(SHEETS, finding.to_string());
        }
        for finding in &assessment.findings {
            if !pack.accepted.contains(&finding.to_string()) {
                self.add(PACK, format!("does not say that this was accepted: {finding}"));
            }
        }
        let text = String::from_utf8_lossy(bytes(DECISIONS)).into_owned();
        if let Err(error) = verify_decision_log(&text, &review.report_sha256, &pack.decisions_head) {
            self.add(DECISIONS, error.to_string());
        }
        let log = decision_log(&review, &sheets, &assessment, open_means);
        if log.text != text {
            self.add(DECISIONS, "does not follow from the sheets");
        }
        let revocations = self.revocations(bytes(REVOCATIONS));
        let decided: Vec<&str> = assessment
            .revocations(open_means)
            .iter()
            .map(|revocation| review.lines[revocation.line].id.as_str())
            .collect();
        let found: Vec<&str> = revocations.iter().map(|row| row.row.line_id.as_str()).collect();
        if decided != found {
            self.add(REVOCATIONS, "is not what the decisions ask for");
        }
        if let Some(after) = &after {
            let held = access_in_report(after);
            let is_wrong = |revocation: &&PackRevocation| {
                let line = review
                    .lines
                    .iter()
                    .find(|line| line.id.as_str() == revocation.row.line_id);
                line.is_some_and(|line| revocation.held_after != Some(held.contains(&line.subject)))
            };
            if let Some(wrong) = revocations.iter().find(is_wrong) {
                let problem = format!("line {} is not as the report after shows it", wrong.row.line_id);
                self.add(REVOCATIONS, problem);
            }
        }
        if PackCounts::new(&assessment, &revocations) != pack.counts {
            self.add(PACK, "its counts do not follow from the sheets and results");
        }
        // Another version may render another page.
        if pack.program == crate::cli::version::PROGRAM {
            let unsealed = Pack {
                members: Vec::new(),
                ..pack.clone()
            };
            let summary = super::summary_page::render(&unsealed, &review, &assessment, &revocations);
            if summary.as_bytes() != bytes(SUMMARY) {
                self.add(SUMMARY, "is not the page that this version of the program writes");
            }
        }
        Ok(())
    }

    fn review(&mut self, pack: &Pack, bytes: &[u8]) -> Option<Review> {
        let review: Review = match serde_json::from_slice(bytes) {
            Ok(review) => review,
            Err(error) => {
                self.add(REVIEW, format!("cannot be read: {error}"));
                return None;
            }
        };
        if let Err(error) = review.check() {
            self.add(REVIEW, error.to_string());
        }
        let says = [
            (&review.id, &pack.review_id),
            (&review.tenant, &pack.tenant),
            (&review.title, &pack.title),
            (&review.started_at, &pack.started_at),
            (&review.report_sha256, &pack.before.report_sha256),
            (&review.sync_id, &pack.before.sync_id),
            (&review.sync_started_at, &pack.before.started_at),
            (&review.scope.to_string(), &pack.scope),
            (&sha256_hex(bytes), &pack.review_sha256),
        ];
        if says.iter().any(|(own, said)| own != said) {
            self.add(PACK, "says something else of the review than the review itself");
        }
        Some(review)
    }

    fn report(
        &mut self,
        settings: &Settings,
        name: &str,
        bytes: &[u8],
        facts: &PackReport,
    ) -> Result<Option<ReviewedReport>, Failure> {
        let parent = settings.temp_folder()?;
        let cannot = |error: std::io::Error| {
            let message = format!(
                "cannot write to a temporary folder in {}: {error}",
                parent.display()
            );
            Failure::new(message, None, StatusCode::FailedPrecondition)
        };
        let folder = crate::commands::report::private_folder(&parent).map_err(cannot)?;
        let path = folder.path().join("report.html");
        std::fs::write(&path, bytes).map_err(cannot)?;
        let Ok(report) = read_reviewed(&path, crate::cli::version::PROGRAM, ninjaone::REPORT_SCHEMA) else {
            self.add(name, "is not a report of this program");
            return Ok(None);
        };
        for problem in &report.verification.problems {
            self.add(name, problem.clone());
        }
        let seal = &report.verification.seal;
        let own = PackReport {
            sync_id: seal.sync_id.clone(),
            started_at: seal.started_at.clone(),
            report_sha256: report.verification.fingerprint.clone(),
        };
        if own != *facts {
            self.add(name, "is another report than the one that was sealed");
        }
        Ok(Some(report))
    }

    fn sheets(&mut self, members: &[Member]) -> Option<Vec<SheetFile>> {
        let mut sheets = Vec::new();
        for member in members.iter().filter(|member| member.name.starts_with(SHEETS)) {
            // `sheets/01-NAME` was originally NAME.
            let name = member.name.get(SHEETS.len() + 3..).unwrap_or_default();
            match parse_sheet(Path::new(name), &member.bytes) {
                Ok(sheet) => sheets.push(sheet),
                Err(error) => {
                    self.add(&member.name, error.to_string());
                    return None;
                }
            }
        }
        if sheet_names(&sheets)
            != members
                .iter()
                .filter(|member| member.name.starts_with(SHEETS))
                .map(|member| member.name.clone())
                .collect::<Vec<_>>()
        {
            self.add(SHEETS, "the sheets have other names than were given");
        }
        Some(sheets)
    }

    fn revocations(&mut self, bytes: &[u8]) -> Vec<PackRevocation> {
        let text = String::from_utf8_lossy(bytes);
        let rows: Result<Vec<PackRevocation>, _> = text.lines().map(serde_json::from_str).collect();
        match rows {
            Ok(rows) => rows,
            Err(error) => {
                self.add(REVOCATIONS, format!("cannot be read: {error}"));
                Vec::new()
            }
        }
    }
}
