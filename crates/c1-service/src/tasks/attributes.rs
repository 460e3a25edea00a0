//! Converts protobuf structs to attributes.

use access_core::StatusCode;
use access_core::provisioning::{AttributeValue, Attributes, ResourceRef};
use baton_proto::prost_types::value::Kind;
use baton_proto::prost_types::{Struct, Value};

use crate::connector::TaskFailure;

/// Largest integer of a protobuf double that no other integer is rounded to.
const MAX_EXACT_INTEGER: f64 = 9_007_199_254_740_991.0;

/// Converts texts, booleans, integers, resources and lists of these; nulls are omitted.
pub(super) fn attributes_from_struct(object: &Struct) -> Result<Attributes, TaskFailure> {
    let mut attributes = Attributes::new();
    for (key, value) in &object.fields {
        let refuse = || {
            TaskFailure::new(
                StatusCode::InvalidArgument,
                format!("`{key}` is neither text, flag, whole number, resource nor a list of these"),
            )
        };
        match &value.kind {
            None | Some(Kind::NullValue(_)) => {}
            Some(kind) => {
                attributes.insert(key.clone(), attribute(kind).ok_or_else(refuse)?);
            }
        }
    }
    Ok(attributes)
}

fn attribute(kind: &Kind) -> Option<AttributeValue> {
    Some(match kind {
        Kind::StringValue(text) => AttributeValue::Text(text.clone()),
        Kind::BoolValue(flag) => AttributeValue::Flag(*flag),
        Kind::NumberValue(number) => AttributeValue::Number(to_exact_integer(*number)?),
        Kind::ListValue(list) => {
            let texts = list.values.iter().map(text);
            AttributeValue::List(texts.collect::<Option<_>>()?)
        }
        Kind::StructValue(object) => AttributeValue::Resource(resource(object)?),
        Kind::NullValue(_) => return None,
    })
}

fn resource(object: &Struct) -> Option<ResourceRef> {
    ResourceRef::parse(|key| match object.fields.get(key)?.kind.as_ref()? {
        Kind::StringValue(text) => Some(text),
        _ => None,
    })
}

fn text(value: &Value) -> Option<String> {
    match value.kind.as_ref()? {
        Kind::StringValue(text) => Some(text.clone()),
        Kind::NumberValue(number) => to_exact_integer(*number).map(|number| number.to_string()),
        Kind::StructValue(object) => resource(object).map(|resource| resource.to_string()),
        _ => None,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the number is whole and below 2^53"
)]
fn to_exact_integer(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= MAX_EXACT_INTEGER).then_some(number as i64)
}
