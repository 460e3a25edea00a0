use std::io::Read;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::client::body_reader::BodyReader;

fn repaired(body: &[u8]) -> (Vec<u8>, Repairs) {
    let (body, log) = repair_complete(body.to_vec()).unwrap();
    (body, log.total)
}

/// Scans a body that arrives in pieces of one size and is read into a buffer of another.
fn in_pieces(body: &[u8], piece: usize, buffer_size: usize) -> (Vec<u8>, RepairLog) {
    let pieces: Vec<Bytes> = body.chunks(piece).map(Bytes::copy_from_slice).collect();
    let mut reader = BodyReader::new(pieces.into_iter());
    let (mut read, mut buffer) = (Vec::new(), vec![0; buffer_size]);
    loop {
        match reader.read(&mut buffer).unwrap() {
            0 => return (read, reader.scanner().log()),
            count => read.extend_from_slice(&buffer[..count]),
        }
    }
}

/// Decodes the bytes of a text like Go's `encoding/json`. Its documentation says "When unmarshaling quoted strings, invalid
/// UTF-8 or invalid UTF-16 surrogate pairs are not treated as an error. Instead, they are replaced by the Unicode
/// replacement character U+FFFD", and its decoder replaces one byte, or one escape, at a time.
const AS_IN_GO: [(&[u8], &str); 30] = [
    (br"Zo\ud83d", "Zo\u{fffd}"),
    (br"\ude00\ud83d", "\u{fffd}\u{fffd}"),
    (br"\ud83d\ude00", "\u{1f600}"),
    (br"\uD83D\uDE00", "\u{1f600}"),
    (br"\ud83d\ud83d\ude00", "\u{fffd}\u{1f600}"),
    (br"\ud83d\ude00\ude00", "\u{1f600}\u{fffd}"),
    (br"\ud83dx\ude00", "\u{fffd}x\u{fffd}"),
    (br"\ud83d\n", "\u{fffd}\n"),
    (br"\ud83d\u0041", "\u{fffd}A"),
    (br"\ud83d\\ude00", "\u{fffd}\\ude00"),
    (br"\ud800x", "\u{fffd}x"),
    (br"\udbff", "\u{fffd}"),
    (br"\udfff", "\u{fffd}"),
    (br"\uffff\ufffe\ufeff", "\u{ffff}\u{fffe}\u{feff}"),
    (br"\\ud83d", "\\ud83d"),
    (br"\u0000", "\0"),
    (b"M\xfcller", "M\u{fffd}ller"),
    (b"\xe4", "\u{fffd}"),
    (b"\xff\xfe", "\u{fffd}\u{fffd}"),
    // Overlong, CESU-8, beyond Unicode, truncated.
    (b"\xc0\x80", "\u{fffd}\u{fffd}"),
    (b"\xe0\x80\xaf", "\u{fffd}\u{fffd}\u{fffd}"),
    (
        b"\xed\xa0\xbd\xed\xb8\x80",
        "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
    ),
    (b"\xf4\x90\x80\x80", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
    (
        b"\xf8\x88\x80\x80\x80",
        "\u{fffd}\u{fffd}\u{fffd}\u{fffd}\u{fffd}",
    ),
    (b"\xe2\x82", "\u{fffd}\u{fffd}"),
    (b"\xf0\x9f\x98", "\u{fffd}\u{fffd}\u{fffd}"),
    (
        b"\xf0\x9f\x98\xf0\x9f\x98\x80",
        "\u{fffd}\u{fffd}\u{fffd}\u{1f600}",
    ),
    (b"\x80", "\u{fffd}"),
    (
        "Zo\u{eb} \u{1f600} \u{7f}\u{85}".as_bytes(),
        "Zo\u{eb} \u{1f600} \u{7f}\u{85}",
    ),
    (b"\xef\xbb\xbfx", "\u{feff}x"),
];

/// Go rejects these, but producers write them, so they are read.
const BEYOND_GO: [(&[u8], &str); 14] = [
    (b"a\tb", "a\tb"),
    (b"a\nb\r", "a\nb\r"),
    (b"a\0b", "a\0b"),
    (b"\x1f\x1b", "\x1f\x1b"),
    (br"Zo\ud8", "Zo\u{fffd}"),
    (br"Zo\u", "Zo\u{fffd}"),
    (br"\u12 3", "\u{fffd} 3"),
    (br"\ud83d\u12", "\u{fffd}\u{fffd}"),
    (br"\u{1f600}", "\u{fffd}{1f600}"),
    (br"\x41", "\\x41"),
    (br"it\'s", "it's"),
    (br"C:\Users", "C:\\Users"),
    (b"\\\n", "\\\n"),
    (b"\\\xe4", "\\\u{fffd}"),
];

/// Texts of every alignment, which cover every code path.
fn around(damaged: &[u8]) -> impl Iterator<Item = (Vec<u8>, String, String)> {
    (0..20).map(move |before| {
        let (before, after) = ("b".repeat(before), "a".repeat(20 - before));
        let body = [
            b"[{\"k\":\"",
            before.as_bytes(),
            damaged,
            after.as_bytes(),
            b"\"}]",
        ]
        .concat();
        (body, before, after)
    })
}

#[test]
fn invalid_unicode_is_replaced_like_in_go() {
    for (damaged, expected) in AS_IN_GO.into_iter().chain(BEYOND_GO) {
        for (body, before, after) in around(damaged) {
            // A truncated escape at the end of a text must not use the following bytes as digits.
            let body =
                if damaged.ends_with(br"\u") || damaged.ends_with(br"\ud8") || damaged.ends_with(br"\u12") {
                    let end = body.len() - 3 - after.len();
                    [&body[..end], b" ", &body[end..]].concat()
                } else {
                    body
                };
            let (text, repairs) = repaired(&body);
            let read: Value =
                serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{damaged:?}: {error}"));
            let read = read[0]["k"].as_str().unwrap().replace(' ', "");
            assert_eq!(
                read,
                format!("{before}{expected}{after}").replace(' ', ""),
                "{damaged:?}"
            );
            let lost = expected.matches('\u{fffd}').count() as u64;
            assert_eq!(repairs.not_unicode, lost, "{damaged:?}");
            for piece in [1, 2, 3, 7] {
                for buffer_size in [1, 5, 64] {
                    assert_eq!(in_pieces(&body, piece, buffer_size).0, text, "{damaged:?}");
                }
            }
        }
    }
}

#[test]
fn nan_and_infinity_become_null() {
    let (body, repairs) =
        repaired(br#"{"a":NaN,"b":[Infinity,-Infinity,-1,nan,-inf],"c":null,"NaN":"Infinity"}"#);
    assert_eq!(
        String::from_utf8(body).unwrap(),
        r#"{"a":null,"b":[null,null,-1,null,null],"c":null,"NaN":"Infinity"}"#
    );
    assert_eq!(repairs.not_numbers, 5);
    for broken in ["[N]", "[-I]", "[Inf", "[-", "[n]", "[NaNa]", "[-x]"] {
        let (body, _) = repaired(broken.as_bytes());
        assert!(serde_json::from_slice::<Value>(&body).is_err(), "{broken}");
    }
}

/// A truncated response stays truncated.
#[test]
fn truncated_end_is_not_repaired() {
    for (damaged, _) in AS_IN_GO.into_iter().chain(BEYOND_GO) {
        let body = [br#"[{"k":""#, damaged, br#""}]"#].concat();
        for end in 0..body.len() {
            let (text, _) = repaired(&body[..end]);
            let error = serde_json::from_slice::<Value>(&text).unwrap_err();
            assert!(error.is_eof(), "{:?}: {error}", &body[..end]);
            for (piece, buffer_size) in [(1, 1), (7, 2), (body.len(), 3), (body.len(), 64)] {
                let (read, _) = in_pieces(&body[..end], piece, buffer_size);
                assert_eq!(read, text, "{:?}", &body[..end]);
            }
        }
    }
}

/// A text in a list passes up to the bound, and what follows it passes unchanged.
#[test]
fn text_in_a_list_is_cut_at_its_bound() {
    let body = |len: usize| format!(r#"[{{"a":"{}","id":8}},{{"a":"x"}}]"#, "x".repeat(len));
    let longest = body(MAX_PASSED_TEXT_BYTES);
    for more in [0, 1, 100] {
        let body = body(MAX_PASSED_TEXT_BYTES + more);
        for (piece, buffer_size) in [(usize::MAX, 1 << 20), (usize::MAX, 1000), (1000, 77)] {
            let (passed, log) = in_pieces(body.as_bytes(), piece, buffer_size);
            assert!(passed == longest.as_bytes(), "{more}: {} bytes", passed.len());
            assert_eq!(log, RepairLog::default());
        }
    }
}

/// A sequence that begins beyond the bound is removed as a unit.
#[test]
fn sequences_beyond_the_bound_of_a_text_are_removed() {
    let full = "x".repeat(MAX_PASSED_TEXT_BYTES);
    let expected = format!(r#"["{full}",1]"#);
    for sequence in [
        &br"\n"[..],
        br"\u0041",
        br"\ud83d\ude00",
        br"\ud83d",
        br"\x",
        b"\x01",
        b"\xff",
        "\u{fc}\u{1f600}".as_bytes(),
    ] {
        let body = [b"[\"", full.as_bytes(), sequence, b"y\",1]"].concat();
        for (piece, buffer_size) in [(usize::MAX, 1 << 20), (1000, 77)] {
            let (passed, _) = in_pieces(&body, piece, buffer_size);
            assert!(passed == expected.as_bytes(), "{}", sequence.escape_ascii());
        }
    }
}

/// The bound of a text is exact, whether its bytes pass, are removed, or are replaced.
#[test]
fn text_of_the_maximum_length_is_scanned() {
    let scan_in_text = |text_len: usize, whole_texts: bool, bytes: &[u8]| {
        let mut scanner = Scanner {
            in_text: true,
            text_len,
            whole_texts,
            ..Scanner::default()
        };
        let result = scanner.scan(bytes, false);
        result.map(|_| scanner.text_len)
    };
    for whole_texts in [true, false] {
        for two_bytes in [&b"xy"[..], br"\n", "\u{fc}".as_bytes()] {
            assert_eq!(
                scan_in_text(MAX_TEXT_BYTES - 2, whole_texts, two_bytes),
                Ok(MAX_TEXT_BYTES)
            );
            assert_eq!(
                scan_in_text(MAX_TEXT_BYTES - 1, whole_texts, two_bytes),
                Err(Excess::Text)
            );
        }
    }
    // U+FFFD has three bytes.
    assert_eq!(
        scan_in_text(MAX_TEXT_BYTES - 3, true, b"\xff"),
        Ok(MAX_TEXT_BYTES)
    );
    assert_eq!(scan_in_text(MAX_TEXT_BYTES - 2, true, b"\xff"), Err(Excess::Text));
}

#[test]
fn nesting_is_bounded() {
    let body = |depth: usize| [b"[".repeat(depth), b"]".repeat(depth)].concat();
    assert!(repair_complete(body(MAX_DEPTH)).is_ok());
    assert_eq!(repair_complete(body(MAX_DEPTH + 1)), Err(Excess::Depth));
}

/// The ids of a long list must not fill memory; the last one before the parser's position is kept for its error.
#[test]
fn ids_of_parsed_entries_are_forgotten() {
    let mut scanner = Scanner::default();
    scanner
        .scan(br#"[{"id":11},{"id":12},{},{"id":14},{"id":15},"#, false)
        .unwrap();
    for (parsed, kept) in [(0, 4), (1, 4), (2, 4), (3, 3), (4, 3), (5, 2), (9, 1)] {
        scanner.parsed(parsed);
        assert_eq!(scanner.ids.len(), kept, "after {parsed}");
    }
    assert_eq!((scanner.last_id(4), scanner.last_id(5)), (None, Some(15)));
}

/// The repairs of entries that the parser has not finished are not part of a list that failed before them.
#[test]
fn repairs_count_up_to_the_parsed_entry() {
    let mut scanner = Scanner::default();
    for _ in 0..3 {
        let mut rest = &br#"{"id":7,"name":NaN},"#[..];
        while !rest.is_empty() {
            let step = scanner.scan(rest, false).unwrap();
            let Then::Replace(len, _) = step.then else {
                break;
            };
            rest = &rest[step.clean + len..];
        }
    }
    let count = |scanner: &Scanner, parsed| scanner.log_until(parsed).entry_count;
    assert_eq!(
        [0, 1, 2, 3, 4].map(|parsed| count(&scanner, parsed)),
        [0, 1, 2, 3, 3]
    );
    scanner.parsed(2);
    assert_eq!([0, 1, 2, 3].map(|parsed| count(&scanner, parsed)), [1, 1, 2, 3]);
    assert_eq!((scanner.ahead.len(), scanner.log().total.not_numbers), (2, 3));
}

/// A text whose end or escapes the scanner does not keep is not an id.
#[test]
fn long_and_escaped_texts_are_not_ids() {
    for (id, expected) in [
        (r#""12345678901234567890""#, Some(12_345_678_901_234_567_890)),
        (r#"" 7 ""#, Some(7)),
        ("18446744073709551615", Some(u64::MAX)),
        ("18446744073709551616", None),
        (r#""1234567890123456789\u0030""#, None),
        (r#""1234567890123456789\ud83d""#, None),
        (r#""7\u0030""#, None),
        ("-7", None),
        ("7.5", None),
        ("7e2", None),
        ("NaN", None),
    ] {
        let body = format!(r#"[{{"id":{id},"n":"\'"}}]"#);
        let (_, log) = repair_complete(body.into_bytes()).unwrap();
        let ids: Vec<_> = log.entries.iter().map(|entry| entry.id).collect();
        assert_eq!(ids, [expected], "{id}");
    }
}

#[test]
fn only_the_first_repaired_entries_are_named() {
    let row = br#"{"id":7,"a":"\'","b":["\ud83d",NaN,"\'"]}"#;
    for (count, named) in [(20, 20), (21, 20), (25, 20)] {
        let body = [b"[", vec![&row[..]; count].join(&b","[..]).as_slice(), b"]"].concat();
        let (_, log) = repair_complete(body).unwrap();
        let count = count as u64;
        assert_eq!((log.entries.len(), log.entry_count), (named, count));
        let total = Repairs {
            not_unicode: count,
            escapes: 2 * count,
            not_numbers: count,
        };
        assert_eq!(log.total, total);
    }
}

#[test]
fn long_texts_in_lists_are_truncated() {
    for (unit, decoded) in [
        ("x", 1),
        ("\\n", 1),
        ("\\u0041", 1),
        ("\u{fc}", 2),
        ("\\ud83d\\ude00", 4),
        ("\u{1}", 1),
        ("\\ud83d", 3),
    ] {
        for prefix in ["", "a", "ab", "abcde"] {
            let text = format!("{prefix}{}", unit.repeat(60_000));
            let body = format!(r#"[{{"id":7,"a":"{text}","b":"next","c":["{text}"],"id":8}}]"#);
            for (piece, buffer_size) in [(body.len(), 64 << 10), (1000, 77)] {
                let (passed, _) = in_pieces(body.as_bytes(), piece, buffer_size);
                assert!(
                    passed.len() < 2 * MAX_PASSED_TEXT_BYTES + 200,
                    "{unit}: {}",
                    passed.len()
                );
                let read: Value = serde_json::from_slice(&passed).unwrap();
                assert_eq!(
                    (&read[0]["b"], &read[0]["id"]),
                    (&Value::from("next"), &Value::from(8))
                );
                for text in [&read[0]["a"], &read[0]["c"][0]] {
                    let len = text.as_str().unwrap().len();
                    assert!(len > MAX_LABEL_BYTES, "{unit}: {len}");
                    assert!(len <= MAX_PASSED_TEXT_BYTES * decoded, "{unit}: {len}");
                }
            }
        }
    }
    let (complete, _) =
        repair_complete(format!(r#"{{"token":"{}"}}"#, "t".repeat(100_000)).into_bytes()).unwrap();
    assert!(complete.len() > 100_000);
}

#[test]
fn long_texts_and_deep_nesting_are_rejected() {
    let mut scanner = Scanner::default();
    let many = br#"{"a":"x\"y","b":[1,2,3]},"#.repeat(1 << 20);
    scanner.scan(b"[", false).unwrap();
    scanner.scan(&many, false).unwrap();
    for long in [
        vec![b'x'; MAX_TEXT_BYTES + 1],
        b"\\n".repeat(MAX_TEXT_BYTES / 2 + 1),
        b"\xff".repeat(MAX_TEXT_BYTES / 3 + 1),
    ] {
        let body = [b"\"", long.as_slice(), b"\""].concat();
        assert_eq!(repair_complete(body).unwrap_err(), Excess::Text);
    }
    let mut scanner = Scanner::default();
    scanner.scan(&b"[{}".repeat(MAX_DEPTH - 1), false).unwrap();
    scanner.scan(br#""[["["#, false).unwrap();
    assert_eq!(scanner.scan(b"[", false), Err(Excess::Depth));
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map(prop_oneof![Just("id".to_owned()), any::<String>()], inner, 0..6)
                .prop_map(Value::from_iter),
        ]
    })
}

proptest! {
    #[test]
    fn valid_json_passes_unchanged(value in any_json(), pretty: bool, piece in 1_usize..40, buffer_size in 1_usize..40) {
        let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap();
        let (passed, log) = in_pieces(&text, piece, buffer_size);
        prop_assert_eq!(&passed, &text);
        prop_assert_eq!(log, RepairLog::default());
    }

    #[test]
    fn any_bytes_decode_like_in_rust_and_go(bytes: Vec<u8>, piece in 1_usize..9, buffer_size in 1_usize..9) {
        // No escapes and quotes, only bytes.
        let bytes: Vec<u8> = bytes.into_iter().filter(|byte| !matches!(byte, b'"' | b'\\')).collect();
        let body = [b"[\"", bytes.as_slice(), b"\"]"].concat();
        let (passed, _) = in_pieces(&body, piece, buffer_size);
        let read: Vec<String> = serde_json::from_slice(&passed).unwrap();
        let mut expected = String::new();
        for chunk in bytes.utf8_chunks() {
            expected.push_str(chunk.valid());
            expected.extend(std::iter::repeat_n('\u{fffd}', chunk.invalid().len()));
        }
        prop_assert_eq!(&read[0], &expected);
    }

    #[test]
    fn bad_text_does_not_affect_others(at in 0_usize..6, which in 0..AS_IN_GO.len() + BEYOND_GO.len(), piece in 1_usize..40) {
        let (damaged, _) = AS_IN_GO.into_iter().chain(BEYOND_GO).nth(which).unwrap();
        let row = |position: usize| {
            let text: &[u8] = if position == at { damaged } else { b"good" };
            [format!(r#"{{"id":{position},"name":""#).as_bytes(), text, br#"","members":[{"id":1}]}"#].concat()
        };
        let rows: Vec<Vec<u8>> = (0..6).map(row).collect();
        let body = [b"[", rows.join(&b","[..]).as_slice(), b"]"].concat();
        let (passed, log) = in_pieces(&body, piece, 64);
        let read: Value = serde_json::from_slice(&passed).unwrap();
        for position in 0..6 {
            prop_assert_eq!(&read[position]["id"], &Value::from(position));
            prop_assert!(position == at || read[position]["name"] == "good");
        }
        for entry in log.entries {
            prop_assert_eq!((entry.entry, entry.id), (at as u64 + 1, Some(at as u64)));
        }
    }
}
