//! The lists that are joined, or that distinguish an older instance from a current one.

pub(super) const USERS: &str = "/v2/users";
pub(super) const TECHNICIANS: &str = "/v2/user/technicians";
pub(super) const END_USERS: &str = "/v2/user/end-users";
pub(super) const ROLES: &str = "/v2/user/roles";
