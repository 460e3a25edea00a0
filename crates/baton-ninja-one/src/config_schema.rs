//! The JSON Schema of the config file, for editors: completion, descriptions, and errors while typing.

use serde_json::{Map, Value, json};

use crate::settings::{REFERENCE, SETTINGS, Setting, SettingScope, SettingStatus, ValueType, sink_schemas};

/// The schema, as the text of `config/schema.json`.
///
/// Its keys are the settings of a config file, and `sinks`. It is stricter than the program in one point: numbers and
/// switches are not accepted as texts.
#[must_use]
pub fn config_schema() -> String {
    let mut properties = Map::new();
    for setting in SETTINGS
        .iter()
        .filter(|setting| setting.scope == SettingScope::All)
    {
        properties.insert(setting.name.to_owned(), property(setting));
    }
    for row in REFERENCE.iter().filter(|row| row.scope == SettingScope::All) {
        if let SettingStatus::NoEffect(reason) = row.fate {
            let property = json!({ "description": format!("No effect: {reason}"), "deprecated": true });
            properties.entry(row.name.to_owned()).or_insert(property);
        }
    }
    properties.insert(
        "sinks".to_owned(),
        json!({
            "description": "Outputs, all of them written in one pass",
            "type": "array",
            "items": { "anyOf": sink_schemas() },
        }),
    );
    let schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Config file of baton-ninja-one",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}

fn property(setting: &Setting) -> Value {
    let mut property = match setting.value_type {
        ValueType::Text | ValueType::Json | ValueType::Path => json!({ "type": "string" }),
        ValueType::Switch => json!({ "type": "boolean" }),
        ValueType::Integer {
            max,
            zero_is_default: true,
            ..
        } => json!({ "type": "integer", "maximum": max }),
        ValueType::Integer { min, max, .. } => json!({ "type": "integer", "minimum": min, "maximum": max }),
        ValueType::Number => json!({ "type": "integer" }),
        ValueType::List => json!({
            "anyOf": [{ "type": "array", "items": { "type": "string" } }, { "type": "string" }],
        }),
        ValueType::Choice {
            words,
            fallback: None,
        } => json!({ "type": "string", "enum": words }),
        // Any word is valid; the known ones are for completion.
        ValueType::Choice {
            words,
            fallback: Some(_),
        } => json!({
            "anyOf": [{ "type": "string", "enum": words }, { "type": "string" }],
        }),
    };
    property["description"] = json!(setting.help);
    if !setting.default.is_empty() {
        property["default"] = default(setting);
    }
    property
}

/// The default in the type of the setting.
fn default(setting: &Setting) -> Value {
    let text = setting.default;
    match setting.value_type {
        ValueType::Switch => json!(text == "true"),
        ValueType::Integer { .. } | ValueType::Number => text
            .parse::<i64>()
            .map_or_else(|_| json!(text), |number| json!(number)),
        _ => json!(text),
    }
}
