//! Edit distance and suggestions for misspelled names.

/// Edit distance: insertions, deletions, substitutions and swaps of neighbours.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, &x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &y) in b.iter().enumerate() {
            let mut edits = (last[j] + usize::from(x != y))
                .min(last[j + 1] + 1)
                .min(row[j] + 1);
            if i > 0 && j > 0 && x == b[j - 1] && a[i - 1] == y {
                edits = edits.min(before[j - 1] + 1);
            }
            row.push(edits);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

/// The nearest name within one edit, or two for texts of eight or more characters.
#[must_use]
pub fn nearest<'a>(text: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let max_edits = max_edits(text);
    names
        .into_iter()
        .map(|name| (distance(text, name), name))
        .filter(|(edits, _)| *edits <= max_edits)
        .min()
        .map(|(_, name)| name)
}

/// Maximum number of edits that count as a typo in a text of this length.
pub(super) fn max_edits(text: &str) -> usize {
    match text.chars().count() {
        0..=3 => 0,
        4..=7 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, edits) in [
            ("", "", 0),
            ("scope", "scopes", 1),
            ("cleint", "client", 1),
            ("kitten", "sitting", 3),
            ("", "abc", 3),
        ] {
            assert_eq!((distance(a, b), distance(b, a)), (edits, edits), "{a} {b}");
        }
    }

    #[test]
    fn only_near_names_are_suggested() {
        let names = ["file", "log-level", "ninja-one-scope"];
        assert_eq!(nearest("ninja-one-scopes", names), Some("ninja-one-scope"));
        assert_eq!(nearest("loglevel", names), Some("log-level"));
        assert_eq!(nearest("flie", names), Some("file"));
        assert_eq!(nearest("pile", names), Some("file"));
        assert_eq!(nearest("pipe", names), None);
        assert_eq!(nearest("fle", names), None);
    }
}
