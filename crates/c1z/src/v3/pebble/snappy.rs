//! Blocks that are compressed with Snappy.

use snap::raw::{Decoder, decompress_len};

use super::error::StoreError;
use super::error::damaged;

/// Bytes that a byte of compressed data can stand for: a copy of 64 bytes takes 3.
const MAX_RATIO: usize = 64 / 3 + 1;

/// Decompresses a block to at most `max_bytes`.
pub(super) fn decompress(packed: &[u8], max_bytes: usize) -> Result<Vec<u8>, StoreError> {
    let broken = |_| damaged("a block of its store is not compressed as it says");
    let bytes = decompress_len(packed).map_err(broken)?;
    if bytes > max_bytes {
        return Err(StoreError::TooLarge("a block of its store"));
    }
    // Memory is allocated for what the data can hold, not for what it claims.
    if bytes > packed.len().saturating_mul(MAX_RATIO) {
        return Err(broken(snap::Error::Empty));
    }
    let mut out = vec![0; bytes];
    Decoder::new().decompress(packed, &mut out).map_err(broken)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_and_copies() {
        // "ab", then six bytes from two back, then "c".
        let packed = [9, 1 << 2, b'a', b'b', (2 << 2) | 1, 2, 0, b'c'];
        assert_eq!(decompress(&packed, 9).unwrap(), b"ababababc");
        assert!(matches!(decompress(&packed, 8), Err(StoreError::TooLarge(_))));
        for cut in 0..packed.len() {
            assert!(decompress(&packed[..cut], 9).is_err(), "{cut}");
        }
        // A copy from before the beginning.
        assert!(decompress(&[5, 1 << 2, b'a', b'b', (1 << 2) | 1, 3], 9).is_err());
        // 100 MB in 6 bytes.
        assert!(decompress(&[0x80, 0xC2, 0xD7, 0x2F, 1 << 2, b'a'], usize::MAX).is_err());
    }

    #[test]
    fn the_highest_ratio_is_allowed() {
        let text = vec![7; 1 << 20];
        let packed = snap::raw::Encoder::new().compress_vec(&text).unwrap();
        assert!(decompress(&packed, text.len()).unwrap() == text);
    }
}
