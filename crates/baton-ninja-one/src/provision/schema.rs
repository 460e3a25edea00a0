//! What accounts are made of and which actions there are, for C1 and for people.

use std::fmt::Write;

use access_core::provisioning::{ACCOUNT_FIELDS, AccountField, FieldKind};
use serde_json::{Map, Value, json};

/// The one action.
pub(super) const UPDATE_ACCOUNT: &str = "update-account";

/// The flag of an attribute: `roles` can be said several times.
pub(super) fn flag(attribute: &'static str) -> &'static str {
    match attribute {
        "user_type" => "kind",
        "first_name" => "first-name",
        "last_name" => "last-name",
        "organization_id" => "organization",
        "full_portal_access" => "full-portal-access",
        "send_invitation" => "send-invitation",
        "roles" => "role",
        other => other,
    }
}

/// Protobuf JSON of `c1.connector.v2.ConnectorAccountCreationSchema` (wire-fields table).
pub(super) fn account_creation() -> String {
    let fields = ACCOUNT_FIELDS
        .iter()
        .enumerate()
        .map(|(order, field)| (field.name.to_owned(), creation_field(order, field)));
    let schema = json!({ "fieldMap": fields.collect::<Map<String, Value>>() });
    format!("{}\n", serde_json::to_string_pretty(&schema).unwrap_or_default())
}

fn creation_field(order: usize, field: &AccountField) -> Value {
    let mut wire = Map::new();
    wire.insert("displayName".to_owned(), json!(field.display_name));
    if field.required {
        wire.insert("required".to_owned(), json!(true));
    }
    wire.insert("description".to_owned(), json!(field.description));
    wire.insert("placeholder".to_owned(), json!(field.placeholder));
    if order > 0 {
        wire.insert("order".to_owned(), json!(order));
    }
    let kind = match field.kind {
        FieldKind::Text => "stringField",
        FieldKind::Flag => "boolField",
        FieldKind::List => "stringListField",
    };
    wire.insert(kind.to_owned(), json!({}));
    Value::Object(wire)
}

/// The actions with their arguments.
pub(super) fn actions() -> String {
    let argument = |name: &str, required: bool, description: &str| json!({ "name": name, "required": required, "description": description });
    let schemas = json!([{
        "name": UPDATE_ACCOUNT,
        "displayName": "Update account",
        "description": "Changes what NinjaOne's API can change of an account",
        "arguments": [
            argument("user_id", true, "The account: its id or its login"),
            argument("first_name", false, "Another first name"),
            argument("last_name", false, "Another last name"),
            argument("organization_id", false, "Another organization, by id or name; end users only"),
            argument("full_portal_access", false, "true or false; end users only"),
        ],
    }]);
    format!("{}\n", serde_json::to_string_pretty(&schemas).unwrap_or_default())
}

/// The attributes of an account as a table for the documents.
pub(crate) fn account_fields() -> String {
    let mut text = String::from("| Attribute | Flag | Takes | Needed | Meaning |\n|---|---|---|---|---|\n");
    for field in ACCOUNT_FIELDS {
        let kind = match field.kind {
            FieldKind::Text => "text",
            FieldKind::Flag => "true, false",
            FieldKind::List => "list of texts",
        };
        let needed = if field.required { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "| `{}` | `--{}` | {kind} | {needed} | {} |",
            field.name,
            flag(field.name),
            field.description
        );
    }
    text
}
