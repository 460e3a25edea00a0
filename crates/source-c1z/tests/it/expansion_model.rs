//! The expansion against a naive model that goes round until nothing changes, and applied to its own result.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::ControlFlow;

use access_core::model::{EntitlementId, NativeId, ResourceId, ResourceTypeId};
use access_core::ports::{AccessSnapshot, EffectiveGrant, GrantQuery};
use baton_proto::connector_v2::GrantExpandable;
use baton_proto::connector_v2::resource_type::Trait;
use proptest::prelude::*;

use crate::expansion::member;
use crate::file::{TestFile, TestGrant};
use crate::pipeline::run;

const GROUPS: usize = 6;
const USERS: usize = 4;

/// A nesting of one group in another: its members are members there.
#[derive(Debug, Clone)]
struct Nesting {
    inner: usize,
    outer: usize,
    shallow: bool,
    users_only: bool,
}

fn nestings() -> impl Strategy<Value = Vec<Nesting>> {
    let one = (0..GROUPS, 0..GROUPS, any::<bool>(), any::<bool>()).prop_map(
        |(inner, outer, shallow, users_only)| Nesting {
            inner,
            outer,
            shallow,
            users_only,
        },
    );
    prop::collection::vec(one, 0..10)
}

/// Principal type, principal.
type Principal = (&'static str, String);
/// Sources by grant; none for a grant that is only direct.
type Grants = BTreeMap<(usize, Principal), BTreeSet<usize>>;

fn group(n: usize) -> String {
    format!("g{n}")
}

fn direct_grants(nestings: &[Nesting], users: &BTreeSet<(usize, usize)>) -> Grants {
    let of_users = users
        .iter()
        .map(|(group, user)| (*group, ("user", format!("u{user}"))));
    let of_groups = nestings
        .iter()
        .map(|nesting| (nesting.outer, ("group", group(nesting.inner))));
    of_users
        .chain(of_groups)
        .map(|key| (key, BTreeSet::new()))
        .collect()
}

/// Which groups contain each other, every group itself included.
fn circles(nestings: &[Nesting]) -> Vec<BTreeSet<usize>> {
    let mut reaches: BTreeSet<(usize, usize)> = nestings
        .iter()
        .map(|nesting| (nesting.inner, nesting.outer))
        .collect();
    loop {
        let further = reaches.iter().flat_map(|(from, via)| {
            let onward = reaches.range((*via, 0)..=(*via, GROUPS));
            onward.map(|(_, to)| (*from, *to))
        });
        let all = &reaches | &further.collect();
        if all == reaches {
            break;
        }
        reaches = all;
    }
    let together = |a, b| a == b || (reaches.contains(&(a, b)) && reaches.contains(&(b, a)));
    (0..GROUPS)
        .map(|a| (0..GROUPS).filter(|b| together(a, *b)).collect())
        .collect()
}

fn expand(nestings: &[Nesting], mut grants: Grants) -> Grants {
    let circles = circles(nestings);
    // Parallel edges between the same circles become the widest.
    let mut edges: BTreeMap<(BTreeSet<usize>, BTreeSet<usize>), (bool, bool)> = BTreeMap::new();
    for nesting in nestings {
        let ends = (circles[nesting.inner].clone(), circles[nesting.outer].clone());
        if ends.0 != ends.1 {
            let edge = edges.entry(ends).or_insert((true, true));
            *edge = (edge.0 && nesting.shallow, edge.1 && nesting.users_only);
        }
    }
    loop {
        let before = grants.clone();
        for ((sources, destinations), (shallow, users_only)) in &edges {
            for source in sources {
                for ((held, principal), through) in &before {
                    let direct = through.is_empty() || through.contains(source);
                    if held != source || (*shallow && !direct) || (*users_only && principal.0 != "user") {
                        continue;
                    }
                    for destination in destinations {
                        let key = (*destination, principal.clone());
                        let existed = before.contains_key(&key);
                        let through = grants.entry(key).or_default();
                        if through.is_empty() && existed {
                            through.insert(*destination);
                        }
                        through.insert(*source);
                    }
                }
            }
        }
        if grants == before {
            return grants;
        }
    }
}

fn file_of(nestings: &[Nesting], grants: &Grants) -> TestFile {
    let file = TestFile::new();
    file.connection.execute_batch("begin").unwrap();
    file.resource_type("user", &[Trait::User]);
    file.resource_type("group", &[Trait::Group]);
    for n in 0..USERS {
        file.resource("user", &format!("u{n}"));
    }
    for n in 0..GROUPS {
        file.resource("group", &group(n));
        file.entitlement("group", &group(n), "member");
    }
    for ((held, (principal_type, principal)), sources) in grants {
        let mut grant = TestGrant::new(&member(&group(*held)), principal_type, principal);
        grant.sources = sources.iter().map(|source| member(&group(*source))).collect();
        let expands = |nesting: &&Nesting| nesting.outer == *held && group(nesting.inner) == *principal;
        // One grant for each pair can say how it expands; a second way goes into a row of its own, a duplicate.
        for (n, nesting) in nestings.iter().filter(expands).enumerate() {
            let row = TestGrant {
                id: if n == 0 {
                    grant.id.clone()
                } else {
                    format!("{} again {n}", grant.id)
                },
                expansion: Some(GrantExpandable {
                    entitlement_ids: vec![member(principal)],
                    shallow: nesting.shallow,
                    resource_type_ids: if nesting.users_only {
                        vec!["user".to_owned()]
                    } else {
                        Vec::new()
                    },
                }),
                ..grant.clone()
            };
            file.put_grant(&row);
        }
        if !nestings.iter().any(|nesting| expands(&nesting)) {
            file.put_grant(&grant);
        }
    }
    file.connection.execute_batch("commit").unwrap();
    file
}

fn rendered(grants: &Grants) -> BTreeSet<String> {
    let line = |((held, principal), sources): (&(usize, Principal), &BTreeSet<usize>)| {
        let mut rendered = format!("{} {}:{}", member(&group(*held)), principal.0, principal.1);
        if !sources.is_empty() {
            let way = if sources.contains(held) {
                "direct"
            } else {
                "effective"
            };
            let sources: Vec<String> = sources.iter().map(|source| member(&group(*source))).collect();
            write!(rendered, " {way} [{}]", sources.join(" ")).unwrap();
        }
        rendered
    };
    grants.iter().map(line).collect()
}

fn read(file: &TestFile) -> BTreeSet<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let run = runtime.block_on(run(&file.open(None).unwrap()));
    // A direct grant in a group with indirect ones is rendered like them.
    run.grants()
        .lines()
        .map(|line| line.trim_end_matches(" direct []").to_owned())
        .collect()
}

