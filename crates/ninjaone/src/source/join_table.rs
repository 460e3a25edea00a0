//! The rows of `/v2/user/technicians` and `/v2/user/end-users`, kept for the join with `/v2/users` in about a hundred bytes
//! per user, so that a million users fit (docs/reference/design.md §8: at most 250).

use crate::api::Entries;
use crate::api::Flag;
use crate::api::List;
use crate::api::OrganizationIds;
use crate::api::Stated;
use crate::api::Text;
use crate::api::UserRow;

const CHUNK_BYTES: usize = 1 << 20;

/// The field that decides whether a user is a technician or an end user.
pub(super) const KIND: &str = "userType";

/// Which list a row is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listed {
    Technician,
    EndUser,
    /// Both lists have a row with the id.
    Both,
}

impl Listed {
    fn code(self) -> u64 {
        match self {
            Self::Technician => 0,
            Self::EndUser => 1,
            Self::Both => 2,
        }
    }

    fn from_code(code: u64) -> Self {
        match code {
            0 => Self::Technician,
            1 => Self::EndUser,
            _ => Self::Both,
        }
    }

    /// Whether the list of end users has the user.
    pub(crate) fn is_end_user(self) -> bool {
        self != Self::Technician
    }
}

/// A row with the id of an earlier row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DuplicateRow {
    pub(crate) id: u64,
    /// The row, after its access was merged into the first one.
    pub(crate) row: UserRow,
    /// Whether the two rows belong to two people.
    pub(crate) is_other_person: bool,
    /// Fields in which the two rows differ.
    pub(crate) contradictions: Vec<&'static str>,
}

/// Collects rows by id.
#[derive(Debug, Default)]
pub(crate) struct JoinTableBuilder {
    arena: Vec<Vec<u8>>,
    /// Bytes in the arena.
    arena_bytes: u64,
    index: Vec<Entry>,
    with_devices: bool,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    id: u64,
    chunk: u32,
    offset: u32,
}

/// Rows by id.
#[derive(Debug, Default)]
pub(crate) struct JoinTable {
    arena: Vec<Vec<u8>>,
    index: Vec<Entry>,
}

/// The index of a row in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowIndex(usize);

impl RowIndex {
    pub(crate) fn ordinal(self) -> usize {
        self.0
    }
}

impl JoinTableBuilder {
    /// Device ids are only kept if devices are read.
    pub(crate) fn new(with_devices: bool) -> Self {
        Self {
            with_devices,
            ..Self::default()
        }
    }

    pub(crate) fn with_devices(&self) -> bool {
        self.with_devices
    }

    /// Memory of the rows in bytes, including their part of the index and the marks that are kept for each row later.
    pub(crate) fn bytes(&self) -> u64 {
        /// The index doubles when it grows, and each row has a mark.
        const PER_ROW: usize = 2 * size_of::<Entry>() + 12;
        self.arena_bytes + (self.index.len() * PER_ROW) as u64
    }

    /// Rows so far, for [`truncate`](Self::truncate).
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// Removes all rows after the first `count`.
    pub(crate) fn truncate(&mut self, len: usize) {
        if let Some(first) = self.index.get(len) {
            let chunk = first.chunk as usize;
            self.arena.truncate(chunk + 1);
            self.arena[chunk].truncate(first.offset as usize);
            self.arena_bytes = self.arena.iter().map(|chunk| chunk.len() as u64).sum();
        }
        self.index.truncate(len);
    }

    pub(crate) fn add(&mut self, id: u64, listed: Listed, row: &UserRow) {
        let mut bytes = Vec::with_capacity(128);
        encode(&mut bytes, listed, row, self.with_devices);
        if self
            .arena
            .last()
            .is_none_or(|chunk| chunk.len() + bytes.len() > chunk.capacity())
        {
            self.arena.push(Vec::with_capacity(CHUNK_BYTES.max(bytes.len())));
        }
        self.arena_bytes += bytes.len() as u64;
        let chunk = self.arena.len() - 1;
        let offset = self.arena[chunk].len();
        self.arena[chunk].extend_from_slice(&bytes);
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        self.index.push(Entry {
            id,
            chunk: small(chunk),
            offset: small(offset),
        });
    }

