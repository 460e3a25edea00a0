use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// State that a server changes and a test waits for. Clones share the state.
#[derive(Debug, Default)]
pub struct WatchCell<T>(Arc<(Mutex<T>, Condvar)>);

impl<T> Clone for WatchCell<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> WatchCell<T> {
    /// A cell with its first state.
    pub fn new(state: T) -> Self {
        Self(Arc::new((Mutex::new(state), Condvar::new())))
    }

    /// Locks the state to read it.
    pub fn read(&self) -> MutexGuard<'_, T> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes everyone who waits for a change.
    pub fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(&mut self.read());
        self.0.1.notify_all();
        result
    }

    /// Blocks until `find` returns a value for the state; `None` after the timeout.
    pub fn wait_for<R>(&self, timeout: Duration, find: impl Fn(&T) -> Option<R>) -> Option<R> {
        let (state, changed) = &*self.0;
        let guard = state.lock().unwrap_or_else(PoisonError::into_inner);
        let (guard, _) = changed
            .wait_timeout_while(guard, timeout, |state| find(state).is_none())
            .unwrap_or_else(PoisonError::into_inner);
        find(&guard)
    }
}
