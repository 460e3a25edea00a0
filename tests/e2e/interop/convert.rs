//! Our conversion compared with the reference's.

use std::collections::BTreeMap;
use std::fmt::Debug;

use baton_proto::prost::Message;
use baton_proto::storage_v3::{
    AssetRecord, EntitlementRecord, GrantRecord, ResourceRecord, ResourceTypeRecord, SyncRunRecord,
    SyncStatsRecord,
};

use super::our_files::print;
use super::rows::{assert_sound, of, text};
use super::v3::keys;
use super::{Operations, Reference};
use crate::harness::TestContext;

fn decoded<M: Message + Default + Debug>(bytes: &[u8]) -> String {
    format!("{:?}", M::decode(bytes).unwrap())
}

/// A normalized value: Go writes empty values of maps too.
fn meaning(key: &str, value: &str) -> String {
    let bytes: Vec<u8> = (0..value.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&value[at..at + 2], 16).unwrap())
        .collect();
    match &key[..4] {
        "0301" => decoded::<ResourceTypeRecord>(&bytes),
        "0302" => decoded::<ResourceRecord>(&bytes),
        "0303" => decoded::<EntitlementRecord>(&bytes),
        "0304" => decoded::<GrantRecord>(&bytes),
        "0305" => {
            // The reference sets the discovery time of assets to the time of conversion.
            let mut record = AssetRecord::decode(bytes.as_slice()).unwrap();
            assert!(record.discovered_at.take().is_some());
            format!("{record:?}")
        }
        "0306" => decoded::<SyncRunRecord>(&bytes),
        "03ff" if key.contains("7374617473") => {
            let mut record = SyncStatsRecord::decode(bytes.as_slice()).unwrap();
            assert!(record.written_at.take().is_some());
            // How long the steps of the conversion took.
            record.step_durations_ms.clear();
            format!("{record:?}")
        }
        _ => value.to_owned(),
    }
}

fn meanings(reference: &Reference, context: &TestContext, file: &str) -> BTreeMap<String, String> {
    let rows = keys(reference, context, file).into_iter();
    rows.map(|(key, value)| {
        let meaning = meaning(&key, &value);
        (key, meaning)
    })
    .collect()
}

/// A sync's record without its token.
fn without_token(shown: &str) -> String {
    let (Some(begin), Some(end)) = (shown.find("sync_token: "), shown.find(", supports_diff: ")) else {
        return shown.to_owned();
    };
    format!("{}sync_token: \"\"{}", &shown[..begin], &shown[end..])
}

#[test]
fn our_conversion_matches_the_references() {
    let Some(reference) = Reference::here("converting") else {
        return;
    };
    let mut operations = Operations::on("files converted");
    let context = TestContext::msp();
    let folder = context.folder.path();
    let converts = |from: &str, to: &str| {
        let ran = context.run(&["convert", from, to]);
        assert_eq!(ran.code, Some(0), "{from}: {}", ran.stderr);
    };
    // Our tenant, and everything that the SDK can write: rules, sources, assets, odd ids, five syncs.
    assert_eq!(context.run(&["--file", "tenant.c1z"]).code, Some(0));
    reference.invoke(folder, &["write", "world.c1z"]);
    reference.invoke(folder, &["resync", "world.c1z", "expanded.c1z", "sqlite"]);
    for name in ["tenant", "world", "expanded"] {
        let [v1, ours, theirs, back] =
            ["", "-ours", "-theirs", "-back"].map(|end| format!("{name}{end}.c1z"));
        converts(&v1, &ours);
        reference.invoke(folder, &["convert", &v1, &theirs]);
        let (our, their) = (
            meanings(reference, &context, &ours),
            meanings(reference, &context, &theirs),
        );
        for (key, value) in &our {
            // The reference drops the contents of a sync's token; we keep our note in it.
            let value = &without_token(value);
            assert_eq!(Some(value), their.get(key), "{name}: {key}");
        }
        assert_eq!(our.len(), their.len(), "{name}");
        operations.pass();

        // Converted back from the reference's file and read by the reference: everything that v3 stores is there.
        converts(&theirs, &back);
        let (before, after) = (
            print(reference, &context, &theirs),
            print(reference, &context, &back),
        );
        assert_sound(&after);
        for kind in ["resource_type", "resource"] {
            assert!(of(&before, kind).eq(of(&after, kind)), "{name}: {kind}");
        }
        for kind in ["entitlement", "grant"] {
            let ids = |lines| {
                let mut ids: Vec<String> = of(lines, kind).map(|line| text(line, "id")).collect();
                ids.sort_unstable();
                ids
            };
            assert_eq!(ids(&before), ids(&after), "{name}: {kind}");
        }
        operations.pass();
        // And converted by the reference once more, it is the same store.
        let round = format!("{name}-round.c1z");
        reference.invoke(folder, &["convert", &back, &round]);
        assert_eq!(meanings(reference, &context, &round), their, "{name}");
        operations.pass();
    }
    operations.print_counts();
}
