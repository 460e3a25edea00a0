//! The pipeline's end of the queue.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use access_core::ports::{SourceError, SourceEvent};
use c1z::Interrupt;
use futures::Stream;
use tokio::sync::mpsc;

use crate::error::C1zSourceError;

/// What a reading thread gives.
pub(crate) type Outcome = Result<(), C1zSourceError>;

/// What arrives from the reading thread, and how it ended. Dropping it stops the thread and waits for its end, a few
/// milliseconds away, so that the unpacked copy never outlives the source.
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
        // An interrupt ends the query that runs now; between two queries there is nothing to end, hence again and again.
        while !thread.is_finished() {
            self.interrupt.interrupt();
            thread::sleep(Duration::from_millis(1));
        }
        let _ = thread.join();
    }
}
