//! No import cycle between files of a crate: a file that uses another one is not used by it, neither directly nor by way of others.
//!
//! Edges are the paths in a file's production code: `use` declarations and paths in expressions. A path through a re-export leads to
//! the file that defines the item, so a `mod.rs` that only re-exports is not part of a cycle.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::harness::workspace;

/// A module of a crate: its file and the file's tokens.
struct Module {
    file: String,
    tokens: Vec<Token>,
    /// Names in scope through `use`, with their paths.
    imports: BTreeMap<String, Vec<String>>,
    /// Modules whose items are all in scope.
    globs: Vec<Vec<String>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Mark(char),
}

/// The modules of a crate by path; the path of the crate's root is empty.
type Modules = BTreeMap<Vec<String>, Module>;

/// Splits code into words and marks, without comments, texts and `#[cfg(test)]` items.
fn tokens(code: &str) -> Vec<Token> {
    let chars: Vec<char> = code.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let next = chars.get(at + 1).copied();
        match chars[at] {
            '/' if next == Some('/') => at += chars[at..].iter().take_while(|c| **c != '\n').count(),
            '/' if next == Some('*') => at = end_of_comment(&chars, at),
            '"' => at = end_of_text(&chars, at + 1),
            'r' | 'b' if is_raw_text(&chars, at) => at = end_of_raw_text(&chars, at),
            '\'' if next == Some('\\') => {
                at += 3 + chars[at + 3..].iter().take_while(|c| **c != '\'').count();
            }
            '\'' if chars.get(at + 2) == Some(&'\'') => at += 3,
            c if c.is_alphabetic() || c == '_' => {
                let word = chars[at..]
                    .iter()
                    .take_while(|c| c.is_alphanumeric() || **c == '_');
                let word: String = word.collect();
                at += word.chars().count();
                found.push(Token::Word(word));
            }
            c => {
                if !c.is_whitespace() {
                    found.push(Token::Mark(c));
                }
                at += 1;
            }
        }
    }
    without_tests(&found)
}

fn end_of_comment(chars: &[char], begin: usize) -> usize {
    let mut at = begin + 2;
    while at < chars.len() && !(chars[at - 1] == '*' && chars[at] == '/') {
        at += 1;
    }
    at + 1
}

