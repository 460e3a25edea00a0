//! A JSON array, element by element, as it comes from the socket.

use std::fmt;
use std::io::{BufReader, Read};
use std::marker::PhantomData;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, SeqAccess, Visitor};

/// Why a list stopped.
#[derive(Debug)]
pub(crate) enum ListEnd {
    /// It was read to its end.
    Whole,
    /// Whoever takes the elements wants no more.
    Enough,
    /// The answer ended in the middle.
    CutShort,
    /// The connection failed; the reader knows why.
    Io,
    /// It went on for too long.
    TooSlow,
    /// It is not a JSON array; a description for people.
    Malformed(String),
}

/// Takes the elements of a list.
pub(crate) trait TakeElement<T> {
    /// Takes the next element; false stops the reading.
    fn take(&mut self, element: T) -> bool;

    /// The answer broke off: the list comes again from its start.
    fn again(&mut self);

    /// Whether an element of this try could be used. A list of which none can is not an empty one.
    fn has_used(&self) -> bool {
        true
    }
}

/// The longest list that is read. No tenant is that large; a hostile one must not fill memory.
pub(crate) const MOST_ELEMENTS: u64 = 5_000_000;

/// Wants to see that a list begins.
pub(crate) struct First;

impl TakeElement<IgnoredAny> for First {
    fn take(&mut self, _: IgnoredAny) -> bool {
        false
    }

    fn again(&mut self) {}
}

/// Feeds every element of the array in `reader` to `take`.
pub(crate) fn read_array<T: for<'de> Deserialize<'de>>(
    reader: impl Read,
    take: &mut impl TakeElement<T>,
) -> (u64, ListEnd) {
    let mut json = serde_json::Deserializer::from_reader(BufReader::with_capacity(64 << 10, reader));
    let mut count = 0;
    let mut enough = false;
    let seed = Elements {
        take,
        count: &mut count,
        enough: &mut enough,
        element: PhantomData,
    };
    let read = seed.deserialize(&mut json).and_then(|()| json.end());
    let end = match read {
        _ if enough => ListEnd::Enough,
        Ok(()) => ListEnd::Whole,
        Err(error) if error.is_eof() => ListEnd::CutShort,
        Err(error) if error.is_io() && error.io_error_kind() != Some(std::io::ErrorKind::InvalidData) => {
            ListEnd::Io
        }
        Err(error) => ListEnd::Malformed(error.to_string()),
    };
    (count, end)
}

struct Elements<'a, T, S> {
    take: &'a mut S,
    count: &'a mut u64,
    enough: &'a mut bool,
    element: PhantomData<T>,
}

impl<'de, T: Deserialize<'de>, S: TakeElement<T>> DeserializeSeed<'de> for Elements<'_, T, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Deserialize<'de>, S: TakeElement<T>> Visitor<'de> for Elements<'_, T, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<T>()? {
            *self.count += 1;
            if *self.count > MOST_ELEMENTS {
                return Err(A::Error::custom(format!("more than {MOST_ELEMENTS} entries")));
            }
            if !self.take.take(element) {
                *self.enough = true;
                return Err(A::Error::custom("enough"));
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Keep(Vec<i64>, usize);

    impl TakeElement<i64> for Keep {
        fn take(&mut self, element: i64) -> bool {
            self.0.push(element);
            self.0.len() < self.1
        }

        fn again(&mut self) {
            self.0.clear();
        }
    }

    fn read(text: &str) -> String {
        let mut keep = Keep(Vec::new(), 3);
        let (count, end) = read_array(text.as_bytes(), &mut keep);
        format!("{count} {end:?}")
    }

    #[test]
    fn the_ways_a_list_can_end() {
        let ends: Vec<String> = [
            "[1,2]", "[]", "[1,2,3,4", "[1,2", "[1,", "[", "", "  ", "[1,2]]", "{}", "7", "[1,x]", "[1 2]",
        ]
        .map(|text| format!("{text:8} {}", read(text)))
        .to_vec();
        insta::assert_snapshot!(ends.join("\n"), @r#"
        [1,2]    2 Whole
        []       0 Whole
        [1,2,3,4 3 Enough
        [1,2     2 CutShort
        [1,      1 CutShort
        [        0 CutShort
                 0 CutShort
                 0 CutShort
        [1,2]]   2 Malformed("trailing characters at line 1 column 6")
        {}       0 Malformed("invalid type: map, expected a list at line 1 column 1")
        7        0 Malformed("invalid type: integer `7`, expected a list at line 1 column 1")
        [1,x]    1 Malformed("expected value at line 1 column 4")
        [1 2]    1 Malformed("expected `,` or `]` at line 1 column 4")
        "#);
    }
}
