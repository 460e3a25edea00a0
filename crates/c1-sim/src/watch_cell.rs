//! State that a server changes and a test waits for.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
pub(crate) struct WatchCell<T>(Arc<(Mutex<T>, Condvar)>);

impl<T> Clone for WatchCell<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> WatchCell<T> {
    pub(crate) fn new(state: T) -> Self {
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    pub(crate) fn read(&self) -> MutexGuard<'_, T> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.read());
        self.0.1.notify_all();
        result
    }

    /// Blocks until there is what is looked for; `None` if it does not come in time.
    pub(crate) fn wait_for<R>(&self, timeout: Duration, look: impl Fn(&T) -> Option<R>) -> Option<R> {
        let (state, changed) = &*self.0;
        let guard = state.lock().unwrap_or_else(PoisonError::into_inner);
        let (guard, _) = changed
            .wait_timeout_while(guard, timeout, |state| look(state).is_none())
            .unwrap_or_else(PoisonError::into_inner);
        look(&guard)
    }
}
