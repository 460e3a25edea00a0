//! Appending JSON to a byte buffer without an intermediate value: the simulator shares the machine with the program it
//! measures, so a row must cost about as much as copying it.

/// Appends literal text.
#[inline]
pub(super) fn text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends an integer.
#[inline]
pub(super) fn number(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// Appends `true` or `false`.
#[inline]
pub(super) fn boolean(out: &mut Vec<u8>, value: bool) {
    text(out, if value { "true" } else { "false" });
}

/// Appends a version 4 UUID, without quotes, whose digits are those of `bits` repeated.
#[inline]
pub(super) fn uuid(out: &mut Vec<u8>, bits: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut uid = *b"00000000-0000-4000-8000-000000000000";
    let mut rest = bits;
    for index in [0, 1, 2, 3, 4, 5, 6, 7, 24, 25, 26, 27, 28, 29, 30, 31] {
        uid[index] = DIGITS[(rest & 15) as usize];
        rest >>= 4;
    }
    out.extend_from_slice(&uid);
}
