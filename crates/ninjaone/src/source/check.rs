//! Whether a sync could work, found out by one real call for each list that it needs.

use access_core::Classified;
use access_core::ports::{CheckOutcome, EndpointCheck, ScopeAdvice, SourceReport};
use serde::de::IgnoredAny;

use super::SourceOptions;
use crate::NinjaOneError;
use crate::client::{First, NinjaOneClient};

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

const ENDPOINTS: [Endpoint; 5] = [
    Endpoint {
        newer: true,
        never_empty: true,
        ..endpoint("/v2/user/technicians", "technicians: sign-in type, SCIM")
    },
    Endpoint {
        newer: true,
        ..endpoint("/v2/user/end-users", "end users: organization, portal access")
    },
    Endpoint {
        never_empty: true,
        ..endpoint("/v2/users", "all users: privileges, invitations")
    },
    Endpoint {
        newer: true,
        ..endpoint("/v2/user/roles", "roles and who holds them")
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

/// Scopes that a sync needs: what they are needed for is the reference documentation's word (NinjaOne facts §2.3).
const NEEDED: [(&str, &str); 2] = [
    ("monitoring", "users, organizations and devices"),
    ("management", "roles and their members"),
];

pub(super) async fn check(
    client: &NinjaOneClient,
    options: SourceOptions,
) -> Result<SourceReport, NinjaOneError> {
    let scopes = client.scopes().await?;
    let mut endpoints = Vec::new();
    for endpoint in ENDPOINTS.iter().chain(options.devices.then_some(&DEVICES)) {
        let outcome = outcome(client, endpoint).await;
        endpoints.push(EndpointCheck {
            endpoint: format!("GET {}", endpoint.path),
            purpose: endpoint.purpose,
            outcome,
        });
    }
    let all_ok = endpoints
        .iter()
        .all(|check| !matches!(check.outcome, CheckOutcome::Failed { .. }));
    Ok(SourceReport {
        tenant: client.tenant(),
        endpoints,
        scopes: advice(scopes.as_deref(), all_ok),
    })
}

async fn outcome(client: &NinjaOneClient, endpoint: &Endpoint) -> CheckOutcome {
    let query = if endpoint.paged {
        vec![("pageSize", "1".to_owned())]
    } else {
        Vec::new()
    };
    match client.list::<IgnoredAny, _>(endpoint.path, &query, First).await {
        Ok((_, 0, _)) if endpoint.never_empty => {
            let detail = "the list is empty, which a tenant in use cannot be";
            CheckOutcome::Failed {
                status: access_core::StatusCode::FailedPrecondition,
                message: detail.to_owned(),
                hint: Some("check in NinjaOne what the API client app may see".to_owned()),
            }
        }
        Ok((_, 0, _)) => CheckOutcome::Ok {
            detail: "answers, with an empty list".to_owned(),
        },
        Ok((_, _, _)) => CheckOutcome::Ok {
            detail: "answers".to_owned(),
        },
        Err(NinjaOneError::Refused { status: 404, .. }) if endpoint.newer => CheckOutcome::Degraded {
            detail: "not on this older instance; a sync makes do with /v2/users".to_owned(),
        },
        Err(error) if endpoint.path == DEVICES.path => CheckOutcome::Degraded {
            detail: format!("a sync goes on without devices: {error}"),
        },
        Err(error) => CheckOutcome::Failed {
            status: error.status(),
            message: error.to_string(),
            hint: error.hint(),
        },
    }
}

fn advice(granted: Option<&str>, all_ok: bool) -> Vec<ScopeAdvice> {
    let granted: Option<Vec<&str>> = granted.map(|scopes| scopes.split_whitespace().collect());
    let mut advice: Vec<ScopeAdvice> = Vec::new();
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
        advice.push(ScopeAdvice {
            scope: scope.to_owned(),
            granted: has,
            needed: true,
            advice: text,
        });
    }
    let needed = |word: &&str| NEEDED.iter().any(|(scope, _)| scope.eq_ignore_ascii_case(word));
    for extra in granted.into_iter().flatten().filter(|word| !needed(word)) {
        advice.push(ScopeAdvice {
            scope: extra.to_owned(),
            granted: Some(true),
            needed: false,
            advice: "granted, but a sync does not need it: leave it out of --ninja-one-scope".to_owned(),
        });
    }
    advice
}