fn end_of_text(chars: &[char], begin: usize) -> usize {
    let mut at = begin;
    while at < chars.len() && chars[at] != '"' {
        at += if chars[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

fn is_raw_text(chars: &[char], at: usize) -> bool {
    let begins_word = at == 0 || !(chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    let mut rest = chars[at..].iter().skip_while(|c| matches!(**c, 'b' | 'r'));
    begins_word && rest.find(|c| **c != '#') == Some(&'"')
}

fn end_of_raw_text(chars: &[char], begin: usize) -> usize {
    let mut at = begin;
    while chars[at] != '"' {
        at += 1;
    }
    let opening = &chars[begin..at];
    if !opening.contains(&'r') {
        return end_of_text(chars, at + 1);
    }
    let hashes = opening.iter().filter(|c| **c == '#').count();
    at += 1;
    while at < chars.len() {
        let closes =
            chars[at] == '"' && chars[at + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes;
        at += 1;
        if closes {
            return at + hashes;
        }
    }
    at
}

/// Removes items for tests only: `#[cfg(test)]`, `#[cfg(all(test, unix))]` and the like.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == Token::Mark('#') && tokens.get(at + 1) == Some(&Token::Mark('[')) {
            let end = closing(tokens, at + 1);
            let attribute = &tokens[at..end];
            let has = |word: &str| attribute.contains(&Token::Word(word.to_owned()));
            let is_test = has("cfg") && has("test") && !has("not");
            at = if is_test { end_of_item(tokens, end) } else { end };
            continue;
        }
        kept.push(tokens[at].clone());
        at += 1;
    }
    kept
}

/// Where the bracket that opens here is closed, and one more.
fn closing(tokens: &[Token], begin: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(begin) {
        match token {
            Token::Mark('(' | '[' | '{') => depth += 1,
            Token::Mark(')' | ']' | '}') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    tokens.len()
}

/// Where an item ends: with a semicolon, a comma, or its closed braces.
fn end_of_item(tokens: &[Token], begin: usize) -> usize {
    let is_word = |at: usize, word: &str| tokens.get(at) == Some(&Token::Word(word.to_owned()));
    let visibility = match is_word(begin, "pub") {
        true if tokens.get(begin + 1) == Some(&Token::Mark('(')) => closing(tokens, begin + 1),
        is_public => begin + usize::from(is_public),
    };
    let is_use = is_word(visibility, "use");
    let mut at = begin;
    while at < tokens.len() {
        match &tokens[at] {
            Token::Mark(';' | ',') => return at + 1,
            Token::Mark('{') if !is_use => return closing(tokens, at),
            Token::Mark('(' | '[' | '{') => at = closing(tokens, at),
            Token::Mark(')' | ']' | '}') => return at,
            _ => at += 1,
        }
    }
    at
}

/// Reads the modules of a crate, beginning with the file of its root.
fn modules(root: &Path, file: &Path, path: &[String], found: &mut Modules) {
    let tokens = tokens(&fs::read_to_string(file).unwrap());
    let name = file.file_name().unwrap().to_str().unwrap();
    let folder = file.parent().unwrap();
    let folder = match name {
        "mod.rs" | "lib.rs" | "main.rs" => folder.to_owned(),
        _ => folder.join(name.trim_end_matches(".rs")),
    };
    for pair in tokens.windows(3) {
        let [Token::Word(keyword), Token::Word(child), Token::Mark(';')] = pair else {
            continue;
        };
        if keyword != "mod" {
            continue;
        }
        let files = [
            folder.join(format!("{child}.rs")),
            folder.join(child).join("mod.rs"),
        ];
        if let Some(file) = files.iter().find(|file| file.exists()) {
            let path = [path, std::slice::from_ref(child)].concat();
            modules(root, file, &path, found);
        }
    }
    let (mut imports, mut globs) = (BTreeMap::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        at += 1;
        if tokens[at - 1] == Token::Word("use".to_owned()) {
            use_tree(&tokens, &mut at, &[], &mut imports, &mut globs);
        }
    }
    let file = file.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    let module = Module {
        file,
        tokens,
        imports,
        globs,
    };
    found.insert(path.to_vec(), module);
}

/// Reads one tree of a `use` declaration, and goes behind it.
fn use_tree(
    tokens: &[Token],
    at: &mut usize,
    prefix: &[String],
    imports: &mut BTreeMap<String, Vec<String>>,
    globs: &mut Vec<Vec<String>>,
) {
    let mut path = prefix.to_vec();
    while let Some(token) = tokens.get(*at) {
        *at += 1;
        match token {
            Token::Word(word) if word == "as" => {
                if let Some(Token::Word(name)) = tokens.get(*at) {
                    imports.insert(name.clone(), path);
                    *at += 1;
                }
                return;
            }
            Token::Word(word) if word == "self" && !path.is_empty() => {}
            Token::Word(word) => path.push(word.clone()),
            Token::Mark(':') => {}
            Token::Mark('*') => {
                globs.push(path);
                return;
            }
            Token::Mark('{') => {
                while tokens.get(*at).is_some_and(|token| *token != Token::Mark('}')) {
                    use_tree(tokens, at, &path, imports, globs);
                    if tokens.get(*at) == Some(&Token::Mark(',')) {
                        *at += 1;
                    }
                }
                *at += 1;
                return;
            }
            Token::Mark(_) => {
                *at -= 1;
                break;
            }
        }
    }
    if let Some(name) = path.last() {
        imports.insert(name.clone(), path.clone());
    }
}

/// All paths of a module's code, of two words at least. `use` declarations are left to [`use_tree`].
fn paths(tokens: &[Token]) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at] == Token::Word("use".to_owned()) {
            at += tokens[at..]
                .iter()
                .take_while(|token| **token != Token::Mark(';'))
                .count();
        } else if let Token::Word(word) = &tokens[at] {
            path.push(word.clone());
            let colon = Some(&Token::Mark(':'));
            let goes_on = tokens.get(at + 1) == colon
                && tokens.get(at + 2) == colon
                && matches!(tokens.get(at + 3), Some(Token::Word(_)));
            if goes_on {
                at += 3;
                continue;
            }
            if path.len() > 1 {
                found.push(path.clone());
            }
        }
        path.clear();
        at += 1;
    }
    found
}

/// The module that defines the item of a path, resolved in a module; `None` for items of other crates.
fn defining_module(modules: &Modules, from: &[String], path: &[String], depth: usize) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    if depth > 20 {
        return None;
    }
    let (mut module, mut rest) = match first.as_str() {
        "crate" => (Vec::new(), rest),
        "self" => (from.to_vec(), rest),
        "super" => (from[..from.len().checked_sub(1)?].to_vec(), rest),
        name => {
            let child = [from, &[name.to_owned()]].concat();
            if modules.contains_key(&child) {
                (child, rest)
            } else if let Some(import) = modules[from].imports.get(name)
                && import != path
            {
                let path = [&import[..], rest].concat();
                return defining_module(modules, from, &path, depth + 1);
            } else {
                return None;
            }
        }
    };
    while let Some((name, after)) = rest.split_first() {
        if name == "super" {
            module.pop();
            rest = after;
            continue;
        }
        let child = [&module[..], std::slice::from_ref(name)].concat();
        if modules.contains_key(&child) {
            (module, rest) = (child, after);
            continue;
        }
        let Some(import) = modules[&module].imports.get(name) else {
            break;
        };
        let path = [&import[..], after].concat();
        return defining_module(modules, &module, &path, depth + 1).or(Some(module));
    }
    Some(module)
}

