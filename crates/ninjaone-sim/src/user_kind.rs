/// The two kinds of users, which share one id space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UserKind {
    /// Staff of the service provider.
    Technician,
    /// People of the served organizations.
    EndUser,
}

impl UserKind {
    /// The value of `userType` and `roleType`.
    #[must_use]
    pub const fn wire_name(self) -> &'static str {
        match self {
            Self::Technician => "TECHNICIAN",
            Self::EndUser => "END_USER",
        }
    }

    /// Reads a `userType` or `roleType` parameter.
    #[must_use]
    pub fn from_wire(name: &str) -> Option<Self> {
        [Self::Technician, Self::EndUser]
            .into_iter()
            .find(|kind| kind.wire_name() == name)
    }
}