    /// Builds the table. A row with the id of an earlier one is merged into it and returned.
    pub(crate) fn build(mut self, mut take: impl FnMut(DuplicateRow)) -> JoinTable {
        self.index.sort_by_key(|entry| entry.id);
        let entries = std::mem::take(&mut self.index);
        let mut index: Vec<Entry> = Vec::with_capacity(entries.len());
        for entries in entries.chunk_by(|a, b| a.id == b.id) {
            let (first, others) = (entries[0], &entries[1..]);
            if others.is_empty() {
                index.push(first);
                continue;
            }
            let (mut listed, mut joined) = decode_row(&self.arena, first);
            for other in others {
                let (other_listed, row) = decode_row(&self.arena, *other);
                let is_other_person = joined.is_another_person(&row);
                let (both, mut contradictions) = joined.join(row.clone());
                joined = both;
                contradictions.extend((other_listed != listed).then_some(KIND));
                take(DuplicateRow {
                    id: first.id,
                    row,
                    is_other_person,
                    contradictions,
                });
                if other_listed != listed {
                    listed = Listed::Both;
                }
            }
            self.add(first.id, listed, &joined);
            index.extend(self.index.pop());
        }
        JoinTable {
            arena: self.arena,
            index,
        }
    }
}

fn decode_row(arena: &[Vec<u8>], entry: Entry) -> (Listed, UserRow) {
    let Entry { id, chunk, offset } = entry;
    let mut bytes = Bytes(&arena[chunk as usize][offset as usize..]);
    let (listed, row) = decode(&mut bytes);
    let row = UserRow {
        id: Stated::Value(id),
        ..row
    };
    (listed, row)
}

impl JoinTable {
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn find(&self, id: u64) -> Option<RowIndex> {
        self.index
            .binary_search_by_key(&id, |entry| entry.id)
            .ok()
            .map(RowIndex)
    }

    /// The indexes and ids of all rows, sorted by id.
    pub(crate) fn indexed_ids(&self) -> impl Iterator<Item = (RowIndex, u64)> {
        self.index
            .iter()
            .enumerate()
            .map(|(index, entry)| (RowIndex(index), entry.id))
    }

    pub(crate) fn row(&self, RowIndex(index): RowIndex) -> (Listed, UserRow) {
        decode_row(&self.arena, self.index[index])
    }
}

/// Frequent values, stored in one byte.
const WORDS: [&str; 7] = [
    "TECHNICIAN",
    "END_USER",
    "REGISTERED",
    "PENDING",
    "EXPIRED",
    "NATIVE",
    "SSO",
];

fn texts(row: &UserRow) -> [&Text; 7] {
    [
        &row.first_name,
        &row.last_name,
        &row.email,
        &row.phone,
        &row.auth_type,
        &row.user_type,
        &row.invitation_status,
    ]
}

/// Two bits for the list, and two for each flag.
const BIT_BYTES: usize = (2 + 2 * UserRow::FLAGS).div_ceil(8);
const _: () = assert!(BIT_BYTES <= size_of::<u64>());

fn encode(out: &mut Vec<u8>, listed: Listed, row: &UserRow, with_devices: bool) {
    let mut bits = listed.code();
    for flag in row.flags() {
        bits = bits << 2 | flag.get().map_or(0, |on| 2 | u64::from(on));
    }
    out.extend_from_slice(&bits.to_le_bytes()[..BIT_BYTES]);
    encode_uid(out, &row.uid);
    for text in texts(row) {
        encode_text(out, text);
    }
    encode_organizations(out, &row.organization_id);
    for list in [
        &row.device_ids,
        &row.accessible_device_ids,
        &row.assigned_device_ids,
    ] {
        encode_ids(out, if with_devices { list.value() } else { None });
    }
}

/// 0 for nothing, 1 for one id, 2 for a list.
fn encode_organizations(out: &mut Vec<u8>, organizations: &Stated<OrganizationIds>) {
    match organizations.value() {
        None => out.push(0),
        Some(OrganizationIds::One(id)) => {
            out.push(1);
            encode_number(out, *id);
        }
        Some(OrganizationIds::Several(ids)) => {
            out.push(2);
            encode_ids(out, Some(ids));
        }
    }
}

/// 0 for no list, otherwise its length plus one. Unusable elements are not stored.
fn encode_ids(out: &mut Vec<u8>, ids: Option<&Entries<u64>>) {
    let Some(ids) = ids else { return out.push(0) };
    encode_number(out, 1 + ids.usable.len() as u64);
    for id in &ids.usable {
        encode_number(out, *id);
    }
}

