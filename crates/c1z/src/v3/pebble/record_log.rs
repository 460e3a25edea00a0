//! Records in blocks of 32 KiB, as LevelDB frames its logs and manifests (c1z facts §3.6).

use super::crc32c;

const BLOCK: usize = 32 << 10;
/// Sum, length, kind.
const HEADER: usize = 7;

/// Appends a record to a log that has so many bytes already.
pub(super) fn append(mut record: &[u8], log: &mut Vec<u8>) {
    let mut first = true;
    loop {
        let room = BLOCK - log.len() % BLOCK;
        if room < HEADER {
            log.resize(log.len() + room, 0);
            continue;
        }
        let (piece, rest) = record.split_at(record.len().min(room - HEADER));
        let kind = match (first, rest.is_empty()) {
            (true, true) => 1,
            (true, false) => 2,
            (false, false) => 3,
            (false, true) => 4,
        };
        log.extend_from_slice(&crc32c::masked(&[&[kind], piece]).to_le_bytes());
        // A block's length fits.
        log.extend_from_slice(&u16::try_from(piece.len()).unwrap_or(u16::MAX).to_le_bytes());
        log.push(kind);
        log.extend_from_slice(piece);
        if rest.is_empty() {
            return;
        }
        (record, first) = (rest, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_cut_at_blocks() {
        let mut log = Vec::new();
        append(&[1; 32751], &mut log);
        assert_eq!((log.len(), log[6]), (32758, 1));
        // Ten bytes are left in the block: three for data.
        append(&[2; 10], &mut log);
        assert_eq!((log[32758 + 6], log[32768 + 6]), (2, 4));
        assert_eq!(log.len(), 32768 + 7 + 7);
        // Too little is left for a header: it is filled up.
        log.resize(2 * 32768 - 6, 9);
        append(b"x", &mut log);
        assert_eq!(log[2 * 32768 - 6..2 * 32768], [0; 6]);
        assert_eq!(log.len(), 2 * 32768 + 8);
    }
}
