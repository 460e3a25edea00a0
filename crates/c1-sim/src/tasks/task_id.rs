use std::fmt;

use ring::rand::{SecureRandom, SystemRandom};

/// The id of a task: 27 letters and digits (docs/reference/conductorone.md §3.5).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TaskId(String);

/// A text that is not a task id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no task id: those have 27 letters and digits")]
pub struct InvalidTaskId(
    /// The text.
    pub String,
);

impl TaskId {
    /// Parses an id.
    ///
    /// # Errors
    /// [`InvalidTaskId`] if it has another form.
    pub fn parse(text: &str) -> Result<Self, InvalidTaskId> {
        let is_valid = text.len() == 27 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_valid
            .then(|| Self(text.to_owned()))
            .ok_or_else(|| InvalidTaskId(text.to_owned()))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A unique id: the number of the task, and random digits so that tenants do not share ids.
    pub(super) fn generate(number: usize) -> Self {
        let mut random = [0; 8];
        // Without randomness the number alone is still unique within a tenant.
        let _ = SystemRandom::new().fill(&mut random);
        Self(format!("sim{number:08}{:016x}", u64::from_be_bytes(random)))
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
