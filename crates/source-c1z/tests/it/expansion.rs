//! Grants that come through others (docs/reference/c1z.md §5.5).

use access_core::Diagnostic;
use access_core::StatusCode;
use baton_proto::connector_v2::GrantExpandable;
use baton_proto::connector_v2::resource_type::Trait;

use crate::file::{TestFile, TestGrant};
use crate::pipeline::{Run, run, try_run};

/// Groups with one entitlement each, and users.
fn groups(file: TestFile, groups: &[&str], users: &[&str]) -> TestFile {
    file.resource_type("user", &[Trait::User]);
    file.resource_type("group", &[Trait::Group]);
    for user in users {
        file.resource("user", user);
    }
    for group in groups {
        file.resource("group", group);
        file.entitlement("group", group, "member");
    }
    file
}

pub(crate) fn member(group: &str) -> String {
    format!("group:{group}:member")
}

/// The members of one group are members of another.
fn nested(inner: &str, outer: &str) -> TestGrant {
    TestGrant {
        expansion: Some(GrantExpandable {
            entitlement_ids: vec![member(inner)],
            ..GrantExpandable::default()
        }),
        ..TestGrant::new(&member(outer), "group", inner)
    }
}

fn shallow(mut grant: TestGrant) -> TestGrant {
    grant.expansion.as_mut().unwrap().shallow = true;
    grant
}

fn only(mut grant: TestGrant, resource_type: &str) -> TestGrant {
    let expansion = grant.expansion.as_mut().unwrap();
    expansion.resource_type_ids.push(resource_type.to_owned());
    grant
}

async fn read(file: &TestFile) -> Run {
    run(&file.open(None).unwrap()).await
}