/// A path from the root of the crate, if it is one of the crate.
fn absolute(from: &[String], path: &[String]) -> Vec<String> {
    let mut found = from.to_vec();
    for (at, name) in path.iter().enumerate() {
        match name.as_str() {
            "crate" => found.clear(),
            "super" => drop(found.pop()),
            "self" if at == 0 => {}
            _ => found.push(name.clone()),
        }
    }
    found
}

/// The files of a crate and the files that each uses.
fn edges(modules: &Modules) -> BTreeMap<String, BTreeSet<String>> {
    let mut edges = BTreeMap::new();
    for (path, module) in modules {
        let mut used: BTreeSet<String> = BTreeSet::new();
        // A file does not use the items of its folder that it re-exports.
        let is_facade = module.file.ends_with("lib.rs") || module.file.ends_with("mod.rs");
        let re_exports = if is_facade {
            re_exported(&module.tokens)
        } else {
            BTreeSet::new()
        };
        // Nor is the import of a module a use of it: the paths that begin with it are.
        let names_item = |import: &&Vec<String>| !modules.contains_key(&absolute(path, import));
        let imports = module.imports.values().filter(names_item).chain(&module.globs);
        let imports = imports.filter(|import| !re_exports.contains(*import)).cloned();
        for named in imports.chain(paths(&module.tokens)) {
            if let Some(target) = defining_module(modules, path, &named, 0) {
                used.insert(modules[&target].file.clone());
            }
        }
        used.remove(&module.file);
        edges.insert(module.file.clone(), used);
    }
    edges
}

