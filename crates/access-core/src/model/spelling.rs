//! Comparison of names, and display of names that look alike.

use std::fmt::Write as _;

/// Normalizes a name for comparison: trims spaces and folds case, nothing else. Letters of another script, other
/// Unicode forms of a letter and invisible characters stay distinct.
///
/// ```
/// use access_core::model::spelling::fold;
///
/// assert_eq!(fold(" Zoë PARK"), fold("zoË park"));
/// assert_ne!(fold("Admin"), fold("\u{410}dmin")); // a Cyrillic A
/// assert_ne!(fold("kelvin"), fold("\u{212a}elvin")); // the sign for kelvin, whose small letter is a plain k
/// ```
#[must_use]
pub fn fold(name: &str) -> String {
    name.trim().chars().map(small).collect()
}

/// Whether two names are equal after [`fold`].
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    fold(one) == fold(other)
}

/// Lower case of a letter, if the mapping is unambiguous in both directions.
fn small(c: char) -> char {
    let one = |mut chars: std::char::ToLowercase| chars.next().filter(|_| chars.next().is_none());
    let Some(small) = one(c.to_lowercase()) else {
        return c;
    };
    let mut back = small.to_uppercase();
    match (back.next(), back.next()) {
        (Some(capital), None) if capital == c => small,
        _ => c,
    }
}

/// Whether two different names can be confused: they differ in invisible characters, combining marks, or letters of
/// another script or form.
#[must_use]
pub fn is_similar(one: &str, other: &str) -> bool {
    if is_same(one, other) {
        return false;
    }
    let (one, other) = (visible(one), visible(other));
    let alike = |(one, other): (&char, &char)| one == other || one.is_ascii() != other.is_ascii();
    !one.is_empty() && one.len() == other.len() && one.iter().zip(&other).all(alike)
}

/// The visible letters, case-folded, without combining marks.
fn visible(name: &str) -> Vec<char> {
    let is_hidden = |c: char| {
        c.is_whitespace()
            || c.is_control()
            || matches!(c,
                '\u{ad}' | '\u{300}'..='\u{36f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180b}'..='\u{180e}'
                | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{20d0}'..='\u{20ff}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{fe20}'..='\u{fe2f}' | '\u{feff}' | '\u{ffa0}' | '\u{e0000}'..='\u{e01ef}')
    };
    name.chars().filter(|c| !is_hidden(*c)).map(small).collect()
}

/// A name in backquotes, followed by its escaped spelling if it has confusable characters.
///
/// ```
/// use access_core::model::spelling::quoted;
///
/// assert_eq!(quoted("Admin"), "`Admin`");
/// assert_eq!(quoted("\u{410}dmin"), "`\u{410}dmin` (spelled \\u{410}dmin)");
/// ```
#[must_use]
pub fn quoted(name: &str) -> String {
    let mut shown = format!("`{name}`");
    if !name.is_ascii() || name.contains(|c: char| c.is_ascii_control()) {
        shown.push_str(" (spelled ");
        for c in name.chars() {
            if c == ' ' || c.is_ascii_graphic() {
                shown.push(c);
            } else {
                // Writing into a text cannot fail.
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
        }
        shown.push(')');
    }
    shown
}

/// Two names in backquotes, with their spelling if they can be confused.
#[must_use]
pub fn quoted_beside(name: &str, other: &str) -> (String, String) {
    let without_case = |name: &str| name.chars().map(small).collect::<String>();
    let looks_alike = is_similar(name, other)
        || (is_same(name, other)
            && without_case(name) != without_case(other)
            && !(name.is_ascii() && other.is_ascii()));
    if looks_alike {
        (quoted(name), quoted(other))
    } else {
        (format!("`{name}`"), format!("`{other}`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that look like `Admin Zoë` but differ.
    const SIMILAR: [&str; 10] = [
        "\u{410}dmin Zo\u{eb}",
        "Adm\u{456}n Zo\u{eb}",
        "Admin Zoe\u{308}",
        "Admin\u{a0}Zo\u{eb}",
        "Ad\u{200b}min Zo\u{eb}",
        "\u{ff21}dmin Zo\u{eb}",
        "Admin Zo\u{eb}\u{200d}",
        "Admin \u{5a}\u{43e}\u{eb}",
        "\u{2060}Admin Zo\u{eb}",
        "Ad\u{ad}min Zo\u{eb}",
    ];

    #[test]
    fn similar_names_are_never_the_same() {
        for (at, name) in SIMILAR.iter().enumerate() {
            assert!(!is_same(name, "Admin Zoë"), "{}", quoted(name));
            assert!(is_similar(name, "Admin Zoë"), "{}", quoted(name));
            for other in &SIMILAR[at + 1..] {
                assert!(!is_same(name, other), "{} and {}", quoted(name), quoted(other));
            }
        }
        for (one, other) in [
            ("ſ", "s"),
            ("\u{212a}", "k"),
            ("\u{212b}", "å"),
            ("ẞ", "ß"),
            ("ß", "ss"),
            ("İ", "i"),
            ("ı", "i"),
            ("ﬁ", "fi"),
            ("Ω", "\u{2126}"),
            ("ς", "σ"),
        ] {
            assert!(!is_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn confusable_names_are_spelled_out() {
        let plain = |one: &str, other: &str| (format!("`{one}`"), format!("`{other}`"));
        for (one, other) in [("Zoë", "ZOË"), ("Zoë", "Ada"), ("Ada ", "Ada")] {
            assert_eq!(quoted_beside(one, other), plain(one, other));
        }
        for other in SIMILAR.iter().chain(&["Admin Zoë\u{a0}"]) {
            assert_eq!(
                quoted_beside("Admin Zoë", other),
                (quoted("Admin Zoë"), quoted(other))
            );
        }
    }

    #[test]
    fn case_does_not_count() {
        for (one, other) in [("Zoë PARK ", "zoË park"), ("СЛУЖБА", "служба"), ("Ærø", "æRØ")]
        {
            assert!(is_same(one, other) && !is_similar(one, other));
        }
        assert!(!is_similar("Admin", "Desk") && !is_similar("日本", "東京") && !is_similar("", "\u{200b}"));
    }
}
