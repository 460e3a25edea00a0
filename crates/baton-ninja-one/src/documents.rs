//! The parts of the documents that are made from the program itself, so that they cannot go stale.

use std::fmt::Write;

use access_core::model::TraitKind;

use crate::cli::value_name;
use crate::settings::{Fate, GivenBy, REFERENCE, SETTINGS, variable_of};

/// Generated parts by name. A document holds one between `<!-- generated: NAME -->` and `<!-- end generated -->`.
#[must_use]
pub fn generated_documents() -> Vec<(&'static str, String)> {
    vec![
        ("settings", settings()),
        ("reference-flags", reference_flags()),
        ("credential-files", credential_files()),
        ("resource-types", resource_types()),
        ("entitlements", entitlements()),
        ("dataset", access_dataset::document()),
        ("cloud-variables", access_dataset::document_cloud_variables()),
        ("metrics", crate::metrics::document()),
        (
            "account-attributes",
            crate::provision::documented_account_fields(),
        ),
        (
            "capabilities",
            format!("```json\n{}\n```\n", crate::capabilities::json(false)),
        ),
    ]
}

fn settings() -> String {
    let mut text =
        String::from("| Flag | Variable | Values | Default | What it does |\n|---|---|---|---|---|\n");
    for setting in SETTINGS {
        let short = setting
            .short
            .map(|letter| format!("`-{letter}`, "))
            .unwrap_or_default();
        let flag = match setting.given_by {
            GivenBy::Environment => "–".to_owned(),
            GivenBy::All | GivenBy::FlagAndEnvironment => format!("{short}`--{}`", setting.flag()),
        };
        let default = match (setting.required, setting.default) {
            (true, _) => "**required**".to_owned(),
            (false, "") => "–".to_owned(),
            (false, default) => format!("`{default}`"),
        };
        let values = value_name(setting).replace('|', "\\|");
        let _ = writeln!(
            text,
            "| {flag} | `{}` | `{values}` | {default} | {} |",
            setting.variable(),
            setting.help
        );
    }
    text
}

/// Every flag and variable of the reference, and what becomes of it.
fn reference_flags() -> String {
    let mut text = String::from("| Flag | Variable | Key | Here |\n|---|---|---|---|\n");
    for row in REFERENCE {
        let (flag, key) = match row.given_by {
            GivenBy::Environment => ("–".to_owned(), "–".to_owned()),
            GivenBy::All | GivenBy::FlagAndEnvironment => {
                (format!("`--{}`", row.name), format!("`{}`", row.name))
            }
        };
        let fate = match row.fate {
            Fate::Works => "works".to_owned(),
            Fate::NoEffect(reason) => format!("no effect: {reason}"),
            Fate::Refused { reason, instead } => format!("**refused**: {reason}; {instead}"),
        };
        let _ = writeln!(text, "| {flag} | `{}` | {key} | {fate} |", variable_of(row.name));
    }
    text
}

/// The variables that name a file with a value.
fn credential_files() -> String {
    let files = SETTINGS
        .iter()
        .filter_map(crate::settings::Setting::file_variable);
    files.fold(String::new(), |text, variable| text + "- `" + &variable + "`\n")
}

fn resource_types() -> String {
    let mut text =
        String::from("| Resource type | Shown as | Trait | Entitlements and grants |\n|---|---|---|---|\n");
    for row in ninjaone::resource_types(true) {
        let kind = match row.kind {
            TraitKind::User => "user",
            TraitKind::Group => "group",
            TraitKind::Role => "role",
            TraitKind::App => "app",
            TraitKind::ManagedDevice => "managed device",
            TraitKind::Other => "none",
        };
        let access = if row.skip_entitlements_and_grants {
            "none: users hold access"
        } else {
            "yes"
        };
        let opt_in = if row.id == ninjaone::device_type() {
            " (with `--ninja-one-include-devices`)"
        } else {
            ""
        };
        let _ = writeln!(
            text,
            "| `{}`{opt_in} | {} | {kind} | {access} |",
            row.id, row.display_name
        );
    }
    text
}

fn entitlements() -> String {
    let mut text = String::from("| Entitlement id | Means | Can be changed |\n|---|---|---|\n");
    for row in ninjaone::entitlement_patterns() {
        let changed = if row.immutable { "in NinjaOne only" } else { "yes" };
        let description = row
            .description
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        let _ = writeln!(text, "| `{}` | {description} | {changed} |", row.id);
    }
    text
}
