/// The counts of a complete and correct read of a tenant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expected {
    /// Rows of `/v2/user/technicians`.
    pub technicians: u64,
    /// Rows of `/v2/user/end-users`.
    pub end_users: u64,
    /// Distinct users over all lists.
    pub users: u64,
    /// Rows of `/v2/user/roles`.
    pub roles: u64,
    /// Members of all roles.
    pub role_members: u64,
    /// Role members whose id is in no user list.
    pub unknown_role_members: u64,
    /// Rows of `/v2/organizations`.
    pub organizations: u64,
    /// End users whose `organizationId` names a listed organization.
    pub organization_members: u64,
    /// Rows of `/v2/devices`.
    pub devices: u64,
    /// Users with `enabled` false.
    pub disabled: u64,
    /// Users with invitation status PENDING.
    pub pending: u64,
    /// Users with invitation status EXPIRED.
    pub expired: u64,
    /// Technicians with `administrator` true.
    pub administrators: u64,
    /// Technicians with `permitAllClients` true that `/v2/users` lists.
    pub permit_all_clients: u64,
    /// End users with `fullPortalAccess` true.
    pub full_portal_access: u64,
}
