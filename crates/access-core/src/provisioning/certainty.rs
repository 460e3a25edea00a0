//! Three-valued knowledge about the tenant.

/// Whether a statement holds. Missing information is neither yes nor no.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Certainty {
    /// The tenant confirms it.
    Yes,
    /// The tenant denies it.
    No,
    /// The tenant does not report it; the text is the reason, for messages.
    Unknown(String),
}

impl Certainty {
    /// Converts a reported value.
    #[must_use]
    pub const fn from_bool(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }

    /// The conjunction: `No` takes precedence over `Unknown`.
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

/// A boolean of an account, merged from several sources.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ReportedFlag {
    /// At least one source reports that it is set, and none contradicts.
    Yes,
    /// At least one source reports that it is not set, and none contradicts.
    No,
    /// No source reports it.
    #[default]
    Unknown,
    /// The sources contradict each other; the text explains how, for messages.
    Contradicted(String),
}

impl ReportedFlag {
    /// Merges the values of two sources. The names are used in messages.
    #[must_use]
    pub fn and(self, source: &str, other: &Self, other_source: &str) -> Self {
        match (&self, other) {
            (Self::Yes, Self::No) => Self::Contradicted(format!("{source} says yes, {other_source} says no")),
            (Self::No, Self::Yes) => Self::Contradicted(format!("{source} says no, {other_source} says yes")),
            (Self::Unknown, _) | (Self::Yes | Self::No, Self::Contradicted(_)) => other.clone(),
            _ => self,
        }
    }

    /// Whether at least one source reports that it is set.
    #[must_use]
    pub const fn may_be_set(&self) -> bool {
        matches!(self, Self::Yes | Self::Contradicted(_))
    }
}

impl From<Option<bool>> for ReportedFlag {
    fn from(flag: Option<bool>) -> Self {
        match flag {
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
    fn no_takes_precedence_over_unknown() {
        use Certainty::{No, Unknown, Yes};
        let unknown = || Unknown("it is silent".to_owned());
        assert_eq!(Certainty::all([]), Yes);
        assert_eq!(Certainty::all([Yes, Yes]), Yes);
        assert_eq!(Certainty::all([Yes, unknown()]), unknown());
        assert_eq!(Certainty::all([unknown(), No]), No);
        assert_eq!(
            (Certainty::from_bool(true), Certainty::from_bool(false)),
            (Yes, No)
        );
    }

    #[test]
    fn two_sources_as_one_fact() {
        let all = [ReportedFlag::Yes, ReportedFlag::No, ReportedFlag::Unknown];
        let lines = all.iter().flat_map(|own| {
            all.iter().map(move |other| {
                let both = own.clone().and("the list", other, "the lookup");
                format!("{own:?} and {other:?}: {both:?}, may be {}", both.may_be_set())
            })
        });
        insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"));
        let torn = ReportedFlag::Yes.and("a", &ReportedFlag::No, "b");
        assert_eq!(torn.clone().and("a and b", &ReportedFlag::No, "c"), torn);
        assert_eq!(ReportedFlag::No.and("c", &torn, "a and b"), torn);
    }
}
