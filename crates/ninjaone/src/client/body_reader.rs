//! Response bodies: unpacked as they arrive, inspected before they are trusted, and passed to the parser's thread through a
//! short queue.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Buf, Bytes};
use flate2::write::MultiGzDecoder;
use reqwest::header::{CONTENT_ENCODING, HeaderName};
use reqwest::{Response, StatusCode as Http, Url};
use tokio::sync::mpsc;

use super::json_scanner::RepairLog;
use super::json_scanner::Scanner;
use super::json_scanner::Then;
use super::json_scanner::repair_complete;

/// Maximum size of a body that is kept in memory, in bytes: a role with all its members, or a page of activities.
pub(super) const MAX_BODY_BYTES: usize = 64 << 20;
/// A byte order mark, which JSON must not have but some servers send.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// Compressed bytes unpacked at a time; they expand to at most a thousand times as many.
const UNPACK_CHUNK_BYTES: usize = 1 << 10;
/// Maximum number of inspected bytes at the beginning of a response.
const MAX_BEGINNING_BYTES: usize = 64 << 10;

/// Why a response is incomplete.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// The connection failed.
    Http(reqwest::Error),
    /// The bytes cannot be unpacked.
    Gzip(io::Error),
}

impl BodyError {
    pub(crate) fn is_timeout(&self) -> bool {
        matches!(self, Self::Http(error) if error.is_timeout())
    }
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Http(_) => f.write_str("the connection failed"),
            Self::Gzip(_) => f.write_str("the answer cannot be unpacked"),
        }
    }
}

impl Error for BodyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            // Without the address of the HTTP client's error, which the message has already.
            Self::Http(error) => error.source(),
            Self::Gzip(error) => Some(error),
        }
    }
}

/// The content type that the beginning of a response shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beginning {
    /// JSON: an object, a list, a string, or `null`.
    Json,
    /// A web page.
    Page,
    /// Other text.
    Text,
    /// An empty body.
    Empty,
    /// The response ended before its first byte.
    Broken,
}

/// A response whose body is still arriving. Gzip with one or more members is unpacked here.
pub(crate) struct Answer {
    response: Response,
    gzip: Option<MultiGzDecoder<Vec<u8>>>,
    packed: Bytes,
    /// Bytes received over the network.
    received: Arc<AtomicU64>,
    /// Inspected pieces that are not returned yet.
    ready: VecDeque<Result<Bytes, BodyError>>,
    ended: bool,
}

impl Answer {
    pub(crate) fn new(response: Response) -> Self {
        let encoding = response.headers().get(CONTENT_ENCODING);
        let packed = encoding.is_some_and(|encoding| {
            let encoding = encoding.as_bytes().trim_ascii();
            encoding.eq_ignore_ascii_case(b"gzip") || encoding.eq_ignore_ascii_case(b"x-gzip")
        });
        Self {
            response,
            gzip: packed.then(|| MultiGzDecoder::new(Vec::new())),
            packed: Bytes::new(),
            received: Arc::default(),
            ready: VecDeque::new(),
            ended: false,
        }
    }

    pub(super) fn url(&self) -> &Url {
        self.response.url()
    }

