//! The simulated API: who may call what, and which function answers.

mod accounts;
mod activities;
mod contacts;
mod reads;
mod roles;

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::auth::{self, Tokens};
use crate::behavior::Behavior;
use crate::behavior::MissingPath;
use crate::behavior::TechnicianWrites;
use crate::behavior::UserContext;
use crate::config::{AppRegistration, Scopes, SimConfig};
use crate::response::Answer;
use crate::response::Incidents;
use crate::tenant::{Population, Store};
use crate::user_kind::UserKind;

/// A tenant while it is served.
#[derive(Debug)]
pub(crate) struct Api {
    app: AppRegistration,
    behavior: Behavior,
    population: Population,
    tokens: Tokens,
    incidents: Incidents,
}

/// A request, as far as the API looks at it.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a [(String, String)],
    pub(crate) authorization: Option<&'a str>,
    pub(crate) body: &'a [u8],
}

impl Request<'_> {
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn flag(&self, name: &str) -> bool {
        self.parameter(name) == Some("true")
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.parameter(name).and_then(|value| value.parse().ok())
    }

    fn json(&self) -> Option<Value> {
        serde_json::from_slice(self.body).ok()
    }
}

impl Api {
    pub(crate) fn new(config: &SimConfig) -> Self {
        Self {
            app: config.app.clone(),
            behavior: config.behavior.clone(),
            population: config.tenant.population(),
            tokens: Tokens::default(),
            incidents: Incidents::default(),
        }
    }

    pub(crate) fn behavior(&self) -> &Behavior {
        &self.behavior
    }

    pub(crate) fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    pub(crate) fn fail(&self, status: u16, message: &str) -> Answer {
        Answer::application_error(status, message, &self.incidents)
    }

    pub(crate) fn missing(&self) -> Answer {
        match self.behavior.transport.missing_path {
            MissingPath::Json => self.fail(404, "HTTP 404 Not Found"),
            MissingPath::Html => Answer::html(404, "404 Not Found"),
        }
    }

    /// The identity provider pushes its groups, if the tenant is SCIM-managed.
    pub(crate) fn scim_push(&self) {
        if let Population::Stored(store) = &self.population {
            lock(store).scim_push();
        }
    }

    pub(crate) fn state(&self) -> Value {
        match &self.population {
            Population::Stored(store) => lock(store).state(),
            Population::Generated(_) => Value::Null,
        }
    }

    /// Changes the tenant, as another user would.
    pub(crate) fn change_one_thing(&self) {
        if let Population::Stored(store) = &self.population {
            lock(store).change_one_thing();
        }
    }

    pub(crate) fn rename_role(&self, role: i64, name: &str) {
        if let Population::Stored(store) = &self.population
            && let Some(role) = lock(store).role_mut(role)
        {
            role.insert("name".to_owned(), name.into());
        }
    }

