//! Reads a JSON array from the socket, element by element.

use std::fmt;
use std::io::{BufReader, ErrorKind};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use access_core::memory::{self, MemoryExhausted};
use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::error::Category;

use super::ApiError;
use super::body_reader::BodyReader;
use super::body_reader::Pieces;
use super::json_scanner::RepairLog;

/// How the read of a list ended.
#[derive(Debug)]
pub(crate) enum ListEnd {
    /// The list is complete.
    Complete,
    /// The consumer stopped it.
    Stopped,
    /// The response is truncated.
    Truncated,
    /// The connection failed; the reader has the reason.
    Io,
    /// It took too long.
    TooSlow,
    /// It exceeds the bound of entries or of memory.
    TooLarge(String),
    /// The memory budget of the process is spent.
    MemoryExhausted(MemoryExhausted),
    /// The server returned an error text in place of a list.
    ApiError(Box<ApiError>),
    /// It is not a JSON array, with a description for people.
    Malformed(String),
}

/// The result of reading a list.
#[derive(Debug)]
pub(crate) struct ListRead {
    /// Elements that arrived.
    pub(crate) count: u64,
    pub(crate) end: ListEnd,
    pub(crate) repairs: RepairLog,
}

/// Receives the elements of a list.
pub(crate) trait ListConsumer<T> {
    /// Accepts the next element; false stops the read.
    fn accept(&mut self, element: T) -> bool;

    /// Discards this attempt: the response was truncated, and the list is read again from its start.
    fn restart(&mut self);

    /// Maximum number of elements of the list.
    fn max_elements(&self) -> u64 {
        MAX_ELEMENTS
    }

    /// Bytes kept of the elements of this attempt, here or later in the pipeline.
    fn kept_bytes(&self) -> u64 {
        0
    }

    /// Whether any element of this attempt is usable. A list without usable elements is not an empty list.
    fn has_usable_rows(&self) -> bool {
        true
    }
}

/// Maximum number of elements. Real tenants are smaller; a hostile one must not fill memory.
const MAX_ELEMENTS: u64 = 5_000_000;

/// Bytes that may be kept of a list with any transfer size.
const FREE_KEPT_BYTES: u64 = 48 << 20;
/// Bytes that may be kept beyond that, per byte received. Lists of real tenants are kept in at most six times their
/// compressed size; an attack on memory needs hundreds.
const MAX_KEPT_RATIO: u64 = 12;
/// The parser's message if neither a comma nor the list's end follows an entry.
const NO_COMMA: &str = "expected `,` or `]`";
/// Elements between two checks of the memory budget.
const ELEMENTS_PER_CHECK: u64 = 1 << 10;

/// Stops at the first element.
pub(crate) struct FirstElement;

impl ListConsumer<IgnoredAny> for FirstElement {
    fn accept(&mut self, _: IgnoredAny) -> bool {
        false
    }

    fn restart(&mut self) {}
}

/// Passes every element of the array in `reader` to `consumer`. `null` is a list without elements.
///
/// Memory is bounded by the bytes received, and by the budget of the process.
pub(crate) fn read_array<T: for<'de> Deserialize<'de>, P: Pieces>(
    mut reader: BodyReader<P>,
    consumer: &mut impl ListConsumer<T>,
) -> ListRead {
    let (received, parsed) = (reader.received(), reader.parsed());
    // The parser reads single bytes, which is only fast from a buffer that it owns.
    let buffered = BufReader::with_capacity(64 << 10, &mut reader);
    let mut json = serde_json::Deserializer::from_reader(buffered);
    let mut count = 0;
    let mut enough = false;
    let mut fault = None;
    let mut excess = None;
    let seed = Elements {
        consumer,
        count: &mut count,
        enough: &mut enough,
        fault: &mut fault,
        excess: &mut excess,
        received,
        parsed,
        element: PhantomData,
    };
    let read = seed.deserialize(&mut json).and_then(|()| json.end());
    drop(json);
    let scanner = reader.scanner();
    // What follows the last parsed entry has arrived by chance, and where that entry ends is not known if no comma does.
    let ended = match &read {
        Err(error) if error.to_string().starts_with(NO_COMMA) => count.saturating_sub(1),
        _ => count,
    };
    let end = match (read, fault) {
        _ if enough => ListEnd::Stopped,
        _ if excess.is_some() => excess.unwrap_or(ListEnd::Stopped),
        (Ok(()), Some(fault)) => ListEnd::ApiError(fault),
        (Ok(()), None) => ListEnd::Complete,
        (Err(error), _) if error.is_eof() => ListEnd::Truncated,
        (Err(error), _) if error.is_io() && error.io_error_kind() != Some(ErrorKind::InvalidData) => {
            ListEnd::Io
        }
        (Err(error), _) => {
            let entry = count + 1;
            let reason = reason(&error);
            let position = match (scanner.last_id(ended), count) {
                (_, 0) => String::new(),
                _ if reason.starts_with("trailing characters") => String::new(),
                (Some(id), _) => format!("in entry {}, after id {id}: ", format_thousands(entry)),
                (None, _) => format!("in entry {}: ", format_thousands(entry)),
            };
            ListEnd::Malformed(format!("{position}{reason}"))
        }
    };
    ListRead {
        count,
        end,
        repairs: scanner.log_until(ended),
    }
}