    /// Bytes received over the network so far.
    pub(super) fn received(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.received)
    }

    pub(super) fn status(&self) -> Http {
        self.response.status()
    }

    /// The text of a header.
    pub(super) fn header(&self, name: HeaderName) -> Option<String> {
        let value = self.response.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    }

    /// The next piece of the body, never empty.
    pub(super) async fn next(&mut self) -> Option<Result<Bytes, BodyError>> {
        match self.ready.pop_front() {
            Some(piece) => Some(piece),
            None => self.unpack().await,
        }
    }

    async fn unpack(&mut self) -> Option<Result<Bytes, BodyError>> {
        while !self.ended {
            if self.packed.is_empty() {
                match self.response.chunk().await {
                    Ok(Some(chunk)) => {
                        self.received.fetch_add(chunk.len() as u64, Ordering::Relaxed);
                        self.packed = chunk;
                    }
                    Ok(None) => {
                        self.ended = true;
                        return self.finish();
                    }
                    Err(error) => {
                        self.ended = true;
                        return Some(Err(BodyError::Http(error)));
                    }
                }
            }
            let Some(gzip) = &mut self.gzip else {
                let piece = std::mem::take(&mut self.packed);
                if piece.is_empty() {
                    continue;
                }
                return Some(Ok(piece));
            };
            let piece = self.packed.split_to(self.packed.len().min(UNPACK_CHUNK_BYTES));
            if let Err(error) = gzip.write_all(&piece) {
                self.ended = true;
                return Some(Err(BodyError::Gzip(error)));
            }
            let unpacked = std::mem::take(gzip.get_mut());
            if !unpacked.is_empty() {
                return Some(Ok(unpacked.into()));
            }
        }
        None
    }

    /// Unpacks the end of the compressed bytes.
    fn finish(&mut self) -> Option<Result<Bytes, BodyError>> {
        let gzip = self.gzip.as_mut()?;
        if let Err(error) = gzip.try_finish() {
            return Some(Err(BodyError::Gzip(error)));
        }
        let unpacked = std::mem::take(gzip.get_mut());
        (!unpacked.is_empty()).then(|| Ok(unpacked.into()))
    }

    /// Inspects the beginning of the body without consuming it.
    pub(super) async fn beginning(&mut self, longest_wait: Duration) -> Beginning {
        let mut seen: Vec<u8> = Vec::new();
        let look = async {
            loop {
                if let Some(beginning) = classify_beginning(&seen) {
                    return beginning;
                }
                match self.unpack().await {
                    Some(Ok(piece)) => {
                        seen.extend_from_slice(&piece);
                        self.ready.push_back(Ok(piece));
                    }
                    Some(Err(error)) => {
                        self.ready.push_back(Err(error));
                        return Beginning::Broken;
                    }
                    None if seen.trim_ascii().is_empty() => return Beginning::Empty,
                    None => return Beginning::Text,
                }
            }
        };
        // The next read reports the timeout.
        tokio::time::timeout(longest_wait, look)
            .await
            .unwrap_or(Beginning::Broken)
    }

    /// The complete body of a response that is not a list, within a maximum size and time. Its texts are repaired.
    pub(super) async fn read_body(
        mut self,
        max_bytes: usize,
        longest_wait: Duration,
    ) -> Result<(Vec<u8>, RepairLog), IncompleteBody> {
        let read = async {
            let mut body = Vec::new();
            while let Some(chunk) = self.next().await {
                let chunk = chunk.map_err(IncompleteBody::Broken)?;
                if body.len() + chunk.len() > max_bytes {
                    return Err(IncompleteBody::TooLong);
                }
                body.extend_from_slice(&chunk);
            }
            if body.starts_with(BYTE_ORDER_MARK) {
                body.drain(..BYTE_ORDER_MARK.len());
            }
            repair_complete(body).map_err(|_| IncompleteBody::TooLong)
        };
        tokio::time::timeout(longest_wait, read)
            .await
            .unwrap_or(Err(IncompleteBody::TooSlow))
    }
}

/// Detects the content; `None` while too little has arrived.
fn classify_beginning(seen: &[u8]) -> Option<Beginning> {
    let after_mark = seen.strip_prefix(BYTE_ORDER_MARK).unwrap_or(seen);
    let begin = after_mark.trim_ascii_start();
    match begin {
        [] if seen.len() > MAX_BEGINNING_BYTES => Some(Beginning::Text),
        [] => None,
        // The mark may come byte by byte.
        _ if seen.len() < BYTE_ORDER_MARK.len() && BYTE_ORDER_MARK.starts_with(seen) => None,
        [b'[' | b'{' | b'"', ..] | [b'n', b'u', b'l', b'l', ..] => Some(Beginning::Json),
        [b'<', ..] => Some(Beginning::Page),
        [b'n', ..] if begin.len() < 4 => None,
        _ => Some(Beginning::Text),
    }
}

/// Why a body is incomplete.
#[derive(Debug)]
pub(super) enum IncompleteBody {
    Broken(BodyError),
    TooLong,
    TooSlow,
}

/// Why a response could not be read to its end.
pub(crate) type ReadFailure = Arc<Mutex<Option<BodyError>>>;

/// Pieces of an answer, waited for by a thread.
pub(crate) trait Pieces {
    /// The next piece; `None` at the end.
    fn next_piece(&mut self) -> io::Result<Option<Bytes>>;

    /// Bytes received over the network so far; by default unlimited.
    fn received(&self) -> Arc<AtomicU64> {
        Arc::new(AtomicU64::new(u64::MAX))
    }
}

/// The parser's end of the queue.
pub(crate) struct Queue {
    pub(crate) pieces: mpsc::Receiver<Result<Bytes, BodyError>>,
    pub(crate) failure: ReadFailure,
    pub(crate) received: Arc<AtomicU64>,
}

