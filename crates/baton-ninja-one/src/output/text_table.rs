//! Tables, numbers, sizes and times for people.

use std::fmt::Write;
use std::time::Duration;

use time::{OffsetDateTime, UtcOffset};

use crate::output::console::Text;

/// Adds rows of cells; the first column is aligned to the left, the others to the right.
pub(crate) fn columns(rows: &[Vec<String>], text: &mut Text) {
    let width = |column: usize| {
        rows.iter()
            .filter_map(|row| row.get(column))
            .map(|cell| cell.chars().count())
            .max()
    };
    for row in rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = width(column).unwrap_or(0);
            let _ = if column == 0 {
                write!(line, "  {cell:width$}")
            } else {
                write!(line, "  {cell:>width$}")
            };
        }
        text.line(line.trim_end());
    }
}

/// 1234567 as `1,234,567`.
pub(crate) fn format_thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size with a suitable unit.
#[expect(clippy::cast_precision_loss, reason = "one digit after the point is shown")]
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < UNITS.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.1} {}", UNITS[unit])
}

/// A UTC time with seconds: `2026-03-03 03:17:12 UTC`.
pub(crate) fn moment(time: OffsetDateTime) -> String {
    let time = time.to_offset(UtcOffset::UTC);
    let (date, clock) = (time.date(), time.time());
    let seconds = format!("{:02}:{:02}:{:02}", clock.hour(), clock.minute(), clock.second());
    format!("{date} {seconds} UTC")
}

/// A time of a file, to the second; other texts are unchanged.
pub(crate) fn with_seconds(text: &str) -> String {
    c1z::parse_timestamp(text).map_or_else(|| text.to_owned(), moment)
}

/// A number with its noun: `1 resource`, `1,234 resources`.
pub(crate) fn counted(number: u64, one: &str, several: &str) -> String {
    format!(
        "{} {}",
        format_thousands(number),
        if number == 1 { one } else { several }
    )
}

/// A duration with a suitable unit.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds < 1.0 {
        format!("{} ms", duration.as_millis())
    } else if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{} min {} s", duration.as_secs() / 60, duration.as_secs() % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_formatted_for_people() {
        assert_eq!(
            [0, 999, 1000, 1_234_567].map(format_thousands),
            ["0", "999", "1,000", "1,234,567"]
        );
        assert_eq!(
            [0, 1023, 1024, 1_500_000].map(size),
            ["0 B", "1023 B", "1.0 KiB", "1.4 MiB"]
        );
        assert_eq!(
            [5, 1500, 125_000].map(|ms| duration(Duration::from_millis(ms))),
            ["5 ms", "1.5 s", "2 min 5 s"]
        );
    }
}
