//! A canonical zip file: members stored one after the other, without times, comments and gaps. Every byte follows from the
//! members, so the member of every altered byte is known.

use std::ops::Range;

use flate2::Crc;

/// A member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const CENTRAL: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;
const END_BYTES: usize = 22;
/// A pack has a few files, and one per sheet.
const MAX_MEMBERS: usize = 4096;
/// Version 2.0, the oldest with folders.
const VERSION: u16 = 20;
/// Names are UTF-8.
const FLAGS: u16 = 1 << 11;
/// 1 January 1980, the earliest representable date.
const DATE: u16 = 0x21;

/// Writes a file of members.
///
/// # Errors
/// The reason, if a member or their number is too large for the format.
pub(super) fn write(members: &[Member]) -> Result<Vec<u8>, &'static str> {
    let mut file = Vec::new();
    let mut directory = Vec::new();
    for member in members {
        let (head, entry) = headers(&member.name, &member.bytes, file.len())?;
        file.extend(head);
        file.extend(&member.bytes);
        directory.extend(entry);
    }
    let count = u16::try_from(members.len()).map_err(|_| "too many files")?;
    let begin = u32::try_from(file.len()).map_err(|_| "more than 4 GiB")?;
    let length = u32::try_from(directory.len()).map_err(|_| "more than 4 GiB")?;
    file.extend(directory);
    file.extend(END);
    file.extend([0; 4]);
    file.extend(count.to_le_bytes());
    file.extend(count.to_le_bytes());
    file.extend(length.to_le_bytes());
    file.extend(begin.to_le_bytes());
    file.extend([0; 2]);
    Ok(file)
}

/// The header of a member, and its entry in the directory.
fn headers(name: &str, bytes: &[u8], offset: usize) -> Result<(Vec<u8>, Vec<u8>), &'static str> {
    let size = u32::try_from(bytes.len()).map_err(|_| "a file of more than 4 GiB")?;
    let offset = u32::try_from(offset).map_err(|_| "more than 4 GiB")?;
    let length = u16::try_from(name.len()).map_err(|_| "a name that is too long")?;
    let mut common = Vec::new();
    common.extend(VERSION.to_le_bytes());
    common.extend(FLAGS.to_le_bytes());
    common.extend([0; 4]);
    common.extend(DATE.to_le_bytes());
    common.extend(crc(bytes).to_le_bytes());
    common.extend(size.to_le_bytes());
    common.extend(size.to_le_bytes());
    common.extend(length.to_le_bytes());
    common.extend([0; 2]);
    let head = [&LOCAL[..], &common, name.as_bytes()].concat();
    let entry = [
        &CENTRAL[..],
        &VERSION.to_le_bytes(),
        &common,
        &[0; 10],
        &offset.to_le_bytes(),
        name.as_bytes(),
    ]
    .concat();
    Ok((head, entry))
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The members and the problems: the name of the member or `the archive`, and the problem.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Archive {
    pub(super) members: Vec<Member>,
    pub(super) problems: Vec<(String, &'static str)>,
}

/// The location of a member according to one of the two lists.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Located {
    name: String,
    bytes: Range<usize>,
}

/// Reads a file. Members are listed twice, in their headers and in the directory. The more consistent list is used, and
/// every byte that differs from the canonical file of its members is a problem.
///
/// # Errors
/// The reason, if it is not such a file.
pub(super) fn read(file: &[u8]) -> Result<Archive, &'static str> {
    let lists = [members_by_directory(file), members_by_headers(file)];
    let best = lists
        .into_iter()
        .filter(|list| !list.is_empty())
        .map(|list| compare(file, &list))
        .min_by_key(|archive| (archive.problems.len(), std::cmp::Reverse(archive.members.len())));
    best.ok_or("it is not a zip file of this program, or all of its lists are damaged")
}

fn number<const BYTES: usize>(file: &[u8], at: usize) -> Option<[u8; BYTES]> {
    file.get(at..at.checked_add(BYTES)?)?.try_into().ok()
}

fn small(file: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(number(file, at)?)))
}

fn large(file: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u32::from_le_bytes(number(file, at)?)).ok()
}

fn text(file: &[u8], range: Range<usize>) -> Option<String> {
    String::from_utf8(file.get(range)?.to_vec()).ok()
}

