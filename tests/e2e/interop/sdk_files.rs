//! Files that the reference wrote, with all that it can write, in our hands.

use std::collections::{BTreeMap, BTreeSet};

use access_dataset::Table;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use baton_proto::connector_v2 as v2;
use baton_proto::prost::Message;
use c1z::C1zError;
use serde_json::Value;

use super::rows::{assert_same, of, ours, reader, text, theirs};
use super::{Operations, Reference};
use crate::datasets::files;
use crate::harness::TestContext;
use crate::support::dataset::{Rows as TableRows, latest, rows};

/// A file written by the reference, and the rows it reports, by the sync's name.
struct Written {
    context: TestContext,
    syncs: BTreeMap<String, Vec<Value>>,
}

impl Written {
    fn new(reference: &Reference) -> Self {
        let context = TestContext::msp();
        let mut syncs: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for line in reference.json_lines(context.folder.path(), &["write", "theirs.c1z"]) {
            syncs.entry(text(&line, "sync")).or_default().push(line);
        }
        Self { context, syncs }
    }

    fn id(&self, sync: &str) -> String {
        text(of(&self.syncs[sync], "written").next().unwrap(), "id")
    }

    fn export(&self, from: &str, sync: &str, out: &str) {
        let (parquet, csv) = (format!("parquet={out}-parquet"), format!("csv={out}-csv"));
        let arguments = [
            "export", "--from", from, "--sync", sync, "--tenant", "there", "--sink", &parquet, "--sink", &csv,
        ];
        let ran = self.context.run(&arguments);
        assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    }

    fn table(&self, out: &str, dataset: Table) -> TableRows {
        let files = files(&self.context.path(out));
        rows(&files, &latest(&files).unwrap(), dataset)
    }
}

#[test]
fn our_reader_reads_the_references_files() {
    let Some(reference) = Reference::here("reading the reference's files") else {
        return;
    };
    let mut operations = Operations::on("the reference's files read");
    let written = Written::new(reference);
    let path = written.context.path("theirs.c1z");
    let (reader, _temp) = reader(&path);
    let found: BTreeMap<String, (String, bool)> = reader
        .syncs()
        .unwrap()
        .into_iter()
        .map(|sync| (sync.sync_id, (sync.sync_type, sync.ended_at.is_some())))
        .collect();
    for (name, kind, ended) in [
        ("older", "full", true),
        ("main", "full", true),
        ("resources", "resources_only", true),
        ("partial", "partial", true),
        ("unfinished", "full", false),
    ] {
        let id = written.id(name);
        assert_eq!(found[&id], (kind.to_owned(), ended), "{name}");
        let mut rows = theirs(&written.syncs[name]);
        for (_, bytes) in rows.iter_mut().filter(|((kind, _), _)| kind == "grant") {
            // In a map of sources Go writes values that are empty too.
            *bytes = v2::Grant::decode(bytes.as_slice()).unwrap().encode_to_vec();
        }
        assert_same(&ours(&path, Some(&id)), &rows);
        operations.pass();
    }
    assert_eq!(found.len(), written.syncs.len());
    assert_eq!(reader.latest_finished().unwrap().sync_id, written.id("main"));
    operations.pass();

    // Effective entitlements are stored beside the grants.
    let lines = &written.syncs["main"];
    let grants: BTreeMap<String, &Value> = of(lines, "grant")
        .map(|line| (text(line, "id"), &line["json"]))
        .collect();
    let expected: BTreeSet<String> = of(lines, "expansion")
        .map(|line| {
            let grant = grants[&text(line, "id")];
            let bytes = STANDARD.decode(text(line, "message")).unwrap();
            let rule = v2::GrantExpandable::decode(bytes.as_slice()).unwrap();
            let principal = &grant["principal"]["id"];
            format!(
                "{} {} {} {rule:?}",
                text(&grant["entitlement"], "id"),
                text(principal, "resource_type"),
                text(principal, "resource")
            )
        })
        .collect();
    let mut expandable = BTreeSet::new();
    reader
        .expandable_grants(&written.id("main"), |grant| {
            expandable.insert(format!(
                "{} {} {} {:?}",
                grant.entitlement, grant.principal_type, grant.principal, grant.expansion
            ));
            Ok::<(), C1zError>(())
        })
        .unwrap();
    assert_eq!(expandable, expected);
    assert_eq!(expected.len(), 7);
    operations.pass();
    operations.print_counts();
}

