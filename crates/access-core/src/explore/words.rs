//! What somebody types to find something.

/// A text to look for, whatever the case of its letters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// In lower case.
    folded: String,
}

impl Words {
    /// A text as somebody typed it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self {
            folded: folded(text.trim()),
        }
    }

    /// Whether a text is the same.
    #[must_use]
    pub fn are(&self, text: &str) -> bool {
        folded(text.trim()) == self.folded
    }

    /// Whether a text has them somewhere.
    #[must_use]
    pub fn are_in(&self, text: &str) -> bool {
        folded(text).contains(&self.folded)
    }
}

/// Letters of ASCII only, so that an ASCII text can be looked for in bytes too (see `WhichResources::Mentioning`); all letters
/// where there are others.
fn folded(text: &str) -> String {
    if text.is_ascii() {
        text.to_ascii_lowercase()
    } else {
        text.to_lowercase()
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
