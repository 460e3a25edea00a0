//! The record format of logs and manifests: chunks in blocks of 32 KiB, as in `LevelDB`.

use super::checksum;
use super::error::StoreError;
use super::error::damaged;
use super::error::u32_at;

const BLOCK: usize = 32 << 10;
/// Bytes of a chunk's header: checksum, length, type.
const HEADER: usize = 7;

/// Appends a record to a log.
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
        log.extend_from_slice(&checksum::masked_crc32c(&[&[kind], piece]).to_le_bytes());
        // A chunk is shorter than a block, whose length fits.
        log.extend_from_slice(&u16::try_from(piece.len()).unwrap_or(u16::MAX).to_le_bytes());
        log.push(kind);
        log.extend_from_slice(piece);
        if rest.is_empty() {
            return;
        }
        (record, first) = (rest, false);
    }
}

/// Calls `visit` with the records of a log.
///
/// There are three chunk headers: the plain one, one with the number of the log, and one that also says how far the log was
/// synced. A log with a number ends, as for Pebble, where the chunks of another log or invalid bytes begin: files are recycled,
/// and their old content follows the end. A file without a number is a manifest, which must be complete.
pub(super) fn each(
    log: &[u8],
    number: Option<u64>,
    mut visit: impl FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut record = Vec::new();
    for block in log.chunks(BLOCK) {
        let mut rest = block;
        while let Some(kind) = rest.get(HEADER - 1) {
            let size = usize::from(u16::from_le_bytes([rest[4], rest[5]]));
            let (header, position) = match kind {
                0 if size == 0 => break,
                1..=4 => (HEADER, *kind),
                5..=8 => (HEADER + 4, kind - 4),
                9..=12 => (HEADER + 12, kind - 8),
                _ if number.is_some() => return Ok(()),
                _ => {
                    return Err(StoreError::Unknown(
                        "a log of its store is framed in a way not known here",
                    ));
                }
            };
            let Some((chunk, after)) = rest.split_at_checked(header + size) else {
                return match number {
                    Some(_) => Ok(()),
                    None => Err(damaged("a log of its store ends too early")),
                };
            };
            let other = |number: u64| u32_at(chunk, HEADER).is_ok_and(|found| u64::from(found) != number);
            if header > HEADER && number.is_some_and(other) {
                return Ok(());
            }
            if !checksum::matches(
                checksum::masked_crc32c(&[&chunk[HEADER - 1..]]),
                u32_at(chunk, 0)?,
            ) {
                return match number {
                    Some(_) => Ok(()),
                    None => Err(damaged("a log of its store is not the one that was written")),
                };
            }
            if matches!(position, 1 | 2) {
                record.clear();
            }
            record.extend_from_slice(&chunk[header..]);
            if matches!(position, 1 | 4) {
                visit(&record)?;
            }
            rest = after;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_survive_a_round_trip() {
        let records: Vec<Vec<u8>> = [0, 5, 32_750, 100_000, 1].map(|size| vec![7; size]).to_vec();
        let mut log = Vec::new();
        for record in &records {
            append(record, &mut log);
        }
        let mut read = Vec::new();
        each(&log, None, |record| {
            read.push(record.to_vec());
            Ok(())
        })
        .unwrap();
        assert_eq!(read, records);
        for at in (0..log.len()).step_by(31) {
            let mut spoilt = log.clone();
            spoilt[at] ^= 1;
            let mut same = Vec::new();
            let outcome = each(&spoilt, None, |record| {
                same.push(record.to_vec());
                Ok(())
            });
            assert!(outcome.is_err() || same == records, "{at}");
        }
    }

    #[test]
    fn recycled_logs_end_at_foreign_chunks() {
        let chunk = |number: u32, text: &[u8]| {
            let summed = [&[5][..], &number.to_le_bytes(), text].concat();
            let size = u16::try_from(text.len()).unwrap().to_le_bytes();
            [
                &checksum::masked_crc32c(&[&summed]).to_le_bytes()[..],
                &size,
                &summed,
            ]
            .concat()
        };
        let own = [chunk(7, b"one"), chunk(7, b"two")].concat();
        for stale in [
            chunk(6, b"old"),
            b"within an older chunk".to_vec(),
            vec![0; 40],
            chunk(7, b"torn")[..9].to_vec(),
        ] {
            let mut read = Vec::new();
            each(&[&own[..], &stale].concat(), Some(7), |record| {
                read.push(record.to_vec());
                Ok(())
            })
            .unwrap();
            assert_eq!(read, [b"one", b"two"]);
        }
    }

    #[test]
    fn records_are_split_at_blocks() {
        let mut log = Vec::new();
        append(&vec![1; 32751], &mut log);
        assert_eq!((log.len(), log[6]), (32758, 1));
        // Ten bytes are left in the block, of which three are for data.
        append(&[2; 10], &mut log);
        assert_eq!((log[32758 + 6], log[32768 + 6]), (2, 4));
        assert_eq!(log.len(), 32768 + 7 + 7);
        // A rest that is too small for a header is filled with zeros.
        log.resize(2 * 32768 - 6, 9);
        append(b"x", &mut log);
        assert_eq!(log[2 * 32768 - 6..2 * 32768], [0; 6]);
        assert_eq!(log.len(), 2 * 32768 + 8);
    }
}
