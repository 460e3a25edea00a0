//! The bytes of an answer as a blocking reader: a short queue between the socket's task and the parser's thread.

use std::io::{self, Read};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

/// The longest text within an answer, in bytes. Nothing in a tenant is that long; a hostile one must not fill memory.
const LONGEST_TEXT: usize = 16 << 20;

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
        while self.current.is_empty() {
            match self.chunks.blocking_recv() {
                None => return Ok(false),
                Some(Ok(chunk)) => self.current = chunk,
                Some(Err(error)) => {
                    *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    return Err(io::Error::other("the connection failed"));
                }
            }
        }
        if self.at_start {
            self.at_start = false;
            // A byte order mark, which no JSON has but some servers send.
            if self.current.starts_with(b"\xEF\xBB\xBF") {
                self.current.advance(3);
                return self.next_chunk();
            }
        }
        Ok(true)
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

/// Follows quotes through JSON and refuses texts that are too long.
#[derive(Debug, Default)]
struct TextGuard {
    in_text: bool,
    escaped: bool,
    len: usize,
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
                _ => {}
            }
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
    }
}
