//! The catalogue of all error types, with classes, exit codes and hints.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use access_core::StatusCode;
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Attribute, Expr, ExprCall, Item, Lit, Token};

use super::error_arms::{Arm, FileTexts, arms};
use super::source_text::{code, is_test, literals, parse, sources};
use crate::harness::workspace;

/// Functions and macros whose texts are shown to users unchanged.
const TEXT_FUNCTIONS: [&str; 8] = [
    "usage",
    "cancel_on_signal",
    "invalid",
    "with_hint",
    "with_message",
    "nothing_written",
    "bail",
    "refuse",
];

const LOG_MACROS: [&str; 3] = ["warn", "error", "info"];

/// A type of error, as its source has it.
pub(super) struct ErrorType {
    pub(super) name: String,
    file: String,
    /// Name and message, in the order of the source. A struct has one, without a name.
    pub(super) messages: Vec<(String, String)>,
}

#[derive(Default)]
pub(super) struct Source {
    pub(super) types: Vec<ErrorType>,
    /// Of `(type, method)`.
    arms: BTreeMap<(String, String), Vec<Arm>>,
    /// Texts that are in no error type: file and text.
    others: BTreeSet<(String, String)>,
    logs: BTreeSet<(String, String)>,
}

/// The message of an `#[error(…)]`, with the names of its values.
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

/// Texts of calls and macros that a person reads.
pub(super) struct OtherTexts<'a> {
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
            if is_failure || TEXT_FUNCTIONS.contains(&name.as_str()) {
                self.say(call.args.to_token_stream());
            }
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_expr_method_call(&mut self, call: &'a syn::ExprMethodCall) {
        if TEXT_FUNCTIONS.contains(&call.method.to_string().as_str()) {
            self.say(call.args.to_token_stream());
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, called: &'a syn::Macro) {
        let name = called.path.segments.last().unwrap().ident.to_string();
        if LOG_MACROS.contains(&name.as_str()) {
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
    pub(super) fn read() -> Self {
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

    /// The results of a method for a variant: the arms that name it, and the catch-all arm if those are conditional.
    fn texts_for(&self, name: &str, method: &str, variant: &str) -> Vec<String> {
        let Some(arms) = self.arms.get(&(name.to_owned(), method.to_owned())) else {
            return Vec::new();
        };
        let mut texts_for = Vec::new();
        let mut complete = false;
        for arm in arms {
            let own = arm.variant.as_deref() == Some(variant) && !variant.is_empty();
            let rest = arm.variant.is_none()
                && (arm.condition.is_empty() || arm.condition.starts_with("otherwise"))
                && !complete;
            if own || rest {
                let text = arm.texts.join(" | ");
                if own && !arm.condition.is_empty() {
                    texts_for.push(format!("[{}] {text}", arm.condition));
                } else if !text.contains("None") || own {
                    texts_for.push(text);
                }
                complete |= own && arm.condition.is_empty();
            }
        }
        texts_for
    }

    pub(super) fn catalogue(&self) -> String {
        let mut catalogue = String::new();
        for error in &self.types {
            let crate_name = error.file.split('/').next().unwrap_or_default();
            let _ = writeln!(catalogue, "\n{} ({crate_name})", error.name);
            for (variant, message) in &error.messages {
                let name = if variant.is_empty() { "(all)" } else { variant };
                let _ = writeln!(catalogue, "  {name}: {message}");
                for status in self.texts_for(&error.name, "status", variant) {
                    let _ = writeln!(catalogue, "      class: {}", with_exit_codes(&status));
                }
                for retry in self.texts_for(&error.name, "retryable", variant) {
                    if retry != "false" {
                        let _ = writeln!(catalogue, "      retryable: {retry}");
                    }
                }
                for hint in self.texts_for(&error.name, "hint", variant) {
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
