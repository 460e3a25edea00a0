//! Help: of the program on one screen, of a command, and of all settings by topic.

use std::fmt::Write;

use clap::builder::StyledStr;
use clap::builder::styling::{AnsiColor, Style, Styles};

use super::flags::{message_flags, value_name};
use super::version::NAME;
use crate::commands::{COMMANDS, Entry, Group, Section};
use crate::output::wrap::wrap;
use crate::settings::{SETTINGS, Setting, SettingScope, TOPICS, ValueType, keys};

/// Colors of help.
pub(crate) const STYLES: Styles = Styles::styled()
    .header(HEADING)
    .usage(HEADING)
    .literal(LITERAL)
    .placeholder(AnsiColor::Cyan.on_default());
const HEADING: Style = AnsiColor::Green.on_default().bold();
const LITERAL: Style = AnsiColor::Cyan.on_default().bold();

/// The first commands of a new user.
const FIRST_STEPS: [(&str, &str); 3] = [
    ("init", "write .baton.yaml"),
    ("check", "test it"),
    ("sync --sink html=review.html", "make a review report"),
];
/// Width of the widest flag with its help on the same line.
const MAX_FLAG_COLUMNS: usize = 44;
/// Below this terminal width, help is on the line after its flag.
const NARROW: usize = 80;

/// The help of the program.
pub(crate) fn program(width: usize) -> StyledStr {
    let mut page = Page::new(width);
    page.paragraph(
        0,
        "Read who can do what in a NinjaOne tenant; query it, review it, change it.",
    );
    page.blank();
    page.labelled("Usage: ", &format!("{NAME} [COMMAND] [OPTIONS]"));
    page.paragraph(0, "Without a command it syncs, as ConductorOne expects.");
    page.blank();
    for group in Group::ALL {
        page.group(group);
    }
    page.blank();
    page.heading("Start here");
    let column = FIRST_STEPS.iter().map(|(step, _)| step.len()).max().unwrap_or(0) + NAME.len() + 5;
    for (step, purpose) in FIRST_STEPS {
        page.row(&format!("  {NAME} {step}"), purpose, column);
    }
    page.blank();
    page.labelled(
        "Options: ",
        "--config FILE, --output text|json|csv, -v, -q, --color auto|always|never, -h, --version",
    );
    page.labelled(
        "More: ",
        &format!(
            "{NAME} help COMMAND; {NAME} help settings ({} settings by topic)",
            SETTINGS.len()
        ),
    );
    page.text
}

/// Adds examples and relevant settings to clap's help of a command. Clap would wrap these lines again.
pub(crate) fn add_examples_and_settings(mut help: StyledStr, command: &str, width: usize) -> StyledStr {
    let Some(entry) = COMMANDS.iter().find(|entry| entry.is_called(command)) else {
        return help;
    };
    // This is the help of the program, although the line has a command.
    if !help
        .to_string()
        .contains(&format!("Usage: {NAME} {}", entry.name()))
    {
        return help;
    }
    help.push_str("\n");
    help.push_str(&after_command(entry, width).ansi().to_string());
    help
}

/// What follows the arguments in the help of a command.
pub(crate) fn after_command(entry: &Entry, width: usize) -> StyledStr {
    let mut page = Page::new(width);
    if !entry.examples.is_empty() {
        page.heading("Examples");
        for example in entry.examples {
            page.line(&format!("  {NAME} {example}"));
        }
        page.blank();
    }
    sections(&mut page, entry.sections);
    page.text
}

fn sections(page: &mut Page, sections: &[Section]) {
    for section in sections {
        page.heading(section.title());
        let message_rows = message_rows();
        let settings: Vec<(String, String)> = section
            .settings()
            .iter()
            .map(|setting| (flag(setting), setting.help.to_owned()))
            .chain(message_rows.into_iter().filter(|_| *section == Section::Output))
            .collect();
        page.rows(&settings);
        page.blank();
    }
    if !sections.is_empty() {
        page.paragraph(
            0,
            &format!("All settings, and their variables and config keys: {NAME} help settings"),
        );
    }
}

