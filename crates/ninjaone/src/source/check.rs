//! Whether a sync could work, found out by asking for each list that it needs and then by reading as a sync does.

use access_core::Diagnostic;
use access_core::model::{Completeness, ResourceTypeId, WithoutBaseline};
use access_core::ports::{CheckOutcome, CheckReport, EndpointCheck, ScopeCheck, SourceError, SourceEvent};
use futures::StreamExt;
use futures::stream::BoxStream;
use serde::de::IgnoredAny;

use super::older::Instance;
use super::pagination::PAGE_ROWS;
use super::{SourceOptions, older};
use crate::NinjaOneError;
use crate::client::{FirstElement, NinjaOneClient};

struct Endpoint {
    path: &'static str,
    purpose: &'static str,
    /// Older instances do not have it.
    newer: bool,
    /// An instance in use has at least one entry.
    never_empty: bool,
    paged: bool,
}

const fn endpoint(path: &'static str, purpose: &'static str) -> Endpoint {
    Endpoint {
        path,
        purpose,
        newer: false,
        never_empty: false,
        paged: false,
    }
}

const USERS: &str = "/v2/users";

const ENDPOINTS: [Endpoint; 5] = [
    Endpoint {
        newer: true,
        never_empty: true,
        ..endpoint(older::TECHNICIANS, "technicians: sign-in type, SCIM")
    },
    Endpoint {
        newer: true,
        ..endpoint(older::END_USERS, "end users: organization, portal access")
    },
    Endpoint {
        never_empty: true,
        ..endpoint(USERS, "all users: privileges, invitations")
    },
    Endpoint {
        newer: true,
        ..endpoint(older::ROLES, "roles and who holds them")
    },
    Endpoint {
        paged: true,
        ..endpoint("/v2/organizations", "organizations")
    },
];
const DEVICES: Endpoint = Endpoint {
    paged: true,
    ..endpoint("/v2/devices", "devices (opted in)")
};

/// Scopes that a sync needs: what they are needed for is the reference documentation's word
/// (docs/reference/ninjaone-api.md §2.3).
const NEEDED: [(&str, &str); 2] = [
    ("monitoring", "users, organizations and devices"),
    ("management", "roles and their members"),
];

