//! What ConductorOne is told of the connector (baton-runtime facts §3.5, step 1).

use access_core::provisioning::{ACCOUNT_FIELDS, FieldKind};
use baton_proto::connector_v2 as v2;
use baton_proto::connector_v2::connector_account_creation_schema::{self as form, Field};
use c1_service::BuildInfo;

/// The connector, its capabilities, and the form for accounts.
pub(super) fn of_connector(with_devices: bool) -> v2::ConnectorMetadata {
    v2::ConnectorMetadata {
        display_name: "NinjaOne".to_owned(),
        description: "Who can do what in a NinjaOne tenant".to_owned(),
        capabilities: Some(crate::capabilities::message(with_devices)),
        account_creation_schema: Some(account_form()),
        ..v2::ConnectorMetadata::default()
    }
}

/// Which build it is.
pub(super) fn of_build() -> BuildInfo {
    BuildInfo {
        lang_version: "rust".to_owned(),
        package: env!("CARGO_PKG_NAME").to_owned(),
        package_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

fn account_form() -> v2::ConnectorAccountCreationSchema {
    let fields = ACCOUNT_FIELDS.iter().zip(0..).map(|(field, order)| {
        let kind = match field.kind {
            FieldKind::Text => form::field::Field::StringField(form::StringField::default()),
            FieldKind::Flag => form::field::Field::BoolField(form::BoolField::default()),
            FieldKind::List => form::field::Field::StringListField(form::StringListField::default()),
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
