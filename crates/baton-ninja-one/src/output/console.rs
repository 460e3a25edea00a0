//! Standard output and standard error. All output is a [`Text`], in which only the program itself begins lines.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use access_core::secrets::redact;
use clap::builder::StyledStr;
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use super::standard_output::StandardOutput;
use super::wrap::{error_width, terminal_width, wrap};

/// When colors are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    Always,
    Never,
}

static COLOR: OnceLock<ColorChoice> = OnceLock::new();
/// Width of help without a terminal.
const PIPED_WIDTH: usize = 100;
/// Maximum width of help: longer lines are hard to read.
const MAX_WIDTH: usize = 120;
const MIN_WIDTH: usize = 40;

/// The label of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label {
    Error,
    Warning,
    Info,
    Debug,
    Hint,
}

impl Label {
    fn text_and_style(self) -> (&'static str, Style) {
        match self {
            Self::Error => ("error:", AnsiColor::Red.on_default().bold()),
            Self::Warning => ("warning:", AnsiColor::Yellow.on_default().bold()),
            Self::Info => ("info:", AnsiColor::Green.on_default().bold()),
            Self::Debug => ("debug:", Style::new().dimmed()),
            Self::Hint => ("  hint:", AnsiColor::Cyan.on_default().bold()),
        }
    }
}

/// Sets the choice for the run. Later calls have no effect.
pub(crate) fn set_color(choice: ColorChoice) {
    let _ = COLOR.set(choice);
}

fn is_colored(terminal: bool) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match COLOR.get().copied().unwrap_or_default() {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            // A terminal without `TERM` has no colors, except on Windows, which does not set it.
            let kind = std::env::var_os("TERM").map_or(cfg!(windows), |term| term != "dumb");
            terminal && kind && !is_set("NO_COLOR")
        }
    }
}

/// The width of help.
pub(crate) fn help_width() -> usize {
    let terminal = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    let said = || {
        std::env::var("COLUMNS")
            .ok()
            .and_then(|columns| columns.parse().ok())
    };
    let width = terminal.filter(|width| *width > 0).or_else(said);
    width.unwrap_or(PIPED_WIDTH).clamp(MIN_WIDTH, MAX_WIDTH)
}

/// Prints help, which only contains the program's own texts.
pub(crate) fn print_help(help: &StyledStr) {
    let text = if is_colored(io::stdout().is_terminal()) {
        help.ansi().to_string()
    } else {
        help.to_string()
    };
    let _ = StandardOutput.write_all(format!("{}\n", text.trim_end()).as_bytes());
}

/// Text for people, or JSON. Every line is escaped as one, so text from a tenant, a server, a file or the command line can
/// neither forge another line nor control the terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(String);

impl Text {
    /// An empty text.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Adds a line without its line end. Line breaks and control characters in it are escaped.
    pub(crate) fn line(&mut self, line: impl Display) {
        // Writing to a string cannot fail.
        let _ = write!(Escaping(&mut self.0), "{line}");
        self.0.push('\n');
    }

    /// Adds a line that is indented, on several lines where a terminal is narrower.
    pub(crate) fn indented(&mut self, indent: usize, line: impl Display) {
        self.0.push_str(&" ".repeat(indent));
        self.wrapped(terminal_width(), indent, indent + 2, line);
    }

    /// Adds a line from a column on; where it has to be broken, what follows is indented.
    fn wrapped(&mut self, width: Option<usize>, column: usize, indent: usize, line: impl Display) {
        let line = line.to_string();
        let line = escape_line(&line);
        let Some(width) = width.filter(|width| column + line.chars().count() > *width) else {
            return self.line(line);
        };
        for (n, part) in wrap(&line, width.saturating_sub(indent)).into_iter().enumerate() {
            if n > 0 {
                self.0.push_str(&" ".repeat(indent));
            }
            self.0.push_str(&part);
            self.0.push('\n');
        }
    }

    /// Adds a line that begins with a label, for standard error.
    pub(crate) fn labelled(&mut self, label: Label, line: impl Display) {
        let (word, style) = label.text_and_style();
        let style = if is_colored(io::stderr().is_terminal()) {
            style
        } else {
            Style::new()
        };
        let _ = write!(self.0, "{style}{word}{style:#} ");
        let column = word.len() + 1;
        self.wrapped(error_width(), column, column, line);
    }

    /// Adds an empty line.
    pub(crate) fn blank(&mut self) {
        self.0.push('\n');
    }

    /// Adds all lines of another text.
    pub(crate) fn append(&mut self, other: &Self) {
        self.0.push_str(&other.0);
    }

    /// Lines of the program itself, e.g. its help. Foreign parts must be escaped with [`escape_line`] before.
    pub(crate) fn from_own_lines(lines: &str) -> Self {
        Self(escape_json(lines).into_owned())
    }

