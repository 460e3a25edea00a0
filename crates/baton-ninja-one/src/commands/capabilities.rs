//! The capabilities of the connector, as a message for ConductorOne and as the protobuf JSON that `capabilities` prints,
//! `c1.connector.v2.ConnectorCapabilities` (docs/reference/conductorone.md §1.9).

use access_core::model::ResourceTypeId;
use baton_proto::connector_v2 as v2;
use baton_proto::prost::Name;
use serde::Serialize;
use v2::{Capability, CapabilityDetailCredentialOption as CredentialOption};

/// Sorted by their numbers on the wire.
const OF_CONNECTOR: [Capability; 6] = [
    Capability::Provision,
    Capability::Sync,
    Capability::AccountProvisioning,
    Capability::ResourceDelete,
    Capability::Actions,
    Capability::EventFeedV2,
];

/// The message.
pub(crate) fn message(with_devices: bool) -> v2::ConnectorCapabilities {
    let mut types = ninjaone::resource_types(with_devices);
    types.sort_by(|a, b| a.id.cmp(&b.id));
    let types = types.iter().map(|row| v2::ResourceTypeCapability {
        resource_type: Some(access_wire::resource_type(row)),
        capabilities: of_type(&row.id).iter().map(|one| (*one).into()).collect(),
        permissions: Some(v2::CapabilityPermissions::default()),
        ..v2::ResourceTypeCapability::default()
    });
    // NinjaOne sends invitations, and users choose their passwords themselves.
    let option = CredentialOption::NoPassword;
    v2::ConnectorCapabilities {
        resource_type_capabilities: types.collect(),
        connector_capabilities: OF_CONNECTOR.map(Into::into).to_vec(),
        credential_details: Some(v2::CredentialDetails {
            capability_account_provisioning: Some(v2::CredentialDetailsAccountProvisioning {
                supported_credential_options: vec![option.into()],
                preferred_credential_option: option.into(),
            }),
            ..v2::CredentialDetails::default()
        }),
    }
}

fn of_type(id: &ResourceTypeId) -> &'static [Capability] {
    if *id == ninjaone::role_type() {
        &[Capability::Sync, Capability::Provision]
    } else if *id == ninjaone::user_type() {
        &[
            Capability::Sync,
            Capability::AccountProvisioning,
            Capability::ResourceDelete,
        ]
    } else {
        &[Capability::Sync]
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the names are the wire's")]
struct Capabilities {
    #[serde(rename = "@type")]
    message: String,
    resource_type_capabilities: Vec<TypeCapabilities>,
    connector_capabilities: Vec<&'static str>,
    credential_details: CredentialDetails,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CredentialDetails {
    #[serde(skip_serializing_if = "Option::is_none")]
    capability_account_provisioning: Option<AccountProvisioning>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccountProvisioning {
    supported_credential_options: Vec<&'static str>,
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
    message: String,
}

#[derive(Serialize)]
struct Empty {}

/// The message as JSON, without a line end, like the reference.
pub(crate) fn json(with_devices: bool) -> String {
    let message = message(with_devices);
    let details = message.credential_details.clone().unwrap_or_default();
    let capabilities = Capabilities {
        message: v2::ConnectorCapabilities::type_url(),
        connector_capabilities: message
            .connector_capabilities()
            .map(|one| one.as_str_name())
            .collect(),
        resource_type_capabilities: message.resource_type_capabilities.iter().map(type_json).collect(),
        credential_details: CredentialDetails {
            capability_account_provisioning: details.capability_account_provisioning.map(|accounts| {
                AccountProvisioning {
                    supported_credential_options: accounts
                        .supported_credential_options()
                        .map(|option| option.as_str_name())
                        .collect(),
                    preferred_credential_option: accounts.preferred_credential_option().as_str_name(),
                }
            }),
        },
    };
    serde_json::to_string_pretty(&capabilities).unwrap_or_default()
}

fn type_json(row: &v2::ResourceTypeCapability) -> TypeCapabilities {
    let resource_type = row.resource_type.clone().unwrap_or_default();
    TypeCapabilities {
        capabilities: row.capabilities().map(|one| one.as_str_name()).collect(),
        permissions: Empty {},
        resource_type: Type {
            traits: resource_type.traits().map(|one| one.as_str_name()).collect(),
            annotations: resource_type
                .annotations
                .into_iter()
                .map(|any| Annotation {
                    message: any.type_url,
                })
                .collect(),
            id: resource_type.id,
            display_name: resource_type.display_name,
        },
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn capabilities_as_json() {
        insta::assert_snapshot!(super::json(false));
    }
}
