//! Values of rows, formatted for people and for programs.

use std::cmp::Ordering;

use access_core::query::natural_order;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use sink_csv::SpreadsheetSafety;

use super::column::Column;
use crate::output::console::escape_line;
use crate::output::text_table::{format_thousands, with_seconds};

/// A value of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Unknown.
    Nothing,
    Text(String),
    /// A constant of the tenant in capitals, e.g. `END_USER`; people see `end user`.
    Word(String),
    /// A time in the format of its source; people see it with seconds.
    Time(String),
    Flag(bool),
    Count(u64),
    List(Vec<String>),
}

impl Cell {
    pub(crate) fn text(text: &(impl ToString + ?Sized)) -> Self {
        Self::Text(text.to_string())
    }

    pub(crate) fn text_or_nothing(text: Option<&(impl ToString + ?Sized)>) -> Self {
        text.map_or(Self::Nothing, Self::text)
    }

    pub(crate) fn flag_or_nothing(flag: Option<bool>) -> Self {
        flag.map_or(Self::Nothing, Self::Flag)
    }

    pub(crate) fn word_or_nothing(text: Option<&str>) -> Self {
        text.map_or(Self::Nothing, |text| Self::Word(text.to_owned()))
    }

    pub(super) fn for_people(&self) -> String {
        match self {
            Self::Nothing => "-".to_owned(),
            Self::Word(text) => Self::Text(plain_words(text)).for_people(),
            Self::Time(text) => Self::Text(with_seconds(text)).for_people(),
            // A line end would break the table.
            Self::Text(text) => escape_line(&text.replace(['\n', '\t'], " ")).into_owned(),
            Self::Flag(true) => "yes".to_owned(),
            Self::Flag(false) => "no".to_owned(),
            Self::Count(count) => format_thousands(*count),
            Self::List(texts) if texts.is_empty() => "-".to_owned(),
            Self::List(texts) => escape_line(&texts.join(", ").replace(['\n', '\t'], " ")).into_owned(),
        }
    }

    pub(super) fn write_csv(&self, line: &mut Vec<u8>) {
        match self {
            Self::Nothing => {}
            Self::Text(text) | Self::Word(text) | Self::Time(text) => {
                sink_csv::text_cell(text, SpreadsheetSafety::Safe, line);
            }
            Self::Flag(flag) => line.extend_from_slice(flag.to_string().as_bytes()),
            Self::Count(count) => line.extend_from_slice(count.to_string().as_bytes()),
            Self::List(texts) => sink_csv::list_cell(texts.iter().map(String::as_str), line),
        }
    }
}

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_none(),
            Self::Text(text) | Self::Word(text) | Self::Time(text) => serializer.serialize_str(text),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::List(texts) => {
                let mut list = serializer.serialize_seq(Some(texts.len()))?;
                for text in texts {
                    list.serialize_element(text)?;
                }
                list.end()
            }
        }
    }
}

/// Compares two values; unknown ones come last.
pub(super) fn order(a: &Cell, b: &Cell) -> Ordering {
    match (a, b) {
        (Cell::Nothing, Cell::Nothing) => Ordering::Equal,
        (Cell::Nothing, _) => Ordering::Greater,
        (_, Cell::Nothing) => Ordering::Less,
        (Cell::Count(a), Cell::Count(b)) => a.cmp(b),
        (Cell::Flag(a), Cell::Flag(b)) => a.cmp(b),
        (Cell::Time(a), Cell::Time(b)) => match (c1z::parse_timestamp(a), c1z::parse_timestamp(b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.cmp(b),
        },
        (a, b) => natural_order(&a.for_people(), &b.for_people()),
    }
}

/// Abbreviations that stay in capitals.
const ABBREVIATIONS: [&str; 6] = ["LDAP", "MFA", "OIDC", "SAML", "SCIM", "SSO"];

/// Converts a constant to words: `END_USER` becomes `end user`, `SSO` stays.
fn plain_words(text: &str) -> String {
    let plain = |word: &str| {
        let capitals = word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        if capitals && !ABBREVIATIONS.contains(&word) {
            word.to_ascii_lowercase().replace('_', " ")
        } else {
            word.to_owned()
        }
    };
    text.split(' ').map(plain).collect::<Vec<_>>().join(" ")
}

/// A row as a JSON value.
pub(crate) fn object(columns: &[Column], cells: &[Cell]) -> serde_json::Value {
    let all: Vec<usize> = (0..columns.len()).collect();
    serde_json::to_value(Object(columns, &all, cells)).unwrap_or_default()
}

/// Selected cells of a row as a JSON object, with keys in that order.
pub(super) struct Object<'a>(
    pub(super) &'a [Column],
    pub(super) &'a [usize],
    pub(super) &'a [Cell],
);

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for &n in self.1 {
            if let (Some(name), Some(cell)) = (self.0[n].name, self.2.get(n)) {
                map.serialize_entry(name, cell)?;
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_times_are_formatted_for_people() {
        assert_eq!(plain_words("END_USER"), "end user");
        assert_eq!(plain_words("invitation PENDING"), "invitation pending");
        assert_eq!(plain_words("Technician"), "Technician");
        for time in [
            "2026-11-30T01:30:40.348690064Z",
            "2026-11-30 01:30:40.348690064",
            "2026-11-30T02:30:40+01:00",
        ] {
            assert_eq!(with_seconds(time), "2026-11-30 01:30:40 UTC");
        }
        assert_eq!(with_seconds("yesterday"), "yesterday");
    }
}
