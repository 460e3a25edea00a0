//! What somebody types to find something.

use crate::model::spelling::fold;

/// A text to look for, whatever the case of its letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// As names are compared. The small form of a letter of ASCII is that of no other letter, so that an ASCII text can be
    /// looked for in bytes too (see `WhichResources::Mentioning`).
    folded: String,
}

impl Words {
    /// A text as somebody typed it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { folded: fold(text) }
    }

    /// Whether a text is the same.
    #[must_use]
    pub fn are(&self, text: &str) -> bool {
        fold(text) == self.folded
    }

    /// Whether a text has them somewhere.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        fold(text).contains(&self.folded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_count() {
        let words = Words::new(" Zoë PARK ");
        assert!(words.are("zoË park") && !words.are("Zoe Park"));
        assert!(words.are_in("Dr. Zoë Park, MSc"));
        assert!(Words::new("").are_in("anything"));
    }
}
