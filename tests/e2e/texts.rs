//! The texts that people read besides errors, in one snapshot: constants, summaries, questions, notes, reasons. The catalogue of
//! errors, hints and log lines is the one of `messages`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, Lit};

use crate::harness::workspace;

/// Crates whose texts reach a user.
const CRATES: [&str; 13] = [
    "access-core",
    "access-dataset",
    "access-review",
    "baton-ninja-one",
    "c1-service",
    "ninjaone",
    "sink-c1z",
    "sink-csv",
    "sink-html",
    "sink-parquet",
    "sink-upload",
    "source-c1z",
    "source-dataset",
];
/// Files whose texts have snapshots or documents of their own: help of settings, generated documents, columns, variables.
const ELSEWHERE: [&str; 5] = [
    "settings/definitions.rs",
    "generated_docs.rs",
    "cli/reference.rs",
    "schema/tables.rs",
    "store/environment.rs",
];

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_test = name == "tests" || name.ends_with("tests.rs");
        if path.is_dir() && !is_test {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            files.push(path);
        }
    }
}

/// The texts of a file in the order of the source, without those of its tests, attributes and assertions.
#[derive(Default)]
struct Texts(Vec<String>);

impl Texts {
    fn literals(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.literals(group.stream()),
                TokenTree::Literal(literal) => {
                    if let Lit::Str(text) = Lit::new(literal) {
                        self.0.push(text.value());
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'a> Visit<'a> for Texts {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        let is_test = module.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg") && attribute.to_token_stream().to_string().contains("test")
        });
        if !is_test {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_attribute(&mut self, _: &'a Attribute) {}

    fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
        if call.method == "expect" {
            self.visit_expr(&call.receiver);
        } else {
            visit::visit_expr_method_call(self, call);
        }
    }

    fn visit_lit_str(&mut self, text: &'a syn::LitStr) {
        self.0.push(text.value());
    }

    fn visit_macro(&mut self, called: &'a syn::Macro) {
        let name = called.path.segments.last().unwrap().ident.to_string();
        if !name.contains("assert") && name != "unreachable" {
            self.literals(called.tokens.clone());
        }
    }
}

/// Whether a person would read it as words: two words of letters side by side.
fn is_prose(text: &str) -> bool {
    let is_word = |word: &str| word.len() > 1 && word.chars().all(char::is_alphabetic);
    let words: Vec<&str> = text
        .split(' ')
        .map(|word| word.trim_matches([',', ':', ';', '.', '\n']))
        .collect();
    let is_query = ["SELECT ", " WHERE ", " FROM ", "WITH ", "<"]
        .iter()
        .any(|part| text.contains(part));
    // The documentation comments in a macro are attributes that it passes on.
    let is_comment = text
        .strip_prefix(' ')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_uppercase() || "`[".contains(c)));
    !is_query && !is_comment && words.windows(2).any(|pair| is_word(pair[0]) && is_word(pair[1]))
}

/// A template with `{}` for each value.
fn without_names(text: &str) -> String {
    let mut pieces = text.split('{');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str("{}");
        plain.push_str(piece.split_once('}').map_or(piece, |(_, rest)| rest));
    }
    plain
}

#[test]
fn all_texts_besides_errors() {
    let errors = workspace().join("tests/e2e/snapshots/e2e__messages__all_error_messages.snap");
    let errors = fs::read_to_string(errors).unwrap();
    let mut by_crate: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for name in CRATES {
        let mut files = Vec::new();
        collect(&workspace().join("crates").join(name).join("src"), &mut files);
        for path in files
            .iter()
            .filter(|path| !ELSEWHERE.iter().any(|file| path.ends_with(file)))
        {
            let mut texts = Texts::default();
            texts.visit_file(&syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap());
            let prose = texts
                .0
                .into_iter()
                .filter(|text| is_prose(text) && !errors.contains(text));
            by_crate.entry(name).or_default().extend(prose);
        }
    }
    by_crate.retain(|_, texts| !texts.is_empty());
    let catalogue = by_crate.iter().flat_map(|(name, texts)| {
        // A value's name is not a word of the text.
        let texts: BTreeSet<String> = texts.iter().map(|text| without_names(text)).collect();
        let texts = texts.into_iter().map(|text| format!("  {}", text.escape_debug()));
        std::iter::once((*name).to_owned()).chain(texts)
    });
    insta::assert_snapshot!(catalogue.collect::<Vec<_>>().join("\n"));
}

#[test]
fn prose_is_told_from_code() {
    assert!(is_prose("nothing was changed") && is_prose("stopped on request; nothing was published"));
    assert!(!is_prose("sync_id") && !is_prose("a-b c_d") && !is_prose("SELECT one FROM two"));
}
