//! Status code and hint of each error.

use access_core::{Diagnostic, StatusCode};

use super::{NinjaOneError, TlsFault};

impl Diagnostic for NinjaOneError {
    /// Maps HTTP to gRPC statuses like the reference (docs/reference/conductorone.md §5).
    fn status(&self) -> StatusCode {
        match self {
            Self::CaFile { .. } | Self::OfflineAccess | Self::Cursor { .. } => StatusCode::InvalidArgument,
            Self::Setup { .. } | Self::Id(_) => StatusCode::Internal,
            Self::UnknownClient { .. } | Self::SignInRefused { .. } | Self::NoTokenEndpoint { .. } => {
                StatusCode::Unauthenticated
            }
            Self::ScopeNotGranted { .. } | Self::MissingScope { .. } => StatusCode::PermissionDenied,
            Self::Refused { status, .. } => status_from_http(*status),
            Self::MissingList { own: true, .. } => StatusCode::NotFound,
            Self::Network { exhausted: true, .. } | Self::TooLarge { .. } | Self::MemoryExhausted { .. } => {
                StatusCode::ResourceExhausted
            }
            Self::Network { timeout: true, .. } | Self::TooSlow { .. } => StatusCode::DeadlineExceeded,
            Self::Throttled { .. }
            | Self::ServerFailed { .. }
            | Self::CutShort { .. }
            | Self::BrokenOff { .. }
            | Self::NoAnswer { .. }
            | Self::SignInPage { .. }
            | Self::UnresolvedHost { .. }
            | Self::Network { .. } => StatusCode::Unavailable,
            Self::Redirected { .. }
            | Self::EmptyList { .. }
            | Self::NoEndUsers { .. }
            | Self::NoAdministrators { .. }
            | Self::WritesOff { .. } => StatusCode::FailedPrecondition,
            Self::OlderInstance { .. } => StatusCode::Unimplemented,
            Self::MissingList { own: false, .. }
            | Self::Malformed { .. }
            | Self::NotJson { .. }
            | Self::NoProgress { .. } => StatusCode::DataLoss,
            Self::Stopped => StatusCode::Cancelled,
        }
    }