/// The paths of `pub use` declarations.
fn re_exported(tokens: &[Token]) -> BTreeSet<Vec<String>> {
    let (mut imports, mut globs) = (BTreeMap::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        at += 1;
        if tokens[at - 1] != Token::Word("pub".to_owned()) {
            continue;
        }
        if tokens.get(at) == Some(&Token::Mark('(')) {
            at = closing(tokens, at);
        }
        if tokens.get(at) == Some(&Token::Word("use".to_owned())) {
            at += 1;
            use_tree(tokens, &mut at, &[], &mut imports, &mut globs);
        }
    }
    imports.into_values().chain(globs).collect()
}

/// Groups of files that all reach each other.
fn cycles(edges: &BTreeMap<String, BTreeSet<String>>) -> BTreeSet<String> {
    let reached = |from: &String| {
        let mut seen = BTreeSet::new();
        let mut waiting = vec![from];
        while let Some(file) = waiting.pop() {
            for next in edges.get(file).into_iter().flatten() {
                if seen.insert(next) {
                    waiting.push(next);
                }
            }
        }
        seen
    };
    let reach: BTreeMap<&String, BTreeSet<&String>> =
        edges.keys().map(|file| (file, reached(file))).collect();
    let group = |file: &String| {
        let group = reach[file].iter().filter(|other| reach[**other].contains(file));
        group.map(|file| file.as_str()).collect::<Vec<_>>().join(" ")
    };
    let in_cycles = edges.keys().filter(|file| reach[file].contains(file));
    in_cycles.map(group).collect()
}

fn crate_edges(name: &str) -> BTreeMap<String, BTreeSet<String>> {
    let folder = workspace().join("crates").join(name).join("src");
    let mut found = Modules::new();
    for root in ["lib.rs", "main.rs"] {
        let file = folder.join(root);
        if file.exists() {
            modules(&folder, &file, &[], &mut found);
            break;
        }
    }
    edges(&found)
}

#[test]
fn no_import_cycle_between_files_of_a_crate() {
    let mut problems = Vec::new();
    for entry in fs::read_dir(workspace().join("crates")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let edges = crate_edges(&name);
        assert!(!edges.is_empty(), "{name} has no files");
        let cycles = cycles(&edges);
        if !cycles.is_empty() {
            problems.push(format!("{name} has import cycles:"));
        }
        for cycle in cycles {
            let files: Vec<&str> = cycle.split(' ').collect();
            let within = files.iter().flat_map(|file| {
                let used = edges[*file].iter().filter(|used| files.contains(&used.as_str()));
                used.map(move |used| format!("  {file} uses {used}"))
            });
            problems.extend(within);
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn paths_lead_through_re_exports_to_the_file() {
    let mut edges = crate_edges("c1z");
    let used = edges.remove("writer/mod.rs").unwrap();
    assert!(used.contains("v3/row_sorter.rs"), "{used:?}");
    assert!(!used.contains("v3/mod.rs"), "{used:?}");
}

#[test]
fn strings_comments_and_tests_are_not_code() {
    let code = "// a::b\nuse c::{d, e as f};/* g */ fn h<'a>() { \"i::j\"; r#\"k\"l\"#; 'm'; '\\''; b\"n\" }\n#[cfg(test)]\nmod tests { use o::p; }\nq";
    let words: Vec<String> = tokens(code)
        .into_iter()
        .filter_map(|token| match token {
            Token::Word(word) => Some(word),
            Token::Mark(_) => None,
        })
        .collect();
    assert_eq!(words.join(" "), "use c d e as f fn h a q");
    let edges = |pairs: &[(&str, &str)]| {
        let mut edges: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (from, to) in pairs {
            edges
                .entry((*from).to_owned())
                .or_default()
                .insert((*to).to_owned());
            edges.entry((*to).to_owned()).or_default();
        }
        edges
    };
    let two = edges(&[("a", "b"), ("b", "c"), ("c", "a"), ("c", "d"), ("d", "e")]);
    assert_eq!(cycles(&two), BTreeSet::from(["a b c".to_owned()]));
    assert!(cycles(&edges(&[("a", "b"), ("b", "c"), ("a", "c")])).is_empty());
}
