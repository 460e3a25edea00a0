//! Numbers in base 128, seven bits a byte, the low ones first.

use super::error::StoreError;
use super::error::damaged;

/// Appends a number.
pub(super) fn push(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// Appends bytes with their length before them.
pub(super) fn push_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    push(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Reads a number. Returns it with what follows.
pub(super) fn read(bytes: &[u8]) -> Result<(u64, &[u8]), StoreError> {
    let mut number = 0;
    for (at, byte) in bytes.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7F) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok((number, &bytes[at + 1..]));
        }
    }
    Err(damaged("a number in its store has no end"))
}

/// A number as a length in memory.
pub(super) fn to_length(number: u64) -> Result<usize, StoreError> {
    usize::try_from(number).map_err(|_| damaged("a length in its store is invalid"))
}

/// Reads bytes with their length before them. Returns them with what follows.
pub(super) fn read_bytes(bytes: &[u8]) -> Result<(&[u8], &[u8]), StoreError> {
    let (count, rest) = read(bytes)?;
    rest.split_at_checked(to_length(count)?)
        .ok_or_else(|| damaged("a text in its store is longer than what holds it"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_survive_a_round_trip() {
        for shift in 0..64 {
            for number in [(1_u64 << shift) - 1, 1 << shift, u64::MAX >> shift] {
                let mut bytes = Vec::new();
                push(number, &mut bytes);
                bytes.push(7);
                assert_eq!(read(&bytes).unwrap(), (number, &[7][..]));
                assert!(read(&bytes[..bytes.len() - 2]).is_err());
            }
        }
    }
}
