//! SQLite's record format: a header of serial types, then the values (SQLite file format §2.1).

/// A value of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Value<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.as_bytes())
    }
}

/// Appends an unsigned number in SQLite's big-endian base 128: up to eight groups of seven bits, then a full byte.
pub(super) fn push_varint(out: &mut Vec<u8>, number: u64) {
    if number < 0x80 {
        out.push(low_byte(number));
        return;
    }
    // The types of most texts.
    if number < 0x4000 {
        out.extend_from_slice(&[low_byte(number >> 7) | 0x80, low_byte(number) & 0x7F]);
        return;
    }
    let mut bytes = [0_u8; 9];
    let mut at = 9;
    let mut rest = number;
    if number >> 56 != 0 {
        at -= 1;
        bytes[at] = low_byte(rest);
        rest >>= 8;
    }
    loop {
        let more = if at == 9 { 0 } else { 0x80 };
        at -= 1;
        bytes[at] = low_byte(rest) & 0x7F | more;
        rest >>= 7;
        if rest == 0 && (number >> 56 == 0 || at == 0) {
            break;
        }
    }
    out.extend_from_slice(&bytes[at..]);
}

/// Reads what [`push_varint`] appends. Returns it with what follows.
pub(super) fn read_varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (n, byte) in bytes.iter().take(8).enumerate() {
        number = number << 7 | u64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[n + 1..]));
        }
    }
    Some((number << 8 | u64::from(*bytes.get(8)?), &bytes[9..]))
}

/// Number of bytes that [`push_varint`] appends.
pub(super) fn varint_len(number: u64) -> usize {
    let groups = (64 - number.leading_zeros()).max(1).div_ceil(7) as usize;
    groups.min(9)
}

fn low_byte(number: u64) -> u8 {
    number.to_le_bytes()[0]
}

/// The serial type of a value, and the number of bytes of its body.
fn serial_type(value: Value<'_>) -> (u64, usize) {
    match value {
        Value::Null => (0, 0),
        Value::Integer(number) => integer_type(number),
        Value::Real(_) => (7, 8),
        Value::Text(bytes) => (13 + 2 * bytes.len() as u64, bytes.len()),
        Value::Blob(bytes) => (12 + 2 * bytes.len() as u64, bytes.len()),
    }
}

fn integer_type(number: i64) -> (u64, usize) {
    match number {
        0 => (8, 0),
        1 => (9, 0),
        -0x80..=0x7F => (1, 1),
        -0x8000..=0x7FFF => (2, 2),
        -0x80_0000..=0x7F_FFFF => (3, 3),
        -0x8000_0000..=0x7FFF_FFFF => (4, 4),
        -0x8000_0000_0000..=0x7FFF_FFFF_FFFF => (5, 6),
        _ => (6, 8),
    }
}

/// Encodes values as one record into `out`, which is cleared first.
pub(super) fn encode_record<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = Value<'a>> + Clone) {
    out.clear();
    // The header's length, which is one byte in nearly all records.
    out.push(0);
    for value in values.clone() {
        push_varint(out, serial_type(value).0);
    }
    let types_len = out.len() - 1;
    // It counts itself; one byte more of length can make the length one byte longer.
    let mut header_len = types_len + 1;
    while types_len + varint_len(header_len as u64) != header_len {
        header_len = types_len + varint_len(header_len as u64);
    }
    if header_len < 0x80 {
        out[0] = low_byte(header_len as u64);
    } else {
        let mut length = Vec::new();
        push_varint(&mut length, header_len as u64);
        out.splice(..1, length);
    }
    for value in values {
        match value {
            Value::Null => {}
            Value::Integer(number) => {
                let (_, len) = integer_type(number);
                out.extend_from_slice(&number.to_be_bytes()[8 - len..]);
            }
            Value::Real(number) => out.extend_from_slice(&number.to_be_bytes()),
            Value::Text(bytes) | Value::Blob(bytes) => out.extend_from_slice(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The decoding rule of the format, written down once more.
    fn read_varint(bytes: &[u8]) -> (u64, usize) {
        let mut number = 0_u64;
        for (at, byte) in bytes.iter().enumerate() {
            if at == 8 {
                return (number << 8 | u64::from(*byte), 9);
            }
            number = number << 7 | u64::from(byte & 0x7F);
            if byte & 0x80 == 0 {
                return (number, at + 1);
            }
        }
        unreachable!("a varint ends within nine bytes")
    }

    proptest! {
        #[test]
        fn varints_read_back(number: u64, shift in 0_u32..64) {
            let number = number >> shift;
            let mut bytes = Vec::new();
            push_varint(&mut bytes, number);
            prop_assert_eq!(read_varint(&bytes), (number, bytes.len()));
            prop_assert_eq!(varint_len(number), bytes.len());
        }
    }

    /// The length of a header counts its own bytes.
    #[test]
    fn headers_of_any_length_count_themselves() {
        for (columns, header) in [
            (0, [1, 0]),
            (1, [2, 0]),
            (126, [0x7F, 0]),
            (127, [0x81, 0x01]),
            (128, [0x81, 0x02]),
        ] {
            let mut record = b"of the record before".to_vec();
            encode_record(&mut record, std::iter::repeat_n(Value::Null, columns));
            let (header_len, bytes) = read_varint(&record);
            assert_eq!(header_len, record.len() as u64, "{columns} columns");
            assert_eq!(record.len(), columns + bytes);
            assert_eq!(&record[..bytes], &header[..bytes]);
        }
        for columns in [16_381, 16_382, 16_383] {
            let mut record = Vec::new();
            encode_record(&mut record, std::iter::repeat_n(Value::from("a"), columns));
            let (header_len, bytes) = read_varint(&record);
            assert_eq!(bytes, if columns == 16_381 { 2 } else { 3 });
            assert_eq!(header_len, (columns + bytes) as u64);
            assert_eq!(record.len(), 2 * columns + bytes);
            assert!(record[bytes..][..columns].iter().all(|serial| *serial == 15));
        }
    }

    #[test]
    fn varints_at_the_edges() {
        for (number, len) in [
            (0, 1),
            (0x7F, 1),
            (0x80, 2),
            (0x3FFF, 2),
            (0x4000, 3),
            ((1 << 56) - 1, 8),
            (1 << 56, 9),
            (u64::MAX, 9),
        ] {
            let mut bytes = Vec::new();
            push_varint(&mut bytes, number);
            assert_eq!((bytes.len(), varint_len(number)), (len, len), "{number:#x}");
            assert_eq!(read_varint(&bytes), (number, len));
        }
    }
}
