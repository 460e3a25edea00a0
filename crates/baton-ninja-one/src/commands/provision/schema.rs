//! Schemas of accounts and actions, for ConductorOne and for documents.

use std::fmt::Write;

use access_core::provisioning::{FieldType, UPDATE_ACCOUNT};
use baton_proto::connector_v2 as v2;
use baton_proto::connector_v2::connector_account_creation_schema::{self as form, Field};
use ninjaone::ACCOUNTS;
use serde_json::{Map, Value, json};

/// The flag of an attribute. `roles` is singular, because the flag is repeatable.
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

/// The form for new accounts in ConductorOne.
pub(crate) fn account_form() -> v2::ConnectorAccountCreationSchema {
    let fields = ACCOUNTS.create_fields.iter().zip(0..).map(|(field, order)| {
        let kind = match field.kind() {
            FieldType::Text => form::field::Field::StringField(form::StringField::default()),
            FieldType::Flag => form::field::Field::BoolField(form::BoolField::default()),
            FieldType::List => form::field::Field::StringListField(form::StringListField::default()),
        };
        let wire = Field {
            display_name: field.display_name.to_owned(),
            required: field.required,
            description: field.description.to_owned(),
            placeholder: field.placeholder.to_owned(),
            order,
            deprecated: false,
            field: Some(kind),
        };
        (field.name.to_owned(), wire)
    });
    v2::ConnectorAccountCreationSchema {
        field_map: fields.collect(),
    }
}

/// The form as protobuf JSON of `c1.connector.v2.ConnectorAccountCreationSchema` (wire-fields table).
pub(super) fn account_creation() -> String {
    let fields = account_form().field_map.into_iter();
    let fields = fields.map(|(name, field)| (name, creation_field(&field)));
    let schema = json!({ "fieldMap": fields.collect::<Map<String, Value>>() });
    format!("{}\n", serde_json::to_string_pretty(&schema).unwrap_or_default())
}

fn creation_field(field: &Field) -> Value {
    let mut wire = Map::new();
    for (key, text) in [
        ("displayName", &field.display_name),
        ("description", &field.description),
        ("placeholder", &field.placeholder),
    ] {
        wire.insert(key.to_owned(), json!(text));
    }
    if field.required {
        wire.insert("required".to_owned(), json!(true));
    }
    if field.order > 0 {
        wire.insert("order".to_owned(), json!(field.order));
    }
    let kind = match field.field {
        Some(form::field::Field::BoolField(_)) => "boolField",
        Some(form::field::Field::StringListField(_)) => "stringListField",
        _ => "stringField",
    };
    wire.insert(kind.to_owned(), json!({}));
    Value::Object(wire)
}

/// The actions with their arguments.
pub(super) fn actions() -> String {
    let arguments: Vec<Value> = ACCOUNTS
        .update_fields
        .iter()
        .map(|field| json!({ "name": field.name, "required": field.required, "description": field.description }))
        .collect();
    let schemas = json!([{
        "name": UPDATE_ACCOUNT,
        "displayName": "Update account",
        "description": ACCOUNTS.update_description,
        "arguments": arguments,
    }]);
    format!("{}\n", serde_json::to_string_pretty(&schemas).unwrap_or_default())
}

/// The attributes of an account as a table for the documents.
pub(crate) fn account_fields() -> String {
    let mut text = String::from("| Attribute | Flag | Takes | Needed | Meaning |\n|---|---|---|---|---|\n");
    for field in ACCOUNTS.create_fields {
        let kind = match field.kind() {
            FieldType::Text => "text",
            FieldType::Flag => "true, false",
            FieldType::List => "list of texts",
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
