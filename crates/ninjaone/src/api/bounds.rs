//! Bounds of texts in responses. They apply while a response is read, so that join table, pages, batches, profiles and
//! sinks never hold a longer text.
//!
//! | kind of text | fields | bound | beyond it |
//! |---|---|---|---|
//! | label, which people read | names, descriptions, phone numbers | 4 KiB | clipped, ending in `…` |
//! | address, which names somebody | `email` | 1 KiB | not readable |
//! | word, which means something | `uid`, `userType`, `authType`, `nodeClass`, a role's `type` and the like | 256 bytes | not readable |
//!
//! Texts that identify or decide something are never clipped: the beginning of an address or a word is another address or
//! word.

use std::borrow::Cow;

use access_core::secrets::redact_data;
use serde::Deserialize as _;
use serde::Deserializer;

use super::Stated;
use super::Text;

/// The longest label, in bytes.
pub(crate) const MAX_LABEL_BYTES: usize = 4 << 10;
/// The longest address, in bytes. Email addresses have at most 254 (RFC 5321).
pub(super) const MAX_ADDRESS_BYTES: usize = 1 << 10;
/// The longest word, in bytes.
const MAX_WORD_BYTES: usize = 256;

/// The end of a clipped label.
const MARK: &str = "…";

/// A text of a response as everything else sees it: clipped to [`MAX_LABEL_BYTES`], without secrets. A server can repeat a
/// token in a name, which would be published.
pub(super) fn clip(text: &str) -> Cow<'_, str> {
    if text.len() <= MAX_LABEL_BYTES {
        return redact_data(text);
    }
    let end = text.floor_char_boundary(MAX_LABEL_BYTES - MARK.len());
    let clipped = [&text[..end], MARK].concat();
    match redact_data(&clipped) {
        Cow::Owned(redacted) => Cow::Owned(redacted),
        Cow::Borrowed(_) => Cow::Owned(clipped),
    }
}

/// Whether a label was clipped when it was read.
pub(super) fn is_clipped(text: &Text) -> bool {
    /// The first character that did not fit has at most four bytes.
    const MIN_CLIPPED_BYTES: usize = MAX_LABEL_BYTES - 3;
    text.text()
        .is_some_and(|text| text.len() >= MIN_CLIPPED_BYTES && text.ends_with(MARK))
}

/// Reads an address.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    bounded::<MAX_ADDRESS_BYTES, D>(deserializer)
}

/// Reads a word.
pub(super) fn word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    bounded::<MAX_WORD_BYTES, D>(deserializer)
}

/// Reads a text that is useless unless it is complete.
fn bounded<'de, const MAX: usize, D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
    Ok(match Text::deserialize(deserializer)? {
        Stated::Value(text) if text.len() > MAX => Stated::Unreadable,
        text => text,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::api::DeviceRow;
    use crate::api::OrganizationRow;
    use crate::api::PagedRow;
    use crate::api::RoleRow;
    use crate::api::UserRow;

    #[test]
    fn clipped_labels_are_recognized() {
        for (unit, len) in [("x", 1), ("ü", 2), ("€", 3), ("😀", 4)] {
            for prefix in ["", "a", "ab", "abc"] {
                let longest = (MAX_LABEL_BYTES - prefix.len()) / len;
                let fits = format!("{prefix}{}", unit.repeat(longest));
                assert_eq!(*clip(&fits), *fits);
                let long = format!("{fits}{unit}");
                let long = clip(&long);
                assert!(long.len() <= MAX_LABEL_BYTES && long.ends_with(MARK));
                assert!(is_clipped(&Stated::Value(long.into())));
                assert!(!is_clipped(&Stated::Value(fits.into())));
            }
        }
    }

    #[test]
    fn every_text_has_the_bound_of_its_kind() {
        let long = "x".repeat(MAX_LABEL_BYTES + 1);
        let fields = [
            "uid",
            "firstName",
            "lastName",
            "email",
            "phone",
            "authType",
            "userType",
            "invitationStatus",
            "name",
            "type",
            "description",
            "nodeClass",
            "approvalStatus",
            "displayName",
            "systemName",
            "dnsName",
        ];
        let mut row = serde_json::Map::new();
        for field in fields {
            row.insert(field.to_owned(), json!(long));
        }
        row.insert("roles".to_owned(), json!([long, "short"]));
        let user: UserRow = serde_json::from_value(row.clone().into()).unwrap();
        assert_eq!(
            user.clipped().collect::<Vec<_>>(),
            ["firstName", "lastName", "phone"]
        );
        // Three labels and a role.
        assert!(user.bytes() < 5 * MAX_LABEL_BYTES);
        assert!(
            user.roles
                .entries()
                .iter()
                .all(|role| role.len() <= MAX_LABEL_BYTES)
        );
        assert_eq!(
            user.clone().drop_unreadable(),
            ["uid", "email", "authType", "userType", "invitationStatus"]
        );
        let role: RoleRow = serde_json::from_value(row.clone().into()).unwrap();
        assert_eq!(role.clipped().collect::<Vec<_>>(), ["name", "description"]);
        assert_eq!(role.unreadable(), ["type"]);
        let organization: OrganizationRow = serde_json::from_value(row.clone().into()).unwrap();
        assert_eq!(
            organization.clipped().collect::<Vec<_>>(),
            ["name", "description"]
        );
        let device: DeviceRow = serde_json::from_value(row.into()).unwrap();
        assert_eq!(
            device.clipped().collect::<Vec<_>>(),
            ["displayName", "systemName", "dnsName"]
        );
        assert_eq!(
            device.unreadable().collect::<Vec<_>>(),
            ["nodeClass", "approvalStatus"]
        );
    }

    #[test]
    fn address_within_the_bound_is_read() {
        let email = format!("{}@example.com", "x".repeat(MAX_ADDRESS_BYTES - 12));
        let row: UserRow = serde_json::from_value(json!({ "email": email })).unwrap();
        assert_eq!(row.email.text(), Some(email.as_str()));
        let row: UserRow = serde_json::from_value(json!({ "email": format!("x{email}") })).unwrap();
        assert!(row.email.is_unreadable());
    }
}
