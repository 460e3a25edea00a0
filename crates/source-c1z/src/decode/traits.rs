//! Traits of resources: what a user, group, role, app or device states as such (docs/reference/c1z.md §4.2).

use access_core::model::{
    AccountType, DeviceTrait, DeviceType, Email, Status, StatusState, StructuredName, UserTrait,
};
use baton_proto::connector_v2 as v2;
use baton_proto::find_annotation;
use baton_proto::prost::DecodeError;
use baton_proto::prost_types::{Any, Struct};

use super::text;

/// The trait annotations of a resource.
#[derive(Debug)]
pub(super) struct Traits {
    pub(super) user: Option<v2::UserTrait>,
    pub(super) device: Option<v2::ManagedDeviceTrait>,
    agent: Option<v2::AgentTrait>,
    /// Profiles of traits of which nothing else is read, in their order.
    other_profiles: Vec<Struct>,
}

impl Traits {
    pub(super) fn of(annotations: &[Any]) -> Result<Self, DecodeError> {
        let group: Option<v2::GroupTrait> = find_annotation(annotations)?;
        let role: Option<v2::RoleTrait> = find_annotation(annotations)?;
        let app: Option<v2::AppTrait> = find_annotation(annotations)?;
        let secret: Option<v2::SecretTrait> = find_annotation(annotations)?;
        let other_profiles = [
            group.and_then(|found| found.profile),
            role.and_then(|found| found.profile),
            app.and_then(|found| found.profile),
            secret.and_then(|found| found.profile),
        ];
        Ok(Self {
            user: find_annotation(annotations)?,
            device: find_annotation(annotations)?,
            agent: find_annotation(annotations)?,
            other_profiles: other_profiles.into_iter().flatten().collect(),
        })
    }

    /// The profile in its old location, within a trait (docs/reference/c1z.md §4.1).
    pub(super) fn profile(&self) -> Option<&Struct> {
        let user = self.user.as_ref().and_then(|user| user.profile.as_ref());
        let agent = self.agent.as_ref().and_then(|agent| agent.profile.as_ref());
        user.or(self.other_profiles.first()).or(agent)
    }

    /// The status in its old location, within a trait (docs/reference/c1z.md §4.1).
    pub(super) fn status(&self) -> Option<Status> {
        let user = self.user.as_ref().and_then(|user| user.status.as_ref());
        user.and_then(user_status)
            .or_else(|| self.agent.as_ref().and_then(agent_status))
    }
}

fn user_status(message: &v2::user_trait::Status) -> Option<Status> {
    use v2::user_trait::status::Status as State;

    let state = match message.status() {
        State::Unspecified => StatusState::Unspecified,
        State::Enabled => StatusState::Enabled,
        State::Disabled => StatusState::Disabled,
        State::Deleted => StatusState::Deleted,
    };
    let detail = text(&message.details);
    let is_present = state != StatusState::Unspecified || detail.is_some();
    is_present.then_some(Status { state, detail })
}

fn agent_status(message: &v2::AgentTrait) -> Option<Status> {
    use v2::agent_trait::AgentStatus;

    let state = match message.status() {
        AgentStatus::Unspecified => return None,
        AgentStatus::Ready => StatusState::Enabled,
        AgentStatus::Disabled => StatusState::Disabled,
        AgentStatus::Deleted => StatusState::Deleted,
    };
    Some(Status { state, detail: None })
}

pub(super) fn user(message: &v2::UserTrait) -> UserTrait {
    use v2::user_trait::AccountType as Account;

    let mut emails: Vec<Email> = message
        .emails
        .iter()
        .filter_map(|email| {
            Some(Email {
                address: text(&email.address)?,
                primary: email.is_primary,
            })
        })
        .collect();
    emails.sort_by_key(|email| !email.primary);
    UserTrait {
        emails,
        login: text(&message.login),
        account_type: match message.account_type() {
            Account::Unspecified => AccountType::Unspecified,
            Account::Human => AccountType::Human,
            Account::Service => AccountType::Service,
            Account::System => AccountType::System,
        },
        name: message.structured_name.as_ref().and_then(name),
        mfa_enabled: message.mfa_status.map(|status| status.mfa_enabled),
        sso_enabled: message.sso_status.map(|status| status.sso_enabled),
    }
}

fn name(message: &v2::user_trait::StructuredName) -> Option<StructuredName> {
    let name = StructuredName {
        given: text(&message.given_name),
        family: text(&message.family_name),
    };
    (name != StructuredName::default()).then_some(name)
}

pub(super) fn device(message: &v2::ManagedDeviceTrait) -> DeviceTrait {
    use v2::managed_device_trait::DeviceType as Device;

    DeviceTrait {
        device_type: match message.device_type() {
            Device::Unspecified => DeviceType::Unspecified,
            Device::Server => DeviceType::Server,
            Device::Desktop => DeviceType::Desktop,
            Device::Laptop => DeviceType::Laptop,
            Device::Tablet => DeviceType::Tablet,
            Device::Mobile => DeviceType::Mobile,
            Device::Virtual => DeviceType::Virtual,
            Device::Other => DeviceType::Other,
        },
        os_name: message.os.as_ref().and_then(|os| text(&os.name)),
        serial: text(&message.serial),
        model: text(&message.model),
        vendor: text(&message.vendor),
    }
}
