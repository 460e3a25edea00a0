/// The size of a generated tenant. The same values always give the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedSize {
    /// Seed of everything that looks random.
    pub seed: u64,
    /// Technicians; their ids are 1 to this number.
    pub technicians: u32,
    /// End users; their ids follow those of the technicians.
    pub end_users: u32,
    /// User roles, about a fifth of them for technicians; ids from 1.
    pub roles: u32,
    /// Members of all roles together.
    pub grants: u64,
    /// Organizations; ids from 1. Every end user belongs to one.
    pub organizations: u32,
    /// Devices, spread over the organizations; ids from 1.
    pub devices: u32,
    /// One end-user role has every end user as a member (as far as `grants` suffices).
    pub role_of_everyone: bool,
}

impl Default for GeneratedSize {
    fn default() -> Self {
        Self {
            seed: 1,
            technicians: 5,
            end_users: 20,
            roles: 4,
            grants: 30,
            organizations: 3,
            devices: 0,
            role_of_everyone: false,
        }
    }
}
