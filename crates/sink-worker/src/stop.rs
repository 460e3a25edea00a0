//! The flag that cancels long work.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A flag that the async side sets and a worker checks between two steps. Dropping it sets the flag.
#[derive(Debug, Default)]
pub struct StopFlag(Arc<AtomicBool>);

impl StopFlag {
    /// The flag as the worker gets it.
    #[must_use]
    pub fn shared(&self) -> &Arc<AtomicBool> {
        &self.0
    }

    /// Cancels the worker.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Drop for StopFlag {
    fn drop(&mut self) {
        self.raise();
    }
}
