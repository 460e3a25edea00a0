//! What to read beyond the core types.

/// What to read beyond the core types.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SourceOptions {
    /// Read devices, and the end users who may access or are assigned them.
    pub devices: bool,
}
