//! Encodes records of grants in bulk: what those of one entitlement share is encoded once.

use baton_proto::connector_v2::ResourceId;
use baton_proto::prost_types::{Any, Timestamp};
use baton_proto::storage_v3::EntitlementRef;
use prost::Message;
use prost::encoding::{encode_varint, encoded_len_varint};

use super::key;

/// Field keys of `GrantRecord` (docs/reference/c1z.md §3.4): number shifted by three, wire type 2.
const EXTERNAL_ID: u8 = 2 << 3 | 2;
const ENTITLEMENT: u8 = 3 << 3 | 2;
const PRINCIPAL: u8 = 4 << 3 | 2;
const DISCOVERED_AT: u8 = 5 << 3 | 2;
const ANNOTATION: u8 = 8 << 3 | 2;
/// Field keys of `PrincipalRef`.
const RESOURCE_TYPE: u8 = 1 << 3 | 2;
const RESOURCE: u8 = 2 << 3 | 2;

/// The grants of one entitlement to principals of one type.
#[derive(Debug, Clone)]
pub(crate) struct GrantRecordTemplate {
    /// The encoded parts of keys: the entitlement's and the principal type's.
    pub(super) partition: Vec<u8>,
    pub(super) principal_type: Vec<u8>,
    id_prefix: String,
    type_field: Vec<u8>,
    entitlement: Vec<u8>,
    annotations: Vec<u8>,
}

impl GrantRecordTemplate {
    pub(crate) fn new(
        resource: &ResourceId,
        entitlement: &str,
        principal_type: &str,
        annotations: &[Any],
    ) -> Self {
        let parts = key::entitlement(&resource.resource_type, &resource.resource, entitlement);
        let (mut partition, mut type_part) = (Vec::new(), Vec::new());
        key::push_all(&parts, &mut partition);
        key::push(principal_type.as_bytes(), &mut type_part);
        let reference = EntitlementRef {
            resource_type_id: resource.resource_type.clone(),
            resource_id: resource.resource.clone(),
            entitlement_id: entitlement.to_owned(),
        };
        let (mut entitlement_field, mut type_field, mut after) = (Vec::new(), Vec::new(), Vec::new());
        push_bytes(&mut entitlement_field, ENTITLEMENT, &reference.encode_to_vec());
        push_bytes(&mut type_field, RESOURCE_TYPE, principal_type.as_bytes());
        for any in annotations {
            push_bytes(&mut after, ANNOTATION, &any.encode_to_vec());
        }
        Self {
            partition,
            principal_type: type_part,
            id_prefix: format!("{entitlement}:{principal_type}:"),
            type_field,
            entitlement: entitlement_field,
            annotations: after,
        }
    }

    /// Whether it encodes the same records.
    pub(super) fn is(&self, other: &Self) -> bool {
        (&self.partition, &self.principal_type, &self.annotations)
            == (&other.partition, &other.principal_type, &other.annotations)
    }

    /// Encodes the record of a principal, with the same bytes as the general encoder.
    pub(super) fn encode(&self, principal: &[u8], discovered_at: &Timestamp, out: &mut Vec<u8>) {
        out.clear();
        out.push(EXTERNAL_ID);
        encode_varint((self.id_prefix.len() + principal.len()) as u64, out);
        out.extend_from_slice(self.id_prefix.as_bytes());
        out.extend_from_slice(principal);
        out.extend_from_slice(&self.entitlement);
        out.push(PRINCIPAL);
        let principal_bytes = 1 + encoded_len_varint(principal.len() as u64) + principal.len();
        encode_varint((self.type_field.len() + principal_bytes) as u64, out);
        out.extend_from_slice(&self.type_field);
        push_bytes(out, RESOURCE, principal);
        out.push(DISCOVERED_AT);
        encode_varint(discovered_at.encoded_len() as u64, out);
        discovered_at.encode_raw(out);
        out.extend_from_slice(&self.annotations);
    }
}

fn push_bytes(out: &mut Vec<u8>, field: u8, bytes: &[u8]) {
    out.push(field);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use baton_proto::connector_v2::GrantImmutable;
    use baton_proto::storage_v3::{GrantRecord, PrincipalRef};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn same_bytes_as_the_general_encoder(
            role in "[0-9]{1,9}", principal_type in "[a-z]{1,130}", principal in ".{1,300}", immutable: bool, seconds in 0_i64..9
        ) {
            let resource = ResourceId { resource_type: "role".into(), resource: role.clone(), baton_resource: false };
            let id = format!("role:{role}:assigned");
            let annotations = if immutable { vec![baton_proto::pack(&GrantImmutable::default())] } else { vec![] };
            let discovered_at = Timestamp { seconds, nanos: 5 };
            let template = GrantRecordTemplate::new(&resource, &id, &principal_type, &annotations);
            let mut bytes = Vec::new();
            template.encode(principal.as_bytes(), &discovered_at, &mut bytes);
            let message = GrantRecord {
                external_id: format!("{id}:{principal_type}:{principal}"),
                entitlement: Some(EntitlementRef {
                    resource_type_id: "role".into(), resource_id: role, entitlement_id: id,
                }),
                principal: Some(PrincipalRef {
                    resource_type_id: principal_type, resource_id: principal, ..PrincipalRef::default()
                }),
                discovered_at: Some(discovered_at),
                annotations,
                ..GrantRecord::default()
            };
            prop_assert_eq!(bytes, message.encode_to_vec());
        }
    }
}
