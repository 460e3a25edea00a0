//! Technicians and end users.

use access_core::model::{
    AccountType, DisplayName, Email, NativeId, Resource, ResourceId, ResourceTrait, Status, StatusState,
    StructuredName, UserTrait,
};

use super::user_type;
use crate::api::Text;
use crate::api::UserRow;
use crate::attributes;
pub(crate) use crate::attributes::{END_USER, TECHNICIAN};

/// A technician or an end user. `organization_name` is the name of the user's organization, if it is listed.
pub(crate) fn user(id: u64, row: &UserRow, organization_name: Option<&str>) -> Resource {
    Resource {
        id: ResourceId::new(user_type(), NativeId::from_number(id)),
        parent: None,
        display_name: DisplayName::new(&user_name(id, row)),
        description: None,
        profile: attributes::profile(id, row, organization_name),
        status: Some(user_status(row)),
        resource_trait: ResourceTrait::User(Box::new(user_trait(row))),
    }
}

fn user_name(id: u64, row: &UserRow) -> String {
    let parts: Vec<&str> = [&row.first_name, &row.last_name]
        .into_iter()
        .filter_map(Text::trimmed)
        .collect();
    match (parts.is_empty(), row.email.trimmed()) {
        (false, _) => parts.join(" "),
        (true, Some(email)) => email.to_owned(),
        (true, None) => format!("User {id}"),
    }
}

/// Disabled or enabled by the flag; the detail of an enabled user names an invitation that is not accepted yet. Unspecified
/// without a flag.
fn user_status(row: &UserRow) -> Status {
    let state = match row.enabled.get() {
        Some(false) => StatusState::Disabled,
        Some(true) => StatusState::Enabled,
        None => StatusState::Unspecified,
    };
    let invitation = row.invitation_status.trimmed().map(str::to_ascii_uppercase);
    let open = invitation.filter(|word| word == "PENDING" || word == "EXPIRED");
    let detail = open
        .filter(|_| state != StatusState::Disabled)
        .map(|word| format!("invitation {word}").into());
    Status { state, detail }
}

fn user_trait(row: &UserRow) -> UserTrait {
    let email = row.email.trimmed();
    let part = |text: &Text| text.trimmed().map(Into::into);
    let name = StructuredName {
        given: part(&row.first_name),
        family: part(&row.last_name),
    };
    let auth_type = row.auth_type.trimmed();
    UserTrait {
        emails: email
            .map(|address| Email {
                address: address.into(),
                primary: true,
            })
            .into_iter()
            .collect(),
        // People sign in with their address; an account without one is identified only by its uid.
        login: email.or(row.uid.trimmed()).map(Into::into),
        account_type: AccountType::Human,
        name: (name != StructuredName::default()).then_some(name),
        mfa_enabled: row.mfa_configured.get(),
        sso_enabled: auth_type.and_then(|kind| match kind.to_ascii_uppercase().as_str() {
            "SSO" => Some(true),
            "NATIVE" => Some(false),
            _ => None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn mapped(row: Value) -> Resource {
        let row: UserRow = serde_json::from_value(row).unwrap();
        user(row.id.get().unwrap(), &row, None)
    }

    #[test]
    fn technician_with_every_field() {
        let resource = mapped(json!({
            "id": 7, "uid": "0b6f2c1e-0000-4000-8000-000000000007", "firstName": " Ada ", "lastName": "Example",
            "email": " Ada.Example@example.com ", "phone": "+1 555 0100", "enabled": true, "administrator": true,
            "permitAllClients": true, "notifyAllClients": false, "mustChangePw": false, "mfaConfigured": true,
            "userType": "TECHNICIAN", "invitationStatus": "REGISTERED", "organizationId": null, "scimUser": false,
            "authType": "native", "tags": null, "fields": null
        }));
        insta::assert_json_snapshot!(resource);
    }

    #[test]
    fn absent_fields_stay_absent() {
        insta::assert_json_snapshot!(mapped(json!({ "id": 901 })));
    }

    #[test]
    fn status_and_detail_follow_the_flags() {
        let shown = |row: Value| {
            let Status { state, detail } = mapped(row).status.unwrap();
            format!("{state:?} {}", detail.as_deref().unwrap_or("-"))
        };
        assert_eq!(
            shown(json!({"id": 1, "enabled": true, "invitationStatus": "REGISTERED"})),
            "Enabled -"
        );
        assert_eq!(
            shown(json!({"id": 1, "enabled": true, "invitationStatus": "pending"})),
            "Enabled invitation PENDING"
        );
        assert_eq!(
            shown(json!({"id": 1, "enabled": true, "invitationStatus": "EXPIRED"})),
            "Enabled invitation EXPIRED"
        );
        assert_eq!(
            shown(json!({"id": 1, "enabled": false, "invitationStatus": "PENDING"})),
            "Disabled -"
        );
        assert_eq!(shown(json!({"id": 1, "enabled": "yes"})), "Unspecified -");
        assert_eq!(
            shown(json!({"id": 1, "enabled": true, "invitationStatus": "NEW_WORD"})),
            "Enabled -"
        );
    }

    #[test]
    fn names_fall_back_to_what_there_is() {
        let name = |row: Value| mapped(row).display_name.to_string();
        assert_eq!(
            name(json!({"id": 1, "firstName": "Zoë", "lastName": "李"})),
            "Zoë 李"
        );
        assert_eq!(
            name(json!({"id": 1, "firstName": "", "lastName": "Only"})),
            "Only"
        );
        assert_eq!(
            name(json!({"id": 1, "firstName": "  ", "email": "x@example.com"})),
            "x@example.com"
        );
        assert_eq!(name(json!({"id": 1, "email": ""})), "User 1");
    }

    #[test]
    fn the_login_and_the_way_to_sign_in() {
        let shown = |row: Value| {
            let ResourceTrait::User(user) = mapped(row).resource_trait else {
                panic!("no user")
            };
            (user.login.map(String::from), user.sso_enabled, user.mfa_enabled)
        };
        assert_eq!(
            shown(json!({"id": 1, "email": " a@b ", "uid": "u", "authType": "sso"})),
            (Some("a@b".to_owned()), Some(true), None)
        );
        assert_eq!(
            shown(json!({"id": 1, "email": "", "uid": "u", "authType": "Native", "mfaConfigured": false})),
            (Some("u".to_owned()), Some(false), Some(false))
        );
        assert_eq!(shown(json!({"id": 1, "authType": "PASSKEY"})), (None, None, None));
    }
}