fn decode(bytes: &mut Bytes<'_>) -> (Listed, UserRow) {
    let mut packed = [0; size_of::<u64>()];
    for byte in &mut packed[..BIT_BYTES] {
        *byte = bytes.byte();
    }
    let mut bits = u64::from_le_bytes(packed);
    let mut flags = [Flag::Unstated; UserRow::FLAGS];
    // The stack returns the last pushed id first.
    for flag in flags.iter_mut().rev() {
        *flag = Flag::from((bits & 2 != 0).then_some(bits & 1 != 0));
        bits >>= 2;
    }
    let listed = Listed::from_code(bits);
    let row = UserRow {
        id: Stated::Unstated,
        uid: bytes.uid(),
        first_name: bytes.text(),
        last_name: bytes.text(),
        email: bytes.text(),
        phone: bytes.text(),
        auth_type: bytes.text(),
        user_type: bytes.text(),
        invitation_status: bytes.text(),
        organization_id: bytes.organizations(),
        device_ids: bytes.ids(),
        accessible_device_ids: bytes.ids(),
        assigned_device_ids: bytes.ids(),
        ..UserRow::default()
    };
    (listed, row.with_flags(flags))
}

/// 0 for nothing, then one number for each frequent value, then the lengths of all other texts.
fn encode_text(out: &mut Vec<u8>, text: &Text) {
    let Some(text) = text.text() else {
        return out.push(0);
    };
    if let Some(word) = WORDS.iter().position(|word| *word == text) {
        return encode_number(out, 1 + word as u64);
    }
    encode_number(out, (1 + WORDS.len() + text.len()) as u64);
    out.extend_from_slice(text.as_bytes());
}

/// A UUID in its usual spelling is stored in 16 bytes instead of 36.
fn encode_uid(out: &mut Vec<u8>, uid: &Text) {
    if let Some(bytes) = uid.text().and_then(parse_uuid) {
        out.push(1);
        out.extend_from_slice(&bytes);
    } else {
        out.push(0);
        encode_text(out, uid);
    }
}

fn parse_uuid(text: &str) -> Option<[u8; 16]> {
    let mut uuid = [0; 16];
    let mut digits = text.bytes().filter(|byte| *byte != b'-').map(|byte| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    });
    for byte in &mut uuid {
        *byte = digits.next()?? << 4 | digits.next()??;
    }
    (*format_uuid(&uuid) == *text).then_some(uuid)
}

