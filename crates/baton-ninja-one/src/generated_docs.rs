//! The generated parts of documents, which are always up to date.

use std::fmt::Write;

use access_core::model::{AttributeType, TraitKind};

use crate::cli::flags::value_name;
use crate::settings::{REFERENCE, SETTINGS, SettingScope, SettingStatus, variable_name};

/// Generated parts by name. A document holds one between `<!-- generated: NAME -->` and `<!-- end generated -->`.
#[must_use]
pub fn generated_documents() -> Vec<(&'static str, String)> {
    vec![
        ("settings", settings()),
        ("cli", crate::cli::reference::document(crate::cli::command())),
        ("reference-flags", reference_flags()),
        ("credential-files", credential_files()),
        ("resource-types", resource_types()),
        ("entitlements", entitlements()),
        ("user-attributes", user_attributes()),
        ("dataset", access_dataset::document(crate::wiring::CONTRACT)),
        ("cloud-variables", access_dataset::document_cloud_variables()),
        ("metrics", crate::observability::metrics::document()),
        (
            "account-attributes",
            crate::commands::provision::documented_account_fields(),
        ),
        (
            "capabilities",
            format!("```json\n{}\n```\n", crate::commands::capabilities::json(false)),
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
        let flag = match setting.scope {
            SettingScope::Environment => "–".to_owned(),
            SettingScope::All | SettingScope::FlagAndEnvironment => format!("{short}`--{}`", setting.flag()),
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

/// Every flag and variable of the reference, with its support here.
fn reference_flags() -> String {
    let mut text = String::from("| Flag | Variable | Key | Here |\n|---|---|---|---|\n");
    for row in REFERENCE {
        let (flag, key) = match row.scope {
            SettingScope::Environment => ("–".to_owned(), "–".to_owned()),
            SettingScope::All | SettingScope::FlagAndEnvironment => {
                (format!("`--{}`", row.name), format!("`{}`", row.name))
            }
        };
        let fate = match row.fate {
            SettingStatus::Works => "works".to_owned(),
            SettingStatus::NoEffect(reason) => format!("no effect: {reason}"),
            SettingStatus::Refused { reason, instead } => format!("**refused**: {reason}; {instead}"),
        };
        let _ = writeln!(
            text,
            "| {flag} | `{}` | {key} | {fate} |",
            variable_name(row.name)
        );
    }
    text
}

/// The variables that name a file with the value.
fn credential_files() -> String {
    let files = SETTINGS.iter().filter_map(|setting| setting.file_variable());
    files.fold(String::new(), |text, variable| text + "- `" + &variable + "`\n")
}

fn resource_types() -> String {
    let mut text =
        String::from("| Resource type | Shown as | Trait | Entitlements and grants |\n|---|---|---|---|\n");
    for row in ninjaone::resource_types(true) {
        let kind = match row.trait_kind {
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

/// The attributes of users that the adapter declares.
fn user_attributes() -> String {
    let mut text = String::from(
        "| Attribute | Type | Column of `users` | Compared | Meaning |\n|---|---|---|---|---|\n",
    );
    for attribute in ninjaone::USER_ATTRIBUTES.iter() {
        let attribute_type = match attribute.attribute_type {
            AttributeType::Text | AttributeType::Word => "text",
            AttributeType::Flag => "true, false",
        };
        let yes = |is: bool| if is { "yes" } else { "no" };
        let _ = writeln!(
            text,
            "| `{}` | {attribute_type} | {} | {} | {} |",
            attribute.key,
            yes(attribute.column.is_some()),
            yes(!ninjaone::USER_ATTRIBUTES.ignores(attribute.key)),
            attribute.meaning
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
            .map(|description| description.to_string().replace('<', "&lt;"))
            .unwrap_or_default();
        let _ = writeln!(text, "| `{}` | {description} | {changed} |", row.id);
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use access_dataset::{ColumnKind, Table};

    use crate::wiring::CONTRACT;

    /// A change of this snapshot is a change of the contract: new columns may be added at the end, anything else needs a
    /// new schema version.
    #[test]
    fn dataset_contract() {
        insta::assert_snapshot!(access_dataset::document(CONTRACT));
    }

    /// Like in Iceberg, columns and list elements share one counter without gaps.
    #[test]
    fn contract_field_ids_have_no_gap() {
        for dataset in Table::ALL.into_iter().chain(Table::HISTORY) {
            let columns = CONTRACT.columns(dataset);
            let own = columns.iter().map(|column| column.field_id);
            let elements = columns.iter().filter_map(|column| column.element_id);
            let ids: BTreeSet<i32> = own.chain(elements.clone()).collect();
            let count = columns.len() + elements.count();
            assert_eq!(ids.len(), count, "{dataset}: an id is given twice");
            let expected: BTreeSet<i32> = (1..).take(count).collect();
            assert_eq!(ids, expected, "{dataset}");
        }
    }

    /// An attribute must not have the name of another attribute or of a fixed column.
    #[test]
    fn contract_names_are_unique() {
        for dataset in Table::ALL.into_iter().chain(Table::HISTORY) {
            let columns = CONTRACT.columns(dataset);
            let names: BTreeSet<&str> = columns.iter().map(|column| column.name).collect();
            assert_eq!(names.len(), columns.len(), "{dataset}");
            let lists = columns
                .iter()
                .filter(|column| column.kind == ColumnKind::TextList);
            assert!(
                lists.clone().all(|column| column.element_id.is_some()),
                "{dataset}"
            );
        }
    }

    #[test]
    fn every_command_is_in_the_reference() {
        let page = crate::cli::reference::document(crate::cli::command());
        for entry in crate::commands::COMMANDS {
            assert!(
                page.contains(&format!("\n### {}\n", entry.name())),
                "{}",
                entry.name()
            );
            for example in entry.examples {
                assert!(
                    page.contains(&format!("\nbaton-ninja-one {example}\n")),
                    "{example}"
                );
            }
        }
        for inner in ["inspect users", "review close", "history rebuild"] {
            assert!(page.contains(&format!("\n#### {inner}\n")), "{inner}");
        }
    }
}
