//! `config`: protobuf JSON of `c1.config.v1.Configuration` (docs/reference/conductorone.md §1.10).

use serde_json::{Map, Value, json};

use crate::settings::{SETTINGS, Setting, ValueType, keys};

/// The settings of the reference's runtime that work here, in the reference's order.
static RUNTIME: [&Setting; 11] = [
    &keys::LOG_LEVEL.setting,
    &keys::OTEL_COLLECTOR_ENDPOINT.setting,
    &keys::OTEL_COLLECTOR_ENDPOINT_TLS_CERT_PATH.setting,
    &keys::OTEL_COLLECTOR_ENDPOINT_TLS_CERT.setting,
    &keys::OTEL_COLLECTOR_ENDPOINT_TLS_INSECURE.setting,
    &keys::OTEL_TRACING_DISABLED.setting,
    &keys::OTEL_LOGGING_DISABLED.setting,
    &keys::HEALTH_CHECK.setting,
    &keys::HEALTH_CHECK_PORT.setting,
    &keys::HEALTH_CHECK_BIND_ADDRESS.setting,
    &keys::HTTP_TIMEOUT_SECONDS.setting,
];

/// The JSON, without a line end, like the reference.
pub(crate) fn json() -> String {
    let own = SETTINGS.iter().filter(|setting| {
        setting.name.starts_with("ninja-one-") || setting.name == keys::CA_FILE.setting.name
    });
    let fields: Vec<Value> = RUNTIME
        .into_iter()
        .map(|setting| field(setting, true))
        .chain(own.map(|setting| field(setting, false)))
        .collect();
    let schema = json!({
        "fields": fields,
        "displayName": "NinjaOne",
        "helpUrl": "/docs/baton/ninja-one",
        "iconUrl": "/static/app-icons/ninja-one.svg",
    });
    let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    // The reference's JSON encoder escapes these characters.
    text.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
}

fn field(setting: &Setting, runtime: bool) -> Value {
    let mut field = Map::new();
    field.insert("name".to_owned(), json!(setting.name));
    field.insert("displayName".to_owned(), json!(display_name(setting.name)));
    field.insert("description".to_owned(), json!(setting.help));
    for (key, on) in [
        ("isRequired", setting.required),
        ("isOps", runtime),
        ("isSecret", setting.secret),
    ] {
        if on {
            field.insert(key.to_owned(), json!(true));
        }
    }
    let (kind, mut shape) = match setting.value_type {
        ValueType::Switch => ("boolField", Map::new()),
        ValueType::Number => ("intField", Map::new()),
        ValueType::Integer { min, max, .. } => {
            let rules = json!({ "lte": max.to_string(), "gte": min.to_string() });
            ("intField", Map::from_iter([("rules".to_owned(), rules)]))
        }
        ValueType::List => ("stringSliceField", Map::new()),
        ValueType::Text | ValueType::Json | ValueType::Path | ValueType::Choice { .. } => {
            ("stringField", Map::new())
        }
    };
    match (kind, setting.default) {
        (_, "" | "false") => {}
        (_, default) => {
            shape.insert("defaultValue".to_owned(), json!(default));
        }
    }
    if setting.required {
        shape.insert("rules".to_owned(), json!({ "isRequired": true }));
    }
    field.insert(kind.to_owned(), Value::Object(shape));
    Value::Object(field)
}

fn display_name(name: &str) -> String {
    let words = name.strip_prefix("ninja-one-").unwrap_or(name).split('-');
    let words = words.enumerate().map(|(position, word)| match word {
        "url" | "id" | "http" | "ca" | "tls" => word.to_uppercase(),
        "otel" => "OpenTelemetry".to_owned(),
        _ if position == 0 => word[..1].to_uppercase() + &word[1..],
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn config_schema_json() {
        insta::assert_snapshot!(super::json());
    }
}
