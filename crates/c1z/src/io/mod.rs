//! Files and temporary folders.

pub(crate) mod atomic_file;
pub(crate) mod external_sort;
pub(crate) mod retry;
pub(crate) mod temp_dir;