#[test]
fn export_matches_the_references_rows_and_expansion() {
    let Some(reference) = Reference::here("exporting the reference's files") else {
        return;
    };
    let mut operations = Operations::on("the reference's files exported");
    let written = Written::new(reference);
    let folder = written.context.folder.path();
    reference.invoke(folder, &["resync", "theirs.c1z", "expanded.c1z", "sqlite"]);
    let expanded = reference.json_lines(folder, &["print", "expanded.c1z"]);
    let sync = text(of(&expanded, "stats").next().unwrap(), "id");
    assert!(
        of(&expanded, "grant").count() > of(&written.syncs["main"], "grant").count() + 20,
        "the reference expanded grants"
    );
    written.export("theirs.c1z", &written.id("main"), "raw");
    written.export("expanded.c1z", &sync, "expanded");
    let lines = &written.syncs["main"];
    for out in ["raw-parquet", "expanded-parquet"] {
        assert_eq!(
            told_types(&written.table(out, Table::ResourceTypes)),
            types(lines)
        );
        assert_eq!(
            read_cells(&written.table(out, Table::Resources), &RESOURCE),
            resources(lines)
        );
        assert_eq!(read_cells(&written.table(out, Table::Users), &USER), users(lines));
        assert_eq!(
            read_cells(&written.table(out, Table::Entitlements), &ENTITLEMENT),
            entitlements(lines)
        );
        // The same whether the reference expanded the grants or we do.
        assert_eq!(
            told_grants(&written.table(out, Table::Grants)),
            grants(&expanded),
            "{out}"
        );
        operations.pass();
        let csv = out.replace("parquet", "csv");
        for dataset in Table::ALL {
            assert_csv(
                &written.table(&csv, dataset),
                &written.table(out, dataset),
                dataset,
            );
        }
        operations.pass();
    }
    operations.print_counts();
}

#[test]
fn the_reference_finds_its_history_in_a_file_we_extended() {
    let Some(reference) = Reference::here("syncing into the reference's files") else {
        return;
    };
    let mut operations = Operations::on("the reference's files synced into");
    let written = Written::new(reference);
    let folder = written.context.folder.path();
    let before = |id: &str| reference.json_lines(folder, &["print", "theirs.c1z", id]);
    // Of its syncs those are kept that the reference keeps: one full one beside ours, what came after it, what is unfinished.
    let names = ["main", "resources", "partial", "unfinished"];
    let was: Vec<Vec<Value>> = names.iter().map(|name| before(&written.id(name))).collect();
    assert_eq!(of(&was[0], "asset").count(), 1);
    // It belongs to another connector with types of the same names.
    let ran = written
        .context
        .run(&["--file", "theirs.c1z", "--accept-drop", "all"]);
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for (name, was) in names.iter().zip(was) {
        let now = before(&written.id(name));
        let rows = |lines: &[Value]| -> Vec<Value> {
            let kept = lines.iter().filter(|line| line["kind"] != "sync");
            kept.cloned().collect()
        };
        assert_eq!(rows(&was), rows(&now), "{name}");
        operations.pass();
    }
    let other = TestContext::msp();
    assert_eq!(other.run(&[]).code, Some(0));
    let ids = |rows: &super::rows::Rows| rows.keys().cloned().collect::<Vec<_>>();
    assert_eq!(
        ids(&theirs(&reference.json_lines(folder, &["print", "theirs.c1z"]))),
        ids(&ours(&other.path("sync.c1z"), None))
    );
    operations.pass();
    operations.print_counts();
}

