//! Index entries as byte strings that sort with `memcmp` as SQLite sorts the entries.
//!
//! A column becomes a tag (NULL before numbers before text), then its bytes. Text is escaped so that its end is the
//! smallest byte: `00` becomes `01 01`, `01` becomes `01 02`, and `00` ends it. Numbers and the row id are eight bytes,
//! big-endian, with the sign bit flipped.

use memchr::memchr2;

use super::record::Value;
use super::record::encode_record;

const NULL: u8 = 0;
const NUMBER: u8 = 1;
const TEXT: u8 = 2;
const END: u8 = 0;
const ESCAPE: u8 = 1;
const ROW_ID_BYTES: usize = 8;
const SIGN: u64 = 1 << 63;

/// Appends a column. Only the types that index columns have are possible.
pub(super) fn push_column(key: &mut Vec<u8>, value: Value<'_>) {
    match value {
        Value::Integer(number) => {
            key.push(NUMBER);
            push_number(key, number);
        }
        Value::Text(bytes) | Value::Blob(bytes) => {
            key.push(TEXT);
            push_escaped(key, bytes);
            key.push(END);
        }
        Value::Null | Value::Real(_) => key.push(NULL),
    }
}

/// Appends the row id, which ends every key and makes it unique.
pub(super) fn push_row_id(key: &mut Vec<u8>, rowid: i64) {
    push_number(key, rowid);
}

fn push_number(key: &mut Vec<u8>, number: i64) {
    key.extend_from_slice(&(number.cast_unsigned() ^ SIGN).to_be_bytes());
}

fn push_escaped(key: &mut Vec<u8>, bytes: &[u8]) {
    if memchr2(END, ESCAPE, bytes).is_none() {
        key.extend_from_slice(bytes);
        return;
    }
    for byte in bytes {
        match byte {
            0 => key.extend_from_slice(&[ESCAPE, 1]),
            1 => key.extend_from_slice(&[ESCAPE, 2]),
            other => key.push(*other),
        }
    }
}

/// The part of a key that must be unique in a unique index.
pub(super) fn without_row_id(key: &[u8]) -> &[u8] {
    &key[..key.len().saturating_sub(ROW_ID_BYTES)]
}

/// Turns keys back into the records that SQLite stores in an index.
#[derive(Debug, Default)]
pub(super) struct KeyDecoder {
    texts: Vec<u8>,
    columns: Vec<Decoded>,
}

#[derive(Debug, Clone, Copy)]
enum Decoded {
    Null,
    Number(i64),
    Text { start: usize, end: usize },
}

impl KeyDecoder {
    /// Encodes the record of a key into `out`.
    pub(super) fn record(&mut self, key: &[u8], out: &mut Vec<u8>) {
        self.texts.clear();
        self.columns.clear();
        let (mut rest, rowid) = key.split_at(key.len().saturating_sub(ROW_ID_BYTES));
        while let [tag, tail @ ..] = rest {
            rest = match *tag {
                NUMBER => {
                    let (number, tail) = tail.split_at(ROW_ID_BYTES);
                    self.columns.push(Decoded::Number(read_number(number)));
                    tail
                }
                TEXT => self.read_text(tail),
                _ => {
                    self.columns.push(Decoded::Null);
                    tail
                }
            };
        }
        self.columns.push(Decoded::Number(read_number(rowid)));
        let texts = &self.texts;
        encode_record(
            out,
            self.columns.iter().map(|column| match *column {
                Decoded::Null => Value::Null,
                Decoded::Number(number) => Value::Integer(number),
                Decoded::Text { start, end } => Value::Text(&texts[start..end]),
            }),
        );
    }

    fn read_text<'k>(&mut self, mut rest: &'k [u8]) -> &'k [u8] {
        let start = self.texts.len();
        loop {
            let plain = memchr2(END, ESCAPE, rest).unwrap_or(rest.len());
            self.texts.extend_from_slice(&rest[..plain]);
            rest = &rest[plain..];
            match rest {
                [ESCAPE, escaped, tail @ ..] => {
                    self.texts.push(escaped - 1);
                    rest = tail;
                }
                _ => break,
            }
        }
        self.columns.push(Decoded::Text {
            start,
            end: self.texts.len(),
        });
        rest.get(1..).unwrap_or_default()
    }
}

fn read_number(bytes: &[u8]) -> i64 {
    let bytes: [u8; 8] = bytes.try_into().unwrap_or_default();
    (u64::from_be_bytes(bytes) ^ SIGN).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key_of(columns: &[Option<Vec<u8>>], rowid: i64) -> Vec<u8> {
        let mut key = Vec::new();
        for column in columns {
            push_column(&mut key, column.as_deref().map_or(Value::Null, Value::Text));
        }
        push_row_id(&mut key, rowid);
        key
    }

    fn columns() -> impl Strategy<Value = Vec<Option<Vec<u8>>>> {
        let byte = prop_oneof![0_u8..4, any::<u8>()];
        prop::collection::vec(prop::option::of(prop::collection::vec(byte, 0..6)), 2)
    }

    proptest! {
        #[test]
        fn keys_sort_as_their_columns_do(a in columns(), b in columns(), x: i64, y: i64) {
            let by_columns = a.cmp(&b).then(x.cmp(&y));
            prop_assert_eq!(key_of(&a, x).cmp(&key_of(&b, y)), by_columns);
        }

        #[test]
        fn keys_decode_to_records(columns in columns(), number: i64, rowid: i64) {
            let mut key = Vec::new();
            for column in &columns {
                push_column(&mut key, column.as_deref().map_or(Value::Null, Value::Text));
            }
            push_column(&mut key, Value::Integer(number));
            push_row_id(&mut key, rowid);
            let (mut record, mut expected) = (Vec::new(), Vec::new());
            KeyDecoder::default().record(&key, &mut record);
            let values = columns.iter().map(|column| column.as_deref().map_or(Value::Null, Value::Text));
            encode_record(&mut expected, values.chain([Value::Integer(number), Value::Integer(rowid)]));
            prop_assert_eq!(record, expected);
        }
    }
}
