//! Takes secrets out of the bytes of an answer: a server that repeats the request's token in a name must not have it
//! published.

use access_core::secrets::{REDACTED, data_needles};
use bytes::Bytes;
use memchr::memchr_iter;
use memchr::memmem::Finder;

/// Takes secrets out of bytes that come in pieces.
pub(crate) struct DataRedactor {
    needles: Vec<Finder<'static>>,
    /// The end of the last piece, which may be the beginning of a secret.
    held: Vec<u8>,
}

impl DataRedactor {
    /// Passes an answer unchanged, for answers that only the caller sees.
    pub(crate) fn none() -> Self {
        Self {
            needles: Vec::new(),
            held: Vec::new(),
        }
    }

    /// For the secrets that are known now.
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

    /// A piece without secrets; what may be the beginning of one comes with the next piece, so that it can be empty.
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

    /// The bytes held back, at the end of the answer.
    pub(super) fn finish(&mut self) -> Option<Bytes> {
        let held = std::mem::take(&mut self.held);
        (!held.is_empty()).then(|| held.into())
    }
}

/// The bytes without a secret; none if it is not in them.
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

/// How many bytes at the end are the beginning of a secret.
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
        fn however_it_is_cut(text in "(aab|aabaab1|x|a){0,30}", cut in prop::collection::vec(0_usize..120, 0..5)) {
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
