//! Every point where NinjaOne's behaviour is unknown or differs between instances (docs/reference/ninjaone-api.md §11). The
//! defaults are the likeliest behaviour; a client has to pass under every position.

use std::time::Duration;

/// All switches of a simulated tenant.
#[derive(Debug, Clone, Default)]
pub struct Behavior {
    /// The token endpoint.
    pub token: TokenBehavior,
    /// Scopes of tokens.
    pub authorization: AuthorizationBehavior,
    /// Answers to reads.
    pub reads: ReadBehavior,
    /// Effects of writes.
    pub writes: WriteBehavior,
    /// `/v2/activities`.
    pub activities: ActivityBehavior,
    /// Headers, encodings, missing paths.
    pub transport: TransportBehavior,
}

/// Token endpoint (docs/reference/ninjaone-api.md §11.2).
#[derive(Debug, Clone)]
pub struct TokenBehavior {
    /// `/oauth/token` works too; otherwise it answers a web server's HTML 404.
    pub legacy_path: bool,
    /// Effect of the scope `offline_access`.
    pub offline_access: OfflineAccess,
    /// Answer to a wrong secret of a known client.
    pub wrong_secret: WrongSecret,
    /// Status of `unauthorized_client`, for an app without the client credentials grant: 400 or 401.
    pub ungranted_status: u16,
    /// How long a token really lives.
    pub lifetime: Duration,
    /// The lifetime that `expires_in` claims.
    pub expires_in: ExpiresIn,
    /// A new token revokes the app's earlier ones.
    pub one_token_at_a_time: bool,
}

impl Default for TokenBehavior {
    fn default() -> Self {
        Self {
            legacy_path: false,
            offline_access: OfflineAccess::Refused,
            wrong_secret: WrongSecret::Unauthorized,
            ungranted_status: 400,
            lifetime: Duration::from_hours(1),
            expires_in: ExpiresIn::Truthful,
            one_token_at_a_time: false,
        }
    }
}

/// `offline_access` requested together with client credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfflineAccess {
    /// 400 `invalid_scope`, as on the EU instance.
    Refused,
    /// Accepted without effect, as on the CA instance; still no refresh token.
    Tolerated,
}

/// Known client id, wrong secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrongSecret {
    /// 401 `invalid_client`.
    Unauthorized,
    /// 400 `invalid_client`.
    BadRequest,
    /// The 404 of an unknown client.
    NotFound,
}

/// The `expires_in` field of a token response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpiresIn {
    /// The real lifetime in seconds.
    Truthful,
    /// No such field.
    Absent,
    /// This number of seconds, regardless of the real lifetime.
    Claimed(u64),
}

/// Authorization of API calls (docs/reference/ninjaone-api.md §11.3).
#[derive(Debug, Clone, Default)]
pub struct AuthorizationBehavior {
    /// The `error` word of an unknown, expired or revoked token.
    pub invalid_token: InvalidToken,
    /// Adding and removing role members needs the scope `control` as well (C1 docs' claim).
    pub role_changes_need_control: bool,
    /// Reading user roles needs the scope `management` (C1 docs' claim).
    pub role_reads_need_management: bool,
    /// The answer of operations that need a signed-in user.
    pub user_context: UserContext,
    /// Whether an API app may write technicians.
    pub technician_writes: TechnicianWrites,
}

/// Spelling of a refused token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum InvalidToken {
    /// `not_authenticated`, error code 10.
    #[default]
    NotAuthenticated,
    /// `invalid_token`.
    InvalidToken,
    /// `expired_token`.
    ExpiredToken,
}

/// Operations closed to client credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum UserContext {
    /// 403 `user_context_required`.
    #[default]
    Forbidden,
    /// 500 with `NullPointerException`, as instances did before 2024.
    NullPointer,
}

/// Create, update and delete of technicians.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TechnicianWrites {
    /// Done.
    #[default]
    Allowed,
    /// 403 `user_context_required`.
    UserContextRequired,
    /// 403 in application shape: must be a System Administrator.
    SystemAdministratorRequired,
}