/// A row's cells as one text.
type Cells = BTreeSet<Vec<String>>;

fn read_cells(table: &TableRows, columns: &[&str]) -> Cells {
    let rows = table.iter().map(|row| {
        let cells = columns
            .iter()
            .map(|column| row[*column].clone().unwrap_or_default());
        cells.collect()
    });
    let cells: Cells = rows.collect();
    assert_eq!(cells.len(), table.len(), "rows differ from each other");
    cells
}

fn told_types(table: &TableRows) -> Cells {
    read_cells(
        table,
        &[
            "resource_type_id",
            "display_name",
            "trait_kind",
            "skip_entitlements_and_grants",
            "resources",
        ],
    )
}

fn types(lines: &[Value]) -> Cells {
    let rows = of(lines, "resource_type").map(|line| {
        let row = &line["json"];
        let traits = row["traits"].as_array().cloned().unwrap_or_default();
        let known = traits
            .iter()
            .map(|declared| {
                declared
                    .as_str()
                    .unwrap()
                    .trim_start_matches("TRAIT_")
                    .to_lowercase()
            })
            .find(|name| ["user", "group", "role", "app", "managed_device"].contains(&name.as_str()));
        let resources =
            of(lines, "resource").filter(|resource| resource["json"]["id"]["resource_type"] == row["id"]);
        vec![
            text(row, "id"),
            text(row, "display_name"),
            known.unwrap_or_else(|| "other".to_owned()),
            (row["id"] == "user").to_string(),
            resources.count().to_string(),
        ]
    });
    rows.collect()
}

const RESOURCE: [&str; 8] = [
    "resource_type_id",
    "resource_id",
    "display_name",
    "description",
    "parent_type_id",
    "parent_id",
    "status",
    "status_detail",
];

/// The annotation of a kind in a resource, or null.
fn annotation<'a>(resource: &'a Value, kind: &str) -> &'a Value {
    let name = format!("type.googleapis.com/c1.connector.v2.{kind}");
    let mut all = resource["annotations"].as_array().into_iter().flatten();
    all.find(|any| any["@type"] == name.as_str())
        .unwrap_or(&Value::Null)
}

/// A status, from its new or its old field, without the prefix of the enum's names.
fn status(resource: &Value) -> [String; 2] {
    let user = &annotation(resource, "UserTrait")["status"];
    let agent = annotation(resource, "AgentTrait");
    let found = [&resource["status"], user, agent];
    let Some(found) = found.into_iter().find(|status| !status["status"].is_null()) else {
        return [String::new(), String::new()];
    };
    let word = text(found, "status");
    let word = word.rsplit('_').next().unwrap().to_lowercase();
    let word = if word == "ready" {
        "enabled".to_owned()
    } else {
        word
    };
    [word, text(found, "details")]
}

fn resources(lines: &[Value]) -> Cells {
    let rows = of(lines, "resource").map(|line| {
        let row = &line["json"];
        let [state, detail] = status(row);
        vec![
            text(&row["id"], "resource_type"),
            text(&row["id"], "resource"),
            text(row, "display_name"),
            text(row, "description"),
            text(&row["parent_resource_id"], "resource_type"),
            text(&row["parent_resource_id"], "resource"),
            state,
            detail,
        ]
    });
    rows.collect()
}

const USER: [&str; 6] = [
    "user_id",
    "login",
    "email",
    "account_type",
    "mfa_enabled",
    "sso_enabled",
];