    /// Answers a request.
    pub(crate) fn handle(&self, request: &Request<'_>) -> Answer {
        match (request.method, request.path) {
            ("POST", "/ws/oauth/token") => self.sign_in(request),
            ("POST", "/oauth/token") if self.behavior.token.legacy_path => self.sign_in(request),
            (_, "/oauth/token" | "/.well-known/openid-configuration") => Answer::html(404, "404 Not Found"),
            ("GET", "/app-version.txt") => self.version(),
            ("GET", "/apidocs-beta/NinjaRMM-API-v2.yaml") => Answer::text("openapi: 3.0.1\n"),
            ("GET", "/apidocs/NinjaRMM-API-v2.json") => Answer::raw_json(br#"{"openapi":"3.0.1"}"#.to_vec()),
            _ => self.api(request),
        }
    }

    fn sign_in(&self, request: &Request<'_>) -> Answer {
        let Request {
            authorization, body, ..
        } = request;
        self.tokens
            .sign_in(&self.app, &self.behavior, &self.incidents, *authorization, body)
    }

    fn version(&self) -> Answer {
        match &self.population {
            Population::Stored(store) => Answer::raw_json(lock(store).version.clone().into_bytes()),
            Population::Generated(_) => Answer::text("13.0.20"),
        }
    }

    /// `/v2`, and the same under `/api` and `/ws/api`.
    fn api(&self, request: &Request<'_>) -> Answer {
        let prefixes = ["/ws/api", "/api", ""];
        let path = prefixes
            .iter()
            .find_map(|prefix| request.path.strip_prefix(prefix)?.strip_prefix("/v2/"));
        let Some(path) = path else { return self.missing() };
        if self.behavior.transport.old_instance && (path.starts_with("user/") || path.starts_with("contact"))
        {
            return self.missing();
        }
        let scopes = match self.tokens.authorize(request.authorization, &self.behavior) {
            Ok(scopes) => scopes,
            Err(refusal) => return refusal,
        };
        let segments: Vec<&str> = path.split('/').collect();
        if let Some(refusal) = self.forbidden(request.method, &segments, &scopes) {
            return refusal;
        }
        let answer = match &self.population {
            Population::Stored(store) => {
                let mut store = lock(store);
                let answer = self.stored(&mut store, request, &segments);
                if self.behavior.reads.moving && request.method == "GET" {
                    store.change_one_thing();
                }
                answer
            }
            Population::Generated(generated) => self.generated(generated, request, &segments),
        };
        answer.unwrap_or_else(|| self.missing())
    }

    /// Steps 4 to 6 of docs/reference/ninjaone-api.md §11.3.
    fn forbidden(&self, method: &str, segments: &[&str], scopes: &Scopes) -> Option<Answer> {
        let behavior = &self.behavior.authorization;
        let reads = method == "GET";
        let role_change = !reads && matches!(segments, ["user", "role", ..]);
        let needs_more = !scopes.contains(if reads { "monitoring" } else { "management" })
            || (role_change && behavior.role_changes_need_control && !scopes.contains("control"))
            || (reads
                && segments == ["user", "roles"]
                && behavior.role_reads_need_management
                && !scopes.contains("management"));
        if needs_more {
            return Some(auth::insufficient_privileges());
        }
        let user_context = || {
            let text = "Access key does not have user context which is required for this request";
            Answer::auth_error(403, "user_context_required", text, 5)
        };
        match segments {
            ["device", _, "script", "run"] | ["ticketing", "ticket", ..] if !reads => {
                Some(match behavior.user_context {
                    UserContext::Forbidden => user_context(),
                    UserContext::NullPointer => self.fail(500, "NullPointerException"),
                })
            }
            ["user", "technicians" | "technician", ..] if !reads => match behavior.technician_writes {
                TechnicianWrites::Allowed => None,
                TechnicianWrites::UserContextRequired => Some(user_context()),
                TechnicianWrites::SystemAdministratorRequired => {
                    Some(self.fail(403, "Only a System Administrator may do this"))
                }
            },
            _ => None,
        }
    }

    fn stored(&self, store: &mut Store, request: &Request<'_>, segments: &[&str]) -> Option<Answer> {
        if request.method == "GET" {
            return self.read(store, request, segments);
        }
        match (request.method, segments) {
            ("PATCH", ["user", "role", role, "add-members"]) => {
                Some(self.change_members(store, request, role, true))
            }
            ("PATCH", ["user", "role", role, "remove-members"]) => {
                Some(self.change_members(store, request, role, false))
            }
            ("PATCH", ["user", "role", role, "permissions", "organizations"]) => {
                Some(self.role_organizations(store, request, role))
            }
            ("POST", ["user", "technicians"]) => Some(self.create(store, request, UserKind::Technician)),
            ("POST", ["user", "end-users"]) => Some(self.create(store, request, UserKind::EndUser)),
            ("PATCH", ["user", "technician", id]) => {
                Some(self.update(store, request, id, UserKind::Technician))
            }
            ("PATCH", ["user", "end-user", id]) => Some(self.update(store, request, id, UserKind::EndUser)),
            ("DELETE", ["user", "technician", id]) => Some(self.delete(store, id, UserKind::Technician)),
            ("DELETE", ["user", "end-user", id]) => Some(self.delete(store, id, UserKind::EndUser)),
            ("PATCH", ["user", "end-user", id, "device-access"]) => {
                Some(self.device_access(store, request, id))
            }
            ("PATCH", ["user", "end-user", id, "custom-fields"]) => {
                Some(self.set_custom_fields(store, request, id))
            }
            ("POST", ["device", id, "owner", owner]) => Some(self.set_owner(store, id, Some(owner))),
            ("DELETE", ["device", id, "owner"]) => Some(self.set_owner(store, id, None)),
            ("POST", ["contacts"]) => Some(self.create_contact(store, request)),
            ("PATCH", ["contact", id]) => Some(self.update_contact(store, request, id)),
            ("DELETE", ["contact", id]) => Some(self.delete_contact(store, id)),
            _ => None,
        }
    }

    fn invalid(&self, reason: &str) -> Answer {
        self.fail(400, reason)
    }

    fn not_found(&self, what: &str) -> Answer {
        self.fail(404, &format!("{what} not found"))
    }
}

fn lock(store: &Mutex<Store>) -> MutexGuard<'_, Store> {
    store.lock().unwrap_or_else(PoisonError::into_inner)
}
