//! `init`: asks for the settings of a sync, tests them, and writes them to a config file that only its owner can read.

mod config_file;
mod prompt;

use std::path::PathBuf;

use access_core::StatusCode;
use access_core::ports::{AccessSource, CheckOutcome};
use clap::{Arg, ArgAction, ArgMatches, Command};
use ninjaone::{NinjaOneClient, NinjaOneSource};

use self::config_file::Existing;
use self::config_file::Values;
use self::prompt::Prompt;
use crate::commands::context::CommandContext;
use crate::failure::Failure;
use crate::output::console;
use crate::output::console::print;
use crate::output::console::print_error;
use crate::runtime;
use crate::runtime::cancellation::cancel_on_signal;
use crate::settings::{Output, Setting, SettingKey, Settings, Text, keys};
use crate::targets;

/// The default config file.
const DEFAULT_FILE: &str = ".baton.yaml";

/// The arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InitArgs {
    /// The file to write.
    file: PathBuf,
    /// Replace a file that exists, without asking.
    replace: bool,
    /// Write without trying the credentials.
    no_check: bool,
}

impl InitArgs {
    pub(crate) fn from_matches(matches: &ArgMatches) -> Self {
        Self {
            file: matches
                .get_one::<PathBuf>("to")
                .cloned()
                .unwrap_or_else(|| DEFAULT_FILE.into()),
            replace: matches.get_flag("replace"),
            no_check: matches.get_flag("no-check"),
        }
    }
}

/// The command.
pub(crate) fn subcommand() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    let to = Arg::new("to")
        .value_name("FILE")
        .default_value(DEFAULT_FILE)
        .value_parser(clap::value_parser!(PathBuf))
        .help("Config file to write: .yaml, .yml or .toml");
    Command::new("init")
        .about(
            "Ask for the address, client id and client secret, test them, and write a config file. Without a terminal, missing \
             answers are read from standard input, one per line",
        )
        .args([
            to,
            flag("replace", "Replace the file if it exists, without asking"),
            flag("no-check", "Write the file without testing the credentials"),
        ])
}

/// Asks for the settings, tests them and writes the file.
pub(crate) fn run(settings: &Settings, arguments: &InitArgs) -> Result<(), Failure> {
    let _context = CommandContext::new(settings)?;
    let output = settings.output()?;
    let file = target_file(&arguments.file)?;
    let prompt = Prompt::new();
    let existing = existing_file(&prompt, arguments, &file)?;
    let address = setting_or_prompt(
        settings,
        &prompt,
        &keys::NINJA_ONE_BASE_URL,
        "Address",
        &[
            "Address at which you open NinjaOne, e.g. https://eu.ninjarmm.com",
            "(app. for the US, us2., eu., ca., oc., or the address of your brand)",
        ],
    )?;
    let address = with_scheme(&address);
    let client_id = setting_or_prompt(
        settings,
        &prompt,
        &keys::NINJA_ONE_CLIENT_ID,
        "Client id",
        &[
            "Client id of the API client app (NinjaOne: Administration > Apps > API > Client App IDs;",
            "platform API Services, scopes Monitoring and Management, grant type Client credentials)",
        ],
    )?;
    let secret = match settings.given_for_this_run(&keys::NINJA_ONE_CLIENT_SECRET)? {
        Some(secret) => secret,
        None => prompt
            .secret("Client secret (not shown)")?
            .ok_or_else(|| missing(&keys::NINJA_ONE_CLIENT_SECRET.setting))?,
    };
    access_core::secrets::register(&secret);
    let complete = settings.with_values(&[
        (&keys::NINJA_ONE_BASE_URL, &address),
        (&keys::NINJA_ONE_CLIENT_ID, &client_id),
        (&keys::NINJA_ONE_CLIENT_SECRET, &secret),
    ]);
    // Invalid values are rejected before anything is sent or written.
    complete.client()?;
    let tested = if arguments.no_check {
        None
    } else {
        Some(test_connection(&complete)?)
    };
    let values = Values {
        address: &address,
        client_id: &client_id,
        client_secret: &secret,
        scope: settings.given_for_this_run(&keys::NINJA_ONE_SCOPE)?,
    };
    config_file::write(&file, &values, existing)?;
    report(&file, tested.as_deref(), output);
    Ok(())
}

