//! Settings of provisioning.

use std::path::PathBuf;

use super::error::SettingsError;
use super::keys;
use super::setting::Setting;
use super::values::Settings;

/// The mode of changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProvisioningMode {
    /// Changes are rejected.
    Off,
    /// Changes are shown, but not made.
    DryRun,
    /// Changes are made.
    On,
}

/// Values of the reference's on-demand flags (docs/reference/conductorone.md §2.3).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct OnDemandFlags {
    pub(crate) create_account_email: Option<String>,
    pub(crate) create_account_login: Option<String>,
    pub(crate) create_account_profile: Option<String>,
    pub(crate) create_account_resource_type: Option<String>,
    pub(crate) delete_resource: Option<String>,
    pub(crate) delete_resource_type: Option<String>,
    pub(crate) grant_entitlement: Option<String>,
    pub(crate) grant_principal: Option<String>,
    pub(crate) grant_principal_type: Option<String>,
    pub(crate) invoke_action: Option<String>,
    pub(crate) invoke_action_args: Option<String>,
    pub(crate) invoke_action_resource_type: Option<String>,
    pub(crate) list_action_schemas: bool,
    pub(crate) list_action_schemas_resource_type: Option<String>,
    pub(crate) revoke_grant: Option<String>,
}

/// Flags that require each other, like in the reference; plus the types of the principal and of the resource, which the
/// reference needs without a check (docs/reference/conductorone.md §1.5, §2.3).
static TOGETHER: [&[&Setting]; 2] = [
    &[
        &keys::GRANT_ENTITLEMENT.setting,
        &keys::GRANT_PRINCIPAL.setting,
        &keys::GRANT_PRINCIPAL_TYPE.setting,
    ],
    &[
        &keys::DELETE_RESOURCE.setting,
        &keys::DELETE_RESOURCE_TYPE.setting,
    ],
];
/// Mutually exclusive flags (docs/reference/conductorone.md §1.5).
static EXCLUSIVE: [&[&Setting]; 2] = [
    &[
        &keys::GRANT_ENTITLEMENT.setting,
        &keys::REVOKE_GRANT.setting,
        &keys::CREATE_ACCOUNT_LOGIN.setting,
        &keys::DELETE_RESOURCE.setting,
        &keys::INVOKE_ACTION.setting,
    ],
    &[
        &keys::GRANT_ENTITLEMENT.setting,
        &keys::REVOKE_GRANT.setting,
        &keys::CREATE_ACCOUNT_EMAIL.setting,
        &keys::DELETE_RESOURCE_TYPE.setting,
        &keys::INVOKE_ACTION.setting,
    ],
];
/// Flags that request an operation.
static ASKING: [&Setting; 8] = [
    &keys::CREATE_ACCOUNT_EMAIL.setting,
    &keys::CREATE_ACCOUNT_LOGIN.setting,
    &keys::CREATE_ACCOUNT_PROFILE.setting,
    &keys::DELETE_RESOURCE.setting,
    &keys::GRANT_ENTITLEMENT.setting,
    &keys::INVOKE_ACTION.setting,
    &keys::LIST_ACTION_SCHEMAS.setting,
    &keys::REVOKE_GRANT.setting,
];

fn names(group: &[&Setting]) -> Vec<&'static str> {
    group.iter().map(|setting| setting.name).collect()
}

impl Settings {
    /// The values of the on-demand flags.
    ///
    /// # Errors
    /// [`SettingsError::Group`] if they conflict.
    pub(crate) fn on_demand(&self) -> Result<OnDemandFlags, SettingsError> {
        let given = |group: &[&'static Setting]| {
            group
                .iter()
                .filter_map(|setting| match self.read_text(*setting) {
                    Ok(None) => None,
                    Ok(Some(_)) => Some(Ok(setting.name)),
                    Err(error) => Some(Err(error)),
                })
                .collect::<Result<Vec<&'static str>, SettingsError>>()
        };
        for group in TOGETHER {
            let set = given(group)?;
            if !set.is_empty() && set.len() < group.len() {
                let missing: Vec<&str> = names(group)
                    .into_iter()
                    .filter(|name| !set.contains(name))
                    .collect();
                return Err(SettingsError::Group(format!(
                    "if any flags in the group [{}] are set they must all be set; missing [{}]",
                    names(group).join(" "),
                    missing.join(" ")
                )));
            }
        }
        for group in EXCLUSIVE {
            let mut set = given(group)?;
            if set.len() > 1 {
                set.sort_unstable();
                return Err(SettingsError::Group(format!(
                    "if any flags in the group [{}] are set none of the others can be; [{}] were all set",
                    names(group).join(" "),
                    set.join(" ")
                )));
            }
        }
        let flags = OnDemandFlags {
            create_account_email: self.get(&keys::CREATE_ACCOUNT_EMAIL)?,
            create_account_login: self.get(&keys::CREATE_ACCOUNT_LOGIN)?,
            create_account_profile: self.get(&keys::CREATE_ACCOUNT_PROFILE)?,
            create_account_resource_type: self.get(&keys::CREATE_ACCOUNT_RESOURCE_TYPE)?,
            delete_resource: self.get(&keys::DELETE_RESOURCE)?,
            delete_resource_type: self.get(&keys::DELETE_RESOURCE_TYPE)?,
            grant_entitlement: self.get(&keys::GRANT_ENTITLEMENT)?,
            grant_principal: self.get(&keys::GRANT_PRINCIPAL)?,
            grant_principal_type: self.get(&keys::GRANT_PRINCIPAL_TYPE)?,
            invoke_action: self.get(&keys::INVOKE_ACTION)?,
            invoke_action_args: self.get(&keys::INVOKE_ACTION_ARGS)?,
            invoke_action_resource_type: self.get(&keys::INVOKE_ACTION_RESOURCE_TYPE)?,
            list_action_schemas: self.get(&keys::LIST_ACTION_SCHEMAS)?,
            list_action_schemas_resource_type: self.get(&keys::LIST_ACTION_SCHEMAS_RESOURCE_TYPE)?,
            revoke_grant: self.get(&keys::REVOKE_GRANT)?,
        };
        // The reference runs a sync in this case, which cannot be intended.
        if flags.create_account_email.is_some()
            && flags.create_account_login.is_none()
            && flags.create_account_profile.is_none()
        {
            return Err(SettingsError::Group(
                "--create-account-email creates no account by itself: add --create-account-login or --create-account-profile".to_owned(),
            ));
        }
        flags.validate_resource_types()?;
        Ok(flags)
    }

