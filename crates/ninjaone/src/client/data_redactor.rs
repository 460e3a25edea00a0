//! Removes secrets from the bytes of a response: a token that a server repeats in a name must not be published.

use access_core::secrets::{REDACTED, data_needles};
use bytes::Bytes;
use memchr::memchr_iter;
use memchr::memmem::Finder;

/// Removes secrets from bytes that arrive in pieces.
pub(crate) struct DataRedactor {
    needles: Vec<Finder<'static>>,
    /// The end of the last piece, if it may be the beginning of a secret.
    held: Vec<u8>,
}

impl DataRedactor {
    /// Passes a response unchanged, for responses that only the caller sees.
    pub(crate) fn none() -> Self {
        Self {
            needles: Vec::new(),
            held: Vec::new(),
        }
    }

    /// Removes the secrets that are known now.
    pub(super) fn new() -> Self {
        let needles = data_needles();
        Self {
            needles: needles
                .iter()
                .map(|needle| Finder::new(needle).into_owned())
                .collect(),
            held: Vec::new(),
        }
    }

    /// Removes secrets from a piece. The possible beginning of a secret is held back until the next piece, so the result
    /// can be empty.
    pub(super) fn push(&mut self, piece: Bytes) -> Bytes {
        if self.needles.is_empty() {
            return piece;
        }
        let mut piece = if self.held.is_empty() {
            piece
        } else {
            let mut joined = std::mem::take(&mut self.held);
            joined.extend_from_slice(&piece);
            joined.into()
        };
        for needle in &self.needles {
            if let Some(redacted) = replaced(&piece, needle) {
                piece = redacted.into();
            }
        }
        let held = self
            .needles
            .iter()
            .map(|needle| beginning_at_end(&piece, needle.needle()));
        let kept = piece.len() - held.max().unwrap_or(0);
        self.held.extend_from_slice(&piece[kept..]);
        piece.truncate(kept);
        piece
    }

    /// The bytes held back, at the end of the response.
    pub(super) fn finish(&mut self) -> Option<Bytes> {
        let held = std::mem::take(&mut self.held);
        (!held.is_empty()).then(|| held.into())
    }
}

/// Removes a secret; `None` if the bytes do not contain it.
fn replaced(piece: &[u8], needle: &Finder<'_>) -> Option<Vec<u8>> {
    let mut redacted = Vec::new();
    let mut at = 0;
    for found in needle.find_iter(piece) {
        redacted.extend_from_slice(&piece[at..found]);
        redacted.extend_from_slice(REDACTED.as_bytes());
        at = found + needle.needle().len();
    }
    (at > 0).then(|| {
        redacted.extend_from_slice(&piece[at..]);
        redacted
    })
}

/// Number of bytes at the end that are the beginning of a secret.
fn beginning_at_end(piece: &[u8], needle: &[u8]) -> usize {
    let Some(&first) = needle.first() else { return 0 };
    let from = piece.len().saturating_sub(needle.len() - 1);
    let end = &piece[from..];
    memchr_iter(first, end)
        .find(|at| needle.starts_with(&end[*at..]))
        .map_or(0, |at| end.len() - at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redactor(secret: &str) -> DataRedactor {
        DataRedactor {
            needles: vec![Finder::new(secret.as_bytes()).into_owned()],
            held: Vec::new(),
        }
    }

    fn through(mut redactor: DataRedactor, pieces: &[&[u8]]) -> String {
        let mut shown = Vec::new();
        for piece in pieces {
            shown.extend_from_slice(&redactor.push(Bytes::copy_from_slice(piece)));
        }
        shown.extend(redactor.finish().unwrap_or_default());
        String::from_utf8(shown).unwrap()
    }

    proptest! {
        #[test]
        fn secrets_are_removed_across_pieces(text in "(aab|aabaab1|x|a){0,30}", cut in prop::collection::vec(0_usize..120, 0..5)) {
            let mut cuts: Vec<usize> = cut.into_iter().filter(|cut| *cut < text.len()).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut at = 0;
            for cut in cuts {
                pieces.push(&text.as_bytes()[at..cut]);
                at = cut;
            }
            pieces.push(&text.as_bytes()[at..]);
            prop_assert_eq!(through(redactor("aabaab1"), &pieces), text.replace("aabaab1", REDACTED));
        }
    }
}