/// Read endpoints (docs/reference/ninjaone-api.md §11.4).
#[derive(Debug, Clone)]
pub struct ReadBehavior {
    /// `pageSize` and `after` act on the user lists of a stored tenant instead of being ignored.
    pub paged_user_lists: bool,
    /// The `roles` key in `/v2/user/technicians` and `/v2/user/end-users` (stored tenants).
    pub roles_key: RolesKey,
    /// `/v2/user/roles` lists a role "System Administrator" with the administrators as members (stored tenants).
    pub system_administrator_role: bool,
    /// Rows per keyset page when the request names no `pageSize`.
    pub default_page_size: usize,
    /// Upper bound of a keyset page, silently applied.
    pub page_size_cap: Option<usize>,
    /// Users, roles and organizations change after every list that was read (stored tenants).
    pub moving: bool,
}

impl Default for ReadBehavior {
    fn default() -> Self {
        Self {
            paged_user_lists: false,
            roles_key: RolesKey::Absent,
            system_administrator_role: false,
            default_page_size: 1000,
            page_size_cap: None,
            moving: false,
        }
    }
}

/// The `roles` key of a user object in the lists that take no `includeRoles`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RolesKey {
    /// No such key.
    Absent,
    /// The role names.
    Filled,
    /// `null`.
    Null,
    /// `[]`.
    Empty,
}

/// Writes (docs/reference/ninjaone-api.md §11.6).
#[derive(Debug, Clone)]
pub struct WriteBehavior {
    /// Status for a member of the wrong kind: 400 or 404.
    pub wrong_kind_status: u16,
    /// Adding a present member, removing an absent one.
    pub repeated_membership: Repeated,
    /// Role writes answer 200 with an empty body.
    pub empty_role_answer: bool,
    /// The email of a deleted user stays reserved.
    pub deleted_email_stays_taken: bool,
    /// `enabled`, `email` and `phone` in a PATCH.
    pub unsupported_fields: UnsupportedFields,
    /// A deleted user stays in the member lists of its roles.
    pub ghost_members: bool,
    /// Deleting a SCIM user or a System Administrator: `None` allows it, otherwise this status (400 or 403).
    pub protected_delete_status: Option<u16>,
}

impl Default for WriteBehavior {
    fn default() -> Self {
        Self {
            wrong_kind_status: 400,
            repeated_membership: Repeated::Unchanged,
            empty_role_answer: false,
            deleted_email_stays_taken: false,
            unsupported_fields: UnsupportedFields::Ignored,
            ghost_members: false,
            protected_delete_status: None,
        }
    }
}

/// A role write that changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeated {
    /// 200, the list as it is.
    Unchanged,
    /// Refused with this status (400 or 404).
    Refused(u16),
}

/// Fields that no documented request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsupportedFields {
    /// Silently ignored.
    Ignored,
    /// `enabled` is obeyed, the others ignored.
    EnabledActs,
    /// 400.
    Refused,
}

/// `/v2/activities` (docs/reference/ninjaone-api.md §11.7).
#[derive(Debug, Clone, Default)]
pub struct ActivityBehavior {
    /// `olderThan` and `newerThan` have the opposite meaning of the one that scripts rely on.
    pub swapped_bounds: bool,
    /// `pageSize` outside 10–1000 is clamped instead of refused with 400.
    pub clamp_page_size: bool,
    /// Pages are always as long as requested; otherwise some are shorter although more rows exist.
    pub full_pages: bool,
    /// Activities are kept for this number of days.
    pub retention_days: Option<u32>,
}

/// Transport (docs/reference/ninjaone-api.md §11.1).
#[derive(Debug, Clone, Default)]
pub struct TransportBehavior {
    /// Compress bodies when the request accepts gzip.
    pub gzip: bool,
    /// Successful answers carry no `x-nj-request-id`.
    pub request_id_on_errors_only: bool,
    /// The body of a missing path.
    pub missing_path: MissingPath,
    /// Every `/v2/user/*` and `/v2/contacts` path is missing, as on an instance of version 11.
    pub old_instance: bool,
}

/// A 404 for a path that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingPath {
    /// `{"resultCode":"FAILURE","errorMessage":"HTTP 404 Not Found","incidentId":…}`.
    #[default]
    Json,
    /// A web server's HTML page.
    Html,
}
