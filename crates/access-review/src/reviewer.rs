//! Identity of reviewers.

use crate::line::PersonNames;

/// Normalizes a text for comparison: lower case, single spaces.
pub(crate) fn normalize_text(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

/// Whether a reviewer, written as a name, an address or `Name <address>`, is this person. If both have an address, only
/// the addresses count, so that people with the same name differ.
#[must_use]
pub fn is_same_person(reviewer: &str, person: &PersonNames) -> bool {
    let reviewer = normalize_text(reviewer);
    let (name, address) = match reviewer.rsplit_once('<') {
        Some((name, rest)) => (name.trim(), rest.trim_end_matches('>').trim()),
        None if reviewer.contains('@') => ("", reviewer.as_str()),
        None => (reviewer.as_str(), ""),
    };
    let known: Vec<String> = [&person.login, &person.email]
        .into_iter()
        .flatten()
        .map(|text| normalize_text(text))
        .filter(|text| !text.is_empty())
        .collect();
    let has_address = known.iter().any(|text| text.contains('@'));
    if address.contains('@') && has_address {
        return known.iter().any(|text| text == address);
    }
    let is_called = |text: &str| {
        !text.is_empty() && (normalize_text(&person.name) == text || known.iter().any(|known| known == text))
    };
    is_called(name) || is_called(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, login: Option<&str>, email: Option<&str>) -> PersonNames {
        PersonNames {
            name: name.to_owned(),
            login: login.map(str::to_owned),
            email: email.map(str::to_owned),
        }
    }

    #[test]
    fn accepted_spellings_of_a_reviewer() {
        let ada = person("Ada  Nyström", Some("ada@example.com"), None);
        for text in [
            "ada nyström",
            " Ada Nyström ",
            "ADA@example.com",
            "A. N. <ada@example.com>",
            "Ada Nyström <ada@example.com>",
        ] {
            assert!(is_same_person(text, &ada), "{text}");
        }
        for text in [
            "",
            "Ada",
            "Ada Nyström <other@example.com>",
            "bo@example.com",
            "Bo <bo@example.com>",
        ] {
            assert!(!is_same_person(text, &ada), "{text}");
        }
        let nameless = person("", None, None);
        assert!(!is_same_person("", &nameless));
        let without_address = person("Bo Berg", Some("bo"), None);
        for text in ["bo", "Bo Berg <bo@example.com>", "Bo Berg"] {
            assert!(is_same_person(text, &without_address), "{text}");
        }
    }
}
