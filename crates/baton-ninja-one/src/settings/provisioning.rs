//! Settings of changes.

use std::path::PathBuf;

use super::Settings;
use super::error::SettingsError;

/// Whether changes are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProvisioningMode {
    /// They are refused.
    Off,
    /// They are shown.
    DryRun,
    /// They are made.
    On,
}

/// What the reference's on-demand flags say (docs/reference/conductorone.md §2.3).
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

/// Flags that only make sense together, as the reference has it; the type of the principal and of the resource, which
/// it needs too without saying so, are added (docs/reference/conductorone.md §1.5, §2.3).
const TOGETHER: [&[&str]; 2] = [
    &["grant-entitlement", "grant-principal", "grant-principal-type"],
    &["delete-resource", "delete-resource-type"],
];
/// Flags of which only one can be meant (docs/reference/conductorone.md §1.5).
const EXCLUSIVE: [&[&str]; 2] = [
    &[
        "grant-entitlement",
        "revoke-grant",
        "create-account-login",
        "delete-resource",
        "invoke-action",
    ],
    &[
        "grant-entitlement",
        "revoke-grant",
        "create-account-email",
        "delete-resource-type",
        "invoke-action",
    ],
];
/// Flags that ask for something.
const ASKING: [&str; 8] = [
    "create-account-email",
    "create-account-login",
    "create-account-profile",
    "delete-resource",
    "grant-entitlement",
    "invoke-action",
    "list-action-schemas",
    "revoke-grant",
];

impl Settings {
    /// What the on-demand flags say.
    ///
    /// # Errors
    /// [`SettingsError::Group`] if they do not go together.
    pub(crate) fn on_demand(&self) -> Result<OnDemandFlags, SettingsError> {
        let given = |flags: &'static [&'static str]| {
            flags
                .iter()
                .copied()
                .filter_map(|flag| match self.text(flag) {
                    Ok(None) => None,
                    Ok(Some(_)) => Some(Ok(flag)),
                    Err(error) => Some(Err(error)),
                })
                .collect::<Result<Vec<&'static str>, SettingsError>>()
        };
        for group in TOGETHER {
            let set = given(group)?;
            if !set.is_empty() && set.len() < group.len() {
                let missing: Vec<&str> = group.iter().copied().filter(|flag| !set.contains(flag)).collect();
                return Err(SettingsError::Group(format!(
                    "if any flags in the group [{}] are set they must all be set; missing [{}]",
                    group.join(" "),
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
                    group.join(" "),
                    set.join(" ")
                )));
            }
        }
        let flags = OnDemandFlags {
            create_account_email: self.text("create-account-email")?,
            create_account_login: self.text("create-account-login")?,
            create_account_profile: self.text("create-account-profile")?,
            create_account_resource_type: self.text("create-account-resource-type")?,
            delete_resource: self.text("delete-resource")?,
            delete_resource_type: self.text("delete-resource-type")?,
            grant_entitlement: self.text("grant-entitlement")?,
            grant_principal: self.text("grant-principal")?,
            grant_principal_type: self.text("grant-principal-type")?,
            invoke_action: self.text("invoke-action")?,
            invoke_action_args: self.text("invoke-action-args")?,
            invoke_action_resource_type: self.text("invoke-action-resource-type")?,
            list_action_schemas: self.flag("list-action-schemas")?,
            list_action_schemas_resource_type: self.text("list-action-schemas-resource-type")?,
            revoke_grant: self.text("revoke-grant")?,
        };
        // The reference runs a sync then, which nobody who says it can mean.
        if flags.create_account_email.is_some()
            && flags.create_account_login.is_none()
            && flags.create_account_profile.is_none()
        {
            return Err(SettingsError::Group(
                "create-account-email makes no account alone: give create-account-login or create-account-profile too".to_owned(),
            ));
        }
        flags.judge_resource_types()?;
        Ok(flags)
    }

    /// Whether changes are made. The reference's flags are consent (docs/reference/conductorone.md §2.1).
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn provisioning_mode(&self, on_demand_flag: bool) -> Result<ProvisioningMode, SettingsError> {
        Ok(if self.flag("dry-run")? {
            ProvisioningMode::DryRun
        } else if on_demand_flag || self.flag("provisioning")? {
            ProvisioningMode::On
        } else {
            ProvisioningMode::Off
        })
    }

    /// Whether changes are made without one of the reference's flags.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn provisioning(&self) -> Result<bool, SettingsError> {
        self.flag("provisioning")
    }

    /// Whether administrators may be deleted.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn allow_admin_delete(&self) -> Result<bool, SettingsError> {
        self.flag("allow-admin-delete")
    }

    /// Where changes are written down.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn audit_log(&self) -> Result<Option<PathBuf>, SettingsError> {
        let Some(path) = self.text("audit-log")? else {
            return Ok(None);
        };
        let path = super::targets::local_file(&path, "the audit log");
        path.map(Some)
            .map_err(|problem| self.refuse("audit-log", problem))
    }

    /// Who asks for changes: what the setting says, or the login name of whoever runs the program.
    ///
    /// # Errors
    /// [`SettingsError::Value`].
    pub(crate) fn requested_by(&self) -> Result<String, SettingsError> {
        if let Some(who) = self.text("requested-by")? {
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
    /// Actions of one resource type: there are none, so none can be invoked.
    fn judge_resource_types(&self) -> Result<(), SettingsError> {
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

    /// Whether the actions of one resource type are to be listed, of which there are none.
    pub(crate) fn lists_actions_of_a_type(&self) -> bool {
        self.list_action_schemas && self.list_action_schemas_resource_type.is_some()
    }

    /// A subcommand says what is wanted; a flag that wants something else is not silently left out.
    ///
    /// # Errors
    /// [`SettingsError::Group`].
    pub(crate) fn refuse_beside(&self, subcommand: &str) -> Result<(), SettingsError> {
        if *self == Self::default() {
            return Ok(());
        }
        Err(SettingsError::Group(format!(
            "the subcommand `{subcommand}` says what to do already; take out the flags or variables of {}",
            ASKING.join(", ")
        )))
    }
}
