//! Parses flags and subcommands into changes.

use access_core::provisioning::{
    AccountField, AccountRequest, AccountUpdate, AttributeValue, Attributes, Change, FieldRule, FieldType,
    ProvisioningError, Selector,
};
use clap::{Arg, ArgAction, ArgMatches, Command};
use ninjaone::ACCOUNTS;

use super::attributes::from_json;
use super::error::RequestError;
use super::schema;
use crate::settings::OnDemandFlags;

/// A requested operation.
pub(crate) enum Request {
    /// A change.
    Change {
        /// The change.
        change: Change,
        /// Whether one of the reference's flags requests it, which is consent.
        on_demand: bool,
        /// Whether to skip the confirmation.
        yes: bool,
    },
    /// Print the account schema.
    AccountSchema,
    /// Print the schemas of actions.
    ActionSchemas,
}

/// A command that changes the tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeCommand {
    Grant,
    Revoke,
    CreateAccount,
    UpdateAccount,
    DeleteAccount,
}

/// Defines a command.
pub(crate) fn subcommand(command: ChangeCommand) -> Command {
    let role = || {
        Arg::new("role")
            .required(true)
            .value_name("ROLE")
            .help("The role: its entitlement id (role:7:assigned), id or name")
    };
    let account = || {
        Arg::new("account")
            .required(true)
            .value_name("USER")
            .help("The account: user:<id>, its id or its login")
    };
    let other = |long: &'static str| account().long(long);
    let yes = || {
        Arg::new("yes")
            .long("yes")
            .short('y')
            .action(ArgAction::SetTrue)
            .help("Do not ask for confirmation at a terminal")
    };
    match command {
        ChangeCommand::CreateAccount => create_account().arg(yes()),
        ChangeCommand::DeleteAccount => Command::new("delete-account")
            .about("Delete an account")
            .args([account(), yes()]),
        ChangeCommand::Grant => {
            Command::new("grant")
                .about("Assign a role to an account")
                .args([role(), other("to"), yes()])
        }
        ChangeCommand::Revoke => Command::new("revoke")
            .about("Revoke a role from an account")
            .args([role(), other("from"), yes()]),
        ChangeCommand::UpdateAccount => update_account().arg(yes()),
    }
}

fn create_account() -> Command {
    let fields = ACCOUNTS.create_fields.iter().map(|field| {
        let argument = Arg::new(field.name)
            .long(schema::flag(field.name))
            .help(field.description);
        match field.kind() {
            FieldType::Text => argument.value_name("TEXT"),
            FieldType::Flag => switch(argument),
            FieldType::List => argument.value_name("ROLE").action(ArgAction::Append),
        }
    });
    Command::new("create-account")
        .about("Create a technician or an end user")
        .args(fields)
        .arg(profile("Attributes as a JSON object; flags go before it"))
        .arg(
            Arg::new("schema")
                .long("schema")
                .action(ArgAction::SetTrue)
                .help("Print the attributes of an account, as the form that ConductorOne shows, and exit"),
        )
}

fn update_account() -> Command {
    let account = Arg::new("account")
        .required(true)
        .value_name("USER")
        .help("The account: user:<id>, its id or its login");
    let fields = update_fields().map(|field| {
        let argument = Arg::new(field.name)
            .long(schema::flag(field.name))
            .help(field.description);
        match field.kind() {
            FieldType::Flag => switch(argument),
            FieldType::Text | FieldType::List => argument.value_name("TEXT"),
        }
    });
    // Defined, so that the error explains why they cannot be changed.
    let refused = REFUSED_FLAGS.map(|key| Arg::new(key).long(key).value_name("TEXT").hide(true));
    Command::new("update-account")
        .about("Change attributes of an account that NinjaOne's API can change")
        .arg(account)
        .args(fields)
        .arg(profile("Attributes as a JSON object; flags go before it"))
        .args(refused)
}

/// A flag that is on without a value. `usage.rs` joins a value after a space to the flag before clap parses, so the account
/// of `update-account` is never read as the value.
fn switch(argument: Arg) -> Arg {
    argument
        .value_name("true|false")
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
}

/// The switches of accounts, without dashes.
pub(crate) fn account_switches() -> impl Iterator<Item = &'static str> {
    let fields = ACCOUNTS.create_fields.iter().chain(ACCOUNTS.update_fields);
    fields
        .filter(|field| field.kind() == FieldType::Flag)
        .map(|field| schema::flag(field.name))
}

