//! The preflight check: requests each list that a sync needs, then reads as a sync does.

use access_core::Diagnostic;
use access_core::model::{Completeness, ResourceTypeId, WithoutBaseline};
use access_core::ports::{CheckOutcome, CheckReport, EndpointCheck, ScopeCheck, SourceError, SourceEvent};
use futures::StreamExt;
use futures::stream::BoxStream;
use serde::de::IgnoredAny;

use super::older::{self, Instance};
use super::options::SourceOptions;
use super::paths::USERS;
use super::sync_pass::{self, ListInfo};
use crate::NinjaOneError;
use crate::client::{FirstElement, NinjaOneClient, PAGE_ROWS};

/// Scopes that a sync needs, with their purpose according to the reference documentation
/// (docs/reference/ninjaone-api.md §2.3).
const NEEDED: [(&str, &str); 2] = [
    ("monitoring", "users, organizations and devices"),
    ("management", "roles and their members"),
];

/// Requests the beginning of every list; if all respond, reads everything as a sync would, so that a passed check means
/// that a sync works.
pub(super) async fn check(
    client: &NinjaOneClient,
    options: SourceOptions,
    rehearsal: BoxStream<'_, Result<SourceEvent, SourceError>>,
) -> Result<CheckReport, NinjaOneError> {
    let scopes = client.scopes().await?;
    let (paged, complete): (Vec<&ListInfo>, Vec<&ListInfo>) =
        sync_pass::lists(options).partition(|list| list.is_paged);
    let lists = [complete, paged].concat();
    let mut outcomes: Vec<Option<CheckOutcome>> = vec![None; lists.len()];
    let older = check_own_lists(client, &lists, &mut outcomes).await;
    for (list, outcome) in lists.iter().zip(&mut outcomes) {
        if outcome.is_none() {
            *outcome = Some(match probe(client, list, older).await {
                Ok(entries) => answered(list, entries),
                Err(error) => failed(list, &error),
            });
        }
    }
    let endpoints = lists.iter().zip(outcomes).map(|(list, outcome)| EndpointCheck {
        endpoint: format!("GET {}", list.path),
        purpose: list.purpose,
        outcome: outcome.unwrap_or_else(|| answered(list, 0)),
    });
    let mut endpoints: Vec<EndpointCheck> = endpoints.collect();
    if !endpoints.iter().any(has_failed) {
        rehearse(rehearsal, &lists, older, &mut endpoints).await;
    }
    let all_ok = !endpoints.iter().any(has_failed);
    Ok(CheckReport {
        tenant: client.tenant(),
        id_scheme: all_ok.then(|| {
            let instance = if older { Instance::Older } else { Instance::Current };
            instance.id_scheme()
        }),
        endpoints,
        scopes: advice(scopes.as_deref(), all_ok),
    })
}

fn has_failed(check: &EndpointCheck) -> bool {
    matches!(check.outcome, CheckOutcome::Failed { .. })
}

/// Requests the lists that only exist together. Returns whether the instance is an older one, which lacks them.
async fn check_own_lists(
    client: &NinjaOneClient,
    lists: &[&ListInfo],
    outcomes: &mut [Option<CheckOutcome>],
) -> bool {
    let mut missing = Vec::new();
    for (index, list) in lists.iter().enumerate().filter(|(_, list)| list.is_newer()) {
        match probe(client, list, false).await {
            Ok(entries) => outcomes[index] = Some(answered(list, entries)),
            Err(error @ NinjaOneError::Refused { status: 404, .. }) => missing.push((index, error)),
            Err(error) => outcomes[index] = Some(failed(list, &error)),
        }
    }
    let newer_lists = lists.iter().filter(|list| list.is_newer()).count();
    let mut older = missing.len() == newer_lists;
    let mut missing = missing.into_iter().peekable();
    while let Some((index, error)) = missing.next() {
        let list = lists[index];
        let confirmed = if older {
            older::confirm(client, list.path, error).await
        } else {
            Err(error.into_missing_list(list.path))
        };
        match confirmed {
            Ok(()) => {
                // A confirmation for one list holds for all.
                let rest = missing.map(|(index, _)| index);
                for index in [index].into_iter().chain(rest) {
                    outcomes[index] = Some(CheckOutcome::Degraded {
                        detail: "not on this older instance; a sync makes do with /v2/users".to_owned(),
                    });
                }
                return true;
            }
            Err(error) => {
                older = false;
                outcomes[index] = Some(failed(list, &error));
            }
        }
    }
    false
}

