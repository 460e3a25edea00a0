//! The evidence of a closed review: every altered byte of it is named.

use std::collections::BTreeSet;
use std::fs;

use access_review::Decision;
use ninjaone_sim::{SimConfig, Tenant};

use serde_json::Value;
use sink_html::ReportGrant;

use super::steps::{all_returned, close, with_plan};
use crate::harness::{TestContext, split_words, workspace};
use crate::provisioning::writes;
use crate::review_sheets::{csv, exported, json, sum_up};

/// The quarterly review of docs/guides/access-reviews.md, word for word, on a tenant of 1,000 people.
#[test]
fn the_quarterly_review_of_the_guide_works() {
    let size = ninjaone_sim::GeneratedSize {
        seed: 7,
        technicians: 200,
        end_users: 800,
        roles: 20,
        grants: 1500,
        organizations: 25,
        devices: 0,
        role_of_everyone: false,
    };
    let context = TestContext::with(&SimConfig::new(Tenant::generated(size).unwrap()));
    let text = fs::read_to_string(workspace().join("docs/guides/access-reviews.md")).unwrap();
    let plan = text
        .split("```csv\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    fs::write(context.path("reviewers.csv"), plan).unwrap();
    let blocks = text.split("```bash\n").skip(1);
    let commands: Vec<String> = blocks
        .map(|block| block.split("```").next().unwrap().trim().to_owned())
        .collect();
    assert_eq!(commands.len(), 6, "{commands:?}");
    for command in &commands {
        let words = split_words(command);
        let words: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        if words[..2] == ["review", "status"] {
            decided_by_all(&context);
        }
        let ran = context.run(&words);
        assert_eq!(ran.code, Some(0), "`{command}`: {}{}", ran.stdout, ran.stderr);
    }
    let pack = fs::read(context.path("review-2026-q4.zip")).unwrap();
    let revoked = writes(&context).len();
    assert!(revoked > 20, "{revoked}");
    every_altered_byte_is_named(&context, &pack);
}

/// Every reviewer returns a sheet; three lines stay open.
fn decided_by_all(context: &TestContext) {
    let folder = context.path("review-2026-q4");
    let review: Value = serde_json::from_slice(&fs::read(folder.join("review.json")).unwrap()).unwrap();
    let mut n = 0;
    let decide = |grant: &ReportGrant| {
        let number: usize = grant.principal_id.parse().unwrap_or(0);
        Some(if number.is_multiple_of(25) && grant.can_be_revoked {
            Decision::Revoke
        } else {
            Decision::Keep
        })
    };
    for reviewer in review["reviewers"].as_array().unwrap() {
        n += 1;
        let file = reviewer["file"].as_str().unwrap();
        let mut sheet = exported(&folder.join(file), reviewer["name"].as_str().unwrap(), decide);
        if sheet.rows.len() > 100 {
            for row in &mut sheet.rows[..3] {
                row.statement = None;
            }
            sheet.header.set("sign_off_reason", "nobody knows them");
        }
        sum_up(&mut sheet);
        fs::write(folder.join(format!("sheets/{n}.csv")), csv(&sheet)).unwrap();
    }
}

/// The member that each range of bytes belongs to: local headers with contents, then directory entries.
fn owners(pack: &[u8]) -> Vec<(std::ops::Range<usize>, String)> {
    let small = |at: usize| usize::from(u16::from_le_bytes(pack[at..at + 2].try_into().unwrap()));
    let large =
        |at: usize| usize::try_from(u32::from_le_bytes(pack[at..at + 4].try_into().unwrap())).unwrap();
    let name = |at: usize, length: usize| String::from_utf8(pack[at..at + length].to_vec()).unwrap();
    let mut owners = Vec::new();
    let mut at = 0;
    while pack[at..at + 4] == *b"PK\x03\x04" {
        let end = at + 30 + small(at + 26) + large(at + 18);
        owners.push((at..end, name(at + 30, small(at + 26))));
        at = end;
    }
    while pack[at..at + 4] == *b"PK\x01\x02" {
        let end = at + 46 + small(at + 28);
        owners.push((at..end, name(at + 46, small(at + 28))));
        at = end;
    }
    owners.push((at..pack.len(), "the archive".to_owned()));
    owners
}

/// Bytes at the begin, the end and within of every part of a pack.
fn every_altered_byte_is_named(context: &TestContext, pack: &[u8]) {
    let names: BTreeSet<String> = owners(pack).into_iter().map(|(_, name)| name).collect();
    for name in [
        "SUMMARY.html",
        "review.json",
        "reports/before.html",
        "reports/after.html",
        "decisions.jsonl",
        "revocations.jsonl",
        "pack.json",
    ] {
        assert!(names.contains(name), "{name}");
    }
    for (range, owner) in owners(pack) {
        let middle = range.start + range.len() / 2;
        for at in [range.start, middle, range.end - 1] {
            let mut altered = pack.to_vec();
            altered[at] ^= 0x01;
            fs::write(context.path("altered.zip"), &altered).unwrap();
            let ran = context.run(&["verify", "altered.zip"]);
            assert_eq!(
                ran.code,
                Some(15),
                "byte {at} of {owner}: {}{}",
                ran.stdout,
                ran.stderr
            );
            assert!(
                ran.stdout.contains(&format!("  {owner}: ")),
                "byte {at} of {owner}: {}",
                ran.stdout
            );
        }
    }
}

/// A zip that was rebuilt with one altered member: the member that does not match the rest is named.
#[test]
fn rebuilt_evidence_is_noticed() {
    let context = TestContext::msp();
    with_plan(&context);
    all_returned(&context);
    let ran = close(&context, &["-p"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let pack = fs::read(context.path("q4.zip")).unwrap();
    // An altered decision with corrected checksums: the seal names the file.
    let owners = owners(&pack);
    let (range, _) = owners.iter().find(|(_, name)| name == "decisions.jsonl").unwrap();
    let begin = range.start + 30 + "decisions.jsonl".len();
    let mut altered = pack.clone();
    let text = String::from_utf8_lossy(&altered[begin..range.end]).into_owned();
    let at = begin + text.find("\"keep\"").unwrap() + 1;
    altered[at..at + 4].copy_from_slice(b"kept");
    let mut crc = flate2::Crc::new();
    crc.update(&altered[begin..range.end]);
    let sum = crc.sum().to_le_bytes();
    altered[range.start + 14..range.start + 18].copy_from_slice(&sum);
    let (entry, _) = owners
        .iter()
        .rev()
        .find(|(_, name)| name == "decisions.jsonl")
        .unwrap();
    altered[entry.start + 16..entry.start + 20].copy_from_slice(&sum);
    fs::write(context.path("altered.zip"), &altered).unwrap();
    let ran = context.run(&["verify", "altered.zip", "--output", "json"]);
    assert_eq!(ran.code, Some(15), "{}", ran.stderr);
    let found = json(&ran);
    assert_eq!(found["findings"][0]["file"], "decisions.jsonl", "{found}");
    // Cut off, added to, empty, something else.
    for bytes in [
        &pack[..pack.len() / 2],
        &[&pack[..], b"x"].concat(),
        b"",
        b"hello",
    ] {
        fs::write(context.path("altered.zip"), bytes).unwrap();
        let ran = context.run(&["verify", "altered.zip"]);
        assert_eq!(ran.code, Some(15), "{}{}", ran.stdout, ran.stderr);
    }
}
