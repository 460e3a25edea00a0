//! How lines are written where CSV leaves a choice.

/// Which texts are changed to keep spreadsheets from reading formulas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum SpreadsheetSafety {
    /// Texts with a piece that a spreadsheet could read as a formula, wherever it splits them.
    #[default]
    Safe,
    /// Texts that are formulas from their first character: how older versions of this program wrote files. Only for reading.
    SafeAtStart,
    /// None, for programs.
    Raw,
}

/// The delimiter between the cells of a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Delimiter {
    /// `,` (RFC 4180).
    #[default]
    Comma,
    /// `;`, the list separator of most European locales.
    Semicolon,
    /// A tab.
    Tab,
    /// `|`.
    Pipe,
}

impl Delimiter {
    /// The names in settings.
    pub const WORDS: [&'static str; 4] = [",", ";", "tab", "|"];

    /// Parses a name of settings; a tab is also `\t`, as two characters or as one.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        match word {
            "," => Some(Self::Comma),
            ";" => Some(Self::Semicolon),
            "tab" | "\t" | "\\t" => Some(Self::Tab),
            "|" => Some(Self::Pipe),
            _ => None,
        }
    }

    /// The name in settings and manifests.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Comma => ",",
            Self::Semicolon => ";",
            Self::Tab => "tab",
            Self::Pipe => "|",
        }
    }

    pub(crate) const fn byte(self) -> u8 {
        match self {
            Self::Comma => b',',
            Self::Semicolon => b';',
            Self::Tab => b'\t',
            Self::Pipe => b'|',
        }
    }
}

/// The rules by which a text becomes a cell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: Delimiter,
    pub(crate) safety: SpreadsheetSafety,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_found_by_their_words() {
        for word in Delimiter::WORDS {
            assert_eq!(Delimiter::named(word).unwrap().word(), word);
        }
        assert_eq!(Delimiter::named("\t"), Some(Delimiter::Tab));
        assert_eq!(Delimiter::named("\\t"), Some(Delimiter::Tab));
        assert_eq!(Delimiter::named(":"), None);
        assert_eq!(Delimiter::named(""), None);
    }
}
