//! Unpacks blocks that are compressed with Snappy: pieces of text, and copies of what was there before.

use super::error::StoreError;
use super::error::damaged;
use super::error::length;
use super::error::varint;

/// Unpacks a block into at most so many bytes.
pub(super) fn unpack(packed: &[u8], most: usize) -> Result<Vec<u8>, StoreError> {
    let (bytes, mut rest) = varint(packed)?;
    let bytes = length(bytes)?;
    if bytes > most {
        return Err(StoreError::TooLarge("a block of its store"));
    }
    let broken = || damaged("a block of its store is not compressed as it says");
    // Grows with what is there: a piece says up to 64 bytes in three.
    let mut out = Vec::with_capacity(bytes.min(packed.len().saturating_mul(4)));
    while let Some((tag, after)) = rest.split_first() {
        let high = usize::from(tag >> 2);
        rest = after;
        let mut take = |count: usize| -> Result<usize, StoreError> {
            let (number, after) = rest.split_at_checked(count).ok_or_else(broken)?;
            rest = after;
            Ok(number
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
        };
        let (distance, count) = match tag & 3 {
            0 => {
                let count = if high < 60 { high } else { take(high - 59)? } + 1;
                let (text, after) = rest.split_at_checked(count).ok_or_else(broken)?;
                if out.len() + count > bytes {
                    return Err(broken());
                }
                out.extend_from_slice(text);
                rest = after;
                continue;
            }
            1 => (((high >> 3) << 8) | take(1)?, (high & 7) + 4),
            2 => (take(2)?, high + 1),
            _ => (take(4)?, high + 1),
        };
        let start = out.len().checked_sub(distance).filter(|_| distance > 0);
        let start = start.ok_or_else(broken)?;
        if out.len() + count > bytes {
            return Err(broken());
        }
        // What is copied may be what was just written.
        for at in start..start + count {
            out.push(out[at]);
        }
    }
    if out.len() == bytes {
        Ok(out)
    } else {
        Err(broken())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_copies() {
        // "ab", then six bytes from two back, then "c".
        let packed = [9, 1 << 2, b'a', b'b', (2 << 2) | 1, 2, 0, b'c'];
        assert_eq!(unpack(&packed, 9).unwrap(), b"ababababc");
        assert!(matches!(unpack(&packed, 8), Err(StoreError::TooLarge(_))));
        for cut in 1..packed.len() {
            assert!(unpack(&packed[..cut], 9).is_err(), "{cut}");
        }
        // A copy from before the beginning.
        assert!(unpack(&[5, 1 << 2, b'a', b'b', (1 << 2) | 1, 3], 9).is_err());
    }
}
