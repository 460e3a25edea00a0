//! A thread with a bounded queue.

use std::io;
use std::thread::{Builder, JoinHandle};

use tokio::sync::mpsc;

/// Capacity of the queue, in messages.
const QUEUE_CAPACITY: usize = 2;

/// A thread that receives messages `M` from a queue and returns a `T`.
///
/// ```
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let mut worker = sink_worker::Worker::start("sum", |numbers| numbers.sum::<u64>()).unwrap();
/// assert!(worker.send(1).await && worker.send(2).await);
/// assert_eq!(worker.join().await, Some(3));
/// # });
/// ```
#[derive(Debug)]
pub struct Worker<M, T> {
    messages: Option<mpsc::Sender<M>>,
    thread: Option<JoinHandle<T>>,
}

/// The messages of a [`Worker`], on its thread. The iterator ends when the async side closes the queue.
#[derive(Debug)]
pub struct Queue<M>(mpsc::Receiver<M>);

impl<M> Iterator for Queue<M> {
    type Item = M;

    fn next(&mut self) -> Option<M> {
        self.0.blocking_recv()
    }
}

impl<M: Send + 'static, T: Send + 'static> Worker<M, T> {
    /// Starts a thread of this name.
    ///
    /// # Errors
    /// If the system has no thread left.
    pub fn start(name: &str, body: impl FnOnce(Queue<M>) -> T + Send + 'static) -> io::Result<Self> {
        let (messages, queue) = mpsc::channel(QUEUE_CAPACITY);
        let builder = Builder::new().name(name.to_owned());
        let thread = builder.spawn(move || body(Queue(queue)))?;
        Ok(Self {
            messages: Some(messages),
            thread: Some(thread),
        })
    }

    /// Sends a message, as soon as the queue has room. `false` if the thread has ended; [`join`](Self::join) returns the reason.
    pub async fn send(&mut self, message: M) -> bool {
        match &self.messages {
            Some(messages) => messages.send(message).await.is_ok(),
            None => false,
        }
    }

    /// Closes the queue and waits for the thread's end. `None` if it panicked or was waited for before.
    pub async fn join(&mut self) -> Option<T> {
        self.messages = None;
        let thread = self.thread.take()?;
        let joined = tokio::task::spawn_blocking(move || thread.join()).await;
        joined.ok()?.ok()
    }

    /// [`join`](Self::join) for `drop`: blocks.
    pub fn join_blocking(&mut self) -> Option<T> {
        self.messages = None;
        self.thread.take()?.join().ok()
    }
}
