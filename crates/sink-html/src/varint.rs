//! Variable-length numbers: seven bits a byte, the lowest first; the eighth is set if more follow.

/// Adds a number.
pub(crate) fn push(bytes: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7F).unwrap_or(0x7F) | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).unwrap_or(0x7F));
}

/// Reads numbers.
pub(crate) struct Numbers<'a>(std::slice::Iter<'a, u8>);

impl<'a> Numbers<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }
}

impl Iterator for Numbers<'_> {
    type Item = u32;

    /// The next number; `None` at the end, or if the bytes are not a number of 32 bits.
    fn next(&mut self) -> Option<u32> {
        let mut number = 0_u32;
        for shift in (0..32).step_by(7) {
            let byte = *self.0.next()?;
            let bits = u32::from(byte & 0x7F);
            if bits.leading_zeros() < shift {
                return None;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_round_trip(numbers in prop::collection::vec(any::<u32>(), 0..40)) {
            let mut bytes = Vec::new();
            for number in &numbers {
                push(&mut bytes, *number);
            }
            prop_assert_eq!(Numbers::new(&bytes).collect::<Vec<_>>(), numbers);
        }

        #[test]
        fn anything_else_ends(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            prop_assert!(Numbers::new(&bytes).count() <= bytes.len());
        }
    }
}
