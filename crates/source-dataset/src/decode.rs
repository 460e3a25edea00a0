//! Decodes rows of tables into the domain's types.

use access_core::model::{
    AccountType, Completeness, Description, DisplayName, Email, Entitlement, EntitlementId, GrantId, IdError,
    NativeId, Profile, ProfileValue, Purpose, Resource, ResourceId, ResourceTrait, ResourceType,
    ResourceTypeId, Slug, Status, StatusState, StructuredName, TraitKind, TypeImportance, UserTrait,
};
use access_core::ports::{EffectiveGrant, EntitlementSummary};
use serde_json::Value;

use crate::batch_columns::Columns;
use crate::batch_columns::Counts;
use crate::batch_columns::Flags;
use crate::batch_columns::Lists;
use crate::batch_columns::Texts;
use crate::error::DatasetSourceError;

macro_rules! columns {
    ($(#[$doc:meta])* $name:ident: $($column:ident: $kind:ident $read:ident),*;) => {
        $(#[$doc])*
        pub(crate) struct $name {
            $(pub(crate) $column: $kind,)*
        }

        impl $name {
            /// The names of the columns, for reading only these.
            pub(crate) const NAMES: &'static [&'static str] = &[$(stringify!($column)),*];

            pub(crate) fn of(columns: Columns<'_>) -> Result<Self, DatasetSourceError> {
                Ok(Self { $($column: columns.$read(stringify!($column))?,)* })
            }
        }
    };
}

columns! {
    /// Columns of `resource_types`.
    TypeColumns: resource_type_id: Texts texts, display_name: Texts texts, trait_kind: Texts texts,
        skip_entitlements_and_grants: Flags flags, complete: Flags flags, incomplete_reason: Texts texts,
        resources: Counts counts;
}

columns! {
    /// Columns of `resources`.
    ResourceColumns: resource_type_id: Texts texts, resource_id: Texts texts, display_name: Texts texts,
        description: Texts texts, parent_type_id: Texts texts, parent_id: Texts texts, status: Texts texts,
        status_detail: Texts texts, profile: Texts texts;
}

columns! {
    /// Columns of `users` that `resources` does not have.
    UserColumns: resource_type_id: Texts texts, user_id: Texts texts, login: Texts texts, email: Texts texts,
        first_name: Texts texts, last_name: Texts texts, account_type: Texts texts, mfa_enabled: Flags flags,
        sso_enabled: Flags flags;
}

columns! {
    /// Columns of `entitlements`.
    EntitlementColumns: entitlement_id: Texts texts, resource_type_id: Texts texts, resource_id: Texts texts,
        resource_display_name: Texts texts, slug: Texts texts, display_name: Texts texts, description: Texts texts,
        purpose: Texts texts, grantable_to: Lists lists, immutable: Flags flags;
}

columns! {
    /// Columns of `entitlements` that count.
    CountColumns: entitlement_id: Texts texts, resource_type_id: Texts texts, grants: Counts counts;
}

columns! {
    /// Columns of `grants`.
    GrantColumns: grant_id: Texts texts, entitlement_id: Texts texts, entitlement_slug: Texts texts,
        entitlement_display_name: Texts texts, resource_type_id: Texts texts, resource_id: Texts texts,
        resource_display_name: Texts texts, principal_type_id: Texts texts, principal_id: Texts texts,
        principal_login: Texts texts, principal_display_name: Texts texts, immutable: Flags flags,
        is_direct: Flags flags, sources: Lists lists;
}

columns! {
    /// The columns of `grants` that grants need, without names.
    BareGrantColumns: grant_id: Texts texts, entitlement_id: Texts texts, principal_type_id: Texts texts,
        principal_id: Texts texts, is_direct: Flags flags, sources: Lists lists;
}

fn resource_id(resource_type: &str, id: &str) -> Result<ResourceId, IdError> {
    Ok(ResourceId::new(
        ResourceTypeId::new(resource_type)?,
        NativeId::new(id)?,
    ))
}

impl TypeColumns {
    pub(crate) fn resource_type(&self, row: usize) -> Result<ResourceType, IdError> {
        Ok(ResourceType {
            id: ResourceTypeId::new(self.resource_type_id.required(row))?,
            display_name: DisplayName::new(self.display_name.required(row)),
            trait_kind: trait_kind(self.trait_kind.required(row)),
            skip_entitlements_and_grants: self.skip_entitlements_and_grants.get(row) == Some(true),
            // Data that was not read is not in the dataset.
            importance: TypeImportance::Core,
        })
    }

    pub(crate) fn completeness(&self, row: usize) -> Completeness {
        if self.complete.get(row) == Some(true) {
            return Completeness::Complete;
        }
        let reason = self
            .incomplete_reason
            .get(row)
            .unwrap_or("the dataset does not say");
        Completeness::Incomplete {
            reason: reason.to_owned(),
        }
    }
}

fn trait_kind(word: &str) -> TraitKind {
    const KINDS: [TraitKind; 5] = [
        TraitKind::User,
        TraitKind::Group,
        TraitKind::Role,
        TraitKind::App,
        TraitKind::ManagedDevice,
    ];
    let known = KINDS.into_iter().find(|kind| kind.as_str() == word);
    known.unwrap_or(TraitKind::Other)
}

impl ResourceColumns {
    /// The key of a row.
    pub(crate) fn key(&self, row: usize) -> (&str, &str) {
        (
            self.resource_type_id.required(row),
            self.resource_id.required(row),
        )
    }

    /// A resource; the data of `users` is added later.
    pub(crate) fn resource(&self, row: usize, kind: TraitKind) -> Result<Resource, IdError> {
        let parent = self.parent_type_id.get(row).zip(self.parent_id.get(row));
        let state = self.status.get(row).map(status_state);
        Ok(Resource {
            id: resource_id(
                self.resource_type_id.required(row),
                self.resource_id.required(row),
            )?,
            parent: parent.map(|(kind, id)| resource_id(kind, id)).transpose()?,
            display_name: DisplayName::new(self.display_name.required(row)),
            description: self.description.get(row).map(Description::new),
            profile: self.profile.get(row).map(profile).unwrap_or_default(),
            status: state.map(|state| Status {
                state,
                detail: self.status_detail.get(row).map(Into::into),
            }),
            resource_trait: match kind {
                TraitKind::User => ResourceTrait::User(Box::default()),
                TraitKind::Group => ResourceTrait::Group,
                TraitKind::Role => ResourceTrait::Role,
                TraitKind::App => ResourceTrait::App,
                TraitKind::ManagedDevice => ResourceTrait::ManagedDevice(Box::default()),
                TraitKind::Other => ResourceTrait::Other,
            },
        })
    }
}

fn status_state(word: &str) -> StatusState {
    const STATES: [StatusState; 3] = [StatusState::Enabled, StatusState::Disabled, StatusState::Deleted];
    let known = STATES.into_iter().find(|state| state.as_str() == word);
    known.unwrap_or(StatusState::Unspecified)
}

/// The attributes of a JSON object; values other than text, boolean or integer stay JSON. Other JSON has no attributes.
fn profile(json: &str) -> Profile {
    let mut profile = Profile::new();
    let Ok(Value::Object(attributes)) = serde_json::from_str(json) else {
        return profile;
    };
    for (key, value) in attributes {
        let value = match value {
            Value::Null => None,
            Value::String(text) => Some(ProfileValue::Text(text.into())),
            Value::Bool(flag) => Some(ProfileValue::Flag(flag)),
            Value::Number(number) => Some(number.as_i64().map_or_else(
                || ProfileValue::Json(number.to_string().into()),
                ProfileValue::Number,
            )),
            value @ (Value::Array(_) | Value::Object(_)) => {
                Some(ProfileValue::Json(value.to_string().into()))
            }
        };
        profile.set(key, value);
    }
    profile
}

impl UserColumns {
    /// The key of a row.
    pub(crate) fn key(&self, row: usize) -> (&str, &str) {
        (self.resource_type_id.required(row), self.user_id.required(row))
    }

    pub(crate) fn user(&self, row: usize) -> UserTrait {
        let name = StructuredName {
            given: self.first_name.get(row).map(Into::into),
            family: self.last_name.get(row).map(Into::into),
        };
        let email = |address: &str| Email {
            address: address.into(),
            primary: true,
        };
        UserTrait {
            emails: self.email.get(row).map(email).into_iter().collect(),
            login: self.login.get(row).map(Into::into),
            account_type: account_type(self.account_type.required(row)),
            name: (name != StructuredName::default()).then_some(name),
            mfa_enabled: self.mfa_enabled.get(row),
            sso_enabled: self.sso_enabled.get(row),
        }
    }
}

fn account_type(word: &str) -> AccountType {
    const TYPES: [AccountType; 3] = [AccountType::Human, AccountType::Service, AccountType::System];
    let known = TYPES.into_iter().find(|kind| kind.as_str() == word);
    known.unwrap_or(AccountType::Unspecified)
}

impl EntitlementColumns {
    pub(crate) fn entitlement(&self, row: usize) -> Result<Entitlement, IdError> {
        let kinds = self.grantable_to.get(row);
        Ok(Entitlement {
            id: EntitlementId::new(self.entitlement_id.required(row))?,
            resource: resource_id(
                self.resource_type_id.required(row),
                self.resource_id.required(row),
            )?,
            slug: Slug::new(self.slug.required(row))?,
            display_name: DisplayName::new(self.display_name.required(row)),
            description: self.description.get(row).map(Description::new),
            purpose: purpose(self.purpose.required(row)),
            grantable_to: kinds
                .iter()
                .map(|id| ResourceTypeId::new(id))
                .collect::<Result<_, _>>()?,
            immutable: self.immutable.get(row) == Some(true),
        })
    }

    pub(crate) fn resource_name(&self, row: usize) -> Option<DisplayName> {
        self.resource_display_name.get(row).map(DisplayName::new)
    }
}

fn purpose(word: &str) -> Purpose {
    const PURPOSES: [Purpose; 3] = [Purpose::Assignment, Purpose::Permission, Purpose::Ownership];
    let known = PURPOSES.into_iter().find(|purpose| purpose.as_str() == word);
    known.unwrap_or(Purpose::Unspecified)
}

impl GrantColumns {
    pub(crate) fn holding(&self, row: usize) -> Result<EffectiveGrant, IdError> {
        let sources = self.sources.get(row);
        Ok(EffectiveGrant {
            id: GrantId::new(self.grant_id.required(row))?,
            entitlement: EntitlementId::new(self.entitlement_id.required(row))?,
            held: Some(EntitlementSummary {
                slug: Slug::new(self.entitlement_slug.required(row))?,
                display_name: DisplayName::new(self.entitlement_display_name.required(row)),
                resource: resource_id(
                    self.resource_type_id.required(row),
                    self.resource_id.required(row),
                )?,
                resource_name: self.resource_display_name.get(row).map(DisplayName::new),
                immutable: self.immutable.get(row) == Some(true),
            }),
            principal: resource_id(
                self.principal_type_id.required(row),
                self.principal_id.required(row),
            )?,
            principal_name: self.principal_display_name.get(row).map(DisplayName::new),
            principal_login: self.principal_login.get(row).map(Into::into),
            direct: self.is_direct.get(row) != Some(false),
            sources: sources
                .iter()
                .map(|id| EntitlementId::new(id))
                .collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_what_it_was() {
        let attributes = profile(
            r#"{"text":"Zoë","flag":false,"whole":-42,"fraction":0.1,"large":18446744073709551615,"nested":{"a":[1.5,null]},"null":null}"#,
        );
        let rendered: Vec<String> = attributes
            .iter()
            .map(|(key, value)| format!("{key} = {value:?}"))
            .collect();
        assert_eq!(
            rendered,
            [
                "flag = Flag(false)",
                r#"fraction = Json("0.1")"#,
                r#"large = Json("18446744073709551615")"#,
                r#"nested = Json("{\"a\":[1.5,null]}")"#,
                r#"text = Text("Zoë")"#,
                "whole = Number(-42)",
            ]
        );
        assert!(profile("no json").is_empty());
    }

    #[test]
    fn every_word_is_known() {
        for kind in [
            TraitKind::User,
            TraitKind::Group,
            TraitKind::Role,
            TraitKind::App,
            TraitKind::ManagedDevice,
            TraitKind::Other,
        ] {
            assert_eq!(trait_kind(kind.as_str()), kind);
        }
        for state in [
            StatusState::Unspecified,
            StatusState::Enabled,
            StatusState::Disabled,
            StatusState::Deleted,
        ] {
            assert_eq!(status_state(state.as_str()), state);
        }
        for kind in [
            AccountType::Unspecified,
            AccountType::Human,
            AccountType::Service,
            AccountType::System,
        ] {
            assert_eq!(account_type(kind.as_str()), kind);
        }
        for kind in [
            Purpose::Unspecified,
            Purpose::Assignment,
            Purpose::Permission,
            Purpose::Ownership,
        ] {
            assert_eq!(purpose(kind.as_str()), kind);
        }
    }
}