/// Whether the list has an entry: 0 or 1.
async fn probe(client: &NinjaOneClient, list: &ListInfo, older: bool) -> Result<u64, NinjaOneError> {
    let mut query = Vec::new();
    if list.is_paged {
        query.push(("pageSize", PAGE_ROWS.to_string()));
    }
    if older && list.path == USERS {
        query.push(("includeRoles", "true".to_owned()));
    }
    let (_, entries, _) = client
        .list::<IgnoredAny, _>(list.path, &query, FirstElement)
        .await?;
    Ok(entries)
}

fn answered(list: &ListInfo, entries: u64) -> CheckOutcome {
    match entries {
        0 if list.is_never_empty => CheckOutcome::Failed {
            status: access_core::StatusCode::FailedPrecondition,
            message: "the list is empty, which a tenant in use cannot be".to_owned(),
            hint: Some("check in NinjaOne what the API client app may see".to_owned()),
        },
        0 => CheckOutcome::Ok {
            detail: "answers, with an empty list".to_owned(),
        },
        _ => CheckOutcome::Ok {
            detail: "answers".to_owned(),
        },
    }
}

fn failed(list: &ListInfo, error: &NinjaOneError) -> CheckOutcome {
    if list.is_opt_in() {
        CheckOutcome::Degraded {
            detail: format!("a sync goes on without {}: {error}", list.name),
        }
    } else {
        failure(error)
    }
}

fn failure(error: &(impl Diagnostic + std::fmt::Display)) -> CheckOutcome {
    CheckOutcome::Failed {
        status: error.status(),
        message: error.to_string(),
        hint: error.hint().map(without_check_hint),
    }
}

/// Replaces a hint that recommends `check`.
fn without_check_hint(hint: String) -> String {
    if hint.contains("baton-ninja-one check") {
        "see in NinjaOne (Administration > Apps > API) whether the app was changed, and what it may do"
            .to_owned()
    } else {
        hint
    }
}

/// Reads everything, keeps nothing, and collects what a sync would report.
async fn rehearse(
    mut events: BoxStream<'_, Result<SourceEvent, SourceError>>,
    lists: &[&ListInfo],
    older: bool,
    endpoints: &mut Vec<EndpointCheck>,
) {
    while let Some(event) = events.next().await {
        match event {
            Ok(SourceEvent::Completeness(resource_type, Completeness::Incomplete { reason })) => {
                let detail = format!("answers, but a sync is not complete: {reason}");
                degrade(endpoints, lists, &resource_type, older, detail);
            }
            Ok(SourceEvent::Unstated(unstated)) if unstated.without_baseline != WithoutBaseline::Complete => {
                let detail = format!(
                    "answers, but a first sync is not complete: the tenant does not state {}",
                    unstated.field
                );
                degrade(endpoints, lists, &unstated.scope.resource_type(), older, detail);
            }
            Ok(_) => {}
            Err(error) => {
                let message = error.to_string();
                let outcome = failure(&error);
                match endpoints
                    .iter_mut()
                    .find(|check| names(&message, &check.endpoint))
                {
                    Some(check) => check.outcome = outcome,
                    None => endpoints.push(EndpointCheck {
                        endpoint: "a whole sync".to_owned(),
                        purpose: "reading every list to its end",
                        outcome,
                    }),
                }
            }
        }
    }
}

/// Whether a message is about an endpoint, and not about one with a longer path.
fn names(message: &str, endpoint: &str) -> bool {
    let path = endpoint.trim_start_matches("GET ");
    message.match_indices(path).any(|(begin, _)| {
        !message[begin + path.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '/')
    })
}

fn degrade(
    endpoints: &mut [EndpointCheck],
    lists: &[&ListInfo],
    resource_type: &ResourceTypeId,
    older: bool,
    detail: String,
) {
    let list = lists.iter().find(|list| {
        !(older && list.is_newer())
            && list
                .resource_type
                .is_some_and(|of_list| of_list() == *resource_type)
    });
    // Types without a list of their own, such as the tenant, follow from the users.
    let path = list.map_or(USERS, |list| list.path);
    let of_path = |check: &&mut EndpointCheck| check.endpoint == format!("GET {path}");
    if let Some(check) = endpoints.iter_mut().find(of_path)
        && matches!(check.outcome, CheckOutcome::Ok { .. })
    {
        check.outcome = CheckOutcome::Degraded { detail };
    }
}