/// All settings by topic.
pub(crate) fn settings(width: usize) -> StyledStr {
    let mut page = Page::new(width);
    page.paragraph(
        0,
        "Settings come from flags, environment variables and the config file; a flag wins over a variable, and a variable over the file. The key in the file is the flag without dashes.",
    );
    page.blank();
    for (topic, settings) in TOPICS {
        page.heading(topic);
        let rows: Vec<(String, String)> = settings
            .iter()
            .map(|setting| (flag(setting), describe_setting(setting)))
            .collect();
        page.rows(&rows);
        page.blank();
    }
    page.heading("For this run only");
    page.rows(&message_rows());
    page.text
}

/// The flags that are not settings.
fn message_rows() -> Vec<(String, String)> {
    message_flags()
        .into_iter()
        .map(|(short, long, value, help)| {
            let short = short.map_or_else(|| "    ".to_owned(), |letter| format!("-{letter}, "));
            (format!("  {short}--{long}{value}"), help)
        })
        .collect()
}

fn describe_setting(setting: &Setting) -> String {
    let required = if setting.required { "Required. " } else { "" };
    let default = match (setting.value_type, setting.default) {
        (_, "") | (ValueType::Switch, "false") => String::new(),
        (_, default) => format!(" [default: {default}]"),
    };
    let variable = match setting.scope {
        SettingScope::Environment => String::new(),
        SettingScope::All | SettingScope::FlagAndEnvironment => format!(" [{}]", setting.variable()),
    };
    format!("{required}{}{default}{variable}", setting.help)
}

/// The flag with its value, or the variable of a setting without a flag.
fn flag(setting: &Setting) -> String {
    if !setting.has_flag() {
        return format!("      {}", setting.variable());
    }
    let short = setting
        .short
        .map_or_else(|| "    ".to_owned(), |letter| format!("-{letter}, "));
    let value = match setting.value_type {
        ValueType::Switch => String::new(),
        ValueType::Integer { .. } => " <N>".to_owned(),
        ValueType::Choice { words, .. } if words.join("|").len() > 20 => " <WORD>".to_owned(),
        _ => format!(" <{}>", value_name(setting)),
    };
    format!("  {short}--{}{value}", setting.flag())
}

impl Section {
    fn title(self) -> &'static str {
        match self {
            Self::Sync => "Sync",
            Self::Changes => "Changes",
            Self::Connection => "Connection",
            Self::Sinks => "Sinks",
            Self::Output => "Output",
        }
    }

    /// The settings of the section, in the order of the help.
    pub(crate) fn settings(self) -> Vec<&'static Setting> {
        match self {
            Self::Sync => vec![
                &keys::SYNC_RESOURCE_TYPES.setting,
                &keys::NINJA_ONE_INCLUDE_DEVICES.setting,
                &keys::MAX_DROP_PERCENT.setting,
                &keys::ACCEPT_DROP.setting,
            ],
            Self::Changes => vec![
                &keys::DRY_RUN.setting,
                &keys::PROVISIONING.setting,
                &keys::AUDIT_LOG.setting,
                &keys::REQUESTED_BY.setting,
                &keys::ALLOW_ADMIN_DELETE.setting,
            ],
            Self::Connection => vec![
                &keys::NINJA_ONE_BASE_URL.setting,
                &keys::NINJA_ONE_CLIENT_ID.setting,
                &keys::NINJA_ONE_CLIENT_SECRET.setting,
                &keys::CONFIG_PATH.setting,
            ],
            Self::Sinks => vec![&keys::SINK.setting, &keys::FILE.setting],
            Self::Output => vec![&keys::OUTPUT.setting],
        }
    }
}

/// Lines of help.
struct Page {
    text: StyledStr,
    width: usize,
}

impl Page {
    fn new(width: usize) -> Self {
        Self {
            text: StyledStr::new(),
            width,
        }
    }