/// The grants of a snapshot: all at once, by entitlement, and by principal.
fn snapshot_answers(file: &TestFile) -> [Vec<String>; 3] {
    let snapshot = file.open(None).unwrap().snapshot().unwrap();
    let ask = |which: GrantQuery<'_>, answers: &mut Vec<String>| {
        let mut take = |row: EffectiveGrant| {
            answers.push(told_holding(&row));
            ControlFlow::Continue(())
        };
        snapshot.grants(which, &mut take).unwrap();
    };
    let mut answers = [Vec::new(), Vec::new(), Vec::new()];
    ask(GrantQuery::All, &mut answers[0]);
    for n in 0..GROUPS {
        let id = EntitlementId::new(&member(&group(n))).unwrap();
        ask(GrantQuery::OfEntitlement(&id), &mut answers[1]);
    }
    let users = (0..USERS).map(|n| ("user", format!("u{n}")));
    for (kind, id) in users.chain((0..GROUPS).map(|n| ("group", group(n)))) {
        let id = ResourceId::new(ResourceTypeId::from_static(kind), NativeId::new(&id).unwrap());
        ask(GrantQuery::OfPrincipal(&id), &mut answers[2]);
    }
    answers
}

fn told_holding(row: &EffectiveGrant) -> String {
    let mut rendered = format!("{} {}", row.entitlement, row.principal);
    if !row.sources.is_empty() {
        let way = if row.direct { "direct" } else { "effective" };
        let sources: Vec<&str> = row.sources.iter().map(EntitlementId::as_str).collect();
        write!(rendered, " {way} [{}]", sources.join(" ")).unwrap();
    }
    rendered
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn equals_the_naive_model_and_is_idempotent(
        nestings in nestings(),
        users in prop::collection::btree_set((0..GROUPS, 0..USERS), 0..10),
    ) {
        let direct = direct_grants(&nestings, &users);
        let expanded = expand(&nestings, direct.clone());
        prop_assert_eq!(read(&file_of(&nestings, &direct)), rendered(&expanded));
        prop_assert_eq!(read(&file_of(&nestings, &expanded)), rendered(&expanded));
    }

    #[test]
    fn partial_queries_return_their_part(
        nestings in nestings(),
        users in prop::collection::btree_set((0..GROUPS, 0..USERS), 0..10),
    ) {
        let direct = direct_grants(&nestings, &users);
        let expected: Vec<String> = rendered(&expand(&nestings, direct.clone())).into_iter().collect();
        let mut answers = snapshot_answers(&file_of(&nestings, &direct));
        answers[2].sort_unstable();
        for answer in &answers {
            // What comes in the order of keys is in order, and nothing comes twice.
            prop_assert_eq!(answer, &expected);
        }
    }
}
