//! The receiving end of the queue, as a stream.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use access_core::ports::{SourceError, SourceEvent};
use c1z::Interrupt;
use futures::Stream;
use tokio::sync::mpsc;

use crate::error::C1zSourceError;

/// The result of a reading thread.
pub(crate) type Outcome = Result<(), C1zSourceError>;

/// The events of a reading thread, ended by its result. Dropping it stops the thread and waits a few milliseconds for its
/// end, so that the unpacked copy never outlives the source.
pub(crate) struct EventStream {
    queue: mpsc::Receiver<SourceEvent>,
    thread: Option<JoinHandle<Outcome>>,
    interrupt: Interrupt,
}

impl EventStream {
    pub(crate) fn new(
        queue: mpsc::Receiver<SourceEvent>,
        thread: JoinHandle<Outcome>,
        interrupt: Interrupt,
    ) -> Self {
        Self {
            queue,
            thread: Some(thread),
            interrupt,
        }
    }
}

impl Stream for EventStream {
    type Item = Result<SourceEvent, SourceError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(event) = std::task::ready!(self.queue.poll_recv(context)) else {
            // The thread closed the queue, which it does last. Only its result makes the list complete.
            let outcome = self.thread.take().map(JoinHandle::join);
            return Poll::Ready(match outcome {
                None | Some(Ok(Ok(()))) => None,
                Some(Ok(Err(error))) => Some(Err(SourceError::new(error))),
                Some(Err(_)) => Some(Err(SourceError::new(C1zSourceError::ThreadLost))),
            });
        };
        Poll::Ready(Some(Ok(event)))
    }
}

impl Drop for EventStream {
    fn drop(&mut self) {
        self.queue.close();
        let Some(thread) = self.thread.take() else { return };
        // An interrupt only ends a running query, so it is repeated in case the thread is between two queries.
        while !thread.is_finished() {
            self.interrupt.interrupt();
            thread::sleep(Duration::from_millis(1));
        }
        let _ = thread.join();
    }
}
