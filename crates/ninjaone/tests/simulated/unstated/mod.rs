//! What the tenant does not state, or states unreadably, is never taken for a removal: each case is compared with a sync that
//! had the data.

mod fields;
mod lists;
mod nulls;
mod older_instance;
mod sync;

const TECHNICIANS: &str = "/v2/user/technicians";
const END_USERS: &str = "/v2/user/end-users";
const USERS: &str = "/v2/users";
const ROLES: &str = "/v2/user/roles";
const ORGANIZATIONS: &str = "/v2/organizations";
const DEVICES: &str = "/v2/devices";
