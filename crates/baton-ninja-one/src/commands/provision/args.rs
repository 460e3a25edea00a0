//! Flags and subcommands as changes.

use access_core::provisioning::{
    AccountField, AccountRequest, AccountUpdate, AttributeValue, Attributes, Change, FieldRule, FieldType,
    ProvisioningError, Selector,
};
use access_core::{Diagnostic, StatusCode};
use clap::{Arg, ArgAction, ArgMatches, Command};
use ninjaone::ACCOUNTS;

use super::attributes::from_json;
use super::schema;
use crate::settings::OnDemandFlags;

/// What is asked for.
pub(crate) enum Request {
    /// A change.
    Change {
        /// Which.
        change: Change,
        /// One of the reference's flags asks for it, which is consent enough.
        on_demand: bool,
        /// A person need not be asked.
        yes: bool,
    },
    /// To see what an account is made of.
    AccountSchema,
    /// To see the actions.
    ActionSchemas,
}

/// Why flags make no change.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestError {
    /// A JSON text that cannot be used.
    #[error("{origin}: not a JSON object of attributes: {reason}")]
    Json {
        /// The flag.
        origin: &'static str,
        /// Why.
        reason: String,
    },
    /// The domain's refusal.
    #[error(transparent)]
    Domain(#[from] ProvisioningError),
}

impl Diagnostic for RequestError {
    fn status(&self) -> StatusCode {
        match self {
            Self::Json { .. } => StatusCode::InvalidArgument,
            Self::Domain(error) => error.status(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Domain(error) => error.hint(),
            Self::Json { .. } => None,
        }
    }
}

/// A command that changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeCommand {
    Grant,
    Revoke,
    CreateAccount,
    UpdateAccount,
    DeleteAccount,
}

/// The arguments of a command.
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
    // Known, so that the reason for the refusal can be told.
    let refused = REFUSED_FLAGS.map(|key| Arg::new(key).long(key).value_name("TEXT").hide(true));
    Command::new("update-account")
        .about("Change attributes of an account that NinjaOne's API can change")
        .arg(account)
        .args(fields)
        .arg(profile("Attributes as a JSON object; flags go before it"))
        .args(refused)
}

/// A flag that is on when it stands alone. A value after a space is joined to it before the command line is parsed, so that the
/// account of `update-account` is never taken for its value.
fn switch(argument: Arg) -> Arg {
    argument
        .value_name("true|false")
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value("true")
}

/// Flags of accounts that are switches, without dashes.
pub(crate) fn account_switches() -> impl Iterator<Item = &'static str> {
    let fields = ACCOUNTS.create_fields.iter().chain(ACCOUNTS.update_fields);
    fields
        .filter(|field| field.kind() == FieldType::Flag)
        .map(|field| schema::flag(field.name))
}

/// The problems of attributes that came as flags, with the names of the flags.
fn in_words_of_flags(error: RequestError) -> RequestError {
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

/// Flags of `update-account` for what cannot be changed.
const REFUSED_FLAGS: [&str; 4] = ["email", "phone", "administrator", "enabled"];

/// Attributes that can be changed.
fn update_fields() -> impl Iterator<Item = &'static AccountField> {
    let fields = ACCOUNTS.update_fields.iter();
    fields.filter(|field| field.rule != FieldRule::Account)
}

fn profile(help: &'static str) -> Arg {
    Arg::new("profile").long("profile").value_name("JSON").help(help)
}

/// The change that a subcommand asks for.
pub(super) fn from_subcommand(
    command: ChangeCommand,
    chosen: &ArgMatches,
    allow_administrator: bool,
) -> Result<Request, RequestError> {
    subcommand_as_request(command, chosen, allow_administrator).map_err(in_words_of_flags)
}

fn subcommand_as_request(
    command: ChangeCommand,
    chosen: &ArgMatches,
    allow_administrator: bool,
) -> Result<Request, RequestError> {
    let terms = ninjaone::provisioning_terms();
    let text = |argument: &str| chosen.get_one::<String>(argument).cloned().unwrap_or_default();
    let account = || Selector::parse_account(&text("account"), &terms);
    let change = match command {
        ChangeCommand::Grant => Change::Grant {
            role: Selector::parse_role(&text("role"), &terms)?,
            principal: account()?,
        },
        ChangeCommand::Revoke => Change::Revoke {
            role: Selector::parse_role(&text("role"), &terms)?,
            principal: account()?,
        },
        ChangeCommand::CreateAccount if chosen.get_flag("schema") => return Ok(Request::AccountSchema),
        ChangeCommand::CreateAccount => {
            let keys: Vec<&str> = ACCOUNTS.create_fields.iter().map(|field| field.name).collect();
            Change::CreateAccount(AccountRequest::parse(&attributes(chosen, &keys)?, &terms)?)
        }
        ChangeCommand::UpdateAccount => {
            let keys = update_fields().map(|field| field.name).chain(REFUSED_FLAGS);
            let keys: Vec<&str> = keys.collect();
            Change::UpdateAccount {
                account: account()?,
                update: AccountUpdate::parse(&attributes(chosen, &keys)?, &terms)?,
            }
        }
        ChangeCommand::DeleteAccount => Change::DeleteAccount {
            account: account()?,
            allow_administrator,
        },
    };
    Ok(Request::Change {
        change,
        on_demand: false,
        yes: chosen.get_flag("yes"),
    })
}

/// The profile, with what flags say put over it.
fn attributes(chosen: &ArgMatches, keys: &[&'static str]) -> Result<Attributes, RequestError> {
    let mut attributes = match chosen.get_one::<String>("profile") {
        Some(json) => from_json("--profile", json)?,
        None => Attributes::new(),
    };
    for key in keys {
        let given: Vec<String> = chosen
            .get_many::<String>(key)
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        match (*key, given.as_slice()) {
            (_, []) => {}
            ("roles", roles) => {
                attributes.insert("roles".to_owned(), AttributeValue::List(roles.to_vec()));
            }
            (key, [text, ..]) => {
                attributes.insert(key.to_owned(), text.as_str().into());
            }
        }
    }
    Ok(attributes)
}

/// The change that the reference's flags ask for, the first of them in its order (docs/reference/conductorone.md §2.1).
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
        account_of_flags(flags)?
    } else if let Some(action) = &flags.invoke_action {
        invoked(action, flags)?
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

/// Login and e-mail fill what the profile lacks.
fn account_of_flags(flags: &OnDemandFlags) -> Result<Change, RequestError> {
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

fn invoked(action: &str, flags: &OnDemandFlags) -> Result<Change, RequestError> {
    let arguments = from_json(
        "--invoke-action-args",
        flags.invoke_action_args.as_deref().unwrap_or("{}"),
    )?;
    // There is no flag for a resource type: the actions are bound to none.
    Ok(Change::from_action(
        action,
        "",
        arguments,
        &ninjaone::provisioning_terms(),
    )?)
}
