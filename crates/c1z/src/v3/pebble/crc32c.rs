//! CRC-32C (Castagnoli), in the masked form that logs use.

const TABLE: [u32; 256] = table();

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut byte: u32 = 0;
    while byte < 256 {
        let (mut sum, mut bit) = (byte, 0);
        while bit < 8 {
            sum = if sum & 1 == 1 {
                (sum >> 1) ^ 0x82F6_3B78
            } else {
                sum >> 1
            };
            bit += 1;
        }
        table[byte as usize] = sum;
        byte += 1;
    }
    table
}

/// The masked sum over several pieces: so that a sum over data that holds sums is no sum that means something.
pub(super) fn masked(pieces: &[&[u8]]) -> u32 {
    let bytes = pieces.iter().copied().flatten();
    let sum = !bytes.fold(!0_u32, |sum, byte| {
        TABLE[usize::from(sum.to_le_bytes()[0] ^ byte)] ^ (sum >> 8)
    });
    sum.rotate_right(15).wrapping_add(0xA282_EAD8)
}

/// Whether a sum is the one that was written. The fuzzer looks behind sums.
pub(super) fn agree(found: u32, written: u32) -> bool {
    #[cfg(any(test, fuzzing))]
    if crate::fuzzing::v3::any_sum_will_do() {
        return true;
    }
    found == written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_check_value() {
        let sum = masked(&[b"1234", b"56789"])
            .wrapping_sub(0xA282_EAD8)
            .rotate_left(15);
        assert_eq!(sum, 0xE306_9283);
    }
}
