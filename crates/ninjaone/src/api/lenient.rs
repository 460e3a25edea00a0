//! Lenient parsing of fields: a value of the expected type is a value, null is unstated, everything else is unreadable. A
//! list keeps its usable elements and counts the others.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize as Derive;
use serde::de::value::MapAccessDeserializer;
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::Entries;
use super::Id;
use super::OrganizationIds;
use super::Row;
use super::Rows;
use super::Stated;
use super::bounds::clip;

/// Any value; lists and objects are skipped.
#[derive(Clone, Copy)]
pub(crate) enum Scalar<'a> {
    Null,
    Flag(bool),
    Number(f64),
    Integer(u64),
    Text(&'a str),
    /// A negative number, a list or an object.
    Other,
}

fn to_text(scalar: Scalar<'_>) -> Option<Box<str>> {
    match scalar {
        Scalar::Text(text) => Some(clip(text).into()),
        _ => None,
    }
}

fn to_flag(scalar: Scalar<'_>) -> Option<bool> {
    match scalar {
        Scalar::Flag(flag) => Some(flag),
        _ => None,
    }
}

fn to_id(scalar: Scalar<'_>) -> Option<u64> {
    match scalar {
        Scalar::Integer(number) => Some(number),
        Scalar::Number(number) => to_integer(number),
        Scalar::Text(text) => digits(text.trim()),
        Scalar::Null | Scalar::Flag(_) | Scalar::Other => None,
    }
}

/// An id as text. With leading zeros it may be another id than without them.
fn digits(text: &str) -> Option<u64> {
    let only_digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let is_canonical = only_digits && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_canonical)
}

/// The upper bound of ids that are written with a decimal point or an exponent, 2^43. Doubles below it distinguish integers from
/// numbers with three decimal places. Near 2^53, the parser would round another number to an id.
const MAX_EXACT_INTEGER: f64 = 8_796_093_022_208.0;

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked"
)]
fn to_integer(number: f64) -> Option<u64> {
    ((0.0..=MAX_EXACT_INTEGER).contains(&number) && number.fract() == 0.0).then_some(number as u64)
}

/// Maximum number of ids in a list of a row, e.g. devices of a user.
const MAX_LISTED_IDS: usize = 100_000;
/// Maximum number of texts in a list of a row, e.g. roles of a user.
const MAX_LISTED_TEXTS: usize = 1_000;

/// A type that is read in the three states of [`Stated`].
pub(crate) trait Field<'de>: Sized {
    /// The elements of its list; values other than lists have none.
    type Element: Deserialize<'de>;

    /// Maximum number of elements. Real lists are shorter; a hostile one must not fill memory.
    const MAX_ELEMENTS: usize = MAX_LISTED_IDS;

    /// Maximum length of a list of such values.
    const MAX_LISTED: usize = MAX_LISTED_IDS;

    /// Converts a value that is not a list.
    fn from_scalar(scalar: Scalar<'_>) -> Option<Self>;

    /// The empty list; `None` where a list is not readable.
    fn empty() -> Option<Self> {
        None
    }

    fn add(&mut self, _: Self::Element) {}

    /// Adds the elements of a list.
    fn fill<A: SeqAccess<'de>>(&mut self, mut list: A) -> Result<(), A::Error> {
        let mut count = 0;
        while let Some(element) = list.next_element()? {
            count_element::<Self, A::Error>(&mut count)?;
            self.add(element);
        }
        Ok(())
    }
}

/// Counts an element of a list.
///
/// # Errors
/// The list is longer than [`Field::MAX_ELEMENTS`].
pub(super) fn count_element<'de, V: Field<'de>, E: Error>(count: &mut usize) -> Result<(), E> {
    *count += 1;
    if *count > V::MAX_ELEMENTS {
        let message = format!("more than {} entries in a row's list", V::MAX_ELEMENTS);
        return Err(E::custom(message));
    }
    Ok(())
}

macro_rules! scalar_fields {
    ($($type:ty = $read:ident, $listed:expr;)*) => {
        $(
            impl Field<'_> for $type {
                type Element = IgnoredAny;

                const MAX_LISTED: usize = $listed;

                fn from_scalar(scalar: Scalar<'_>) -> Option<Self> {
                    $read(scalar)
                }
            }
        )*
    };
}

scalar_fields! {
    Box<str> = to_text, MAX_LISTED_TEXTS;
    bool = to_flag, MAX_LISTED_IDS;
    u64 = to_id, MAX_LISTED_IDS;
}