/// Asks for the beginning of every list as a sync would; if all answer, reads everything as a sync would, so that nothing
/// is promised that a sync does not keep.
pub(super) async fn check(
    client: &NinjaOneClient,
    options: SourceOptions,
    rehearsal: BoxStream<'_, Result<SourceEvent, SourceError>>,
) -> Result<CheckReport, NinjaOneError> {
    let scopes = client.scopes().await?;
    let asked: Vec<&Endpoint> = ENDPOINTS
        .iter()
        .chain(options.devices.then_some(&DEVICES))
        .collect();
    let mut outcomes: Vec<Option<CheckOutcome>> = vec![None; asked.len()];
    let older = check_own_lists(client, &asked, &mut outcomes).await;
    for (endpoint, outcome) in asked.iter().zip(&mut outcomes) {
        if outcome.is_none() {
            *outcome = Some(match probe(client, endpoint, older).await {
                Ok(entries) => answered(endpoint, entries),
                Err(error) => failed(endpoint, &error),
            });
        }
    }
    let endpoints = asked
        .iter()
        .zip(outcomes)
        .map(|(endpoint, outcome)| EndpointCheck {
            endpoint: format!("GET {}", endpoint.path),
            purpose: endpoint.purpose,
            outcome: outcome.unwrap_or_else(|| answered(endpoint, 0)),
        });
    let mut endpoints: Vec<EndpointCheck> = endpoints.collect();
    if !endpoints.iter().any(has_failed) {
        rehearse(rehearsal, older, &mut endpoints).await;
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

/// Asks for the lists that an instance has or lacks together. Whether it is an older one, which lacks them.
async fn check_own_lists(
    client: &NinjaOneClient,
    asked: &[&Endpoint],
    outcomes: &mut [Option<CheckOutcome>],
) -> bool {
    let mut missing = Vec::new();
    for (place, endpoint) in asked.iter().enumerate().filter(|(_, endpoint)| endpoint.newer) {
        match probe(client, endpoint, false).await {
            Ok(entries) => outcomes[place] = Some(answered(endpoint, entries)),
            Err(error @ NinjaOneError::Refused { status: 404, .. }) => missing.push((place, error)),
            Err(error) => outcomes[place] = Some(failed(endpoint, &error)),
        }
    }
    let lists = asked.iter().filter(|endpoint| endpoint.newer).count();
    let mut older = missing.len() == lists;
    let mut missing = missing.into_iter().peekable();
    while let Some((place, error)) = missing.next() {
        let endpoint = asked[place];
        let confirmed = if older {
            older::confirm(client, endpoint.path, error).await
        } else {
            Err(error.of_missing_list(endpoint.path))
        };
        match confirmed {
            Ok(()) => {
                // What is confirmed of one is confirmed of all.
                let rest = missing.map(|(place, _)| place);
                for place in [place].into_iter().chain(rest) {
                    outcomes[place] = Some(CheckOutcome::Degraded {
                        detail: "not on this older instance; a sync makes do with /v2/users".to_owned(),
                    });
                }
                return true;
            }
            Err(error) => {
                older = false;
                outcomes[place] = Some(failed(endpoint, &error));
            }
        }
    }
    false
}

/// How many entries the list begins with: none or one.
async fn probe(client: &NinjaOneClient, endpoint: &Endpoint, older: bool) -> Result<u64, NinjaOneError> {
    let mut query = Vec::new();
    if endpoint.paged {
        query.push(("pageSize", PAGE_ROWS.to_string()));
    }
    if older && endpoint.path == USERS {
        query.push(("includeRoles", "true".to_owned()));
    }
    let (_, entries, _) = client
        .list::<IgnoredAny, _>(endpoint.path, &query, FirstElement)
        .await?;
    Ok(entries)
}

fn answered(endpoint: &Endpoint, entries: u64) -> CheckOutcome {
    match entries {
        0 if endpoint.never_empty => CheckOutcome::Failed {
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

fn failed(endpoint: &Endpoint, error: &NinjaOneError) -> CheckOutcome {
    if endpoint.path == DEVICES.path {
        CheckOutcome::Degraded {
            detail: format!("a sync goes on without devices: {error}"),
        }
    } else {
        failure(error)
    }
}

fn failure(error: &(impl Diagnostic + std::fmt::Display)) -> CheckOutcome {
    CheckOutcome::Failed {
        status: error.status(),
        message: error.to_string(),
        hint: error.hint().map(not_check_again),
    }
}

/// Whoever runs `check` is not sent to `check`.
fn not_check_again(hint: String) -> String {
    if hint.contains("baton-ninja-one check") {
        "see in NinjaOne (Administration > Apps > API) whether the app was changed, and what it may do"
            .to_owned()
    } else {
        hint
    }
}

/// Reads everything, keeps nothing, and notes what a sync would say.
async fn rehearse(
    mut events: BoxStream<'_, Result<SourceEvent, SourceError>>,
    older: bool,
    endpoints: &mut Vec<EndpointCheck>,
) {
    while let Some(event) = events.next().await {
        match event {
            Ok(SourceEvent::Completeness(resource_type, Completeness::Incomplete { reason })) => {
                let detail = format!("answers, but a sync is not complete: {reason}");
                degrade(endpoints, &resource_type, older, detail);
            }
            Ok(SourceEvent::Unstated(unstated)) if unstated.without_baseline != WithoutBaseline::Complete => {
                let detail = format!(
                    "answers, but a first sync is not complete: the tenant does not state {}",
                    unstated.field
                );
                degrade(endpoints, &unstated.scope.resource_type(), older, detail);
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

/// Whether a message is about an endpoint, and not about one that begins like it.
fn names(message: &str, endpoint: &str) -> bool {
    let path = endpoint.trim_start_matches("GET ");
    message.match_indices(path).any(|(begin, _)| {
        !message[begin + path.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '/')
    })
}

fn degrade(endpoints: &mut [EndpointCheck], resource_type: &ResourceTypeId, older: bool, detail: String) {
    let path = match resource_type.as_str() {
        "role" if !older => older::ROLES,
        "organization" => "/v2/organizations",
        "device" => DEVICES.path,
        _ => USERS,
    };
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
            None => format!("NinjaOne does not tell whether it is granted; needed for {purpose}"),
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