/// Why JSON is malformed, without any of its values, which may be personal data.
pub(super) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let parts = text
        .split_once("string \"")
        .and_then(|(before, rest)| Some((before, rest.rsplit_once("\", expected")?.1)));
    match parts {
        Some((before, after)) if error.classify() == Category::Data => {
            format!("{before}a text, expected{after}")
        }
        _ => text,
    }
}

/// A number with grouped digits, e.g. `1,201`.
pub(crate) fn format_thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

struct Elements<'a, T, S> {
    consumer: &'a mut S,
    count: &'a mut u64,
    enough: &'a mut bool,
    fault: &'a mut Option<Box<ApiError>>,
    /// Set if the size stopped the read.
    excess: &'a mut Option<ListEnd>,
    /// Bytes received over the network so far.
    received: Arc<AtomicU64>,
    /// The count, for the scanner of the same bytes.
    parsed: Arc<AtomicU64>,
    element: PhantomData<T>,
}

impl<T, S: ListConsumer<T>> Elements<'_, T, S> {
    /// Why no more elements are accepted, if so.
    fn find_excess(&self) -> Option<ListEnd> {
        let most = self.consumer.max_elements();
        if *self.count > most {
            let reason = format!("it has more than {} entries", format_thousands(most));
            return Some(ListEnd::TooLarge(reason));
        }
        let kept = self.consumer.kept_bytes();
        if kept > FREE_KEPT_BYTES {
            let received = self.received.load(Ordering::Relaxed);
            if kept - FREE_KEPT_BYTES > received.saturating_mul(MAX_KEPT_RATIO) {
                let (kept, received) = (format_thousands(kept >> 20), format_thousands(received >> 10));
                let entries = format_thousands(*self.count);
                return Some(ListEnd::TooLarge(format!(
                    "its first {entries} entries take {kept} MiB of memory, and only {received} KiB of it came over the network"
                )));
            }
        }
        if self.count.is_multiple_of(ELEMENTS_PER_CHECK) {
            return memory::check().err().map(ListEnd::MemoryExhausted);
        }
        None
    }
}

