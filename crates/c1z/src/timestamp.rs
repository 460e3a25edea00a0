//! Times as the reference stores them: text without zone, which is UTC here (c1z facts §2.3).

use time::OffsetDateTime;
use time::UtcOffset;

/// `YYYY-MM-DD HH:MM:SS[.fffffffff]` in UTC, trailing zeros of the fraction left out. Never `T` or `Z`: the reference
/// compares these texts as texts.
#[must_use]
pub(crate) fn format(time: OffsetDateTime) -> String {
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

#[cfg(test)]
mod tests {
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
}