/// The file to write. Its type must be readable by the connector.
fn target_file(path: &std::path::Path) -> Result<PathBuf, Failure> {
    let refuse = |problem: String| Failure::new(problem, None, StatusCode::InvalidArgument);
    let path = match path.to_str() {
        Some(text) => targets::local_file(text, "a config file").map_err(refuse)?,
        None => path.to_owned(),
    };
    let ending = path
        .extension()
        .and_then(|ending| ending.to_str())
        .unwrap_or_default();
    // `.baton` alone has no extension.
    if ["yaml", "yml", "toml"].contains(&ending) {
        return Ok(path);
    }
    Err(refuse(format!(
        "{}: a config file ends in .yaml, .yml or .toml",
        path.display()
    )))
}

/// Whether an existing file may be replaced.
fn existing_file(prompt: &Prompt, arguments: &InitArgs, file: &std::path::Path) -> Result<Existing, Failure> {
    if file.symlink_metadata().is_err() {
        return Ok(Existing::Refuse);
    }
    if arguments.replace {
        return Ok(Existing::Replace);
    }
    let question = format!("{} exists. Replace it? [y/N]", file.display());
    if prompt.is_terminal() && prompt.confirm(&question)? {
        return Ok(Existing::Replace);
    }
    Err(config_file::exists(file))
}

/// The value of a setting, or the answer to a question.
fn setting_or_prompt(
    settings: &Settings,
    prompt: &Prompt,
    key: &SettingKey<Text>,
    question: &str,
    explanation: &[&str],
) -> Result<String, Failure> {
    if let Some(given) = settings.given_for_this_run(key)? {
        return Ok(given);
    }
    prompt
        .line(explanation, question)?
        .ok_or_else(|| missing(&key.setting))
}

fn missing(setting: &Setting) -> Failure {
    let name = setting.name;
    Failure::new(
        format!("no answer for --{name}"),
        Some(format!(
            "use --{name} or {}, or write the answer to standard input",
            setting.variable()
        )),
        StatusCode::InvalidArgument,
    )
}

/// Completes an address that was typed without a scheme.
fn with_scheme(text: &str) -> String {
    if text.contains("://") || text.is_empty() {
        text.to_owned()
    } else {
        format!("https://{text}")
    }
}

/// Makes the requests of a sync, and returns the tenant's name.
fn test_connection(settings: &Settings) -> Result<String, Failure> {
    let source = NinjaOneSource::new(
        NinjaOneClient::new(settings.client()?)?,
        settings.source_options()?,
    );
    let mut wait = console::Text::new();
    wait.line("Testing the credentials ...");
    if Prompt::new().is_terminal() {
        print_error(&wait);
    }
    let runtime = runtime::start()?;
    let checked = runtime.block_on(cancel_on_signal(
        source.check(),
        "stopped on request; nothing was written",
    ));
    runtime.shutdown_background();
    let report = checked.map_err(nothing_written)?;
    for check in report.endpoints {
        if let CheckOutcome::Failed {
            status,
            message,
            hint,
        } = check.outcome
        {
            return Err(nothing_written(Failure::new(message, hint, status)));
        }
    }
    Ok(report.tenant)
}

fn nothing_written(failure: Failure) -> Failure {
    failure.with_message(|message| format!("{message}; no config file was written"))
}

fn report(file: &std::path::Path, tenant: Option<&str>, output: Output) {
    if output == Output::Json {
        print(&console::Text::from_json(
            &serde_json::json!({ "file": file, "tenant": tenant }),
        ));
        return;
    }
    let config = if file == std::path::Path::new(DEFAULT_FILE) {
        String::new()
    } else {
        format!(" --config {}", file.display())
    };
    let mut text = console::Text::new();
    if let Some(tenant) = tenant {
        text.line(format_args!(
            "Signed in at {tenant}; every list that a sync needs can be read."
        ));
    }
    text.line(format_args!(
        "Wrote {}, readable by you only. It holds the client secret: keep it out of version control.",
        file.display()
    ));
    text.blank();
    text.line(format_args!(
        "Next: baton-ninja-one sync --sink html=review.html{config}"
    ));
    print(&text);
}
