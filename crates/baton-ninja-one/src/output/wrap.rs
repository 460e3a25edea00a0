//! Lines that fit the terminal.

use std::io;

/// Widths of a terminal that tables and messages keep to; others are not believed.
const WIDTHS: std::ops::RangeInclusive<usize> = 20..=10_000;
/// Lines are not broken below this many columns.
const MIN_COLUMNS: usize = 20;

/// How wide lines of standard output may be: as `COLUMNS` says, else as the terminal is; of any width where neither is there.
pub(crate) fn terminal_width() -> Option<usize> {
    let columns = std::env::var("COLUMNS").ok();
    let columns = columns.and_then(|text| text.trim().parse().ok());
    let of_terminal = || {
        let size = terminal_size::terminal_size_of(io::stdout());
        size.map(|(width, _)| usize::from(width.0))
    };
    columns
        .or_else(of_terminal)
        .filter(|width| WIDTHS.contains(width))
}

/// How wide lines of standard error may be; of any width where it is no terminal.
pub(crate) fn error_width() -> Option<usize> {
    let size = terminal_size::terminal_size_of(io::stderr());
    size.map(|(width, _)| usize::from(width.0))
        .filter(|width| WIDTHS.contains(width))
}

/// Text in lines of at most so many characters; longer words stand alone.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(MIN_COLUMNS);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > columns {
            lines.push(String::new());
        }
        if let Some(last) = lines.last_mut() {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_wrapped_between_words() {
        assert_eq!(
            wrap("one two three four five six seven", 20),
            ["one two three four", "five six seven"]
        );
    }
}
