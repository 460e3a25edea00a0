//! Bodies on the wire: held or streamed, compressed, slow, or cut.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Body, Frame, SizeHint};
use tokio::time::Sleep;

use crate::response::Endless;
use crate::response::Payload;

/// Bytes written at a time.
const PIECE: usize = 64 << 10;

/// A body that is being sent.
#[derive(Debug)]
pub(super) struct WireBody {
    source: Source,
    gzip: Option<GzEncoder<Vec<u8>>>,
    limit: Option<Limit>,
    pace: Option<Pace>,
    done: bool,
}

#[derive(Debug)]
enum Source {
    Bytes(Bytes),
    Rows(Box<crate::generated::Rows>),
    Endless(Endless),
}

/// Where the body ends early.
#[derive(Debug)]
struct Limit {
    left: usize,
    clean: bool,
}

#[derive(Debug)]
struct Pace {
    sleep: Pin<Box<Sleep>>,
    pause: Duration,
    piece: usize,
}

impl WireBody {
    pub(super) fn new(payload: Payload, gzip: bool) -> Self {
        Self {
            source: match payload {
                Payload::Bytes(bytes) => Source::Bytes(bytes),
                Payload::Rows(rows) => Source::Rows(rows),
                Payload::Endless(endless) => Source::Endless(endless),
            },
            gzip: gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast())),
            limit: None,
            pace: None,
            done: false,
        }
    }

    /// Ends after this number of bytes.
    pub(super) fn cut(mut self, at: usize, clean: bool) -> Self {
        self.limit = Some(Limit { left: at, clean });
        self
    }

    /// Waits before the first piece and between pieces.
    pub(super) fn slow(mut self, first: Duration, pause: Duration, piece: usize) -> Self {
        self.pace = Some(Pace {
            sleep: Box::pin(tokio::time::sleep(first)),
            pause,
            piece: piece.max(1),
        });
        self
    }

    /// The next piece; empty at the end.
    fn piece(&mut self, size: usize) -> io::Result<Vec<u8>> {
        loop {
            let mut piece = Vec::with_capacity(size);
            match &mut self.source {
                Source::Bytes(bytes) => piece.extend_from_slice(&bytes.split_to(size.min(bytes.len()))),
                Source::Rows(rows) => {
                    rows.fill(&mut piece, size);
                }
                Source::Endless(endless) => endless.fill(&mut piece, size),
            }
            let Some(gzip) = &mut self.gzip else {
                return Ok(piece);
            };
            if piece.is_empty() {
                return self.gzip.take().map_or_else(|| Ok(Vec::new()), GzEncoder::finish);
            }
            gzip.write_all(&piece)?;
            let compressed = std::mem::take(gzip.get_mut());
            if !compressed.is_empty() {
                return Ok(compressed);
            }
        }
    }

    fn next(&mut self, size: usize) -> Option<io::Result<Frame<Bytes>>> {
        let mut piece = match self.piece(size) {
            Ok(piece) if piece.is_empty() => return None,
            Ok(piece) => piece,
            Err(error) => return Some(Err(error)),
        };
        if let Some(limit) = &mut self.limit {
            if limit.left == 0 {
                let broken = io::Error::new(io::ErrorKind::ConnectionReset, "cut on purpose");
                return (!limit.clean).then_some(Err(broken));
            }
            piece.truncate(limit.left);
            limit.left -= piece.len();
        }
        Some(Ok(Frame::data(piece.into())))
    }
}

impl Body for WireBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if self.done {
            return Poll::Ready(None);
        }
        let mut size = PIECE;
        if let Some(pace) = &mut self.pace {
            if pace.sleep.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            let next = tokio::time::Instant::now() + pace.pause;
            pace.sleep.as_mut().reset(next);
            size = pace.piece;
        }
        let frame = self.next(size);
        self.done = !matches!(frame, Some(Ok(_)));
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Bytes(bytes) if self.gzip.is_none() && self.limit.is_none() => {
                SizeHint::with_exact(bytes.len() as u64)
            }
            _ => SizeHint::default(),
        }
    }
}
