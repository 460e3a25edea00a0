//! Text with the length limits of the ecosystem.

use std::fmt;

use serde::{Serialize, Serializer};

/// A text of at most `MAX` bytes. Longer input is truncated at a character boundary and marked as clipped, so that an
/// overlong name neither fails the sync nor goes unnoticed.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoundedText<const MAX: usize> {
    text: Box<str>,
    clipped: bool,
}

/// A display name: at most 1024 bytes (docs/reference/c1z.md §4.1).
pub type DisplayName = BoundedText<1024>;

/// A description: at most 2048 bytes (docs/reference/c1z.md §4.1).
pub type Description = BoundedText<2048>;

impl<const MAX: usize> BoundedText<MAX> {
    const MARK: &'static str = "…";

    /// Truncates the text if necessary and ends it with an ellipsis.
    #[must_use]
    pub fn new(text: &str) -> Self {
        if text.len() <= MAX {
            return Self {
                text: text.into(),
                clipped: false,
            };
        }
        let end = text.floor_char_boundary(MAX - Self::MARK.len());
        Self {
            text: [&text[..end], Self::MARK].concat().into(),
            clipped: true,
        }
    }

    /// The text; at most `MAX` bytes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the text was truncated.
    #[must_use]
    pub fn was_clipped(&self) -> bool {
        self.clipped
    }
}

impl<const MAX: usize> fmt::Display for BoundedText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl<const MAX: usize> fmt::Debug for BoundedText<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl<const MAX: usize> Serialize for BoundedText<MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn text_is_clipped_only_above_the_limit(text in ".{0,60}") {
            let bounded = BoundedText::<32>::new(&text);
            prop_assert!(bounded.as_str().len() <= 32);
            prop_assert_eq!(bounded.was_clipped(), text.len() > 32);
            if bounded.was_clipped() {
                let kept = bounded.as_str().strip_suffix('…').expect("clipped text ends in the mark");
                prop_assert!(text.starts_with(kept));
            } else {
                prop_assert_eq!(bounded.as_str(), text);
            }
        }
    }
}
