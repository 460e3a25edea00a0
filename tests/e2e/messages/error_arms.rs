//! What the methods of an error type return for each variant.

use std::collections::BTreeMap;

use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Expr, ExprMacro, ExprMatch, ImplItemFn, Item, Pat, Token};

use super::source_text::{code, literals};

/// The result of a method for a variant, with its condition.
pub(super) struct Arm {
    pub(super) variant: Option<String>,
    pub(super) condition: String,
    pub(super) texts: Vec<String>,
}

/// Functions and constants of a file, with the texts in them.
pub(super) struct FileTexts {
    functions: BTreeMap<String, Vec<String>>,
}

impl FileTexts {
    pub(super) fn new(file: &syn::File) -> Self {
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

    /// The result of an expression: its texts and those of the functions it calls, or else its code.
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

/// The variant of `Self` that a pattern matches, and its further conditions.
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
pub(super) fn arms(method: &ImplItemFn, texts: &FileTexts) -> Vec<Arm> {
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
        let mut texts_for = texts.texts(&block);
        for text in &mut texts_for {
            *text = text.trim_matches(['{', '}', ' ']).to_owned();
        }
        found.arms.push(Arm {
            variant: None,
            condition: String::new(),
            texts: texts_for,
        });
    }
    found.arms
}