    /// A value as indented JSON.
    pub(crate) fn from_json(value: &impl Serialize) -> Self {
        // Serializing maps with text keys cannot fail.
        let json = serde_json::to_string_pretty(value).unwrap_or_default();
        Self(format!("{}\n", escape_json(&json)))
    }

    /// The text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Escapes text while it is written.
struct Escaping<'a>(&'a mut String);

impl fmt::Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '\n' => self.0.push_str("\\n"),
                '\r' => self.0.push_str("\\r"),
                '\t' => self.0.push_str("\\t"),
                c if is_control_char(c) => write!(self.0, "\\u{:04x}", u32::from(c))?,
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

/// Prints to standard output.
pub(crate) fn print(text: &Text) {
    let text = redact(text.as_str());
    let mut out = StandardOutput;
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Prints to standard error.
pub(crate) fn print_error(text: &Text) {
    let _ = io::stderr().lock().write_all(redact(text.as_str()).as_bytes());
}

/// Prints lines, asks for confirmation on the terminal, and returns the answer.
pub(crate) fn ask(above: &Text, question: &'static str) -> io::Result<String> {
    ask_for(above, question)
}

/// Same with any question, which may be empty.
pub(crate) fn ask_for(above: &Text, question: &str) -> io::Result<String> {
    if !question.is_empty() {
        // Not locked while waiting for the answer: other threads may print.
        let mut err = io::stderr().lock();
        write!(
            err,
            "{}{} ",
            redact(above.as_str()),
            redact(&escape_line(question))
        )?;
        err.flush()?;
    }
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer)
}

/// Escapes a text as a part of one line.
pub(crate) fn escape_line(text: &str) -> Cow<'_, str> {
    if !text.contains(|c| is_control_char(c) || matches!(c, '\n' | '\t')) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    let _ = Escaping(&mut escaped).write_str(text);
    Cow::Owned(escaped)
}

/// Escapes control characters other than line breaks in lines of CSV.
pub(crate) fn escape_cells(line: &str) -> Cow<'_, str> {
    let is_escaped = |c: char| is_control_char(c) && c != '\r';
    if !line.contains(is_escaped) {
        return Cow::Borrowed(line);
    }
    let mut escaped = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        if is_escaped(c) {
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Escapes JSON so that it cannot control a terminal. Its encoding has escaped line breaks within texts already.
pub(crate) fn escape_json(json: &str) -> Cow<'_, str> {
    if !json.contains(is_control_char) {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        if is_control_char(c) {
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a character controls terminals: control characters except line ends and tabs, bidirectional marks (Unicode, UAX
/// #9), and separators at which some terminals and log viewers break lines. All are below U+FFFF.
fn is_control_char(c: char) -> bool {
    let control = c.is_control() && !matches!(c, '\n' | '\t');
    let direction =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    control || direction || matches!(c, '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    const HOSTILE: &str = "a\rb\nc\td\u{1b}[2J\u{7f}\u{85}\u{9b}31m\u{202e}\u{2066}\u{2028}\u{2029}";

    #[test]
    fn line_stays_one_line() {
        let mut text = Text::new();
        text.line(format_args!("granted {HOSTILE}, größer, 日本"));
        text.blank();
        assert_eq!(
            text.as_str(),
            "granted a\\rb\\nc\\td\\u001b[2J\\u007f\\u0085\\u009b31m\\u202e\\u2066\\u2028\\u2029, größer, 日本\n\n"
        );
        assert_eq!(escape_line("größer, 日本"), "größer, 日本");
        assert_eq!(
            format!("granted {}, größer, 日本\n\n", escape_line(HOSTILE)),
            text.as_str()
        );
    }

    #[test]
    fn escaped_json_keeps_its_value() {
        let value = serde_json::json!({ "name": HOSTILE });
        let shown = Text::from_json(&value);
        assert!(!shown.as_str().contains(is_control_char));
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(shown.as_str()).unwrap(),
            value
        );
    }

    /// All output of the program goes through a type that escapes.
    #[test]
    fn only_this_module_writes_to_the_terminal() {
        fn rust_files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    rust_files(&path, found);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    found.push(path);
                }
            }
        }
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = Vec::new();
        rust_files(&source, &mut files);
        let gates = [
            "output/console.rs",
            "observability/logging.rs",
            "output/standard_output.rs",
        ]
        .map(|gate| source.join(gate));
        for path in files.into_iter().filter(|path| !gates.contains(path)) {
            let code = fs::read_to_string(&path).unwrap();
            // Questions about the terminal write nothing.
            let questions = ["is_terminal()", "terminal_size_of("];
            let mut lines = code
                .lines()
                .filter(|line| !questions.iter().any(|question| line.contains(question)));
            let ways = ["io::stdout()", "io::stderr()", "println!(", "print!("];
            let found = lines.find(|line| ways.iter().any(|way| line.contains(way)));
            assert_eq!(found, None, "{}", path.display());
        }
    }
}