impl<T> Entries<T> {
    fn push(&mut self, element: Stated<T>) {
        match element {
            Stated::Value(element) => self.usable.push(element),
            Stated::Unstated | Stated::Unreadable => self.unusable += 1,
        }
    }
}

impl<'de, T: Field<'de>> Field<'de> for Entries<T> {
    type Element = Stated<T>;

    const MAX_ELEMENTS: usize = T::MAX_LISTED;

    fn from_scalar(_: Scalar<'_>) -> Option<Self> {
        None
    }

    fn empty() -> Option<Self> {
        Some(Self::default())
    }

    fn add(&mut self, element: Stated<T>) {
        self.push(element);
    }
}

impl<'de, T: Deserialize<'de>> Field<'de> for Rows<T> {
    type Element = Row<T>;

    fn from_scalar(_: Scalar<'_>) -> Option<Self> {
        None
    }

    fn empty() -> Option<Self> {
        Some(Self(Vec::new()))
    }

    fn add(&mut self, row: Row<T>) {
        self.0.push(row);
    }
}

impl Field<'_> for OrganizationIds {
    type Element = Id;

    fn from_scalar(scalar: Scalar<'_>) -> Option<Self> {
        to_id(scalar).map(Self::One)
    }

    fn empty() -> Option<Self> {
        Some(Self::Several(Entries::default()))
    }

    fn add(&mut self, element: Id) {
        if let Self::Several(ids) = self {
            ids.push(element);
        }
    }
}

/// Passes a value to a function as a scalar.
pub(crate) struct WithScalar<F>(pub(crate) F);

impl<'de, R, F: FnOnce(Scalar<'_>) -> R> DeserializeSeed<'de> for WithScalar<F> {
    type Value = R;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<R, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R, F: FnOnce(Scalar<'_>) -> R> Visitor<'de> for WithScalar<F> {
    type Value = R;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<R, E> {
        Ok(self.0(Scalar::Null))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<R, E> {
        Ok(self.0(Scalar::Flag(flag)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<R, E> {
        Ok(self.0(Scalar::Integer(number)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<R, E> {
        Ok(self.0(
            u64::try_from(number).map_or(Scalar::Other, Scalar::Integer),
        ))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<R, E> {
        Ok(self.0(Scalar::Number(number)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<R, E> {
        Ok(self.0(Scalar::Text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<R, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(self.0(Scalar::Other))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<R, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(self.0(Scalar::Other))
    }
}

struct AnyValue<V>(PhantomData<V>);

impl<'de, V: Field<'de>> AnyValue<V> {
    fn scalar(scalar: Scalar<'_>) -> Stated<V> {
        match scalar {
            Scalar::Null => Stated::Unstated,
            scalar => V::from_scalar(scalar).map_or(Stated::Unreadable, Stated::Value),
        }
    }
}

impl<'de, V: Field<'de>> Visitor<'de> for AnyValue<V> {
    type Value = Stated<V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Stated<V>, E> {
        Ok(Self::scalar(Scalar::Null))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Stated<V>, E> {
        Ok(Self::scalar(Scalar::Flag(flag)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Stated<V>, E> {
        Ok(Self::scalar(Scalar::Integer(number)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Stated<V>, E> {
        let scalar = u64::try_from(number).map_or(Scalar::Other, Scalar::Integer);
        Ok(Self::scalar(scalar))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Stated<V>, E> {
        Ok(Self::scalar(Scalar::Number(number)))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Stated<V>, E> {
        Ok(Self::scalar(Scalar::Text(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Stated<V>, A::Error> {
        let Some(mut value) = V::empty() else {
            while list.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Stated::Unreadable);
        };
        value.fill(list)?;
        Ok(Stated::Value(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Stated<V>, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::scalar(Scalar::Other))
    }
}

impl<'de, V: Field<'de>> Derive<'de> for Stated<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue(PhantomData))
    }
}

struct AnyRow<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for AnyRow<T> {
    type Value = Row<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Row<T>, E> {
        Ok(Row::Null)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Row<T>, E> {
        Ok(Row::Other)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Row<T>, E> {
        Ok(Row::Other)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Row<T>, E> {
        Ok(Row::Other)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Row<T>, E> {
        Ok(Row::Other)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Row<T>, E> {
        Ok(Row::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Row<T>, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Row::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<Row<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(object)).map(Row::Object)
    }
}

impl<'de, T: Deserialize<'de>> Derive<'de> for Row<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyRow(PhantomData))
    }
}
