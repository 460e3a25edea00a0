//! Faults that keep a body valid JSON and change its contents.

use serde_json::{Map, Value};

/// A change to some rows of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Edit {
    /// The list in the body, as a JSON pointer. A value that is not a list counts as its only row.
    pub list: &'static str,
    /// Which rows.
    pub rows: Rows,
    /// The field of a row, as a JSON pointer; the empty one is the row itself.
    pub field: String,
    /// Its new value.
    pub to: To,
}

/// Which rows of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// All of them.
    Every,
    /// This one, counted from 0.
    Nth(usize),
}

/// The new value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum To {
    /// This value.
    Value(Value),
    /// This text, which need be no JSON.
    Verbatim(String),
    /// Nothing: the key is absent.
    Absent,
}

/// A change of a complete list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reshape {
    /// The last row comes first.
    Reversed,
    /// Every second row has the id of the row before.
    SharedIds,
    /// Every row twice.
    Doubled,
    /// The list is the value of this key of an object.
    Wrapped(&'static str),
    /// The list is nested in this number of further lists.
    Nested(usize),
}

/// Placeholder for text that is not JSON.
const PLACE: &str = "\u{1}verbatim\u{1}";

impl Edit {
    /// The changed body; `None` if there is no such row or field. The field may already have the new value.
    pub(crate) fn apply(&self, body: &[u8]) -> Option<Vec<u8>> {
        let mut after: Value = serde_json::from_slice(body).ok()?;
        let mut changed = false;
        match after.pointer_mut(self.list)? {
            Value::Array(rows) => {
                for (position, row) in rows.iter_mut().enumerate() {
                    if self.rows == Rows::Every || self.rows == Rows::Nth(position) {
                        changed |= self.change(row);
                    }
                }
            }
            row => changed = self.change(row),
        }
        if !changed {
            return None;
        }
        let text = after.to_string();
        let text = match &self.to {
            To::Verbatim(verbatim) => text.replace(&Value::from(PLACE).to_string(), verbatim),
            _ => text,
        };
        Some(text.into_bytes())
    }

    fn change(&self, row: &mut Value) -> bool {
        let to = match &self.to {
            To::Value(value) => Some(value.clone()),
            To::Verbatim(_) => Some(Value::from(PLACE)),
            To::Absent => None,
        };
        let Some((parent, key)) = self.field.rsplit_once('/') else {
            *row = to.unwrap_or_default();
            return true;
        };
        match (row.pointer_mut(parent), to) {
            (Some(Value::Object(object)), Some(to)) => {
                object.insert(key.to_owned(), to);
                true
            }
            (Some(Value::Object(object)), None) => {
                object.remove(key);
                true
            }
            (Some(Value::Array(list)), to) => {
                let element = key.parse().ok().and_then(|at: usize| list.get_mut(at));
                element.map(|element| *element = to.unwrap_or_default()).is_some()
            }
            _ => false,
        }
    }
}

impl Reshape {
    /// The changed body; `None` if it is not a list, or not one that this changes.
    pub(crate) fn apply(self, body: &[u8]) -> Option<Vec<u8>> {
        let before: Value = serde_json::from_slice(body).ok()?;
        let mut rows = before.as_array()?.clone();
        let after = match self {
            Self::Reversed => {
                rows.reverse();
                Value::Array(rows)
            }
            Self::SharedIds => {
                for pair in rows.chunks_mut(2) {
                    if let [first, second] = pair {
                        second["id"] = first["id"].clone();
                    }
                }
                Value::Array(rows)
            }
            Self::Doubled => Value::Array(rows.into_iter().flat_map(|row| [row.clone(), row]).collect()),
            Self::Wrapped(key) => Value::Object(Map::from_iter([(key.to_owned(), Value::Array(rows))])),
            Self::Nested(depth) => (0..depth).fold(Value::Array(rows), |inner, _| Value::Array(vec![inner])),
        };
        (after != before).then(|| after.to_string().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn edited(body: &str, list: &'static str, rows: Rows, field: &str, to: To) -> Option<String> {
        let edit = Edit {
            list,
            rows,
            field: field.to_owned(),
            to,
        };
        let body = edit.apply(body.as_bytes())?;
        Some(String::from_utf8(body).unwrap())
    }

    #[test]
    fn rows_and_fields_are_edited() {
        let body = r#"[{"id":1,"a":2},{"id":2,"m":[{"id":3}]}]"#;
        let on = |rows, field, to| edited(body, "", rows, field, to).unwrap_or_default();
        let shown = [
            on(Rows::Every, "/a", To::Value(Value::Null)),
            on(Rows::Nth(0), "/a", To::Absent),
            on(Rows::Nth(1), "/m/0/id", To::Value(json!("x"))),
            on(Rows::Nth(1), "", To::Value(json!(7))),
            on(Rows::Nth(0), "/id", To::Verbatim("1e400".to_owned())),
            on(Rows::Nth(9), "/id", To::Absent),
        ];
        insta::assert_snapshot!(shown.join("\n"), @r#"
        [{"a":null,"id":1},{"a":null,"id":2,"m":[{"id":3}]}]
        [{"id":1},{"id":2,"m":[{"id":3}]}]
        [{"a":2,"id":1},{"id":2,"m":[{"id":"x"}]}]
        [{"a":2,"id":1},7]
        [{"a":2,"id":1e400},{"id":2,"m":[{"id":3}]}]
        "#);
        assert_eq!(
            edited(r#"{"l":[{"id":1}]}"#, "/l", Rows::Every, "/id", To::Absent).as_deref(),
            Some(r#"{"l":[{}]}"#)
        );
        assert_eq!(
            edited(r#"{"id":1}"#, "", Rows::Every, "/id", To::Absent).as_deref(),
            Some("{}")
        );
    }

    #[test]
    fn lists_are_replaced() {
        let body = br#"[{"id":1},{"id":2},{"id":3}]"#;
        let shown: Vec<String> = [
            Reshape::Reversed,
            Reshape::SharedIds,
            Reshape::Doubled,
            Reshape::Wrapped("data"),
            Reshape::Nested(2),
        ]
        .map(|reshape| String::from_utf8(reshape.apply(body).unwrap()).unwrap())
        .to_vec();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        [{"id":3},{"id":2},{"id":1}]
        [{"id":1},{"id":1},{"id":3}]
        [{"id":1},{"id":1},{"id":2},{"id":2},{"id":3},{"id":3}]
        {"data":[{"id":1},{"id":2},{"id":3}]}
        [[[{"id":1},{"id":2},{"id":3}]]]
        "#);
        assert_eq!(Reshape::Doubled.apply(b"[]"), None);
        assert_eq!(Reshape::Reversed.apply(b"{}"), None);
    }
}