/// Replaces attribute names by flag names in the problems of attributes.
fn with_flag_names(error: RequestError) -> RequestError {
    let RequestError::Domain(ProvisioningError::InvalidAttributes { what, problems }) = error else {
        return error;
    };
    let named = |problem: String| {
        let fields = ACCOUNTS.create_fields.iter().chain(ACCOUNTS.update_fields);
        let field = fields.map(|field| field.name).find(|name| {
            problem
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with([':', ' ']))
        });
        match field {
            Some(name) => {
                let rest = problem[name.len()..].replace("TECHNICIAN", "technician");
                format!("--{}{}", schema::flag(name), rest.replace("END_USER", "end-user"))
            }
            None => problem,
        }
    };
    RequestError::Domain(ProvisioningError::InvalidAttributes {
        what,
        problems: problems.into_iter().map(named).collect(),
    })
}

/// Flags of `update-account` for attributes that cannot be changed.
const REFUSED_FLAGS: [&str; 4] = ["email", "phone", "administrator", "enabled"];

/// Attributes that can be changed.
fn update_fields() -> impl Iterator<Item = &'static AccountField> {
    let fields = ACCOUNTS.update_fields.iter();
    fields.filter(|field| field.rule != FieldRule::Account)
}

fn profile(help: &'static str) -> Arg {
    Arg::new("profile").long("profile").value_name("JSON").help(help)
}

/// The arguments of a command that changes the tenant.
#[derive(Debug, Clone)]
pub(crate) struct ChangeArgs {
    target: ChangeTarget,
    /// Whether to skip the confirmation.
    yes: bool,
}

/// The subject of a change.
#[derive(Debug, Clone)]
enum ChangeTarget {
    Grant {
        role: String,
        account: String,
    },
    Revoke {
        role: String,
        account: String,
    },
    AccountSchema,
    CreateAccount(AttributeArgs),
    UpdateAccount {
        account: String,
        attributes: AttributeArgs,
    },
    DeleteAccount {
        account: String,
    },
}

/// Attributes of an account: a JSON object, and flags that override it.
#[derive(Debug, Clone)]
struct AttributeArgs {
    profile: Option<String>,
    /// Values by the name of the attribute.
    flags: Vec<(&'static str, Vec<String>)>,
}

impl ChangeArgs {
    pub(crate) fn from_matches(command: ChangeCommand, matches: &ArgMatches) -> Self {
        let text = |name: &str| matches.get_one::<String>(name).cloned().unwrap_or_default();
        let target = match command {
            ChangeCommand::Grant => ChangeTarget::Grant {
                role: text("role"),
                account: text("account"),
            },
            ChangeCommand::Revoke => ChangeTarget::Revoke {
                role: text("role"),
                account: text("account"),
            },
            ChangeCommand::CreateAccount if matches.get_flag("schema") => ChangeTarget::AccountSchema,
            ChangeCommand::CreateAccount => {
                let names = ACCOUNTS.create_fields.iter().map(|field| field.name);
                ChangeTarget::CreateAccount(AttributeArgs::from_matches(matches, names))
            }
            ChangeCommand::UpdateAccount => {
                let names = update_fields().map(|field| field.name).chain(REFUSED_FLAGS);
                ChangeTarget::UpdateAccount {
                    account: text("account"),
                    attributes: AttributeArgs::from_matches(matches, names),
                }
            }
            ChangeCommand::DeleteAccount => ChangeTarget::DeleteAccount {
                account: text("account"),
            },
        };
        Self {
            target,
            yes: matches.get_flag("yes"),
        }
    }

    /// Whether only the schema of an account is printed.
    pub(crate) fn is_schema(&self) -> bool {
        matches!(self.target, ChangeTarget::AccountSchema)
    }

