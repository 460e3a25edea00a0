//! Natural sort order.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::str::Chars;

/// Compares texts with numbers by value and letters ignoring case. Different texts never compare as equal.
#[must_use]
pub fn natural_order(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.chars().peekable(), b.chars().peekable());
    loop {
        let order = match (left.peek().copied(), right.peek().copied()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(x), Some(y)) if x.is_ascii_digit() && y.is_ascii_digit() => {
                by_value(&digits(&mut left), &digits(&mut right))
            }
            (Some(x), Some(y)) => {
                left.next();
                right.next();
                x.to_lowercase().cmp(y.to_lowercase())
            }
        };
        if order.is_ne() {
            return order;
        }
    }
}

/// Consumes the digits of a number of any length, without leading zeros.
fn digits(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut digits = String::new();
    while let Some(digit) = chars.next_if(char::is_ascii_digit) {
        if digit != '0' || !digits.is_empty() {
            digits.push(digit);
        }
    }
    digits
}

fn by_value(a: &str, b: &str) -> Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_sort_by_value() {
        let mut ids = [
            "11",
            "2",
            "role:10:assigned",
            "role:2:assigned",
            "Role:3",
            "007",
            "7",
            "18446744073709551616",
            "",
            "b",
            "A",
        ];
        ids.sort_by(|a, b| natural_order(a, b));
        assert_eq!(
            ids,
            [
                "",
                "2",
                "007",
                "7",
                "11",
                "18446744073709551616",
                "A",
                "b",
                "role:2:assigned",
                "Role:3",
                "role:10:assigned"
            ]
        );
    }
}