fn users(lines: &[Value]) -> Cells {
    let people = of(lines, "resource").filter(|line| line["json"]["id"]["resource_type"] == "user");
    let rows = people.map(|line| {
        let user = annotation(&line["json"], "UserTrait");
        let emails = user["emails"].as_array().cloned().unwrap_or_default();
        let primary = emails.iter().find(|email| email["is_primary"] == true);
        let flag = |status: &str, flag: &str| match &user[status] {
            Value::Null => String::new(),
            status => status[flag].as_bool().unwrap_or_default().to_string(),
        };
        let kind = text(user, "account_type")
            .replace("ACCOUNT_TYPE_", "")
            .to_lowercase();
        vec![
            text(&line["json"]["id"], "resource"),
            text(user, "login"),
            primary.map(|email| text(email, "address")).unwrap_or_default(),
            if kind.is_empty() {
                "unspecified".to_owned()
            } else {
                kind
            },
            flag("mfa_status", "mfa_enabled"),
            flag("sso_status", "sso_enabled"),
        ]
    });
    rows.collect()
}

const ENTITLEMENT: [&str; 8] = [
    "entitlement_id",
    "resource_type_id",
    "resource_id",
    "slug",
    "display_name",
    "description",
    "purpose",
    "immutable",
];

fn entitlements(lines: &[Value]) -> Cells {
    let rows = of(lines, "entitlement").map(|line| {
        let row = &line["json"];
        let id = text(row, "id");
        let slug = match text(row, "slug") {
            // The part after the last colon of the id is used instead.
            slug if slug.is_empty() => id.rsplit(':').next().unwrap().to_owned(),
            slug => slug,
        };
        let purpose = text(row, "purpose").replace("PURPOSE_VALUE_", "").to_lowercase();
        vec![
            id,
            text(&row["resource"]["id"], "resource_type"),
            text(&row["resource"]["id"], "resource"),
            slug,
            text(row, "display_name"),
            text(row, "description"),
            if purpose.is_empty() {
                "unspecified".to_owned()
            } else {
                purpose
            },
            (!annotation(row, "EntitlementImmutable").is_null()).to_string(),
        ]
    });
    rows.collect()
}

fn told_grants(table: &TableRows) -> Cells {
    let columns = [
        "grant_id",
        "entitlement_id",
        "principal_type_id",
        "principal_id",
        "is_direct",
        "sources",
    ];
    read_cells(table, &columns)
}

fn grants(lines: &[Value]) -> Cells {
    let rows = of(lines, "grant").map(|line| {
        let row = &line["json"];
        let none = serde_json::Map::new();
        let sources = row["sources"]["sources"].as_object().unwrap_or(&none);
        let own = text(&row["entitlement"], "id");
        let direct = sources.is_empty() || sources.contains_key(&own);
        let sources: Vec<&str> = sources.keys().map(String::as_str).collect();
        vec![
            text(row, "id"),
            own,
            text(&row["principal"]["id"], "resource_type"),
            text(&row["principal"]["id"], "resource"),
            direct.to_string(),
            format!("[{}]", sources.join(", ")),
        ]
    });
    rows.collect()
}

/// CSV says what Parquet says, in its own words for lists, and with its guard before what a spreadsheet would calculate.
fn assert_csv(csv: &TableRows, parquet: &TableRows, dataset: Table) {
    assert_eq!(csv.len(), parquet.len(), "{dataset}");
    for (csv, parquet) in csv.iter().zip(parquet) {
        for (column, expected) in parquet {
            let cell = csv[column].clone();
            if ["sources", "role_names", "grantable_to", "incomplete_types"].contains(&column.as_str()) {
                let list: Vec<String> = serde_json::from_str(&cell.unwrap()).unwrap();
                assert_eq!(
                    Some(format!("[{}]", list.join(", "))),
                    *expected,
                    "{dataset}.{column}"
                );
                continue;
            }
            let guarded = expected.as_ref().map(|text| {
                if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
                    format!("'{text}")
                } else {
                    text.clone()
                }
            });
            assert_eq!(cell, guarded, "{dataset}.{column}");
        }
    }
}
