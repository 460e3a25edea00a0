//! All error messages in one snapshot, read from the sources: a person can go through it with the style guide beside.
//!
//! The sources are parsed, so that no variant is left out: each `#[error("…")]` is there, with the classes, exit codes and hints
//! that its type gives it. `{name}` is a value that is filled in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use access_core::StatusCode;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprCall, ExprMacro, ExprMatch, ImplItemFn, Item, Lit, Pat, Token};

use crate::harness::workspace;
use crate::wording;

/// Crates whose messages only developers read.
const SIMULATORS: [&str; 3] = ["c1-sim", "ninjaone-sim", "s3-sim"];
/// Functions and macros whose texts a person reads as they stand.
const SAYS: [&str; 8] = [
    "usage",
    "cancel_on_signal",
    "invalid",
    "with_hint",
    "with_message",
    "nothing_written",
    "bail",
    "refuse",
];
const LOGS: [&str; 3] = ["warn", "error", "info"];
/// A type of error, as its source has it.
struct ErrorType {
    name: String,
    file: String,
    /// Name and message, in the order of the source. A struct has one, without a name.
    messages: Vec<(String, String)>,
}

/// What a method says of a variant: under which condition, and what.
struct Arm {
    variant: Option<String>,
    condition: String,
    texts: Vec<String>,
}

#[derive(Default)]
struct Source {
    types: Vec<ErrorType>,
    /// Of `(type, method)`.
    arms: BTreeMap<(String, String), Vec<Arm>>,
    /// Texts that are in no error type: file and text.
    others: BTreeSet<(String, String)>,
    logs: BTreeSet<(String, String)>,
}

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

fn parse(path: &Path) -> syn::File {
    let text = fs::read_to_string(path).unwrap();
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.to_token_stream().to_string().contains("test")
    })
}

/// Code as text, without the spaces between its tokens.
fn code(tokens: &impl ToTokens) -> String {
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

/// The message of an `#[error(…)]`, with the values at their places.
fn message(attribute: &Attribute) -> String {
    let arguments =
        attribute.parse_args_with(Punctuated::<TokenStreamUntilComma, Token![,]>::parse_terminated);
    let mut arguments = arguments.unwrap().into_iter().map(|argument| argument.0);
    let first = arguments.next().unwrap();
    let Ok(Lit::Str(template)) = syn::parse2::<Lit>(first.clone()) else {
        return format!("({first})");
    };
    let template = template.value();
    let mut values = arguments.map(|value| {
        let value = code(&value);
        let value = value.strip_suffix(".display()").unwrap_or(&value);
        let is_name = value.chars().all(|c| c.is_alphanumeric() || "._".contains(c));
        let name = if is_name { value } else { "…" };
        name.trim_start_matches('.').to_owned()
    });
    let mut message = String::new();
    let mut pieces = template.split("{}");
    message.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let _ = write!(message, "{{{}}}", values.next().unwrap_or_default());
        message.push_str(piece);
    }
    message
}

/// Tokens up to a comma.
struct TokenStreamUntilComma(TokenStream);

impl syn::parse::Parse for TokenStreamUntilComma {
    fn parse(input: syn::parse::ParseStream<'_>) -> syn::Result<Self> {
        let mut tokens = TokenStream::new();
        while !input.is_empty() && !input.peek(Token![,]) {
            tokens.extend([input.parse::<TokenTree>()?]);
        }
        Ok(Self(tokens))
    }
}

