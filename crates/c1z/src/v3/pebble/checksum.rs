//! Checksums: CRC-32C in the masked form of `LevelDB`'s logs.

use crc_fast::{CrcAlgorithm, Digest};

/// Added to a rotated sum, so that the sum of data that contains sums is not one of them.
const MASK_DELTA: u32 = 0xA282_EAD8;

/// The masked sum over pieces, as if they were one.
pub(super) fn masked_crc32c(pieces: &[&[u8]]) -> u32 {
    let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
    for piece in pieces {
        digest.update(piece);
    }
    // The sum has 32 bits.
    let sum = u32::try_from(digest.finalize()).unwrap_or_default();
    sum.rotate_right(15).wrapping_add(MASK_DELTA)
}

/// Whether a sum is the one that was written.
pub(super) fn matches(computed: u32, written: u32) -> bool {
    #[cfg(any(test, fuzzing))]
    if fuzzing::IGNORED.get() {
        return true;
    }
    computed == written
}

/// Makes this thread ignore checksums: a fuzzer should reach the code behind them.
#[cfg(any(test, fuzzing))]
pub(crate) fn ignore_checksums_for_fuzzing(ignore: bool) {
    fuzzing::IGNORED.set(ignore);
}

#[cfg(any(test, fuzzing))]
mod fuzzing {
    use std::cell::Cell;

    thread_local! {
        pub(super) static IGNORED: Cell<bool> = const { Cell::new(false) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sum_of_the_standard_check_input() {
        let sum = masked_crc32c(&[b"1234", b"56789"])
            .wrapping_sub(MASK_DELTA)
            .rotate_left(15);
        assert_eq!(sum, 0xE306_9283);
    }
}
