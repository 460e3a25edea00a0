//! All error messages in one snapshot, read from the sources, for review against the style guide.
//!
//! The sources are parsed, so that no variant is left out: each `#[error("…")]` is there, with the classes, exit codes and hints
//! that its type gives it. `{name}` is a value that is filled in.

mod catalogue;
mod error_arms;
mod source_text;

use std::fs;

use catalogue::Source;
use source_text::{all_texts, sources};

use crate::wording;

#[test]
fn all_error_messages() {
    let source = Source::read();
    insta::assert_snapshot!(source.catalogue());
}

#[test]
fn messages_use_plain_words() {
    let mut found = Vec::new();
    for (file, text) in all_texts() {
        // The names of values are not words of the message.
        let pieces = text
            .split('{')
            .map(|piece| piece.rsplit_once('}').map_or(piece, |(_, rest)| rest));
        found.extend(
            wording::findings(&pieces.collect::<Vec<_>>().join(" , "))
                .iter()
                .map(|finding| format!("{file}: {finding}: {text}")),
        );
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn no_error_type_is_left_out_of_the_catalogue() {
    let source = Source::read();
    let listed: usize = source.types.iter().map(|error| error.messages.len()).sum();
    let mut written = 0;
    for path in sources() {
        let text = fs::read_to_string(&path).unwrap();
        let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        written += product.matches("#[error(").count();
    }
    assert_eq!(
        listed, written,
        "the catalogue does not have all `#[error(…)]` of the sources"
    );
}

#[test]
fn messages_are_lower_case_without_a_trailing_stop() {
    for error in Source::read().types {
        for (variant, message) in error.messages {
            let message = message.trim_end_matches('"');
            assert!(
                !message.ends_with('.') || message.ends_with(".."),
                "{}::{variant} ends with a stop: {message}",
                error.name
            );
            let first: String = message.chars().take_while(|c| c.is_alphabetic()).collect();
            assert!(
                !first.chars().next().is_some_and(char::is_uppercase) || NAMES.contains(&first.as_str()),
                "{}::{variant} begins with a capital: {message}",
                error.name
            );
        }
    }
}

/// Words that are written with a capital everywhere.
const NAMES: [&str; 4] = ["NinjaOne", "ConductorOne", "HTTP", "TLS"];