#[tokio::test]
async fn a_chain() {
    let file = groups(TestFile::new(), &["a", "b", "c"], &["u", "v"]);
    file.grant(&member("a"), "user", "u");
    file.grant(&member("c"), "user", "v");
    file.put_grant(&nested("b", "c"));
    file.put_grant(&nested("a", "b"));
    insta::assert_snapshot!(read(&file).await.grants(), @r"
    group:a:member user:u
    group:b:member group:a
    group:b:member user:u effective [group:a:member]
    group:c:member group:a effective [group:b:member]
    group:c:member group:b direct []
    group:c:member user:u effective [group:b:member]
    group:c:member user:v direct []
    ");
}

#[tokio::test]
async fn a_diamond_names_both_ways() {
    let file = groups(TestFile::new(), &["a", "b", "c", "d"], &["u"]);
    file.grant(&member("a"), "user", "u");
    for (inner, outer) in [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")] {
        file.put_grant(&nested(inner, outer));
    }
    insta::assert_snapshot!(read(&file).await.grants(), @r"
    group:a:member user:u
    group:c:member group:a
    group:c:member user:u effective [group:a:member]
    group:b:member group:a
    group:b:member user:u effective [group:a:member]
    group:d:member group:a effective [group:b:member group:c:member]
    group:d:member group:b direct []
    group:d:member group:c direct []
    group:d:member user:u effective [group:b:member group:c:member]
    ");
}

#[tokio::test]
async fn direct_grants_gain_sources() {
    let file = groups(TestFile::new(), &["a", "b", "c"], &["u"]);
    file.grant(&member("a"), "user", "u");
    file.put_grant(&TestGrant {
        id: "its-own-id".to_owned(),
        ..TestGrant::new(&member("b"), "user", "u")
    });
    file.put_grant(&nested("a", "b"));
    file.put_grant(&shallow(nested("b", "c")));
    insta::assert_snapshot!(read(&file).await.grants(), @r"
    group:a:member user:u
    group:b:member group:a
    group:b:member user:u direct [group:a:member group:b:member] its-own-id
    group:c:member group:a effective [group:b:member]
    group:c:member group:b direct []
    group:c:member user:u effective [group:b:member]
    ");
}

#[tokio::test]
async fn shallow_edges_admit_direct_holders_only() {
    let file = groups(TestFile::new(), &["a", "b", "c"], &["u", "v"]);
    file.grant(&member("a"), "user", "u");
    file.grant(&member("b"), "user", "v");
    file.put_grant(&nested("a", "b"));
    file.put_grant(&shallow(nested("b", "c")));
    insta::assert_snapshot!(read(&file).await.grants(), @r"
    group:a:member user:u
    group:b:member group:a
    group:b:member user:u effective [group:a:member]
    group:b:member user:v direct []
    group:c:member group:a effective [group:b:member]
    group:c:member group:b direct []
    group:c:member user:v effective [group:b:member]
    ");
}

#[tokio::test]
async fn a_type_filter_admits_only_those_types() {
    let file = groups(TestFile::new(), &["a", "b", "c"], &["u"]);
    file.grant(&member("a"), "user", "u");
    file.put_grant(&nested("a", "b"));
    file.put_grant(&only(nested("b", "c"), "user"));
    insta::assert_snapshot!(read(&file).await.grants(), @r"
    group:a:member user:u
    group:b:member group:a
    group:b:member user:u effective [group:a:member]
    group:c:member group:b
    group:c:member user:u effective [group:b:member]
    ");
}

#[tokio::test]
async fn cycles_pass_nothing_on_inside() {
    let file = groups(TestFile::new(), &["a", "b", "c", "d"], &["u", "v", "w"]);
    file.grant(&member("a"), "user", "u");
    file.grant(&member("b"), "user", "v");
    file.grant(&member("c"), "user", "w");
    for (inner, outer) in [("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")] {
        file.put_grant(&nested(inner, outer));
    }
    let run = read(&file).await;
    insta::assert_snapshot!(run.grants(), @r"
    group:a:member user:u
    group:b:member group:a
    group:b:member group:c
    group:b:member user:u effective [group:a:member]
    group:b:member user:v direct []
    group:c:member group:b
    group:c:member user:u effective [group:a:member]
    group:c:member user:w direct []
    group:d:member group:a effective [group:b:member]
    group:d:member group:b effective [group:c:member]
    group:d:member group:c direct [group:b:member group:d:member]
    group:d:member user:u effective [group:b:member group:c:member]
    group:d:member user:v effective [group:b:member]
    group:d:member user:w effective [group:c:member]
    ");
    insta::assert_snapshot!(run.ledger(), @r"
    resource type group: 1 written
    resource type user: 1 written
    resource group: 4 written
    resource user: 3 written
    entitlement group: 4 written
    grant group: 14 written
    warning expansion_cycle: 1 times entitlements pass each other on in a circle; within the circle nothing is passed on
    ");
}

#[tokio::test]
async fn a_group_in_itself_expands_nothing() {
    let file = groups(TestFile::new(), &["a"], &["u"]);
    file.grant(&member("a"), "user", "u");
    file.put_grant(&nested("a", "a"));
    insta::assert_snapshot!(read(&file).await.grants(), @r"
    group:a:member group:a
    group:a:member user:u
    ");
}

#[tokio::test]
async fn unlisted_groups_expand_nothing() {
    let file = groups(TestFile::new(), &["a", "b"], &["u"]);
    file.grant(&member("a"), "user", "u");
    file.put_grant(&nested("gone", "a"));
    file.put_grant(&nested("a", "gone"));
    file.put_grant(&nested("a", "b"));
    let run = read(&file).await;
    insta::assert_snapshot!(run.grants(), @r"
    group:a:member user:u
    group:b:member group:a direct []
    group:b:member user:u effective [group:a:member]
    ");
    insta::assert_snapshot!(run.ledger(), @r"
    resource type group: 1 written
    resource type user: 1 written
    resource group: 2 written
    resource user: 1 written
    entitlement group: 2 written
    grant group: 3 written, 1 of an unknown entitlement, 2 to an unknown principal
    warning unknown_expansion: 2 grants pass on to holders of an entitlement, or pass on one, that the file does not list; this has no effect
    ");
}

#[tokio::test]
async fn expanding_a_foreign_entitlement_is_an_error() {
    let file = groups(TestFile::new(), &["a", "b", "c"], &[]);
    file.put_grant(&TestGrant {
        expansion: nested("c", "b").expansion,
        ..nested("a", "b")
    });
    let source = file.open(None).unwrap();
    let error = try_run(&source, &access_core::sync::SyncRequest::default())
        .await
        .err()
        .unwrap();
    assert_eq!(error.status(), StatusCode::DataLoss);
    insta::assert_snapshot!(error.to_string(), @"the grant of group:b:member to group:a expands group:c:member, an entitlement of another resource");
}

#[tokio::test]
async fn old_files_keep_expansions_within_the_grants() {
    let new = groups(TestFile::new(), &["a", "b"], &["u"]);
    let old = groups(TestFile::old(), &["a", "b"], &["u"]);
    for file in [&new, &old] {
        file.grant(&member("a"), "user", "u");
        file.put_grant(&nested("a", "b"));
    }
    let expanded = read(&old).await.grants();
    assert!(expanded.contains("effective [group:a:member]"), "{expanded}");
    assert_eq!(expanded, read(&new).await.grants());
}

#[tokio::test]
async fn annotations_of_backfilled_files_have_no_effect() {
    let file = groups(TestFile::old(), &["a", "b"], &["u"]);
    file.grant(&member("a"), "user", "u");
    file.put_grant(&nested("a", "b"));
    file.connection
        .execute_batch(
            "alter table v1_grants add column expansion blob;
             alter table v1_grants add column needs_expansion integer not null default 0;
             alter table v1_sync_runs add column grants_backfilled integer not null default 0;",
        )
        .unwrap();
    assert!(
        read(&file).await.grants().contains("effective"),
        "not moved into the column yet"
    );
    file.connection
        .execute_batch("update v1_sync_runs set grants_backfilled = 1")
        .unwrap();
    assert!(!read(&file).await.grants().contains("effective"));
}
