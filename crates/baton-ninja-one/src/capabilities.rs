//! `capabilities`: protobuf JSON of `c1.connector.v2.ConnectorCapabilities` (baton-runtime facts §1.9).

use access_core::model::{ResourceTypeId, TraitKind};
use baton_proto::connector_v2 as v2;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are the wire's")]
struct Capabilities {
    #[serde(rename = "@type")]
    message: &'static str,
    resource_type_capabilities: Vec<TypeCapabilities>,
    connector_capabilities: Vec<&'static str>,
    credential_details: CredentialDetails,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CredentialDetails {
    capability_account_provisioning: AccountProvisioning,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountProvisioning {
    supported_credential_options: [&'static str; 1],
    preferred_credential_option: &'static str,
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
const PROVISION: &str = "CAPABILITY_PROVISION";
const CREATE_ACCOUNTS: &str = "CAPABILITY_ACCOUNT_PROVISIONING";
const DELETE: &str = "CAPABILITY_RESOURCE_DELETE";
const ACTIONS: &str = "CAPABILITY_ACTIONS";
const EVENTS: &str = "CAPABILITY_EVENT_FEED_V2";
/// In the order of the wire's numbers.
const OF_CONNECTOR: [&str; 6] = [PROVISION, SYNC, CREATE_ACCOUNTS, DELETE, ACTIONS, EVENTS];
/// NinjaOne invites people, who choose their passwords themselves.
const NO_PASSWORD: &str = "CAPABILITY_DETAIL_CREDENTIAL_OPTION_NO_PASSWORD";

/// The same as a message, for ConductorOne.
pub(crate) fn message(with_devices: bool) -> v2::ConnectorCapabilities {
    let number = |name: &&str| v2::Capability::from_str_name(name).unwrap_or_default().into();
    let mut types: Vec<v2::ResourceTypeCapability> = ninjaone::resource_types(with_devices)
        .iter()
        .map(|row| v2::ResourceTypeCapability {
            resource_type: Some(access_wire::resource_type(row)),
            capabilities: of_type(&row.id).iter().map(number).collect(),
            permissions: Some(v2::CapabilityPermissions::default()),
            ..v2::ResourceTypeCapability::default()
        })
        .collect();
    types.sort_by(|a, b| type_id(a).cmp(type_id(b)));
    let option = v2::CapabilityDetailCredentialOption::NoPassword;
    v2::ConnectorCapabilities {
        resource_type_capabilities: types,
        connector_capabilities: OF_CONNECTOR.iter().map(number).collect(),
        credential_details: Some(v2::CredentialDetails {
            capability_account_provisioning: Some(v2::CredentialDetailsAccountProvisioning {
                supported_credential_options: vec![option.into()],
                preferred_credential_option: option.into(),
            }),
            ..v2::CredentialDetails::default()
        }),
    }
}

fn type_id(capability: &v2::ResourceTypeCapability) -> &str {
    capability
        .resource_type
        .as_ref()
        .map_or("", |resource_type| resource_type.id.as_str())
}

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
            capabilities: of_type(&row.id),
            permissions: Empty {},
        })
        .collect();
    types.sort_by(|a, b| a.resource_type.id.cmp(&b.resource_type.id));
    let capabilities = Capabilities {
        message: "type.googleapis.com/c1.connector.v2.ConnectorCapabilities",
        resource_type_capabilities: types,
        connector_capabilities: OF_CONNECTOR.to_vec(),
        credential_details: CredentialDetails {
            capability_account_provisioning: AccountProvisioning {
                supported_credential_options: [NO_PASSWORD],
                preferred_credential_option: NO_PASSWORD,
            },
        },
    };
    serde_json::to_string_pretty(&capabilities).unwrap_or_default()
}

fn of_type(id: &ResourceTypeId) -> Vec<&'static str> {
    if *id == ninjaone::role_type() {
        vec![SYNC, PROVISION]
    } else if *id == ninjaone::user_type() {
        vec![SYNC, CREATE_ACCOUNTS, DELETE]
    } else {
        vec![SYNC]
    }
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
