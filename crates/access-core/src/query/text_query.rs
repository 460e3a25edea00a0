//! Case-insensitive text search.

use super::similar::distance;
use super::similar::max_edits;
use crate::model::spelling::{fold, is_similar};

/// A search text, compared ignoring case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextQuery {
    /// Case-folded. The lower case of an ASCII letter is unique, so ASCII texts can also be searched in bytes (see
    /// `ResourceQuery::MatchingText`).
    folded: String,
}

impl TextQuery {
    /// Creates a query from user input.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self { folded: fold(text) }
    }

    /// Whether a text is equal to the query.
    #[must_use]
    pub fn equals(&self, text: &str) -> bool {
        fold(text) == self.folded
    }

    /// Whether a text contains the query.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        fold(text).contains(&self.folded)
    }

    /// Whether a text contains the query or differs from it by a typo, as a whole or in one word.
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
        let query = TextQuery::new(" Zoë PARK ");
        assert!(query.equals("zoË park") && !query.equals("Zoe Park"));
        assert!(query.matches("Dr. Zoë Park, MSc"));
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
