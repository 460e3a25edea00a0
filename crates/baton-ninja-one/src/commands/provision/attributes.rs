//! Parses attributes from JSON.

use access_core::provisioning::{AttributeValue, Attributes, ResourceRef};
use serde_json::{Map, Value};

use super::error::RequestError;

/// Parses a JSON object of texts, flags, integers, resources and lists of these. Nulls are omitted.
pub(super) fn from_json(origin: &'static str, json: &str) -> Result<Attributes, RequestError> {
    let refuse = |reason: String| RequestError::Json { origin, reason };
    let object: Map<String, Value> = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
    let mut attributes = Attributes::new();
    for (key, value) in object {
        if value.is_null() {
            continue;
        }
        let value = attribute(&value).ok_or_else(|| {
            refuse(format!(
                "`{key}` is neither text, flag, whole number, resource nor a list of these"
            ))
        })?;
        attributes.insert(key, value);
    }
    Ok(attributes)
}

fn attribute(value: &Value) -> Option<AttributeValue> {
    Some(match value {
        Value::String(text) => AttributeValue::Text(text.clone()),
        Value::Bool(flag) => AttributeValue::Flag(*flag),
        Value::Number(number) => AttributeValue::Number(number.as_i64()?),
        Value::Array(values) => {
            let texts = values.iter().map(|value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => number.as_i64().map(|number| number.to_string()),
                Value::Object(object) => resource(object).map(|resource| resource.to_string()),
                _ => None,
            });
            AttributeValue::List(texts.collect::<Option<_>>()?)
        }
        Value::Object(object) => AttributeValue::Resource(resource(object)?),
        Value::Null => return None,
    })
}

fn resource(object: &Map<String, Value>) -> Option<ResourceRef> {
    ResourceRef::parse(|key| object.get(key).and_then(Value::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_from_json_objects() {
        let read = |json: &str| match from_json("--profile", json) {
            Ok(attributes) => format!("{attributes:?}"),
            Err(error) => format!("refused: {error}"),
        };
        let texts = [
            r#"{"a":"x","b":true,"c":7,"d":["p",9],"e":null}"#,
            r#"{"a":{}}"#,
            r#"{"a":1.5}"#,
            r#"{"a":{"resource_type_id":"user","resource_id":"903"}}"#,
            r#"{"a":{"resource_type":"user","resource":"903"},"b":[{"resource_type_id":"role","resource_id":"7"}]}"#,
            r#"{"a":{"resource_type_id":"user","resource_id":903}}"#,
            r#"{"a":{"resource_id":"903"}}"#,
            r#"{"a":[true]}"#,
            "[]",
            "{",
            "",
            "not json",
        ];
        insta::assert_snapshot!(texts.map(|text| format!("{text}\n  {}", read(text))).join("\n"));
    }
}
