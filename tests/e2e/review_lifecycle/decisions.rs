//! Random decisions: exactly the signed and possible revocations are carried out.

use std::collections::{BTreeMap, BTreeSet};

use access_review::Decision;
use proptest::prelude::*;

use super::steps::{close, held, returned, subject, with_plan};
use crate::harness::TestContext;
use crate::review_sheets::{exported, json, report, reported, sum_up};

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, failure_persistence: None, ..ProptestConfig::default() })]

    /// Random decisions of three people, and access that is gone already when the review is closed: exactly what signed
    /// decisions ask for, and what is possible, is gone afterwards, and the evidence says which is which.
    #[test]
    fn exactly_the_requested_revocations_are_carried_out(seed in any::<u64>(), gone in 0_usize..4, means_revoke in any::<bool>()) {
        let context = TestContext::msp();
        with_plan(&context);
        let mut random = seed;
        let mut next = |below: u64| {
            // An LCG of Knuth's; the high bits are the random ones.
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % below
        };
        let before = held(&report(&context.path("report.html")));
        let coordinator = report(&context.path("q4/coordinator.html"));
        let mut decisions: BTreeMap<String, Option<Decision>> = BTreeMap::new();
        for grant in &coordinator.grants {
            let decision = match next(10) {
                0..=1 => Some(Decision::Revoke),
                2..=7 => Some(Decision::Keep),
                _ => None,
            };
            decisions.insert(subject(grant), decision);
        }
        for (file, name) in [("reviewer-01-rhea.html", "Rhea <rhea@example.com>"), ("reviewer-02-bo.html", "Bo"), ("coordinator.html", "Margaret")] {
            let path = context.path(&format!("q4/{file}"));
            let mut sheet = exported(&path, name, |grant| decisions[&subject(grant)]);
            sheet.header.set("sign_off_reason", "some are open");
            sum_up(&mut sheet);
            returned(&context, &format!("{name}.csv").replace(['<', '>'], ""), &sheet);
        }
        // Access is revoked before the review closes.
        let roles = coordinator.grants.iter().filter(|grant| grant.can_be_revoked && grant.trait_kind == "role");
        let mut revoked_before = BTreeSet::new();
        for grant in roles.step_by(7).take(gone) {
            let ran = context.run(&["revoke", &grant.entitlement_id, "--from", &format!("user:{}", grant.principal_id), "-p"]);
            prop_assert_eq!(ran.code, Some(0), "{}", ran.stderr);
            revoked_before.insert(subject(grant));
        }
        let word = if means_revoke { "revoke" } else { "open" };
        let ran = close(&context, &["-p", "--open-means", word, "--max-revocations", "999", "--accept-failures", "--accept-drop", "role,tenant,user,organization"]);
        prop_assert_eq!(ran.code, Some(0), "{}{}", ran.stdout, ran.stderr);
        reported(&context, "after.html");
        let after = held(&report(&context.path("after.html")));
        let mut left = 0;
        for grant in &coordinator.grants {
            let key = subject(grant);
            let is_requested = match decisions[&key] {
                Some(decision) => decision == Decision::Revoke,
                None => means_revoke,
            };
            let possible = grant.can_be_revoked && grant.trait_kind == "role";
            let is_gone = revoked_before.contains(&key) || is_requested && possible;
            left += usize::from(is_requested && !possible);
            prop_assert_eq!(after.contains(&key), !is_gone, "{}", key);
        }
        // Nothing outside of the review was touched.
        let reviewed: BTreeSet<String> = coordinator.grants.iter().map(subject).collect();
        for key in before.difference(&reviewed) {
            prop_assert!(after.contains(key), "{}", key);
        }
        let closed = json(&ran);
        prop_assert_eq!(&closed["counts"]["by_hand"], left, "{}", closed);
        let verified = context.run(&["verify", "q4.zip"]);
        prop_assert_eq!(verified.code, Some(0), "{}", verified.stdout);
    }
}
