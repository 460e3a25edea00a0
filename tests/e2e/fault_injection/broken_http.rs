//! Answers that are not HTTP, or whose headers are wrong.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// The beginning of an empty list.
const BODY: &[u8] = b"[                                                          ]";

/// A name and the bytes on the wire. None is a complete answer.
pub(crate) fn kinds() -> Vec<(&'static str, Vec<u8>)> {
    let with = |headers: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{headers}\r\n");
        [head.as_bytes(), body].concat()
    };
    let length = BODY.len();
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(BODY).unwrap();
    let gzip = gzip.finish().unwrap();
    let mut corrupt = gzip.clone();
    corrupt[15] ^= 0x55;
    let compressed = |body: &[u8]| {
        with(
            &format!("content-encoding: gzip\r\ncontent-length: {}\r\n", body.len()),
            body,
        )
    };
    let chunked = |chunks: &[u8]| with("transfer-encoding: chunked\r\n", chunks);
    vec![
        (
            "length too long",
            with(&format!("content-length: {}\r\n", length + 1), BODY),
        ),
        (
            "length too short",
            with(&format!("content-length: {}\r\n", length - 1), BODY),
        ),
        ("length of nothing", with("content-length: 0\r\n", BODY)),
        (
            "length of everything",
            with("content-length: 18446744073709551615\r\n", BODY),
        ),
        (
            "length beyond u64",
            with("content-length: 99999999999999999999999\r\n", BODY),
        ),
        ("length below zero", with("content-length: -1\r\n", BODY)),
        (
            "two lengths",
            with("content-length: 5\r\ncontent-length: 6\r\n", BODY),
        ),
        ("chunk of no size", chunked(b"xyz\r\n[]\r\n0\r\n\r\n")),
        ("chunk of a huge size", chunked(b"ffffffffffffffff\r\n[")),
        ("chunk longer than told", chunked(b"1\r\n[]\r\n0\r\n\r\n")),
        ("chunk without an end", chunked(b"2\r\n[]")),
        ("no last chunk", chunked(b"2\r\n[{\r\n")),
        ("gzip cut", compressed(&gzip[..gzip.len() / 2])),
        ("gzip corrupt", compressed(&corrupt)),
        ("gzip of nothing", compressed(b"")),
        ("gzip that is none", compressed(BODY)),
        ("closed at once", Vec::new()),
        ("closed after the headers", with("content-length: 60\r\n", b"")),
        ("closed in the headers", b"HTTP/1.1 200 OK\r\ncontent-ty".to_vec()),
        ("no status", BODY.to_vec()),
        ("status of no number", b"HTTP/1.1 abc OK\r\n\r\n[]".to_vec()),
        (
            "status beyond all",
            b"HTTP/1.1 1000 OK\r\ncontent-length: 2\r\n\r\n[]".to_vec(),
        ),
        ("another protocol", b"SSH-2.0-OpenSSH_9.9\r\n".to_vec()),
        (
            "header without a name",
            with(": x\r\ncontent-length: 2\r\n", b"[]"),
        ),
        (
            "header of a megabyte",
            with(&format!("x-long: {}\r\n", "x".repeat(1 << 20)), b"[]"),
        ),
        (
            "ten thousand headers",
            with(&"x-many: x\r\n".repeat(10_000), b"[]"),
        ),
    ]
}
