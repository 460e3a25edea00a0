//! Worker threads behind access sinks. Work that needs the processor or waits for the disk does not belong on the async runtime,
//! so a sink does it on a separate thread.
//!
//! [`Worker`] is a thread with a bounded queue. [`FileWorker`] is a complete
//! [`SinkWriter`](access_core::ports::SinkWriter) over one: a sink that writes a file implements [`FileJob`], which never sees the
//! async side. [`StopFlag`] cancels long work.

mod file_worker;
mod stop;
mod worker;

pub use file_worker::{FileJob, FileWorker, PreparedJob, PublishedFile, StartError, WorkerLost};
pub use stop::StopFlag;
pub use worker::{Queue, Worker};
