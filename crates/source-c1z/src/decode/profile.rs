//! Profiles: free-form attributes of resources.

use access_core::model::{Profile, ProfileValue};
use baton_proto::prost_types::Struct;
use baton_proto::prost_types::value::Kind;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

/// Integers up to this one are exact in protobuf's doubles.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The attributes with a value. Anything but texts, flags and integers becomes compact JSON with sorted keys.
pub(super) fn profile(message: &Struct) -> Profile {
    let mut profile = Profile::new();
    for (key, value) in &message.fields {
        profile.set(key.clone(), value.kind.as_ref().and_then(attribute));
    }
    profile
}

fn attribute(kind: &Kind) -> Option<ProfileValue> {
    Some(match kind {
        Kind::NullValue(_) => return None,
        Kind::StringValue(text) => text.as_str().into(),
        Kind::BoolValue(flag) => (*flag).into(),
        Kind::NumberValue(number) => match exact_integer(*number) {
            Some(number) => number.into(),
            None => json(kind),
        },
        Kind::StructValue(_) | Kind::ListValue(_) => json(kind),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the number is an integer within ±2^53"
)]
fn exact_integer(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

fn json(kind: &Kind) -> ProfileValue {
    // Every key is a text and every number is finite, so this cannot fail.
    let text = serde_json::to_string(&Json(Some(kind))).unwrap_or_default();
    ProfileValue::Json(text.into())
}

/// A value as JSON. NaN and infinities become texts, as in protobuf's JSON mapping.
struct Json<'a>(Option<&'a Kind>);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            None | Some(Kind::NullValue(_)) => serializer.serialize_unit(),
            Some(Kind::StringValue(text)) => serializer.serialize_str(text),
            Some(Kind::BoolValue(flag)) => serializer.serialize_bool(*flag),
            Some(Kind::NumberValue(number)) => match exact_integer(*number) {
                Some(number) => serializer.serialize_i64(number),
                None if number.is_nan() => serializer.serialize_str("NaN"),
                None if number.is_infinite() && number.is_sign_positive() => {
                    serializer.serialize_str("Infinity")
                }
                None if number.is_infinite() => serializer.serialize_str("-Infinity"),
                None => serializer.serialize_f64(*number),
            },
            Some(Kind::StructValue(message)) => {
                let mut map = serializer.serialize_map(Some(message.fields.len()))?;
                for (key, value) in &message.fields {
                    map.serialize_entry(key, &Json(value.kind.as_ref()))?;
                }
                map.end()
            }
            Some(Kind::ListValue(list)) => {
                let mut items = serializer.serialize_seq(Some(list.values.len()))?;
                for value in &list.values {
                    items.serialize_element(&Json(value.kind.as_ref()))?;
                }
                items.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use baton_proto::prost_types::{ListValue, Value};

    use super::*;

    fn value(kind: Kind) -> Value {
        Value { kind: Some(kind) }
    }

    fn fields(fields: Vec<(&str, Value)>) -> Struct {
        Struct {
            fields: fields
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        }
    }

    #[test]
    fn every_kind_of_value() {
        let number = |number| value(Kind::NumberValue(number));
        let list = value(Kind::ListValue(ListValue {
            values: vec![
                number(1.0),
                number(0.5),
                value(Kind::NullValue(0)),
                Value { kind: None },
            ],
        }));
        let nested = fields(vec![
            ("z", value(Kind::StringValue("\"quoted\"\n".to_owned()))),
            ("a", list.clone()),
            ("m", number(f64::NAN)),
        ]);
        let message = fields(vec![
            ("text", value(Kind::StringValue("Zoë".to_owned()))),
            ("empty", value(Kind::StringValue(String::new()))),
            ("flag", value(Kind::BoolValue(false))),
            ("whole", number(-42.0)),
            ("largest", number(EXACT)),
            ("larger", number(EXACT * 2.0)),
            ("fraction", number(0.1)),
            ("endless", number(f64::NEG_INFINITY)),
            ("null", value(Kind::NullValue(0))),
            ("nothing", Value { kind: None }),
            ("list", list),
            ("nested", value(Kind::StructValue(nested))),
        ]);
        let mut rendered = String::new();
        for (key, value) in profile(&message).iter() {
            writeln!(rendered, "{key} = {value:?}").unwrap();
        }
        insta::assert_snapshot!(rendered, @r#"
        empty = Text("")
        endless = Json("\"-Infinity\"")
        flag = Flag(false)
        fraction = Json("0.1")
        larger = Json("1.8014398509481984e+16")
        largest = Number(9007199254740992)
        list = Json("[1,0.5,null,null]")
        nested = Json("{\"a\":[1,0.5,null,null],\"m\":\"NaN\",\"z\":\"\\\"quoted\\\"\\n\"}")
        text = Text("Zoë")
        whole = Number(-42)
        "#);
    }
}
