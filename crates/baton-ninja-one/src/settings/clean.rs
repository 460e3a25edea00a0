//! Cleans values from env files, Secrets, shells and editors. Every text of every source loses spaces, line ends and
//! invisible characters at its ends, and quotes around it, which `docker --env-file` and Kubernetes keep.

/// A cleaned text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cleaned {
    pub(super) text: String,
    /// Quotes were removed.
    pub(super) quoted: bool,
}

/// Opening and closing quotes, longest first.
const QUOTES: [(&str, &str); 11] = [
    ("\\\"", "\\\""),
    ("\"", "\""),
    ("'", "'"),
    ("`", "`"),
    ("“", "”"),
    ("„", "“"),
    ("”", "”"),
    ("‘", "’"),
    ("’", "’"),
    ("«", "»"),
    ("»", "«"),
];

/// Removes spaces, invisible characters and quotes around a text.
pub(super) fn clean(text: &str) -> Cleaned {
    let mut rest = text.trim_matches(is_padding);
    let mut quoted = false;
    while let Some(inner) = unquoted(rest) {
        rest = inner.trim_matches(is_padding);
        quoted = true;
    }
    Cleaned {
        text: rest.to_owned(),
        quoted,
    }
}

fn unquoted(text: &str) -> Option<&str> {
    QUOTES
        .iter()
        .find_map(|(open, close)| text.strip_prefix(open)?.strip_suffix(close))
}

/// Splits a list at commas outside double quotes, like pflag's `StringSlice`.
pub(super) fn split_list(text: &str) -> Vec<String> {
    let cleaned = clean(text);
    // Quotes around the complete list are not those of an item.
    let text = if cleaned.quoted && !cleaned.text.contains('"') {
        cleaned.text.as_str()
    } else {
        text
    };
    let mut items = vec![String::new()];
    let mut open = false;
    for c in text.chars() {
        match c {
            '"' => open = !open,
            ',' if !open => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(item) = items.last_mut() {
            item.push(c);
        }
    }
    if open {
        // An unclosed quote protects nothing.
        items = text.split(',').map(str::to_owned).collect();
    }
    items
        .iter()
        .map(|item| clean(item).text)
        .filter(|item| !item.is_empty())
        .collect()
}

/// Normalizes OAuth scopes to lower case, separated by single spaces. Accepts commas, semicolons, `+` and `%20` from URLs,
/// and the brackets and quotes of a JSON list.
pub(super) fn normalize_scope(text: &str) -> String {
    let text = text.replace("%20", " ").replace("%2C", " ").replace("%2c", " ");
    let separator = |c: char| is_padding(c) || ",;+|[]\"'`“”„‘’«»".contains(c);
    let mut words: Vec<String> = Vec::new();
    for word in text.split(separator).filter(|word| !word.is_empty()) {
        let word = word.to_lowercase();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(" ")
}

/// Whether a character is a space, a control character or invisible.
pub(super) fn is_padding(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
}

/// Whether a text begins or ends with a quote, but not both.
pub(super) fn is_half_quoted(text: &str) -> bool {
    let quote = |c: char| "\"'`“”„‘’«»".contains(c);
    text.starts_with(quote) || text.ends_with(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_and_quotes_are_removed() {
        for (given, text, quoted) in [
            ("plain", "plain", false),
            ("  plain\r\n", "plain", false),
            ("\u{feff}plain\u{a0}\u{200b}\0", "plain", false),
            ("\"plain\"", "plain", true),
            ("'plain'\n", "plain", true),
            ("\"'plain '\"", "plain", true),
            ("\\\"plain\\\"", "plain", true),
            ("“plain”", "plain", true),
            ("a \"b\" c", "a \"b\" c", false),
            ("\"plain", "\"plain", false),
            ("\"", "\"", false),
            ("\"\"", "", true),
            (" \r\n\t", "", false),
            ("-VRbLexample", "-VRbLexample", false),
        ] {
            let expected = Cleaned {
                text: text.to_owned(),
                quoted,
            };
            assert_eq!(clean(given), expected, "{given:?}");
        }
    }

    #[test]
    fn lists_are_split_at_commas() {
        for (given, items) in [
            ("user,role", &["user", "role"][..]),
            ("\"user,role\"", &["user", "role"]),
            ("\"user\",\"role\"", &["user", "role"]),
            (" user , , role\r\n", &["user", "role"]),
            ("csv=a,\"parquet=b,c\"", &["csv=a", "parquet=b,c"]),
            ("\"parquet=b,c\",csv=a", &["parquet=b,c", "csv=a"]),
            ("\"user,role", &["\"user", "role"]),
            ("", &[]),
        ] {
            assert_eq!(split_list(given), items, "{given:?}");
        }
    }

    #[test]
    fn scopes_are_normalized() {
        for given in [
            "monitoring management",
            "monitoring,management",
            "monitoring, management",
            "monitoring+management",
            "monitoring%20management",
            "Monitoring  Management",
            "monitoring\tmanagement\r\n",
            "\"monitoring management\"",
            "'monitoring' 'management'",
            "[\"monitoring\",\"management\"]",
            "monitoring\u{a0}management monitoring",
            "MONITORING;MANAGEMENT",
        ] {
            assert_eq!(normalize_scope(given), "monitoring management", "{given:?}");
        }
        assert_eq!(normalize_scope("offline_access"), "offline_access");
        assert_eq!(normalize_scope(" , "), "");
    }
}