/// The members according to the directory; `None` if it is inconsistent.
fn members_by_directory(file: &[u8]) -> Vec<Located> {
    let list = || {
        let end = file.len().checked_sub(END_BYTES)?;
        let count = small(file, end + 10)?;
        let mut at = large(file, end + 16)?;
        let mut found: Vec<Located> = Vec::new();
        for _ in 0..Some(count).filter(|count| *count <= MAX_MEMBERS)? {
            let (size, length) = (large(file, at + 24)?, small(file, at + 28)?);
            let offset = large(file, at + 42)?;
            let name = text(file, at + CENTRAL_BYTES..at + CENTRAL_BYTES + length)?;
            let begin = offset.checked_add(LOCAL_BYTES + length)?;
            let bytes = begin..begin.checked_add(size)?;
            file.get(bytes.clone())?;
            // Overlapping members would take more memory than the file.
            if found.last().is_some_and(|before| before.bytes.end > offset) {
                return None;
            }
            found.push(Located { name, bytes });
            at += CENTRAL_BYTES + length;
        }
        Some(found)
    };
    list().unwrap_or_default()
}

/// The members according to their headers, up to the first inconsistent one.
fn members_by_headers(file: &[u8]) -> Vec<Located> {
    let mut found = Vec::new();
    let mut at = 0;
    while found.len() < MAX_MEMBERS && file.get(at..at + 4).is_some_and(|mark| mark == LOCAL) {
        let next = || {
            let (size, length) = (large(file, at + 22)?, small(file, at + 26)?);
            let name = text(file, at + LOCAL_BYTES..at + LOCAL_BYTES + length)?;
            let begin = at + LOCAL_BYTES + length;
            let bytes = begin..begin.checked_add(size)?;
            file.get(bytes.clone())?;
            Some(Located { name, bytes })
        };
        let Some(located) = next() else { break };
        at = located.bytes.end;
        found.push(located);
    }
    found
}

/// Compares a file with the canonical file of the members of a list.
fn compare(file: &[u8], list: &[Located]) -> Archive {
    let mut archive = Archive::default();
    let mut problem = |name: &str, reason: &'static str| {
        let found = (name.to_owned(), reason);
        if !archive.problems.contains(&found) {
            archive.problems.push(found);
        }
    };
    let mut at = 0;
    let mut directory = Vec::new();
    for located in list {
        let bytes = file.get(located.bytes.clone()).unwrap_or_default();
        let Ok((head, entry)) = headers(&located.name, bytes, at) else {
            continue;
        };
        let stored = file.get(at..at + head.len()).unwrap_or_default();
        let own = crc(bytes).to_le_bytes();
        let stored_crc = stored.get(14..18).unwrap_or_default();
        let entry_crc = entry_crc(file, &located.name);
        let is_altered = stored_crc != own && entry_crc.is_none_or(|entry| entry != own);
        if is_altered {
            problem(&located.name, "its contents were altered");
        } else if stored != head || located.bytes.start != at + head.len() {
            problem(&located.name, "its head in the archive was altered");
        }
        let mut entry = entry;
        if is_altered && let Some(kept) = entry_crc {
            // The directory has the checksum of the original member, which is not a problem of its own.
            entry[16..20].copy_from_slice(&kept);
        }
        directory.push((located.name.as_str(), entry));
        at = located.bytes.end;
    }
    let begin = at;
    for (name, entry) in &directory {
        if file.get(at..at + entry.len()) != Some(entry) {
            problem(name, "its entry in the directory of the archive was altered");
        }
        at += entry.len();
    }
    let members: Vec<Member> = list
        .iter()
        .map(|located| Member {
            name: located.name.clone(),
            bytes: file.get(located.bytes.clone()).unwrap_or_default().to_vec(),
        })
        .collect();
    let end = end_record(members.len(), at - begin, begin);
    if file.get(at..) != Some(&end) {
        problem(
            "the archive",
            "its end was altered, or something was added or cut off",
        );
    }
    archive.members = members;
    archive
}

/// The checksum of a member in the directory.
fn entry_crc(file: &[u8], name: &str) -> Option<[u8; 4]> {
    let end = file.len().checked_sub(END_BYTES)?;
    let mut at = large(file, end + 16)?;
    for _ in 0..small(file, end + 10)?.min(MAX_MEMBERS) {
        let length = small(file, at + 28)?;
        if file.get(at + CENTRAL_BYTES..at + CENTRAL_BYTES + length)? == name.as_bytes() {
            return number(file, at + 16);
        }
        at += CENTRAL_BYTES + length;
    }
    None
}

