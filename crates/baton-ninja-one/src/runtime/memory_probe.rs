//! The memory of this process, according to the system.

use std::fs;
use std::sync::OnceLock;

use access_core::memory::MemoryUsage;

/// The current memory of the process; `None` if the system does not report it.
pub(crate) fn probe() -> Option<MemoryUsage> {
    // In pages: address space, resident set, and its file-backed part.
    let counts = fs::read_to_string("/proc/self/statm").ok()?;
    let mut counts = counts
        .split_ascii_whitespace()
        .map_while(|count| count.parse::<u64>().ok());
    let (size, resident, shared) = (counts.next()?, counts.next()?, counts.next()?);
    let page = page_bytes();
    Some(MemoryUsage {
        resident: resident.saturating_sub(shared) * page,
        address_space_left: address_space().map(|limit| limit.saturating_sub(size * page)),
    })
}

/// The limit of the address space, if there is one. Read once, because it does not change.
fn address_space() -> Option<u64> {
    static LIMIT: OnceLock<Option<u64>> = OnceLock::new();
    *LIMIT.get_or_init(|| {
        let limits = fs::read_to_string("/proc/self/limits").ok()?;
        let mut lines = limits.lines();
        let line = lines.find_map(|line| line.strip_prefix("Max address space"))?;
        line.split_ascii_whitespace().next()?.parse().ok()
    })
}

/// The page size, from the auxiliary vector.
fn page_bytes() -> u64 {
    const DEFAULT: u64 = 4096;
    static PAGE: OnceLock<u64> = OnceLock::new();
    *PAGE.get_or_init(|| {
        /// The key of the page size in the auxiliary vector.
        const PAGE_SIZE: usize = 6;
        const WORD: usize = size_of::<usize>();
        let vector = fs::read("/proc/self/auxv").unwrap_or_default();
        let (words, _) = vector.as_chunks::<WORD>();
        let mut pairs = words.chunks_exact(2);
        let size = pairs.find(|pair| usize::from_ne_bytes(pair[0]) == PAGE_SIZE);
        size.map_or(DEFAULT, |pair| usize::from_ne_bytes(pair[1]) as u64)
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn allocations_are_visible() {
        let before = probe().unwrap().resident;
        let taken = vec![1_u8; 64 << 20];
        let after = probe().unwrap().resident;
        assert!(after >= before + (60 << 20), "{before} {after} {}", taken.len());
        assert!(page_bytes().is_power_of_two() && page_bytes() >= 4096);
    }
}