impl<'de, T: Deserialize<'de>, S: ListConsumer<T>> DeserializeSeed<'de> for Elements<'_, T, S> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Deserialize<'de>, S: ListConsumer<T>> Visitor<'de> for Elements<'_, T, S> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    /// Go's decoder reads `null` as a list without elements.
    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        Ok(())
    }

    /// Some failures are a JSON string, with any status (docs/reference/ninjaone-api.md §5.1).
    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        *self.fault = Some(Box::new(ApiError::from_server_text(text)));
        Ok(())
    }

    /// An object is not a list; if it reports a failure, its text is kept.
    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<(), A::Error> {
        match ApiError::from_map(object)? {
            Some(fault) => *self.fault = Some(Box::new(fault)),
            None => return Err(A::Error::custom("invalid type: map, expected a list")),
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<T>()? {
            *self.count += 1;
            self.parsed.store(*self.count, Ordering::Relaxed);
            if !self.consumer.accept(element) {
                *self.enough = true;
                return Err(A::Error::custom("enough"));
            }
            *self.excess = self.find_excess();
            if self.excess.is_some() {
                return Err(A::Error::custom("too large"));
            }
        }
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    struct Keep<T>(Vec<T>, usize);

    impl<T> ListConsumer<T> for Keep<T> {
        fn accept(&mut self, element: T) -> bool {
            self.0.push(element);
            self.0.len() < self.1
        }

        fn restart(&mut self) {
            self.0.clear();
        }
    }

    impl Pieces for std::vec::IntoIter<Bytes> {
        fn next_piece(&mut self) -> std::io::Result<Option<Bytes>> {
            Ok(self.next())
        }
    }

    fn read<T: for<'de> Deserialize<'de>>(text: &[u8], most: usize) -> (Vec<T>, ListRead) {
        let mut keep = Keep(Vec::new(), most);
        let pieces = vec![Bytes::copy_from_slice(text)].into_iter();
        let read = read_array(BodyReader::new(pieces), &mut keep);
        (keep.0, read)
    }

    /// The end of a list that comes in pieces of this size.
    fn end_in_pieces(text: &[u8], size: usize) -> ListEnd {
        let mut keep = Keep(Vec::<serde_json::Value>::new(), usize::MAX);
        let pieces: Vec<Bytes> = text.chunks(size).map(Bytes::copy_from_slice).collect();
        read_array(BodyReader::new(pieces.into_iter()), &mut keep).end
    }

    /// The scanner is ahead of the parser, by as much as has arrived.
    #[test]
    fn repairs_of_unread_entries_do_not_count() {
        for (text, most, repaired) in [
            ("[1,NaN,NaN]", 9, 2),
            ("[1,NaN,NaN]", 2, 1),
            ("[1,NaN,}NaN]", 9, 1),
            ("[NaN,NaN}NaN]", 9, 1),
            ("[1,NaN,NaN", 9, 1),
            (r#"{"error":"Client \x","of":NaN}"#, 9, 0),
        ] {
            let (_, read) = read::<Option<i64>>(text.as_bytes(), most);
            assert_eq!(read.repairs.entry_count, repaired, "{text}, {most} entries");
        }
    }

    fn end(text: &str) -> String {
        let (_, read) = read::<i64>(text.as_bytes(), 3);
        format!("{} {:?}", read.count, read.end)
    }

    #[test]
    fn every_end_of_a_list_is_reported() {
        let ends: Vec<String> = [
            "[1,2]",
            "[]",
            "null",
            "[1,2,3,4",
            "[1,2",
            "[1,",
            "[",
            "",
            "  ",
            "[1,2]]",
            "{}",
            "7",
            "nan",
            "-Infinity",
            "undefined",
            "[1,x]",
            "[1 2]",
            r#"{"users":[{"id":1,"email":"a@b.example"}]}"#,
            r#"{"resultCode":"FAILURE"}"#,
            r#""no""#,
            r#"[1,"a@b.example"]"#,
        ]
        .map(|text| format!("{text:8} {}", end(text)))
        .to_vec();
        insta::assert_snapshot!(ends.join("\n"));
    }

    /// Pieces, and then a connection that fails.
    struct Failing(Option<Bytes>);

    impl Pieces for Failing {
        fn next_piece(&mut self) -> std::io::Result<Option<Bytes>> {
            let piece = self.0.take();
            piece.map(Some).ok_or_else(|| std::io::Error::other("reset"))
        }
    }

    #[test]
    fn failed_connection_is_not_a_malformed_list() {
        for (begin, count) in [("", 0), ("[1,", 1), ("[1,2,", 2)] {
            let mut keep = Keep(Vec::<i64>::new(), usize::MAX);
            let pieces = Failing(Some(Bytes::from_static(begin.as_bytes())));
            let read = read_array(BodyReader::new(pieces), &mut keep);
            assert!(matches!(read.end, ListEnd::Io), "{:?}", read.end);
            assert_eq!(read.count, count);
        }
    }

    /// A consumer of at most three entries, with a fixed number of kept bytes.
    struct Bounded(u64);

    impl ListConsumer<i64> for Bounded {
        fn accept(&mut self, _: i64) -> bool {
            true
        }

        fn restart(&mut self) {}

        fn max_elements(&self) -> u64 {
            3
        }

        fn kept_bytes(&self) -> u64 {
            self.0
        }
    }

    /// One piece, and the bytes that came over the network for it.
    struct Received(Option<Bytes>, u64);

    impl Pieces for Received {
        fn next_piece(&mut self) -> std::io::Result<Option<Bytes>> {
            Ok(self.0.take())
        }

        fn received(&self) -> Arc<AtomicU64> {
            Arc::new(AtomicU64::new(self.1))
        }
    }

    #[test]
    fn entries_and_memory_of_a_list_are_bounded() {
        let end = |list: &'static [u8], kept: u64, received: u64| {
            let pieces = Received(Some(Bytes::from_static(list)), received);
            match read_array(BodyReader::new(pieces), &mut Bounded(kept)).end {
                ListEnd::Complete => "complete".to_owned(),
                ListEnd::TooLarge(reason) => reason,
                other => format!("{other:?}"),
            }
        };
        assert_eq!(end(b"[1,2,3]", 0, 0), "complete");
        assert_eq!(end(b"[1,2,3,4]", 0, 0), "it has more than 3 entries");
        // 48 MiB are free; each received byte allows twelve more.
        let free = 48 << 20;
        assert_eq!(end(b"[1,2]", free, 0), "complete");
        assert_eq!(end(b"[1,2]", free + 12 * 2048, 2048), "complete");
        assert_eq!(
            end(b"[1,2]", free + 12 * 2048 + 1, 2048),
            "its first 1 entries take 48 MiB of memory, and only 2 KiB of it came over the network"
        );
    }

    #[test]
    fn position_of_a_malformed_entry_is_reported() {
        let mut list: Vec<String> = (1000..2200)
            .map(|id| format!(r#"{{"id":{id},"n":"x"}}"#))
            .collect();
        list.push(r#"{"id":2200 "n":"Zoe"}"#.to_owned());
        let (_, broken) = read::<serde_json::Value>(format!("[{}]", list.join(",")).as_bytes(), usize::MAX);
        let ListEnd::Malformed(reason) = broken.end else {
            panic!("{:?}", broken.end);
        };
        assert!(
            reason.starts_with("in entry 1,201, after id 2199: expected `,`"),
            "{reason}"
        );
        for (list, begin) in [
            (&br#"[{"id":"7"},{"id":8,}]"#[..], "in entry 2, after id 7: "),
            (br#"[{"name":"x","nested":{"id":9}},{]"#, "in entry 2: "),
            (br#"[{"id":7.0},{"type":"id"},{"#, "end"),
            (
                br#"[{"id":7},{"id":null},{"id":-9},{"n":1},x]"#,
                "in entry 5, after id 7: ",
            ),
            (br#"[{,"id":7}]"#, "key must be"),
            // The parser reads on after its error, and the scanner with it.
            (br#"[{"id":7},{"id":8,"n"},{"id":9}]"#, "in entry 2, after id 7: "),
        ] {
            for piece in [usize::MAX, 1, 2, 7] {
                match end_in_pieces(list, piece) {
                    ListEnd::Malformed(reason) => assert!(reason.starts_with(begin), "{piece}: {reason}"),
                    other => assert!(begin == "end" && matches!(other, ListEnd::Truncated), "{other:?}"),
                }
            }
        }
    }

    #[test]
    fn repairs_name_entry_and_id() {
        let list = b"[{\"n\":\"Zo\\ud83d\",\"id\":7},{\"id\":8},{\"id\":\"9\",\"n\":[\"\xe4\",\"\t\"]},\"\xff\",{\"id\":10,\"x\":NaN}]";
        let (_, read) = read::<serde_json::Value>(list, usize::MAX);
        assert!(matches!(read.end, ListEnd::Complete), "{:?}", read.end);
        let shown: Vec<String> = read
            .repairs
            .entries
            .iter()
            .map(|entry| format!("{} {:?} {:?}", entry.entry, entry.id, entry.repairs))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        1 Some(7) Repairs { not_unicode: 1, escapes: 0, not_numbers: 0 }
        3 Some(9) Repairs { not_unicode: 1, escapes: 1, not_numbers: 0 }
        4 None Repairs { not_unicode: 1, escapes: 0, not_numbers: 0 }
        5 Some(10) Repairs { not_unicode: 0, escapes: 0, not_numbers: 1 }
        ");
        assert_eq!(read.repairs.entry_count, 4);
    }

    #[test]
    fn numbers_are_grouped() {
        let shown = [0, 999, 1_000, 1_201, 12_345_678].map(format_thousands);
        assert_eq!(shown, ["0", "999", "1,000", "1,201", "12,345,678"]);
    }
}