fn advice(granted: Option<&str>, all_ok: bool) -> Vec<ScopeCheck> {
    let granted: Option<Vec<&str>> = granted.map(|scopes| scopes.split_whitespace().collect());
    let mut advice: Vec<ScopeCheck> = Vec::new();
    for (scope, purpose) in NEEDED {
        let has = granted
            .as_ref()
            .map(|granted| granted.iter().any(|word| word.eq_ignore_ascii_case(scope)));
        let text = match has {
            Some(true) => format!("granted; needed for {purpose}"),
            None => format!("NinjaOne does not report whether it is granted; needed for {purpose}"),
            Some(false) if all_ok => format!(
                "not granted; NinjaOne's documents want it for {purpose}, but all calls work without it"
            ),
            Some(false) => {
                format!("not granted; needed for {purpose}: add it to the app and to --ninja-one-scope")
            }
        };
        advice.push(ScopeCheck {
            scope: scope.to_owned(),
            granted: has,
            needed: true,
            advice: text,
        });
    }
    let needed = |word: &&str| NEEDED.iter().any(|(scope, _)| scope.eq_ignore_ascii_case(word));
    for extra in granted.into_iter().flatten().filter(|word| !needed(word)) {
        advice.push(ScopeCheck {
            scope: extra.to_owned(),
            granted: Some(true),
            needed: false,
            advice: "granted, but a sync does not need it: leave it out of --ninja-one-scope".to_owned(),
        });
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::{device_type, role_type, tenant_type, user_type};

    #[test]
    fn message_names_an_endpoint_but_not_a_longer_path() {
        let host = "https://app.ninjarmm.com";
        for (message, expected) in [
            (format!("GET {host}/v2/users: 404: no such list"), true),
            (format!("GET {host}/v2/users?includeRoles=true: 404"), true),
            (format!("cannot read {host}/v2/users"), true),
            (format!("GET {host}/v2/users/7: 404"), false),
            (format!("GET {host}/v2/users2: 404"), false),
            (format!("GET {host}/v2/user/technicians: 404"), false),
            (format!("GET {host}/v2/users/7: see {host}/v2/users"), true),
            ("stopped".to_owned(), false),
        ] {
            assert_eq!(names(&message, "GET /v2/users"), expected, "{message}");
        }
    }

    #[test]
    fn check_does_not_recommend_itself() {
        let other =
            "see in NinjaOne (Administration > Apps > API) whether the app was changed, and what it may do";
        let hint = "run `baton-ninja-one check`, which tries every call".to_owned();
        assert_eq!(without_check_hint(hint), other);
        let hint = "check --ninja-one-base-url".to_owned();
        assert_eq!(without_check_hint(hint.clone()), hint);
    }

    /// The endpoint that becomes degraded because a type is not complete.
    fn degraded(resource_type: &ResourceTypeId, older: bool) -> Vec<String> {
        let lists: Vec<&ListInfo> = sync_pass::lists(SourceOptions { devices: true }).collect();
        let mut endpoints: Vec<EndpointCheck> = lists
            .iter()
            .map(|list| EndpointCheck {
                endpoint: format!("GET {}", list.path),
                purpose: list.purpose,
                outcome: answered(list, 1),
            })
            .collect();
        degrade(&mut endpoints, &lists, resource_type, older, "first".to_owned());
        degrade(&mut endpoints, &lists, resource_type, older, "second".to_owned());
        let shown = |check: EndpointCheck| match check.outcome {
            CheckOutcome::Degraded { detail } => Some(format!("{}: {detail}", check.endpoint)),
            CheckOutcome::Ok { .. } | CheckOutcome::Failed { .. } => None,
        };
        endpoints.into_iter().filter_map(shown).collect()
    }

    #[test]
    fn incomplete_type_degrades_its_list() {
        for (resource_type, older, endpoint) in [
            (user_type(), false, "GET /v2/users: first"),
            (role_type(), false, "GET /v2/user/roles: first"),
            // An older instance has no list of roles.
            (role_type(), true, "GET /v2/users: first"),
            (device_type(), false, "GET /v2/devices: first"),
            (device_type(), true, "GET /v2/devices: first"),
            (tenant_type(), false, "GET /v2/users: first"),
        ] {
            assert_eq!(
                degraded(&resource_type, older),
                [endpoint],
                "{resource_type} {older}"
            );
        }
    }
}
