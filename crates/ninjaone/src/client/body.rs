//! The bytes of an answer as a blocking reader: a short queue between the socket's task and the parser's thread.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use std::time::Duration;

use bytes::{Buf, Bytes};
use reqwest::Response;
use tokio::sync::mpsc;

/// The longest text within an answer, in bytes. Nothing in a tenant is that long; a hostile one must not fill memory.
const LONGEST_TEXT: usize = 16 << 20;

/// The largest answer that is kept as a whole, in bytes: a role with all its members, or a page of activities.
pub(super) const LONGEST_ANSWER: usize = 64 << 20;
/// A byte order mark, which no JSON has but some servers send.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Why an answer was not kept as a whole.
#[derive(Debug)]
pub(super) enum NotWhole {
    Broken(reqwest::Error),
    TooLong,
    TooSlow,
}

/// All of an answer that is not a list, if it has at most so many bytes and comes within this time.
pub(super) async fn whole(
    mut response: Response,
    longest: usize,
    longest_wait: Duration,
) -> Result<Vec<u8>, NotWhole> {
    let read = async {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(NotWhole::Broken)? {
            if body.len() + chunk.len() > longest {
                return Err(NotWhole::TooLong);
            }
            body.extend_from_slice(&chunk);
        }
        if body.starts_with(BYTE_ORDER_MARK) {
            body.drain(..BYTE_ORDER_MARK.len());
        }
        Ok(body)
    };
    tokio::time::timeout(longest_wait, read)
        .await
        .unwrap_or(Err(NotWhole::TooSlow))
}

/// How deep an answer may be nested, for the same reason.
const DEEPEST: usize = 1000;

/// Why an answer could not be read to its end.
pub(crate) type ReadFailure = Arc<Mutex<Option<reqwest::Error>>>;

/// The parser's end of the queue.
pub(crate) struct BodyReader {
    chunks: mpsc::Receiver<Result<Bytes, reqwest::Error>>,
    current: Bytes,
    failure: ReadFailure,
    guard: TextGuard,
    at_start: bool,
}

impl BodyReader {
    pub(crate) fn new(chunks: mpsc::Receiver<Result<Bytes, reqwest::Error>>, failure: ReadFailure) -> Self {
        Self {
            chunks,
            current: Bytes::new(),
            failure,
            guard: TextGuard::default(),
            at_start: true,
        }
    }

    fn next_chunk(&mut self) -> io::Result<bool> {
        // The mark may come byte by byte.
        let wanted = if self.at_start { BYTE_ORDER_MARK.len() } else { 1 };
        while self.current.len() < wanted {
            match self.chunks.blocking_recv() {
                None => break,
                Some(Ok(chunk)) if self.current.is_empty() => self.current = chunk,
                Some(Ok(chunk)) => self.current = [self.current.as_ref(), chunk.as_ref()].concat().into(),
                Some(Err(error)) => {
                    *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    return Err(io::Error::other("the connection failed"));
                }
            }
        }
        if std::mem::take(&mut self.at_start) && self.current.starts_with(BYTE_ORDER_MARK) {
            self.current.advance(BYTE_ORDER_MARK.len());
            return self.next_chunk();
        }
        Ok(!self.current.is_empty())
    }
}

impl Read for BodyReader {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if !self.next_chunk()? {
            return Ok(0);
        }
        let count = out.len().min(self.current.len());
        out[..count].copy_from_slice(&self.current[..count]);
        self.current.advance(count);
        self.guard.check(&out[..count])?;
        Ok(count)
    }
}

/// Follows quotes and brackets through JSON and refuses texts that are too long, and what is nested too deep.
#[derive(Debug, Default)]
struct TextGuard {
    in_text: bool,
    escaped: bool,
    len: usize,
    depth: usize,
}

impl TextGuard {
    fn check(&mut self, bytes: &[u8]) -> io::Result<()> {
        for byte in bytes {
            self.len += 1;
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => {
                    self.in_text = !self.in_text;
                    self.len = 0;
                }
                b'[' | b'{' if !self.in_text => self.depth += 1,
                b']' | b'}' if !self.in_text => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        if self.depth > DEEPEST {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "lists and objects within each other to a depth of more than 1000",
            ));
        }
        if self.in_text && self.len > LONGEST_TEXT {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a text of more than 16 MiB",
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_refused_and_long_answers_are_not() {
        let mut guard = TextGuard::default();
        let many = br#"{"a":"x\"y","b":[1,2,3]},"#.repeat(1 << 20);
        guard.check(&many).unwrap();
        guard.check(b"\"").unwrap();
        let long = vec![b'x'; LONGEST_TEXT + 1];
        assert_eq!(guard.check(&long).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let mut guard = TextGuard::default();
        guard.check(&b"[{}".repeat(DEEPEST)).unwrap();
        guard.check(br#""[[""#).unwrap();
        assert_eq!(guard.check(b"[").unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