impl Pieces for Queue {
    fn next_piece(&mut self) -> io::Result<Option<Bytes>> {
        match self.pieces.blocking_recv() {
            None => Ok(None),
            Some(Ok(piece)) => Ok(Some(piece)),
            Some(Err(error)) => {
                *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                Err(io::Error::other("the connection failed"))
            }
        }
    }

    fn received(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.received)
    }
}

/// A response as the parser reads it: without a byte order mark, and with repaired texts.
pub(crate) struct BodyReader<P> {
    pieces: P,
    current: Bytes,
    /// All pieces have arrived.
    ended: bool,
    at_start: bool,
    scanner: Scanner,
    /// Entries that the parser has finished.
    parsed: Arc<AtomicU64>,
    /// The rest of a replacement for removed bytes.
    replacement: Bytes,
}

impl<P: Pieces> BodyReader<P> {
    pub(crate) fn new(pieces: P) -> Self {
        Self {
            pieces,
            current: Bytes::new(),
            ended: false,
            at_start: true,
            scanner: Scanner::default(),
            parsed: Arc::new(AtomicU64::new(0)),
            replacement: Bytes::new(),
        }
    }

    /// Bytes received over the network so far.
    pub(super) fn received(&self) -> Arc<AtomicU64> {
        self.pieces.received()
    }

    /// The number of entries that the parser has finished, for the parser to update.
    pub(super) fn parsed(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.parsed)
    }

    /// The scanner, with the entries and repairs so far.
    pub(super) fn scanner(&self) -> &Scanner {
        &self.scanner
    }

    /// Appends another piece to the rest of the last one.
    fn more(&mut self) -> io::Result<()> {
        match self.pieces.next_piece()? {
            None => self.ended = true,
            Some(piece) if self.current.is_empty() => self.current = piece,
            Some(piece) => self.current = [self.current.as_ref(), piece.as_ref()].concat().into(),
        }
        Ok(())
    }

    fn skip_mark(&mut self) -> io::Result<()> {
        // The mark may come byte by byte.
        while self.current.len() < BYTE_ORDER_MARK.len() && !self.ended {
            self.more()?;
        }
        if self.current.starts_with(BYTE_ORDER_MARK) {
            self.current.advance(BYTE_ORDER_MARK.len());
        }
        self.at_start = false;
        Ok(())
    }
}

impl<P: Pieces> Read for BodyReader<P> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.at_start {
            self.skip_mark()?;
        }
        self.scanner.parsed(self.parsed.load(Ordering::Relaxed));
        loop {
            if !self.replacement.is_empty() {
                let count = out.len().min(self.replacement.len());
                self.replacement.copy_to_slice(&mut out[..count]);
                return Ok(count);
            }
            while self.current.is_empty() && !self.ended {
                self.more()?;
            }
            let window = self.current.len().min(out.len());
            if window == 0 {
                return Ok(0);
            }
            let at_end = self.ended && window == self.current.len();
            let scanned = self.scanner.scan(&self.current[..window], at_end);
            let scanned = scanned.map_err(|excess| io::Error::new(io::ErrorKind::InvalidData, excess))?;
            out[..scanned.clean].copy_from_slice(&self.current[..scanned.clean]);
            self.current.advance(scanned.clean);
            match scanned.then {
                Then::Replace(len, with) => {
                    self.current.advance(len);
                    self.replacement = Bytes::copy_from_slice(with.as_bytes());
                }
                // A sequence that does not fit into the caller's buffer is scanned separately.
                Then::More if scanned.clean == 0 => self.sequence()?,
                Then::More | Then::End => {}
            }
            if scanned.clean > 0 {
                return Ok(scanned.clean);
            }
        }
    }
}

