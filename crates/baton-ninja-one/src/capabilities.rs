//! `capabilities`: protobuf JSON of `c1.connector.v2.ConnectorCapabilities` (baton-runtime facts §1.9).

use access_core::model::TraitKind;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are the wire's")]
struct Capabilities {
    #[serde(rename = "@type")]
    message: &'static str,
    resource_type_capabilities: Vec<TypeCapabilities>,
    connector_capabilities: Vec<&'static str>,
    credential_details: Empty,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypeCapabilities {
    resource_type: Type,
    capabilities: Vec<&'static str>,
    permissions: Empty,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Type {
    id: String,
    display_name: String,
    traits: Vec<&'static str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    annotations: Vec<Annotation>,
}

#[derive(Serialize)]
struct Annotation {
    #[serde(rename = "@type")]
    message: &'static str,
}

#[derive(Serialize)]
struct Empty {}

const SYNC: &str = "CAPABILITY_SYNC";

/// The JSON text, without a line end, as the reference prints it.
pub(crate) fn json(with_devices: bool) -> String {
    let mut types: Vec<TypeCapabilities> = ninjaone::resource_types(with_devices)
        .into_iter()
        .map(|row| TypeCapabilities {
            resource_type: Type {
                id: row.id.to_string(),
                display_name: row.display_name.to_string(),
                traits: vec![trait_name(row.kind)],
                annotations: row
                    .skip_entitlements_and_grants
                    .then_some(Annotation {
                        message: "type.googleapis.com/c1.connector.v2.SkipEntitlementsAndGrants",
                    })
                    .into_iter()
                    .collect(),
            },
            capabilities: vec![SYNC],
            permissions: Empty {},
        })
        .collect();
    types.sort_by(|a, b| a.resource_type.id.cmp(&b.resource_type.id));
    let capabilities = Capabilities {
        message: "type.googleapis.com/c1.connector.v2.ConnectorCapabilities",
        resource_type_capabilities: types,
        connector_capabilities: vec![SYNC],
        credential_details: Empty {},
    };
    serde_json::to_string_pretty(&capabilities).unwrap_or_default()
}

fn trait_name(kind: TraitKind) -> &'static str {
    match kind {
        TraitKind::User => "TRAIT_USER",
        TraitKind::Group => "TRAIT_GROUP",
        TraitKind::Role => "TRAIT_ROLE",
        TraitKind::App => "TRAIT_APP",
        TraitKind::ManagedDevice => "TRAIT_MANAGED_DEVICE",
        TraitKind::Other => "TRAIT_UNSPECIFIED",
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_the_connector_can_do() {
        insta::assert_snapshot!(super::json(false));
    }
}
