//! What somebody types to find something.

use super::similar::distance;
use super::similar::max_edits;
use crate::model::spelling::{fold, is_similar};

/// A text to look for, whatever the case of its letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextQuery {
    /// As names are compared. The small form of a letter of ASCII is that of no other letter, so that an ASCII text can be
    /// looked for in bytes too (see `ResourceQuery::MatchingText`).
    folded: String,
}

impl TextQuery {
    /// A text as somebody typed it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { folded: fold(text) }
    }

    /// Whether a text is the same.
    #[must_use]
    pub fn equals(&self, text: &str) -> bool {
        fold(text) == self.folded
    }

    /// Whether a text has them somewhere.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        fold(text).contains(&self.folded)
    }

    /// Whether a text has them somewhere, or is them but for a typing error, as a whole or in one of its words.
    #[must_use]
    pub fn resembles(&self, text: &str) -> bool {
        let text = fold(text.trim());
        if self.folded.is_empty() {
            return false;
        }
        let max_edits = max_edits(&self.folded);
        let is_near = |text: &str| {
            text.chars().count().abs_diff(self.folded.chars().count()) <= max_edits
                && distance(&self.folded, text) <= max_edits
        };
        text.contains(&self.folded)
            || is_similar(&self.folded, &text)
            || is_near(&text)
            || text.split_whitespace().any(is_near)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_count() {
        let words = TextQuery::new(" Zoë PARK ");
        assert!(words.equals("zoË park") && !words.equals("Zoe Park"));
        assert!(words.matches("Dr. Zoë Park, MSc"));
        assert!(TextQuery::new("").matches("anything"));
    }

    #[test]
    fn typing_errors_are_near() {
        for (typed, text, near) in [
            ("Netwrk Engineer", "Network Engineer", true),
            ("netwrk", "Network Engineer", true),
            ("sofia", "Sofia Lind", true),
            ("sofai", "Sofia Lind", true),
            ("sof", "Sofia Lind", true),
            ("desk", "Network Engineer", false),
            ("", "Network Engineer", false),
        ] {
            assert_eq!(TextQuery::new(typed).resembles(text), near, "{typed} {text}");
        }
    }
}
