//! Encodes grants in bulk: what the grants of one entitlement share is encoded once.

use baton_proto::connector_v2::{Entitlement, ResourceId};
use baton_proto::prost_types::Any;
use prost::Message;
use prost::encoding::{encode_varint, encoded_len_varint};

use crate::v3::GrantRecordTemplate;

/// Field keys of `Grant` (docs/reference/c1z.md §4.1): number shifted by three, wire type 2.
const ENTITLEMENT: u8 = 1 << 3 | 2;
const PRINCIPAL: u8 = 2 << 3 | 2;
const ID: u8 = 3 << 3 | 2;
const ANNOTATION: u8 = 4 << 3 | 2;
/// Field keys of `Resource` and `ResourceId`.
const RESOURCE_ID: u8 = 1 << 3 | 2;
const RESOURCE_TYPE: u8 = 1 << 3 | 2;
const RESOURCE: u8 = 2 << 3 | 2;

/// What the grants of one entitlement to principals of one type share, encoded for
/// [`Writer::put_grants`](crate::Writer::put_grants).
#[derive(Debug, Clone)]
pub struct GrantTemplate {
    pub(crate) resource: ResourceId,
    pub(crate) entitlement_id: String,
    pub(crate) principal_type: String,
    /// The same for the records of a v3.
    pub(crate) record: GrantRecordTemplate,
    before: Vec<u8>,
    after: Vec<u8>,
}

impl GrantTemplate {
    /// Encodes the shared parts: the complete entitlement, and the annotations of every grant.
    #[must_use]
    pub fn new(entitlement: &Entitlement, principal_type: &str, annotations: &[Any]) -> Self {
        let mut before = Vec::new();
        push_bytes(&mut before, ENTITLEMENT, &entitlement.encode_to_vec());
        let mut after = Vec::new();
        for any in annotations {
            push_bytes(&mut after, ANNOTATION, &any.encode_to_vec());
        }
        let resource = entitlement
            .resource
            .as_ref()
            .and_then(|resource| resource.id.clone())
            .unwrap_or_default();
        let (entitlement_id, principal_type) = (entitlement.id.clone(), principal_type.to_owned());
        Self {
            record: GrantRecordTemplate::new(&resource, &entitlement_id, &principal_type, annotations),
            resource,
            entitlement_id,
            principal_type,
            before,
            after,
        }
    }

    /// Writes the grant's id, `<entitlement id>:<principal type>:<principal>`, into `out`.
    pub(crate) fn grant_id(&self, principal: &str, out: &mut String) {
        out.clear();
        for part in [&self.entitlement_id, ":", &self.principal_type, ":", principal] {
            out.push_str(part);
        }
    }

    /// Encodes the complete `Grant` message into `out`, with the same bytes as the general encoder.
    pub(crate) fn encode(&self, principal: &str, grant_id: &str, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(&self.before);
        let id_len = field_len(self.principal_type.len()) + field_len(principal.len());
        out.push(PRINCIPAL);
        encode_varint(field_len(id_len) as u64, out);
        out.push(RESOURCE_ID);
        encode_varint(id_len as u64, out);
        push_bytes(out, RESOURCE_TYPE, self.principal_type.as_bytes());
        push_bytes(out, RESOURCE, principal.as_bytes());
        push_bytes(out, ID, grant_id.as_bytes());
        out.extend_from_slice(&self.after);
    }
}

fn push_bytes(out: &mut Vec<u8>, key: u8, bytes: &[u8]) {
    out.push(key);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Bytes of a field with a key of one byte and `content` bytes of content.
fn field_len(content: usize) -> usize {
    1 + encoded_len_varint(content as u64) + content
}

#[cfg(test)]
mod tests {
    use baton_proto::connector_v2::{Grant, GrantImmutable, Resource};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn same_bytes_as_the_general_encoder(
            role in "[0-9]{1,9}", name in ".{0,200}", principal_type in "[a-z]{1,130}", principal in ".{1,300}", immutable: bool
        ) {
            let id = |resource_type: &str, resource: &str| ResourceId {
                resource_type: resource_type.to_owned(),
                resource: resource.to_owned(),
                baton_resource: false,
            };
            let resource = Resource { id: Some(id("role", &role)), display_name: name, ..Resource::default() };
            let entitlement = Entitlement {
                id: format!("role:{role}:assigned"),
                resource: Some(resource),
                ..Entitlement::default()
            };
            let annotations = if immutable { vec![baton_proto::pack(&GrantImmutable::default())] } else { vec![] };
            let template = GrantTemplate::new(&entitlement, &principal_type, &annotations);
            let (mut grant_id, mut bytes) = (String::new(), Vec::new());
            template.grant_id(&principal, &mut grant_id);
            template.encode(&principal, &grant_id, &mut bytes);
            let message = Grant {
                entitlement: Some(entitlement),
                principal: Some(Resource { id: Some(id(&principal_type, &principal)), ..Resource::default() }),
                id: format!("role:{role}:assigned:{principal_type}:{principal}"),
                annotations,
                sources: None,
            };
            prop_assert_eq!(bytes, message.encode_to_vec());
        }
    }
}