fn format_uuid(uuid: &[u8; 16]) -> Box<str> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(36);
    for (position, byte) in uuid.iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text.into()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the low seven bits are what is wanted"
)]
fn encode_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(0x80 | (number & 0x7f) as u8);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Decodes rows from the front. They were encoded here, so they are not validated; missing bytes read as zero.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn number(&mut self) -> u64 {
        let mut number = 0;
        let mut shift = 0;
        loop {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 || shift > 63 {
                return number;
            }
        }
    }

    fn take(&mut self, count: usize) -> &[u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    fn text(&mut self) -> Text {
        let code = usize::try_from(self.number()).unwrap_or(usize::MAX);
        match code.checked_sub(1) {
            None => Stated::Unstated,
            Some(word) if word < WORDS.len() => Stated::Value(WORDS[word].into()),
            Some(length) => Stated::Value(String::from_utf8_lossy(self.take(length - WORDS.len())).into()),
        }
    }

    fn uid(&mut self) -> Text {
        if self.byte() == 0 {
            return self.text();
        }
        let mut uuid = [0; 16];
        uuid.fill_with(|| self.byte());
        Stated::Value(format_uuid(&uuid))
    }

    fn organizations(&mut self) -> Stated<OrganizationIds> {
        match self.byte() {
            0 => Stated::Unstated,
            1 => Stated::Value(OrganizationIds::One(self.number())),
            _ => match self.ids() {
                Stated::Value(ids) => Stated::Value(OrganizationIds::Several(ids)),
                _ => Stated::Unstated,
            },
        }
    }

    fn ids(&mut self) -> List<u64> {
        let Some(count) = self.number().checked_sub(1) else {
            return Stated::Unstated;
        };
        Stated::Value(Entries {
            usable: (0..count).map(|_| self.number()).collect(),
            unusable: 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn any_row() -> impl Strategy<Value = UserRow> {
        let text = || {
            prop_oneof![
                Just(None),
                ".{0,12}".prop_map(Some),
                prop::sample::select(&WORDS[..]).prop_map(|word| Some(word.to_owned())),
                prop::array::uniform16(any::<u8>()).prop_map(|uuid| Some(format_uuid(&uuid).into())),
                "[0-9a-f-]{36}".prop_map(Some),
            ]
        };
        let flags = prop::collection::vec(any::<Option<bool>>(), UserRow::FLAGS);
        let texts = prop::collection::vec(text(), 8);
        (
            flags,
            texts,
            any::<Option<u64>>(),
            prop::collection::vec(any::<u64>(), 0..3),
        )
            .prop_map(|(flags, texts, organization, devices)| {
                let text = |position: usize| Text::from(texts[position].as_deref().map(Into::into));
                let row = UserRow {
                    uid: text(0),
                    first_name: text(1),
                    last_name: text(2),
                    email: text(3),
                    phone: text(4),
                    auth_type: text(5),
                    user_type: text(6),
                    invitation_status: text(7),
                    organization_id: organization.map(OrganizationIds::One).into(),
                    accessible_device_ids: Stated::Value(Entries {
                        usable: devices,
                        unusable: 0,
                    }),
                    ..UserRow::default()
                };
                row.with_flags(std::array::from_fn(|n| Flag::from(flags[n])))
            })
    }

    proptest! {
        #[test]
        fn rows_round_trip(rows in prop::collection::vec((0_u64..9, any::<bool>(), any_row()), 0..12)) {
            let mut builder = JoinTableBuilder::new(true);
            let mut model = std::collections::BTreeMap::new();
            for (id, technician, row) in &rows {
                let listed = if *technician { Listed::Technician } else { Listed::EndUser };
                builder.add(*id, listed, row);
                let row = UserRow { id: Stated::Value(*id), ..row.clone() };
                match model.entry(*id) {
                    std::collections::btree_map::Entry::Vacant(entry) => {
                        entry.insert((listed, row));
                    }
                    std::collections::btree_map::Entry::Occupied(mut entry) => {
                        let (known, joined) = entry.get().clone();
                        let known = if known == listed { known } else { Listed::Both };
                        entry.insert((known, joined.join(row).0));
                    }
                }
            }
            let mut doubled = 0;
            let table = builder.build(|_| doubled += 1);
            prop_assert_eq!(doubled, rows.len() - model.len());
            let stored: Vec<_> = table.indexed_ids().map(|(index, id)| (id, table.row(index))).collect();
            prop_assert_eq!(stored, model.into_iter().collect::<Vec<_>>());
            prop_assert!(table.find(9).is_none());
        }
    }

    fn usual_row() -> UserRow {
        serde_json::from_value(json!({
            "uid": "0b6f2c1e-0000-4000-8000-000000000901", "enabled": true, "firstName": "Eleanor", "lastName": "Fitzgerald",
            "email": "eleanor.fitzgerald@alder-finch.example.net", "phone": "+44 113 496 0101", "organizationId": 1200,
            "fullPortalAccess": false, "mustChangePw": false, "mfaConfigured": false, "scimUser": true, "authType": "SSO",
            "invitationStatus": "PENDING", "assignedDeviceIds": [1, 2, 3], "accessibleDeviceIds": [501, 502]
        })).unwrap()
    }

    #[test]
    fn usual_row_stays_within_its_budget() {
        let mut bytes = Vec::new();
        encode(&mut bytes, Listed::EndUser, &usual_row(), false);
        assert!(bytes.len() + size_of::<Entry>() < 130, "{} bytes", bytes.len());
    }

    /// The budget of a response is compared with this estimate, so it covers all memory, but not more than the design allows.
    #[test]
    fn estimate_covers_the_memory_of_all_rows() {
        const ROWS: usize = 1_000;
        let row = usual_row();
        let mut builder = JoinTableBuilder::new(false);
        assert_eq!(builder.bytes(), 0);
        let mut half = 0;
        for id in 0..ROWS as u64 {
            if id == ROWS as u64 / 2 {
                half = builder.bytes();
            }
            builder.add(id, Listed::EndUser, &row);
        }
        let stored: usize = builder.arena.iter().map(Vec::len).sum();
        let index = builder.index.capacity() * size_of::<Entry>();
        let bytes = builder.bytes();
        assert!(
            bytes >= (stored + index) as u64,
            "{bytes} for {stored} and {index}"
        );
        assert!(bytes <= 250 * ROWS as u64, "{bytes}");
        builder.truncate(ROWS / 2);
        assert_eq!(builder.bytes(), half);
    }

    /// A chunk for each row would take a megabyte a user; a chunk that grows is copied.
    #[test]
    fn chunks_are_filled_and_never_grow() {
        let row = usual_row();
        let mut builder = JoinTableBuilder::new(false);
        builder.add(0, Listed::EndUser, &row);
        let length = builder.arena[0].len();
        let fitting = CHUNK_BYTES / length;
        for id in 1..fitting as u64 + 9 {
            builder.add(id, Listed::EndUser, &row);
        }
        let lengths: Vec<usize> = builder.arena.iter().map(Vec::len).collect();
        assert_eq!(lengths, [fitting * length, 9 * length]);
        assert!(builder.arena.iter().all(|chunk| chunk.capacity() == CHUNK_BYTES));
    }
}
