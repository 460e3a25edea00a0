//! Contacts: people without a login.

use serde_json::Value;

use super::reads::object;
use super::{Api, Request};
use crate::response::Answer;
use crate::tenant::{Store, row_id};

const FIELDS: [&str; 6] = [
    "organizationId",
    "firstName",
    "lastName",
    "email",
    "phone",
    "jobTitle",
];

impl Api {
    pub(super) fn create_contact(&self, store: &mut Store, request: &Request<'_>) -> Answer {
        let Some(Value::Object(mut row)) = request.json() else {
            return self.invalid("expected an object");
        };
        row.retain(|key, _| FIELDS.contains(&key.as_str()));
        let id = Store::next_id(store.contacts.iter());
        row.insert("id".to_owned(), Value::from(id));
        store.contacts.push(row.clone());
        store.record("CONTACT_CREATED_API", None, "Contact created");
        object(row)
    }

    pub(super) fn update_contact(&self, store: &mut Store, request: &Request<'_>, id: &str) -> Answer {
        let Some(Value::Object(requested)) = request.json() else {
            return self.invalid("expected an object");
        };
        let id = id.parse().ok();
        let Some(row) = store.contacts.iter_mut().find(|row| row_id(row) == id) else {
            return self.not_found("Contact");
        };
        row.extend(
            requested
                .into_iter()
                .filter(|(key, _)| FIELDS.contains(&key.as_str())),
        );
        let row = row.clone();
        store.record("CONTACT_UPDATED_API", None, "Contact updated");
        object(row)
    }

    pub(super) fn delete_contact(&self, store: &mut Store, id: &str) -> Answer {
        let id = id.parse().ok();
        let before = store.contacts.len();
        store.contacts.retain(|row| row_id(row) != id);
        if store.contacts.len() == before {
            return self.not_found("Contact");
        }
        store.record("CONTACT_DELETED_API", None, "Contact deleted");
        Answer::empty(204)
    }
}
