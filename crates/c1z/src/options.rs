//! How files are written and read.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::format::Container;

/// How a [`Writer`](crate::Writer) works.
#[derive(Debug, Clone)]
pub struct WriterOptions {
    /// Folder of the unpacked database and the sort runs while the sync is written. Files there have no names.
    pub temp_folder: PathBuf,
    /// Storage engine of a new file; `None` is [`StorageEngine::Sqlite`]. An existing v3 file stays one.
    pub engine: Option<StorageEngine>,
    /// Which syncs of an existing file are kept. A v3 file keeps none: it has room for one sync.
    pub retention: Retention,
    /// Compression of the file.
    pub compression: Compression,
    /// Limits for unpacking an existing file, and for the unpacked size of the new one.
    pub limits: Limits,
    /// Cancels the work at the next page when it is set.
    pub stop: Arc<AtomicBool>,
}

/// What a c1z keeps its rows in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StorageEngine {
    /// SQLite: the file is a v1.
    Sqlite,
    /// Pebble: the file is a v3.
    Pebble,
}

impl StorageEngine {
    /// The name of the format: `v1` or `v3`.
    #[must_use]
    pub fn format(self) -> &'static str {
        match self {
            Self::Sqlite => "v1",
            Self::Pebble => "v3",
        }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Sqlite => Self::Pebble,
            Self::Pebble => Self::Sqlite,
        }
    }

    /// The engine of the file that is written. An existing file keeps its engine, except that a v1 becomes a v3 on request. New
    /// files are v1, which all readers read (docs/reference/c1z.md §0, §1.3).
    pub(crate) fn choose(existing: &Container, requested: Option<Self>) -> Self {
        match (existing, requested) {
            (Container::V3, _) | (_, Some(Self::Pebble)) => Self::Pebble,
            _ => Self::Sqlite,
        }
    }
}

/// How many syncs a file keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Full syncs, the new one included.
    pub full_syncs: usize,
    /// Keep every sync instead.
    pub keep_all: bool,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            full_syncs: 2,
            keep_all: false,
        }
    }
}

/// How hard to compress.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compression {
    /// zstd level; higher is smaller and slower. `None` is the default of the storage engine.
    pub level: Option<i32>,
    /// Threads beside the calling one.
    pub threads: u32,
}

impl Default for Compression {
    fn default() -> Self {
        Self {
            level: None,
            threads: 2,
        }
    }
}

impl Compression {
    /// The zstd level for files of an engine. Measured on 1M grants (`examples/bulk.rs` takes a level to try): for SQLite higher
    /// levels took longer and saved nothing; for Pebble level 3 took a tenth longer than 1 and made tables with few
    /// different values a third smaller.
    pub(crate) fn level_for(self, engine: StorageEngine) -> i32 {
        self.level.unwrap_or(match engine {
            StorageEngine::Sqlite => 1,
            StorageEngine::Pebble => 3,
        })
    }
}

/// How much a file may unpack to. The defaults are those of baton-sdk (docs/reference/c1z.md §1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the unpacked file.
    pub decoded_bytes: u64,
    /// Bytes of zstd's window, and of a row.
    pub window_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            decoded_bytes: 10 << 30,
            window_bytes: 128 << 20,
        }
    }
}

impl Limits {
    /// The window as zstd takes it: the exponent of a power of two, in the range of the format.
    pub(crate) fn window_log(self) -> u32 {
        let largest = if cfg!(target_pointer_width = "64") { 31 } else { 30 };
        self.window_bytes.max(1).ilog2().clamp(10, largest)
    }
}