/// All texts in tokens, those in macros too.
fn literals(tokens: TokenStream, into: &mut Vec<String>) {
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

/// Functions and constants of a file, with the texts in them.
struct FileTexts {
    functions: BTreeMap<String, Vec<String>>,
}

impl FileTexts {
    fn new(file: &syn::File) -> Self {
        let mut functions = BTreeMap::new();
        for item in &file.items {
            let (name, tokens) = match item {
                Item::Fn(function) => (function.sig.ident.to_string(), function.block.to_token_stream()),
                Item::Const(constant) => (constant.ident.to_string(), constant.expr.to_token_stream()),
                _ => continue,
            };
            let mut texts = Vec::new();
            literals(tokens, &mut texts);
            texts.retain(|text| text.contains(' '));
            functions.insert(name, texts);
        }
        Self { functions }
    }

    /// What an expression gives: its texts and those of the functions that it calls, its classes, or what it asks.
    fn texts(&self, expression: &Expr) -> Vec<String> {
        let tokens = expression.to_token_stream();
        let mut texts = Vec::new();
        literals(tokens.clone(), &mut texts);
        texts.retain(|text| text.len() > 2);
        let text = code(&tokens);
        for (name, of_function) in &self.functions {
            if text.contains(&format!("{name}(")) {
                texts.extend(of_function.iter().cloned());
            }
        }
        if texts.is_empty() && text.contains("EXHAUSTED_HINT") {
            texts.push(access_core::EXHAUSTED_HINT.to_owned());
        } else if texts.is_empty() {
            let text = bare(&text);
            texts.push(
                if text.ends_with("hint()") {
                    "that of its cause"
                } else {
                    text
                }
                .to_owned(),
            );
        }
        texts
    }
}

/// An expression without the braces and the `return` around it.
fn bare(text: &str) -> &str {
    let inner = text.trim_matches(['{', '}', ' ', ';']);
    inner.strip_prefix("return ").unwrap_or(inner)
}

/// The variant of `Self` that a pattern is about, and what else it wants.
fn variants(pattern: &Pat, into: &mut Vec<(Option<String>, String)>) {
    let of_self = |path: &syn::Path| {
        let mut segments = path.segments.iter().rev();
        let name = segments.next().map(|segment| segment.ident.to_string());
        let of = segments.next().map(|segment| segment.ident.to_string());
        match of.as_deref() {
            Some("Self") => (name, String::new()),
            _ => (None, code(path)),
        }
    };
    match pattern {
        Pat::Or(or) => or.cases.iter().for_each(|case| variants(case, into)),
        Pat::Paren(inner) => variants(&inner.pat, into),
        Pat::Reference(inner) => variants(&inner.pat, into),
        Pat::Path(path) => into.push(of_self(&path.path)),
        Pat::TupleStruct(tuple) => {
            let (name, other) = of_self(&tuple.path);
            let wants = tuple
                .elems
                .iter()
                .filter(|element| !binds_only(element))
                .map(code);
            into.push((name, joined(other, wants)));
        }
        Pat::Struct(fields) => {
            let (name, other) = of_self(&fields.path);
            let wants = fields
                .fields
                .iter()
                .filter(|field| !binds_only(&field.pat))
                .map(code);
            into.push((name, joined(other, wants)));
        }
        Pat::Wild(_) => into.push((None, "otherwise".to_owned())),
        other => into.push((None, code(other))),
    }
}

fn binds_only(pattern: &Pat) -> bool {
    matches!(pattern, Pat::Wild(_) | Pat::Ident(_) | Pat::Rest(_))
}

fn joined(first: String, more: impl Iterator<Item = String>) -> String {
    let parts: Vec<String> = Some(first)
        .filter(|first| !first.is_empty())
        .into_iter()
        .chain(more)
        .collect();
    parts.join(", ")
}

/// The arms of all `match` of a method, and of its `matches!`.
struct Arms<'a> {
    texts: &'a FileTexts,
    arms: Vec<Arm>,
}

impl<'a> Visit<'a> for Arms<'_> {
    fn visit_expr_match(&mut self, expression: &'a ExprMatch) {
        for arm in &expression.arms {
            let mut of = Vec::new();
            variants(&arm.pat, &mut of);
            let guard = arm.guard.as_ref().map(|(_, guard)| code(guard));
            for (variant, condition) in of {
                self.arms.push(Arm {
                    variant,
                    condition: joined(condition, guard.clone().into_iter()),
                    texts: self.texts.texts(&arm.body),
                });
            }
        }
    }

    fn visit_expr_macro(&mut self, expression: &'a ExprMacro) {
        if expression.mac.path.is_ident("matches") {
            let parsed = expression
                .mac
                .parse_body_with(|input: syn::parse::ParseStream<'_>| {
                    input.parse::<Expr>()?;
                    input.parse::<Token![,]>()?;
                    let pattern = Pat::parse_multi_with_leading_vert(input)?;
                    let guard = if input.parse::<Option<Token![if]>>()?.is_some() {
                        Some(input.parse::<Expr>()?)
                    } else {
                        None
                    };
                    input.parse::<Option<Token![,]>>()?;
                    Ok((pattern, guard))
                });
            let (pattern, guard) = parsed.unwrap();
            let mut of = Vec::new();
            variants(&pattern, &mut of);
            for (variant, condition) in of {
                self.arms.push(Arm {
                    variant,
                    condition: joined(condition, guard.iter().map(code)),
                    texts: vec!["true".to_owned()],
                });
            }
        }
        visit::visit_expr_macro(self, expression);
    }
}

