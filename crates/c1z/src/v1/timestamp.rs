//! Times as baton-sdk stores them: text without a zone, which is UTC here (docs/reference/c1z.md §2.3).

use time::{Date, OffsetDateTime, Time, UtcOffset};

/// Formats a time as `YYYY-MM-DD HH:MM:SS[.fffffffff]` in UTC, without trailing zeros of the fraction. Never with `T` or `Z`:
/// baton-sdk compares these texts as texts.
#[must_use]
pub fn format(time: OffsetDateTime) -> String {
    let time = time.to_offset(UtcOffset::UTC);
    let mut text = format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
    if time.nanosecond() > 0 {
        let fraction = format!("{:09}", time.nanosecond());
        text.push('.');
        text.push_str(fraction.trim_end_matches('0'));
    }
    text
}

/// Parses such a text. As baton-sdk does, it also accepts a `T` instead of the space, `Z` or a numeric zone at the end, and up to
/// nine digits of fraction. A text without a zone is UTC (docs/reference/c1z.md §2.3).
#[must_use]
pub fn parse(text: &str) -> Option<OffsetDateTime> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    let rest = rest.strip_prefix([' ', 'T'])?;
    let (clock, zone) = rest.split_at(rest.find(['Z', '+', '-', ' ']).unwrap_or(rest.len()));
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(clock, ':', [2, 2, 2])?;
    let month = time::Month::try_from(u8::try_from(month).ok()?).ok()?;
    let date = Date::from_calendar_date(i32::try_from(year).ok()?, month, u8::try_from(day).ok()?).ok()?;
    let narrow = |number: u32| u8::try_from(number).ok();
    let time = Time::from_hms_nano(
        narrow(hour)?,
        narrow(minute)?,
        narrow(second)?,
        nanoseconds(fraction)?,
    )
    .ok()?;
    Some(OffsetDateTime::new_in_offset(date, time, offset(zone)?).to_offset(UtcOffset::UTC))
}

/// Three numbers of a fixed width each.
fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[u32; 3]> {
    let mut parts = text.split(separator);
    let mut next = |width| digits(parts.next()?, width);
    let three = [next(widths[0])?, next(widths[1])?, next(widths[2])?];
    parts.next().is_none().then_some(three)
}

fn digits(text: &str, width: usize) -> Option<u32> {
    let plain = text.len() == width && text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

fn nanoseconds(fraction: &str) -> Option<u32> {
    (1..=9).contains(&fraction.len()).then_some(())?;
    digits(&format!("{fraction:0<9}"), 9)
}

/// Nothing, `Z`, `+HH:MM` or `+HHMM`; Go's own ` +0000 UTC` too.
fn offset(zone: &str) -> Option<UtcOffset> {
    let zone = zone.trim().trim_end_matches("UTC").trim_end();
    if matches!(zone, "" | "Z") {
        return Some(UtcOffset::UTC);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let number = digits(&rest.replacen(':', "", 1), 4)?;
    let seconds = i32::try_from(number / 100 * 3600 + number % 100 * 60).ok()?;
    UtcOffset::from_whole_seconds(sign * seconds).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use time::macros::datetime;

    use super::*;

    #[test]
    fn no_zone_and_no_trailing_zeros() {
        assert_eq!(format(datetime!(2026-11-24 09:05:07 UTC)), "2026-11-24 09:05:07");
        assert_eq!(
            format(datetime!(2026-11-24 09:05:07.120_000_5 UTC)),
            "2026-11-24 09:05:07.1200005"
        );
        assert_eq!(
            format(datetime!(2026-11-24 01:05:07.000_000_001 +2)),
            "2026-11-23 23:05:07.000000001"
        );
    }

    #[test]
    fn forms_of_other_writers_are_read() {
        let noon = datetime!(2026-11-24 12:00:00.5 UTC);
        for text in [
            "2026-11-24 12:00:00.5",
            "2026-11-24T12:00:00.500Z",
            "2026-11-24 14:00:00.5+02:00",
            "2026-11-24 10:00:00.5-0200",
            "2026-11-24 12:00:00.5 +0000 UTC",
        ] {
            assert_eq!(parse(text), Some(noon), "{text}");
        }
        for bad in [
            "",
            "2026-11-24",
            "1764000000",
            "2026-11-24 12:00",
            "2026-13-24 12:00:00",
            "2026-11-24 12:00:00.",
            "2026-11-24 12:00:00 soon",
            "2026-11-24 12:00:00+2",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn written_rows_are_read(seconds in 0_i64..4_000_000_000, nanoseconds in 0_i64..1_000_000_000) {
            let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap() + time::Duration::nanoseconds(nanoseconds);
            prop_assert_eq!(parse(&format(time)), Some(time));
        }

        #[test]
        fn nothing_panics(text in ".{0,40}") {
            let _ = parse(&text);
            let _ = parse(&format!("2026-11-24 12:00:00{text}"));
        }
    }
}