    #[expect(clippy::too_many_lines, reason = "one hint for each cause")]
    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::MemoryExhausted { spent, .. } => return spent.hint(),
            Self::TooLarge { .. } => {
                "check what answers at --ninja-one-base-url: real tenants are far below the limits in docs/reference/performance.md"
            }
            Self::Refused { fault, .. } if fault.is("user_context_required") => {
                "make the change in NinjaOne's console; NinjaOne does not offer this to API client apps without a user"
            }
            Self::MissingScope { request, .. }
            | Self::Refused {
                status: 403, request, ..
            } if !is_read(request) => {
                return Some(write_hint(request).to_owned());
            }
            Self::Refused {
                status: 400..=499,
                request,
                ..
            } if !is_read(request) => return None,
            Self::WritesOff { .. } => "use --provisioning to allow changes, or --dry-run to preview them",
            Self::OlderInstance { .. } => {
                "make the change in NinjaOne's console until the instance is upgraded"
            }
            Self::CaFile { .. } => "--ca-file must name a PEM file with at least one certificate",
            Self::OfflineAccess => {
                "remove `offline_access` from --ninja-one-scope; a sync needs `monitoring management`"
            }
            Self::UnknownClient { .. } => {
                "check --ninja-one-base-url (an API client app exists on its own region's host only) and --ninja-one-client-id"
            }
            Self::SignInRefused { .. } => {
                "check --ninja-one-client-secret, and that the app is of the type `API Services (machine-to-machine)` with the grant type `Client credentials`"
            }
            Self::NoTokenEndpoint { .. } => {
                "check --ninja-one-base-url and --ninja-one-token-path (older hosts: /oauth/token)"
            }
            Self::SignInPage { .. } => {
                "check --ninja-one-base-url, and whether a portal, a proxy or a block of this machine's address answers; if NinjaOne is throttling, run again later"
            }
            Self::ScopeNotGranted { scope, .. } if !has_known_words(scope.as_str()) => {
                "check the spelling in --ninja-one-scope: scopes are separated by spaces, in lower case, e.g. `monitoring management`"
            }
            Self::ScopeNotGranted { .. } => {
                "grant it to the app in NinjaOne (Administration > Apps > API), or request fewer scopes with --ninja-one-scope"
            }
            Self::MissingScope { .. } => {
                "a sync needs `monitoring` and `management`: grant both to the app (Administration > Apps > API) and name them in --ninja-one-scope"
            }
            Self::MissingList { own: true, .. } => {
                "check --ninja-one-base-url and run again; this instance has other lists under /v2/user"
            }
            Self::MissingList { own: false, .. } => {
                "check --ninja-one-base-url and proxies, then run again; the answer does not come from NinjaOne"
            }
            Self::Refused { status: 404, .. } => "check --ninja-one-base-url",
            Self::Refused { status: 401, .. } => {
                "NinjaOne refused a token that it had just issued; run `baton-ninja-one check`, and check whether the app was changed"
            }
            Self::Refused { status: 403, .. } => {
                "the API client app may not do this; compare its scopes in NinjaOne (Administration > Apps > API)"
            }
            Self::Throttled {
                exceeded_budget: Some(budget),
                retry_after: Some(retry_after),
                ..
            } => {
                return Some(format!(
                    "raise --ninja-one-retry-seconds (now {}) above {} to wait that long, or run again later",
                    budget.as_secs(),
                    retry_after.as_secs()
                ));
            }
            Self::Throttled { .. } => "run again later, or less often; NinjaOne limits calls per tenant",
            Self::ServerFailed { .. } | Self::NoAnswer { .. } => {
                "see status.ninjaone.com, and give the incident or request id to NinjaOne's support"
            }
            Self::Redirected { .. } => "set --ninja-one-base-url to the address that serves the API",
            Self::UnresolvedHost { .. } => {
                "check --ninja-one-base-url for typos, and that this machine can resolve names (DNS)"
            }
            Self::Network {
                tls: Some(TlsFault::WrongTime),
                ..
            } => {
                "check this machine's date and time first; if they are right, the certificate of the server, or of a proxy that inspects TLS (--ca-file), has expired or is not valid yet"
            }
            Self::Network { exhausted: true, .. } => access_core::EXHAUSTED_HINT,
            Self::Network { tls: Some(_), .. } => {
                "if a proxy inspects TLS here, name its certificate authority with --ca-file"
            }
            Self::Network { timeout: true, .. } | Self::TooSlow { .. } => {
                "check the network and any proxy, or allow more with --http-timeout-seconds"
            }
            Self::Network { .. } => {
                "check --ninja-one-base-url, the network, and HTTPS_PROXY if one is needed"
            }
            Self::EmptyList { .. } | Self::NoEndUsers { .. } => {
                "check in NinjaOne what the API client app may see, then run again"
            }
            Self::CutShort { .. } | Self::BrokenOff { .. } => {
                "run again; if it persists, a proxy may limit the size of answers"
            }
            Self::NoAdministrators { .. }
            | Self::Malformed { .. }
            | Self::NotJson { .. }
            | Self::NoProgress { .. } => {
                "run again; if it persists, check whether a proxy modifies answers, then contact NinjaOne's support"
            }
            Self::Refused { request, .. } if is_read(request) => {
                "run `baton-ninja-one check`, which tries every call that a sync needs"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Whether a scope consists of NinjaOne's scope names (docs/reference/ninjaone-api.md §2.3).
fn has_known_words(scope: &str) -> bool {
    scope.is_empty()
        || scope
            .split(' ')
            .all(|word| matches!(word, "monitoring" | "management" | "control"))
}

fn is_read(request: &str) -> bool {
    request.starts_with("GET ") || request.contains(crate::DEFAULT_TOKEN_PATH)
}

/// What a forbidden change may require (docs/reference/ninjaone-api.md §2.3, §2.4, §12 question 6).
fn write_hint(request: &str) -> &'static str {
    if request.contains("/user/role/") {
        "changing roles needs the scope `management`, and according to ConductorOne's documentation also `control`: grant them to the app (Administration > Apps > API) and name them in --ninja-one-scope"
    } else if request.contains("/user/technician") {
        "changing technicians needs the scope `management`, and some instances require a System Administrator, which an API client app may not be; if its scopes are right, make the change in NinjaOne's console"
    } else {
        "changes need the scope `management`: grant it to the app (Administration > Apps > API) and name it in --ninja-one-scope"
    }
}

fn status_from_http(status: u16) -> StatusCode {
    match status {
        401 => StatusCode::Unauthenticated,
        403 => StatusCode::PermissionDenied,
        404 => StatusCode::NotFound,
        408 => StatusCode::DeadlineExceeded,
        409 => StatusCode::AlreadyExists,
        429 | 500 | 502..=599 => StatusCode::Unavailable,
        501 => StatusCode::Unimplemented,
        400..=499 => StatusCode::InvalidArgument,
        _ => StatusCode::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::ApiError;

    fn refused(status: u16, request: &str) -> Option<String> {
        let request = request.to_owned();
        let fault = Box::new(ApiError::default());
        let error = NinjaOneError::Refused {
            request,
            status,
            fault,
        };
        error.hint()
    }

    /// `check` tries reads only, and a rejected change explains itself.
    #[test]
    fn refused_reads_and_changes_have_other_hints() {
        let mut lines = Vec::new();
        for request in [
            "GET https://app.ninjarmm.com/v2/users",
            "PATCH https://app.ninjarmm.com/v2/user/role/7/add-members",
            "POST https://app.ninjarmm.com/v2/user/technicians",
            "DELETE https://app.ninjarmm.com/v2/user/end-user/7",
        ] {
            for status in [400, 401, 403, 404] {
                let hint = refused(status, request).unwrap_or_else(|| "none".to_owned());
                lines.push(format!("{status} {request}: {hint}"));
            }
        }
        insta::assert_snapshot!(lines.join("\n"), @r#"
        400 GET https://app.ninjarmm.com/v2/users: run `baton-ninja-one check`, which tries every call that a sync needs
        401 GET https://app.ninjarmm.com/v2/users: NinjaOne refused a token that it had just issued; run `baton-ninja-one check`, and check whether the app was changed
        403 GET https://app.ninjarmm.com/v2/users: the API client app may not do this; compare its scopes in NinjaOne (Administration > Apps > API)
        404 GET https://app.ninjarmm.com/v2/users: check --ninja-one-base-url
        400 PATCH https://app.ninjarmm.com/v2/user/role/7/add-members: none
        401 PATCH https://app.ninjarmm.com/v2/user/role/7/add-members: none
        403 PATCH https://app.ninjarmm.com/v2/user/role/7/add-members: changing roles needs the scope `management`, and according to ConductorOne's documentation also `control`: grant them to the app (Administration > Apps > API) and name them in --ninja-one-scope
        404 PATCH https://app.ninjarmm.com/v2/user/role/7/add-members: none
        400 POST https://app.ninjarmm.com/v2/user/technicians: none
        401 POST https://app.ninjarmm.com/v2/user/technicians: none
        403 POST https://app.ninjarmm.com/v2/user/technicians: changing technicians needs the scope `management`, and some instances require a System Administrator, which an API client app may not be; if its scopes are right, make the change in NinjaOne's console
        404 POST https://app.ninjarmm.com/v2/user/technicians: none
        400 DELETE https://app.ninjarmm.com/v2/user/end-user/7: none
        401 DELETE https://app.ninjarmm.com/v2/user/end-user/7: none
        403 DELETE https://app.ninjarmm.com/v2/user/end-user/7: changes need the scope `management`: grant it to the app (Administration > Apps > API) and name it in --ninja-one-scope
        404 DELETE https://app.ninjarmm.com/v2/user/end-user/7: none
        "#);
    }

    /// Signing in is a POST, but not a change.
    #[test]
    fn failed_sign_in_is_checked_like_a_read() {
        let sign_in = refused(501, "POST https://app.ninjarmm.com/ws/oauth/token");
        assert_eq!(sign_in, refused(501, "GET https://app.ninjarmm.com/v2/users"));
        assert!(sign_in.unwrap().contains("baton-ninja-one check"));
        assert_eq!(
            refused(501, "POST https://app.ninjarmm.com/v2/user/technicians"),
            None
        );
    }

    #[test]
    fn unknown_scopes_may_be_misspelled() {
        for (scope, is_known) in [
            ("monitoring", true),
            ("management control", true),
            // All scopes of the app.
            ("", true),
            ("Monitoring", false),
            ("monitoring,management", false),
            ("monitoring offline", false),
        ] {
            let error = NinjaOneError::ScopeNotGranted {
                request: "POST /".to_owned(),
                scope: access_core::secrets::ServerText::new(scope),
                fault: Box::new(ApiError::default()),
            };
            let hint = error.hint().unwrap();
            let begin = if is_known {
                "grant it to the app"
            } else {
                "check the spelling"
            };
            assert!(hint.starts_with(begin), "`{scope}`: {hint}");
        }
    }
}