    fn blank(&mut self) {
        self.text.push_str("\n");
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.blank();
    }

    fn styled(&mut self, style: Style, words: &str) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{style}{words}{style:#}");
    }

    fn heading(&mut self, title: &str) {
        self.styled(HEADING, &format!("{title}:"));
        self.blank();
    }

    /// A label, and text that is indented beside it.
    fn labelled(&mut self, label: &str, text: &str) {
        self.styled(HEADING, label.trim_end());
        self.text.push_str(" ");
        self.wrapped(label.len(), text);
    }

    fn paragraph(&mut self, indent: usize, text: &str) {
        self.text.push_str(&" ".repeat(indent));
        self.wrapped(indent, text);
    }

    /// Text from the current column on; later lines are indented to that column.
    fn wrapped(&mut self, column: usize, text: &str) {
        let lines = wrap(text, self.width.saturating_sub(column));
        for (n, line) in lines.iter().enumerate() {
            if n > 0 {
                self.text.push_str(&" ".repeat(column));
            }
            self.line(line);
        }
    }

    /// A flag or a command with its own indentation, and its description from a column on.
    fn row(&mut self, literal: &str, text: &str, column: usize) {
        self.styled(LITERAL, literal);
        if text.is_empty() {
            return self.blank();
        }
        let length = literal.chars().count();
        if self.width < NARROW || length + 2 > column {
            self.blank();
            return self.paragraph(10.min(column), text);
        }
        self.text.push_str(&" ".repeat(column - length));
        self.wrapped(column, text);
    }

    fn rows(&mut self, rows: &[(String, String)]) {
        let lengths = rows.iter().map(|(literal, _)| literal.chars().count());
        let column = lengths
            .filter(|length| *length <= MAX_FLAG_COLUMNS)
            .max()
            .unwrap_or(0)
            + 2;
        for (literal, text) in rows {
            self.row(literal, text, column);
        }
    }

    /// The commands of a group: one per line with their summaries, or all on one line if none has a summary.
    fn group(&mut self, group: Group) {
        const NAME_COLUMN: usize = 10;
        const SUMMARY_COLUMN: usize = 26;
        let entries: Vec<&Entry> = COMMANDS
            .iter()
            .filter(|entry| entry.group == Some(group))
            .collect();
        self.styled(HEADING, group.name());
        self.text.push_str(&" ".repeat(NAME_COLUMN - group.name().len()));
        if entries.iter().all(|entry| entry.summary.is_empty()) {
            let names: Vec<String> = entries.iter().map(|entry| entry.name()).collect();
            return self.wrapped(NAME_COLUMN, &names.join(", "));
        }
        for (n, entry) in entries.iter().enumerate() {
            if n > 0 {
                self.text.push_str(&" ".repeat(NAME_COLUMN));
            }
            let name = entry.name();
            self.styled(LITERAL, &name);
            self.text
                .push_str(&" ".repeat(SUMMARY_COLUMN - NAME_COLUMN - name.len().min(14)));
            self.wrapped(SUMMARY_COLUMN, entry.summary);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn program_help() {
        insta::assert_snapshot!(program(100).to_string());
    }

    #[test]
    fn settings_help() {
        insta::assert_snapshot!(settings(120).to_string());
    }

    #[test]
    fn program_help_fits_a_screen() {
        for width in [80, 100, 160] {
            let lines = program(width).to_string().lines().count();
            assert!((20..=30).contains(&lines), "{lines} lines at {width} columns");
        }
    }

    #[test]
    fn help_stays_within_its_width() {
        for width in [60, 100, 160] {
            for page in [program(width), settings(width)] {
                for line in page.to_string().lines() {
                    let length = line.chars().count();
                    // A flag or a choice that cannot be broken.
                    let one_word = line.trim_start().split(' ').count() <= 2;
                    assert!(length <= width || one_word, "{length} of {width}: {line}");
                }
            }
        }
    }
}
