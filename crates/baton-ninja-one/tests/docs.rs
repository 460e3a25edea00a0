//! The generated parts of the documents are up to date. `cargo xtask docs` writes them.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use figment::Figment;
use figment::providers::{Format, Toml};
use serde_json::Value;

fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut paths = vec![root.join("README.md")];
    for folder in [
        "docs/guides",
        "docs/concepts",
        "docs/reference",
        "docs/development",
    ] {
        let entries = fs::read_dir(root.join(folder)).unwrap();
        paths.extend(entries.map(|entry| entry.unwrap().path()));
    }
    paths
}

#[test]
fn generated_parts_are_current() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let mut found = Vec::new();
    for path in documents()
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
    {
        let old = fs::read_to_string(path).unwrap();
        let mut new = old.clone();
        for (name, part) in baton_ninja_one::generated_documents() {
            let (begin, end) = (format!("<!-- generated: {name} -->\n"), "<!-- end generated -->");
            let Some((before, rest)) = new
                .clone()
                .split_once(&begin)
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
            else {
                continue;
            };
            let (_, after) = rest
                .split_once(end)
                .unwrap_or_else(|| panic!("{}: {name} does not end", path.display()));
            new = format!("{before}{begin}{part}{end}{after}");
            found.push(name);
        }
        if update {
            fs::write(path, new).unwrap();
        } else {
            assert_eq!(old, new, "{} is stale: run `cargo xtask docs`", path.display());
        }
    }
    found.sort_unstable();
    let mut all: Vec<&str> = baton_ninja_one::generated_documents()
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    all.sort_unstable();
    assert_eq!(found, all, "every generated part is in one document");
}

/// The JSON schema in the repository is up to date, and the example files are valid.
#[test]
fn config_schema_is_current_and_accepts_the_examples() {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
    let path = config.join("schema.json");
    let text = baton_ninja_one::config_schema();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &text).unwrap();
    }
    assert_eq!(
        fs::read_to_string(&path).unwrap_or_default(),
        text,
        "run `cargo xtask docs`"
    );
    let schema: Value = serde_json::from_str(&text).unwrap();
    for name in ["baton.yaml", "sinks.yaml", "baton.toml", "sinks.toml"] {
        let example = fs::read_to_string(config.join(name)).unwrap().replace("#: ", "");
        let value: Value = if Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "toml")
        {
            Figment::from(Toml::string(&example)).extract().unwrap()
        } else {
            serde_saphyr::from_str(&example).unwrap()
        };
        assert_eq!(problems(&schema, &value, name), Vec::<String>::new());
        assert!(value.as_object().is_some_and(|keys| !keys.is_empty()), "{name}");
    }
    for (wrong, problem) in [
        ("file: [a]", "file: not of the type string"),
        (
            "http-timeout-seconds: soon",
            "http-timeout-seconds: not of the type integer",
        ),
        (
            "http-timeout-seconds: 1000000000",
            "http-timeout-seconds: above the maximum",
        ),
        ("provisioning: yep", "provisioning: not of the type boolean"),
        ("output: xml", "output: not one of the values"),
        ("no-such-key: 1", "no-such-key: unknown key"),
        ("sinks: [{kind: csv}]", "sinks: no alternative fits"),
        (
            "sinks: [{kind: html, path: a.html, bom: true}]",
            "sinks: no alternative fits",
        ),
    ] {
        let value: Value = serde_saphyr::from_str(wrong).unwrap();
        assert_eq!(problems(&schema, &value, ""), [problem], "{wrong}");
    }
}

/// The problems of a value, for the part of JSON Schema that our schema uses.
fn problems(schema: &Value, value: &Value, name: &str) -> Vec<String> {
    let mut found = Vec::new();
    let of_type = match schema["type"].as_str() {
        Some("string") => value.is_string(),
        Some("boolean") => value.is_boolean(),
        Some("integer") => value.is_i64() || value.is_u64(),
        Some("array") => value.is_array(),
        Some("object") => value.is_object(),
        Some(other) => panic!("the schema uses the type {other}, which this test does not know"),
        None => true,
    };
    if !of_type {
        return vec![format!(
            "{name}: not of the type {}",
            schema["type"].as_str().unwrap()
        )];
    }
    if schema["enum"]
        .as_array()
        .is_some_and(|values| !values.contains(value))
    {
        found.push(format!("{name}: not one of the values"));
    }
    if schema.get("const").is_some_and(|expected| expected != value) {
        found.push(format!("{name}: not the value"));
    }
    if let (Some(maximum), Some(number)) = (schema["maximum"].as_u64(), value.as_u64())
        && number > maximum
    {
        found.push(format!("{name}: above the maximum"));
    }
    if let (Some(minimum), Some(number)) = (schema["minimum"].as_i64(), value.as_i64())
        && number < minimum
    {
        found.push(format!("{name}: below the minimum"));
    }
    for key in schema["required"].as_array().into_iter().flatten() {
        if value.get(key.as_str().unwrap()).is_none() {
            found.push(format!("{name}: {key} is missing"));
        }
    }
    if let Some(alternatives) = schema["anyOf"].as_array()
        && !alternatives
            .iter()
            .any(|alternative| problems(alternative, value, name).is_empty())
    {
        found.push(format!("{name}: no alternative fits"));
    }
    for item in value.as_array().into_iter().flatten() {
        found.extend(problems(&schema["items"], item, name));
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        match schema["properties"].get(key) {
            Some(property) => found.extend(problems(property, inner, key)),
            None if schema["additionalProperties"] == Value::Bool(false) => {
                found.push(format!("{key}: unknown key"));
            }
            None => {}
        }
    }
    found
}