    /// The request for the change.
    ///
    /// # Errors
    /// [`RequestError`] if the arguments are invalid.
    pub(super) fn to_request(&self, allow_administrator: bool) -> Result<Request, RequestError> {
        let change = self
            .target
            .to_change(allow_administrator)
            .map_err(with_flag_names)?;
        Ok(match change {
            None => Request::AccountSchema,
            Some(change) => Request::Change {
                change,
                on_demand: false,
                yes: self.yes,
            },
        })
    }
}

impl ChangeTarget {
    /// The change; `None` for the account schema.
    fn to_change(&self, allow_administrator: bool) -> Result<Option<Change>, RequestError> {
        let terms = ninjaone::provisioning_terms();
        Ok(Some(match self {
            Self::Grant { role, account } => Change::Grant {
                role: Selector::parse_role(role, &terms)?,
                principal: Selector::parse_account(account, &terms)?,
            },
            Self::Revoke { role, account } => Change::Revoke {
                role: Selector::parse_role(role, &terms)?,
                principal: Selector::parse_account(account, &terms)?,
            },
            Self::AccountSchema => return Ok(None),
            Self::CreateAccount(attributes) => {
                Change::CreateAccount(AccountRequest::parse(&attributes.merge()?, &terms)?)
            }
            Self::UpdateAccount { account, attributes } => Change::UpdateAccount {
                account: Selector::parse_account(account, &terms)?,
                update: AccountUpdate::parse(&attributes.merge()?, &terms)?,
            },
            Self::DeleteAccount { account } => Change::DeleteAccount {
                account: Selector::parse_account(account, &terms)?,
                allow_administrator,
            },
        }))
    }
}

impl AttributeArgs {
    fn from_matches(matches: &ArgMatches, names: impl Iterator<Item = &'static str>) -> Self {
        let values = |name: &str| matches.get_many::<String>(name).into_iter().flatten().cloned();
        Self {
            profile: matches.get_one::<String>("profile").cloned(),
            flags: names.map(|name| (name, values(name).collect())).collect(),
        }
    }

    /// The profile, overridden by the flags.
    fn merge(&self) -> Result<Attributes, RequestError> {
        let mut attributes = match &self.profile {
            Some(json) => from_json("--profile", json)?,
            None => Attributes::new(),
        };
        for (name, values) in &self.flags {
            match (*name, values.as_slice()) {
                (_, []) => {}
                ("roles", roles) => {
                    attributes.insert("roles".to_owned(), AttributeValue::List(roles.to_vec()));
                }
                (name, [text, ..]) => {
                    attributes.insert(name.to_owned(), text.as_str().into());
                }
            }
        }
        Ok(attributes)
    }
}

/// The request of the reference's flags; the first one in the reference's order (docs/reference/conductorone.md §2.1).
pub(super) fn from_flags(
    flags: &OnDemandFlags,
    allow_administrator: bool,
) -> Result<Option<Request>, RequestError> {
    let terms = ninjaone::provisioning_terms();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let change = if let Some(entitlement) = &flags.grant_entitlement {
        Change::Grant {
            role: Selector::parse_entitlement(entitlement, &terms)?,
            principal: Selector::parse_principal(
                &text(&flags.grant_principal_type),
                &text(&flags.grant_principal),
                &terms,
            )?,
        }
    } else if let Some(grant) = &flags.revoke_grant {
        let (role, principal) = Selector::parse_grant(grant, &terms)?;
        Change::Revoke { role, principal }
    } else if flags.create_account_profile.is_some() || flags.create_account_login.is_some() {
        account_from_flags(flags)?
    } else if let Some(action) = &flags.invoke_action {
        action_from_flags(action, flags)?
    } else if flags.list_action_schemas {
        return Ok(Some(Request::ActionSchemas));
    } else if let Some(id) = &flags.delete_resource {
        let resource_type = text(&flags.delete_resource_type);
        terms.require_account_type(&resource_type, "deleted")?;
        Change::DeleteAccount {
            account: Selector::parse_principal(&resource_type, id, &terms)?,
            allow_administrator,
        }
    } else {
        return Ok(None);
    };
    Ok(Some(Request::Change {
        change,
        on_demand: true,
        yes: true,
    }))
}

/// Login and email complete the profile.
fn account_from_flags(flags: &OnDemandFlags) -> Result<Change, RequestError> {
    let terms = ninjaone::provisioning_terms();
    if let Some(resource_type) = &flags.create_account_resource_type {
        terms.require_account_type(resource_type, "created")?;
    }
    let mut attributes = match &flags.create_account_profile {
        Some(json) => from_json("--create-account-profile", json)?,
        None => Attributes::new(),
    };
    for (key, value) in [
        ("login", &flags.create_account_login),
        ("email", &flags.create_account_email),
    ] {
        if let Some(value) = value {
            attributes
                .entry(key.to_owned())
                .or_insert_with(|| value.as_str().into());
        }
    }
    Ok(Change::CreateAccount(AccountRequest::parse(&attributes, &terms)?))
}

fn action_from_flags(action: &str, flags: &OnDemandFlags) -> Result<Change, RequestError> {
    let arguments = from_json(
        "--invoke-action-args",
        flags.invoke_action_args.as_deref().unwrap_or("{}"),
    )?;
    // There is no flag for a resource type, because actions are not bound to one.
    Ok(Change::from_action(
        action,
        "",
        arguments,
        &ninjaone::provisioning_terms(),
    )?)
}