/// The arms of a method; of one without a `match` all of its texts.
fn arms(method: &ImplItemFn, texts: &FileTexts) -> Vec<Arm> {
    let mut found = Arms {
        texts,
        arms: Vec::new(),
    };
    found.visit_block(&method.block);
    if found.arms.is_empty() {
        let block = Expr::Block(syn::ExprBlock {
            attrs: Vec::new(),
            label: None,
            block: method.block.clone(),
        });
        let mut said = texts.texts(&block);
        for text in &mut said {
            *text = text.trim_matches(['{', '}', ' ']).to_owned();
        }
        found.arms.push(Arm {
            variant: None,
            condition: String::new(),
            texts: said,
        });
    }
    found.arms
}

/// Texts of calls and macros that a person reads.
struct OtherTexts<'a> {
    file: &'a str,
    source: &'a mut Source,
}

impl<'a> Visit<'a> for OtherTexts<'_> {
    fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_expr_call(&mut self, call: &'a ExprCall) {
        if let Expr::Path(path) = &*call.func {
            let segments: Vec<String> = path
                .path
                .segments
                .iter()
                .map(|part| part.ident.to_string())
                .collect();
            let name = segments.last().unwrap();
            let is_failure = segments.ends_with(&["Failure".to_owned(), "new".to_owned()]);
            if is_failure || SAYS.contains(&name.as_str()) {
                self.say(call.args.to_token_stream());
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
        if SAYS.contains(&call.method.to_string().as_str()) {
            self.say(call.args.to_token_stream());
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, called: &'a syn::Macro) {
        let name = called.path.segments.last().unwrap().ident.to_string();
        if LOGS.contains(&name.as_str()) {
            let mut texts = Vec::new();
            literals(called.tokens.clone(), &mut texts);
            if let Some(text) = texts.into_iter().rfind(|text| text.len() > 2) {
                self.source
                    .logs
                    .insert((self.file.to_owned(), format!("{name}: {text}")));
            }
        }
    }
}

impl OtherTexts<'_> {
    fn say(&mut self, tokens: TokenStream) {
        let mut texts = Vec::new();
        literals(tokens, &mut texts);
        texts.retain(|text| text.contains(' '));
        for text in texts {
            self.source.others.insert((self.file.to_owned(), text));
        }
    }
}

impl Source {
    fn read() -> Self {
        let mut source = Self::default();
        for path in sources() {
            let name = path.strip_prefix(workspace().join("crates")).unwrap();
            let name = name.display().to_string().replace('\\', "/");
            let parsed = parse(&path);
            let texts = FileTexts::new(&parsed);
            for item in &parsed.items {
                source.item(item, &name, &texts);
            }
            let mut others = OtherTexts {
                file: &name,
                source: &mut source,
            };
            others.visit_file(&parsed);
        }
        source
    }

    fn item(&mut self, item: &Item, file: &str, texts: &FileTexts) {
        match item {
            Item::Enum(item) => {
                let mut messages = Vec::new();
                for variant in &item.variants {
                    for attribute in variant
                        .attrs
                        .iter()
                        .filter(|attribute| attribute.path().is_ident("error"))
                    {
                        messages.push((variant.ident.to_string(), message(attribute)));
                    }
                }
                self.add(&item.ident, file, messages);
            }
            Item::Struct(item) => {
                let of_type = item
                    .attrs
                    .iter()
                    .filter(|attribute| attribute.path().is_ident("error"));
                let messages = of_type
                    .map(|attribute| (String::new(), message(attribute)))
                    .collect();
                self.add(&item.ident, file, messages);
            }
            Item::Impl(item) => {
                for inner in &item.items {
                    let syn::ImplItem::Fn(method) = inner else {
                        continue;
                    };
                    let name = method.sig.ident.to_string();
                    if ["status", "retryable", "hint"].contains(&name.as_str()) {
                        self.arms
                            .entry((code(&item.self_ty), name))
                            .or_default()
                            .extend(arms(method, texts));
                    }
                }
            }
            Item::Mod(module) if !is_test(&module.attrs) => {
                for item in module.content.iter().flat_map(|(_, items)| items) {
                    self.item(item, file, texts);
                }
            }
            _ => {}
        }
    }

    fn add(&mut self, name: &syn::Ident, file: &str, messages: Vec<(String, String)>) {
        if !messages.is_empty() {
            self.types.push(ErrorType {
                name: name.to_string(),
                file: file.to_owned(),
                messages,
            });
        }
    }

    /// What a method says of a variant: the arms with its name, and the one for all others if they leave something open.
    fn said(&self, name: &str, method: &str, variant: &str) -> Vec<String> {
        let Some(arms) = self.arms.get(&(name.to_owned(), method.to_owned())) else {
            return Vec::new();
        };
        let mut said = Vec::new();
        let mut complete = false;
        for arm in arms {
            let own = arm.variant.as_deref() == Some(variant) && !variant.is_empty();
            let rest = arm.variant.is_none()
                && (arm.condition.is_empty() || arm.condition.starts_with("otherwise"))
                && !complete;
            if own || rest {
                let text = arm.texts.join(" | ");
                if own && !arm.condition.is_empty() {
                    said.push(format!("[{}] {text}", arm.condition));
                } else if !text.contains("None") || own {
                    said.push(text);
                }
                complete |= own && arm.condition.is_empty();
            }
        }
        said
    }

    fn catalogue(&self) -> String {
        let mut catalogue = String::new();
        for error in &self.types {
            let crate_name = error.file.split('/').next().unwrap_or_default();
            let _ = writeln!(catalogue, "\n{} ({crate_name})", error.name);
            for (variant, message) in &error.messages {
                let name = if variant.is_empty() { "(all)" } else { variant };
                let _ = writeln!(catalogue, "  {name}: {message}");
                for status in self.said(&error.name, "status", variant) {
                    let _ = writeln!(catalogue, "      class: {}", with_exit_codes(&status));
                }
                for retry in self.said(&error.name, "retryable", variant) {
                    if retry != "false" {
                        let _ = writeln!(catalogue, "      retryable: {retry}");
                    }
                }
                for hint in self.said(&error.name, "hint", variant) {
                    if hint.ends_with("None") {
                        continue;
                    }
                    let _ = writeln!(catalogue, "      hint: {hint}");
                }
            }
            let of_others = self.arms.get(&(error.name.clone(), "hint".to_owned()));
            for arm in of_others.into_iter().flatten() {
                if arm.variant.is_none() && arm.condition.contains("::") {
                    let _ = writeln!(
                        catalogue,
                        "  {}\n      hint: {}",
                        arm.condition,
                        arm.texts.join(" | ")
                    );
                }
            }
        }
        for (title, texts) in [
            ("Other errors and hints", &self.others),
            ("Log lines", &self.logs),
        ] {
            let _ = writeln!(catalogue, "\n{title}");
            let mut last = "";
            for (file, text) in texts {
                if file != last {
                    let _ = writeln!(catalogue, "  {file}");
                    last = file;
                }
                let _ = writeln!(catalogue, "    {text}");
            }
        }
        catalogue
    }
}

/// `StatusCode::NotFound`, or a number, as people read it: `not found (5)`.
fn with_exit_codes(text: &str) -> String {
    let (condition, class) = text.rsplit_once("] ").unwrap_or(("", text));
    let class = class
        .rsplit_once("StatusCode::")
        .map_or(class, |(_, class)| class);
    let mut statuses = (1..=16).filter_map(StatusCode::from_number);
    match statuses.find(|status| format!("{status:?}") == class || status.number().to_string() == class) {
        Some(status) if condition.is_empty() => format!("{status} ({})", status.number()),
        Some(status) => format!("{condition}] {status} ({})", status.number()),
        None if condition.is_empty() => "that of its cause".to_owned(),
        None => format!("{condition}] that of its cause"),
    }
}

#[test]
fn all_error_messages() {
    let source = Source::read();
    insta::assert_snapshot!(source.catalogue());
}

/// Every text of the product's sources, with its file: messages, help, labels, summaries.
fn all_texts() -> Vec<(String, String)> {
    struct Texts(Vec<String>);
    impl<'a> Visit<'a> for Texts {
        fn visit_item_mod(&mut self, module: &'a syn::ItemMod) {
            if !is_test(&module.attrs) {
                visit::visit_item_mod(self, module);
            }
        }

        fn visit_attribute(&mut self, attribute: &'a Attribute) {
            // A documentation comment is read by a user only where clap makes it help, which has a snapshot of its own.
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