    /// The mode of changes. The reference's flags are consent (docs/reference/conductorone.md §2.1).
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn provisioning_mode(&self, on_demand_flag: bool) -> Result<ProvisioningMode, SettingsError> {
        Ok(if self.get(&keys::DRY_RUN)? {
            ProvisioningMode::DryRun
        } else if on_demand_flag || self.get(&keys::PROVISIONING)? {
            ProvisioningMode::On
        } else {
            ProvisioningMode::Off
        })
    }

    /// The mode of changes without one of the reference's flags.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn provisioning(&self) -> Result<bool, SettingsError> {
        self.get(&keys::PROVISIONING)
    }

    /// Whether administrators may be deleted.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn allow_admin_delete(&self) -> Result<bool, SettingsError> {
        self.get(&keys::ALLOW_ADMIN_DELETE)
    }

    /// The audit log.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn audit_log(&self) -> Result<Option<PathBuf>, SettingsError> {
        let Some(path) = self.read_text(&keys::AUDIT_LOG.setting)? else {
            return Ok(None);
        };
        let path = crate::targets::local_file(&path, "the audit log");
        path.map(Some)
            .map_err(|problem| self.invalid(&keys::AUDIT_LOG.setting, problem))
    }

    /// The requester of changes: the setting, or the login name of the current user.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn requested_by(&self) -> Result<String, SettingsError> {
        if let Some(who) = self.get(&keys::REQUESTED_BY)? {
            return Ok(who);
        }
        let login = ["USER", "LOGNAME", "USERNAME"]
            .iter()
            .find_map(|name| std::env::var(name).ok());
        Ok(login
            .filter(|login| !login.is_empty())
            .unwrap_or_else(|| "unknown".to_owned()))
    }
}

impl OnDemandFlags {
    /// Rejects actions of one resource type, because there are none.
    fn validate_resource_types(&self) -> Result<(), SettingsError> {
        let alone = |flag: &str, other: &str| {
            Err(SettingsError::Group(format!(
                "if any flags in the group [{other} {flag}] are set they must all be set; missing [{other}]"
            )))
        };
        match (&self.invoke_action_resource_type, &self.invoke_action) {
            (Some(resource_type), Some(action)) => {
                return Err(SettingsError::NoSuchAction {
                    action: action.clone(),
                    resource_type: resource_type.clone(),
                });
            }
            (Some(_), None) => return alone("invoke-action-resource-type", "invoke-action"),
            (None, _) => {}
        }
        if self.list_action_schemas_resource_type.is_some() && !self.list_action_schemas {
            return alone("list-action-schemas-resource-type", "list-action-schemas");
        }
        Ok(())
    }

    /// Whether the actions of one resource type are listed, which is an empty list.
    pub(crate) fn lists_actions_of_a_type(&self) -> bool {
        self.list_action_schemas && self.list_action_schemas_resource_type.is_some()
    }

    /// Rejects on-demand flags beside a subcommand, so that none is silently ignored.
    ///
    /// # Errors
    /// [`SettingsError::Group`].
    pub(crate) fn reject_beside(&self, subcommand: &str) -> Result<(), SettingsError> {
        if *self == Self::default() {
            return Ok(());
        }
        Err(SettingsError::Group(format!(
            "the subcommand `{subcommand}` already says what to do; remove the flags or variables of {}",
            names(&ASKING).join(", ")
        )))
    }
}