impl<P: Pieces> BodyReader<P> {
    /// Reads one sequence that continues beyond the piece, or beyond the caller's buffer.
    fn sequence(&mut self) -> io::Result<()> {
        /// Exceeds every sequence.
        const MAX_SEQUENCE_BYTES: usize = 16;
        while self.current.len() < MAX_SEQUENCE_BYTES && !self.ended {
            self.more()?;
        }
        let window = self.current.len().min(MAX_SEQUENCE_BYTES);
        let at_end = self.ended && window == self.current.len();
        let scanned = self.scanner.scan(&self.current[..window], at_end);
        let scanned = scanned.map_err(|excess| io::Error::new(io::ErrorKind::InvalidData, excess))?;
        let mut bytes = self.current.split_to(scanned.clean).to_vec();
        if let Then::Replace(len, with) = scanned.then {
            self.current.advance(len);
            bytes.extend_from_slice(with.as_bytes());
        }
        self.replacement = bytes.into();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::super::response::chain;
    use super::*;

    const LONGEST_WAIT: Duration = Duration::from_mins(1);

    fn answer(encoding: &str, body: Vec<u8>) -> Answer {
        let response = http::Response::builder()
            .header(CONTENT_ENCODING, encoding)
            .body(body)
            .unwrap();
        Answer::new(Response::from(response))
    }

    async fn read(answer: Answer, max_bytes: usize) -> Result<Vec<u8>, IncompleteBody> {
        let read = answer.read_body(max_bytes, LONGEST_WAIT).await;
        read.map(|(body, _)| body)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// A list of several pieces, both packed and unpacked.
    fn long_list() -> Vec<u8> {
        let ids: Vec<String> = (0..20_000).map(|id| id.to_string()).collect();
        format!("[{}]", ids.join(",")).into_bytes()
    }

    #[tokio::test]
    async fn gzip_is_unpacked_with_all_its_members() {
        let list = long_list();
        let (begin, end) = list.split_at(list.len() / 3);
        let packed = [gzip(begin), gzip(b""), gzip(end)].concat();
        for encoding in ["gzip", "x-gzip", " GZip "] {
            let body = read(answer(encoding, packed.clone()), list.len()).await.unwrap();
            assert!(body == list, "{encoding}: {} bytes", body.len());
        }
        let body = read(answer("identity", list.clone()), list.len()).await.unwrap();
        assert!(body == list);
    }

    #[tokio::test]
    async fn damaged_gzip_is_an_error_with_its_cause() {
        let mut wrong_checksum = gzip(&long_list());
        let end = wrong_checksum.len() - 8;
        wrong_checksum[end..].fill(0);
        for body in [b"[1,2]".to_vec(), wrong_checksum] {
            let error = read(answer("gzip", body), usize::MAX).await.unwrap_err();
            let IncompleteBody::Broken(error) = error else {
                panic!("{error:?}");
            };
            assert_eq!(error.to_string(), "the answer cannot be unpacked");
            let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
            assert_eq!(chain(&error), cause.unwrap().to_string());
            assert!(!error.is_timeout());
        }
    }

    /// A server that never answers.
    #[tokio::test]
    async fn only_an_expired_wait_is_a_timeout() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", server.local_addr().unwrap());
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(net_tls::client_config(None).unwrap())
            .no_proxy()
            .build()
            .unwrap();
        let expired = http.get(&address).timeout(Duration::ZERO).send().await;
        let expired = BodyError::Http(expired.unwrap_err());
        assert!(expired.is_timeout(), "{expired:?}");
        // The message has the address already.
        assert!(!chain(&expired).contains(&address), "{}", chain(&expired));
        let invalid = http.get("no address").send().await;
        let invalid = BodyError::Http(invalid.unwrap_err());
        assert!(!invalid.is_timeout(), "{invalid:?}");
    }

    #[tokio::test]
    async fn body_may_have_the_maximum_size() {
        let body = b"\xEF\xBB\xBF[1,2]".to_vec();
        assert_eq!(read(answer("", body.clone()), 8).await.unwrap(), b"[1,2]");
        let error = read(answer("", body), 7).await.unwrap_err();
        assert!(matches!(error, IncompleteBody::TooLong), "{error:?}");
    }

    #[test]
    fn the_beginning_decides_as_soon_as_it_can() {
        use Beginning::{Json, Page, Text};

        for (seen, expected) in [
            (b"".as_slice(), None),
            (b" \r\n", None),
            (b"[", Some(Json)),
            (b"  {\"a\":1}", Some(Json)),
            (b"n", None),
            (b"nul", None),
            (b"null", Some(Json)),
            (b"no route", Some(Text)),
            (b"nope", Some(Text)),
            (b"<html>", Some(Page)),
            (b"ok", Some(Text)),
            // A byte order mark, byte by byte.
            (b"\xEF", None),
            (b"\xEF\xBB", None),
            (b"\xEF\xBB\xBF", None),
            (b"\xEF\xBB\xBF[", Some(Json)),
            (b"\xEF\xBB[", Some(Text)),
        ] {
            assert_eq!(classify_beginning(seen), expected, "{}", seen.escape_ascii());
        }
        let spaces = vec![b' '; MAX_BEGINNING_BYTES + 1];
        assert_eq!(classify_beginning(&spaces[1..]), None);
        assert_eq!(classify_beginning(&spaces), Some(Text));
    }
}
