//! Sources of the product and the texts in their code.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, Lit};

use crate::harness::workspace;

/// Crates whose messages are for developers only.
const SIMULATORS: [&str; 3] = ["c1-sim", "ninjaone-sim", "s3-sim"];

/// Sources of the product, without their tests.
pub(crate) fn sources() -> Vec<PathBuf> {
    let mut sources = Vec::new();
    for entry in fs::read_dir(workspace().join("crates")).unwrap() {
        let path = entry.unwrap().path();
        if !SIMULATORS.iter().any(|simulator| path.ends_with(simulator)) {
            collect(&path.join("src"), &mut sources);
        }
    }
    sources.sort();
    sources
}

fn collect(folder: &Path, sources: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            collect(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !name.ends_with("tests.rs") {
            sources.push(path);
        }
    }
}

pub(super) fn parse(path: &Path) -> syn::File {
    let text = fs::read_to_string(path).unwrap();
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(super) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.to_token_stream().to_string().contains("test")
    })
}

/// Code as text, without the spaces between its tokens.
pub(super) fn code(tokens: &impl ToTokens) -> String {
    let text = tokens.to_token_stream().to_string();
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (spaced, tight) in [
        (" . ", "."),
        (" :: ", "::"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" ,", ","),
        ("& ", "&"),
        ("* ", "*"),
        (" ;", ";"),
    ] {
        text = text.replace(spaced, tight);
    }
    text
}

/// All texts in tokens, those in macros too.
pub(super) fn literals(tokens: TokenStream, into: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => literals(group.stream(), into),
            TokenTree::Literal(literal) => {
                if let Lit::Str(text) = Lit::new(literal) {
                    into.push(text.value());
                }
            }
            TokenTree::Ident(_) | TokenTree::Punct(_) => {}
        }
    }
}

/// Every text of the product's sources, with its file: messages, help, labels, summaries.
pub(super) fn all_texts() -> Vec<(String, String)> {
    struct Texts(Vec<String>);
    impl<'a> Visit<'a> for Texts {
        fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
            if !is_test(&module.attrs) {
                visit::visit_item_mod(self, module);
            }
        }

        fn visit_attribute(&mut self, attribute: &'a Attribute) {
            // Users see a doc comment only as clap's help, which has its own snapshot.
            if !attribute.path().is_ident("doc") && !attribute.path().is_ident("expect") {
                literals(attribute.meta.to_token_stream(), &mut self.0);
            }
        }

        fn visit_lit_str(&mut self, text: &'a syn::LitStr) {
            self.0.push(text.value());
        }

        fn visit_macro(&mut self, called: &'a syn::Macro) {
            literals(called.tokens.clone(), &mut self.0);
        }
    }
    let mut all = Vec::new();
    for path in sources() {
        let mut texts = Texts(Vec::new());
        texts.visit_file(&parse(&path));
        let name = path.strip_prefix(workspace()).unwrap().display().to_string();
        all.extend(texts.0.into_iter().map(|text| (name.clone(), text)));
    }
    all
}