fn end_record(count: usize, length: usize, begin: usize) -> Vec<u8> {
    let small = |number: usize| u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes();
    let large = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    [
        &END[..],
        &[0; 4],
        &small(count),
        &small(count),
        &large(length),
        &large(begin),
        &[0; 2],
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn members() -> Vec<Member> {
        let member = |name: &str, bytes: &[u8]| Member {
            name: name.to_owned(),
            bytes: bytes.to_vec(),
        };
        vec![
            member("review.json", b"{}"),
            member("sheets/a.csv", b"decision,reviewer\r\nkeep,Ada\r\n"),
            member("empty", b""),
            member("pack.json", b"{\"members\":[]}"),
        ]
    }

    #[test]
    fn members_round_trip() {
        let file = write(&members()).unwrap();
        let archive = read(&file).unwrap();
        assert_eq!(archive.members, members());
        assert_eq!(archive.problems, []);
        assert_eq!(write(&archive.members).unwrap(), file);
    }

    /// Every altered byte is attributed to its member.
    #[test]
    fn every_altered_byte_names_its_member() {
        let file = write(&members()).unwrap();
        let mut owners: Vec<String> = Vec::new();
        for member in members() {
            let bytes = LOCAL_BYTES + member.name.len() + member.bytes.len();
            owners.extend(std::iter::repeat_n(member.name.clone(), bytes));
        }
        for member in members() {
            owners.extend(std::iter::repeat_n(
                member.name.clone(),
                CENTRAL_BYTES + member.name.len(),
            ));
        }
        owners.extend(std::iter::repeat_n("the archive".to_owned(), END_BYTES));
        assert_eq!(owners.len(), file.len());
        for (at, owner) in owners.iter().enumerate() {
            for flip in [1, 0x20, 0x80, 0xff] {
                let mut altered = file.clone();
                altered[at] ^= flip;
                let archive = read(&altered).unwrap();
                let named: Vec<&str> = archive.problems.iter().map(|(name, _)| name.as_str()).collect();
                // An altered byte in a name gives another name.
                let is_named = named.contains(&owner.as_str())
                    || archive.members.iter().any(|member| {
                        !members().iter().any(|known| known.name == member.name)
                            && named.contains(&member.name.as_str())
                    });
                assert!(is_named, "byte {at} of {owner}: {:?}", archive.problems);
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_archive_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }

        #[test]
        fn alterations_are_detected(alterations in prop::collection::vec((any::<prop::sample::Index>(), 1_u8..), 1..5)) {
            let file = write(&members()).unwrap();
            let mut altered = file.clone();
            for (position, flip) in alterations {
                altered[position.index(file.len())] ^= flip;
            }
            if altered != file && let Ok(archive) = read(&altered) {
                prop_assert!(!archive.problems.is_empty());
            }
        }
    }

    /// A directory that repeats the same bytes does not take more memory than the file.
    #[test]
    fn overlapping_members_are_rejected() {
        let mut file = write(&members()).unwrap();
        let end = file.len() - END_BYTES;
        let mut at = large(&file, end + 16).unwrap();
        for _ in 0..members().len() {
            file[at + 42..at + 46].copy_from_slice(&[0; 4]);
            at += CENTRAL_BYTES + small(&file, at + 28).unwrap();
        }
        assert_eq!(members_by_directory(&file), []);
        assert_ne!(read(&file).unwrap().problems, []);
    }

    #[test]
    fn other_files_are_not_archives() {
        for file in [&b""[..], b"PK", b"hello", &[0; 100], b"PK\x05\x06"] {
            assert!(read(file).is_err(), "{file:?}");
        }
        let file = write(&members()).unwrap();
        for cut in 0..file.len() {
            if let Ok(archive) = read(&file[..cut]) {
                assert_ne!(archive.problems, [], "{cut}");
            }
        }
        let longer = [&file[..], b"x"].concat();
        assert_ne!(read(&longer).unwrap().problems, []);
        let longer = [b"x", &file[..]].concat();
        assert!(read(&longer).is_err() || !read(&longer).unwrap().problems.is_empty());
    }
}
