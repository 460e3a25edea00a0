//! What is known, where a tenant may also say nothing.

/// Whether something is so. Silence is neither yes nor no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certainty {
    /// The tenant says that it is so.
    Yes,
    /// The tenant says that it is not so.
    No,
    /// The tenant does not say; the text is the reason, for people.
    Unknown(String),
}

impl Certainty {
    /// What the tenant said.
    #[must_use]
    pub const fn said(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }

    /// Whether all of these are so: one `No` decides, then one `Unknown`.
    pub(super) fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut unknown = None;
        for part in parts {
            match part {
                Self::Yes => {}
                Self::No => return Self::No,
                Self::Unknown(reason) => {
                    unknown.get_or_insert(reason);
                }
            }
        }
        unknown.map_or(Self::Yes, Self::Unknown)
    }
}

/// What the sources of a tenant say of a flag of an account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ReportedFlag {
    /// At least one says that it is set, and none says otherwise.
    Yes,
    /// At least one says that it is not set, and none says otherwise.
    No,
    /// None says anything.
    #[default]
    Unknown,
    /// They contradict each other; the text says how, for people.
    Contradicted(String),
}

impl ReportedFlag {
    /// What two sources say together, each with what it is called.
    #[must_use]
    pub fn and(self, source: &str, other: &Self, other_source: &str) -> Self {
        match (&self, other) {
            (Self::Yes, Self::No) => Self::Contradicted(format!("{source} says yes, {other_source} says no")),
            (Self::No, Self::Yes) => Self::Contradicted(format!("{source} says no, {other_source} says yes")),
            (Self::Unknown, _) | (Self::Yes | Self::No, Self::Contradicted(_)) => other.clone(),
            _ => self,
        }
    }

    /// Whether it must be reckoned with: some source says that it is set.
    #[must_use]
    pub const fn may_be(&self) -> bool {
        matches!(self, Self::Yes | Self::Contradicted(_))
    }
}

impl From<Option<bool>> for ReportedFlag {
    fn from(said: Option<bool>) -> Self {
        match said {
            Some(true) => Self::Yes,
            Some(false) => Self::No,
            None => Self::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_no_decides_and_then_one_unknown() {
        use Certainty::{No, Unknown, Yes};
        let unknown = || Unknown("it is silent".to_owned());
        assert_eq!(Certainty::all([]), Yes);
        assert_eq!(Certainty::all([Yes, Yes]), Yes);
        assert_eq!(Certainty::all([Yes, unknown()]), unknown());
        assert_eq!(Certainty::all([unknown(), No]), No);
        assert_eq!((Certainty::said(true), Certainty::said(false)), (Yes, No));
    }

    #[test]
    fn two_sources_as_one_fact() {
        let all = [ReportedFlag::Yes, ReportedFlag::No, ReportedFlag::Unknown];
        let lines = all.iter().flat_map(|own| {
            all.iter().map(move |other| {
                let both = own.clone().and("the list", other, "the lookup");
                format!("{own:?} and {other:?}: {both:?}, may be {}", both.may_be())
            })
        });
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
        let torn = ReportedFlag::Yes.and("a", &ReportedFlag::No, "b");
        assert_eq!(torn.clone().and("a and b", &ReportedFlag::No, "c"), torn);
        assert_eq!(ReportedFlag::No.and("c", &torn, "a and b"), torn);
    }
}
