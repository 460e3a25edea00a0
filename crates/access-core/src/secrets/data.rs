//! Redaction of the texts of a tenant, of which a sync reads millions: a quick search decides which of them are searched completely.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::layers::{self, REDACTED, Spans};
use super::needles::{self, MIN_NEEDLE_BYTES, SearchDepth, Secret};

/// Bits of the filter: few texts have a window whose bit is set by another one.
const FILTER_BITS: usize = 1 << 16;
/// A factor that spreads windows over the filter (2^64 divided by the golden ratio).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Bytes that a search leaves out, and those that begin an escape.
const IGNORED: u8 = 0;
const ESCAPE: u8 = 1;
/// Every byte as a search compares it.
const FOLDED: [u8; 256] = {
    let mut folded = [IGNORED; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        if byte.is_ascii_alphanumeric() {
            folded[byte as usize] = byte.to_ascii_lowercase();
        } else if matches!(byte, b'%' | b'\\' | b'&') {
            folded[byte as usize] = ESCAPE;
        }
        byte += 1;
    }
    folded
};

/// The secrets that are redacted in data, with their windows: the first bytes of every part that a complete search looks for.
#[derive(Default)]
pub(super) struct DataSecrets {
    secrets: Vec<Arc<Secret>>,
    windows: HashSet<u64>,
    filter: Vec<u64>,
}

impl DataSecrets {
    pub(super) fn new(all: &[Arc<Secret>]) -> Self {
        let secrets: Vec<_> = all
            .iter()
            .filter(|secret| secret.is_for_data())
            .cloned()
            .collect();
        let mut windows = HashSet::new();
        let mut filter = vec![0; FILTER_BITS / 64];
        for part in secrets.iter().flat_map(|secret| secret.searched_parts()) {
            let window = part.iter().copied().take(MIN_NEEDLE_BYTES).fold(0, pushed);
            let (word, bit) = position(window);
            filter[word] |= bit;
            windows.insert(window);
        }
        Self {
            secrets,
            windows,
            filter,
        }
    }

    /// The text without secrets.
    pub(super) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.may_occur_in(text) {
            self.redact_completely(text)
        } else {
            Cow::Borrowed(text)
        }
    }

    fn redact_completely<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut spans = Spans::default();
        layers::for_each_layer(text, |layer| {
            needles::mark_secrets(layer, &self.secrets, SearchDepth::Distinctive, &mut spans);
        });
        spans.replace(text, REDACTED)
    }

    /// Whether a complete search may find something: a window occurs, or there are escapes.
    fn may_occur_in(&self, text: &str) -> bool {
        // An escape has more bytes than what it stands for.
        if self.secrets.is_empty() || text.len() < MIN_NEEDLE_BYTES {
            return false;
        }
        let mut window = 0;
        let mut len = 0;
        for byte in text.bytes() {
            match FOLDED[usize::from(byte)] {
                IGNORED => {}
                ESCAPE => return true,
                folded => {
                    window = pushed(window, folded);
                    len += 1;
                    if len < MIN_NEEDLE_BYTES {
                        continue;
                    }
                    let (word, bit) = position(window);
                    if self.filter[word] & bit != 0 && self.windows.contains(&window) {
                        return true;
                    }
                }
            }
        }
        false
    }
}

/// The last eight bytes.
fn pushed(window: u64, byte: u8) -> u64 {
    window << 8 | u64::from(byte)
}

/// The bit of a window in the filter.
fn position(window: u64) -> (usize, u64) {
    let hash = window.wrapping_mul(SPREAD) >> 48;
    (usize::try_from(hash / 64).unwrap_or_default(), 1 << (hash % 64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &str = "SEKRIT-9d81c0ffee-Zq7";
    const TOKEN: &str = "tok/81f3+aa0bX9.7777";

    fn secrets() -> DataSecrets {
        DataSecrets::new(
            &[SECRET, TOKEN, "123456789012345678", "short-1"].map(|raw| Arc::new(Secret::new(raw))),
        )
    }

    fn base64(text: &str) -> String {
        let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let bits: Vec<u8> = text
            .bytes()
            .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
            .collect();
        let groups = bits.chunks(6).map(|group| {
            let value = (0..6).fold(0, |value, at| value << 1 | group.get(at).copied().unwrap_or(0));
            char::from(digits[usize::from(value)])
        });
        groups.collect()
    }

    #[test]
    fn every_form_is_redacted_in_data() {
        let secrets = secrets();
        let (first, last) = SECRET.split_at(11);
        for form in [
            SECRET.to_owned(),
            SECRET.to_lowercase(),
            SECRET.to_uppercase(),
            SECRET.replace('-', " - "),
            SECRET.replace('S', "\\u0053"),
            SECRET.replace('-', "%2D"),
            base64(SECRET),
            base64(&format!("u:{SECRET}")),
            first.to_owned(),
            last.to_owned(),
        ] {
            let shown = secrets.redact(&form).into_owned();
            assert!(shown.contains(REDACTED), "{form}: {shown}");
        }
        for name in [
            "Ada Example",
            "ada.example@example.com",
            "Smith & Söhne 100 %",
            "123456789012345678",
            "short-1",
            "SEKRIT",
            "",
        ] {
            assert_eq!(secrets.redact(name), name);
        }
    }

    fn piece() -> impl Strategy<Value = String> {
        let secret = prop::sample::select(vec![SECRET, TOKEN]);
        let form = (secret, 0_usize..6, 0_usize..22, 0_usize..22).prop_map(|(secret, form, a, b)| {
            let (a, b) = (a.min(b).min(secret.len()), a.max(b).min(secret.len()));
            let part = &secret[a..b];
            match form {
                0 => part.to_owned(),
                1 => part.to_uppercase(),
                2 => base64(secret)[a..].to_owned(),
                3 => part
                    .bytes()
                    .map(|byte| format!("%{byte:02x}"))
                    .collect::<Vec<_>>()
                    .concat(),
                4 => part
                    .chars()
                    .map(|c| format!("\\u{:04x}", u32::from(c)))
                    .collect::<Vec<_>>()
                    .concat(),
                _ => part.chars().flat_map(|c| [c, ' ']).collect(),
            }
        });
        prop_oneof![form, "[a-zA-Z0-9 &%é.-]{0,12}"]
    }

    proptest! {
        /// The quick search changes no result.
        #[test]
        fn the_quick_search_agrees_with_the_complete_one(pieces in prop::collection::vec(piece(), 0..6)) {
            let secrets = secrets();
            let text = pieces.concat();
            prop_assert_eq!(secrets.redact(&text), secrets.redact_completely(&text));
        }
    }
}
