//! The memory budget of the process. Single responses, texts, lists and batches are bounded where they are read; the
//! budget bounds their sum. It is set once per process. Code that allocates in steps (response parsers, the pipeline,
//! dataset and c1z readers) calls [`check`] between two steps.

use std::sync::OnceLock;

use crate::{Diagnostic, StatusCode};

/// The memory limit and the function that measures the current usage.
#[derive(Debug, Clone, Copy)]
pub struct MemoryBudget {
    /// Maximum resident memory, in bytes.
    pub limit: u64,
    /// Measures the current usage; `None` if the system does not report it.
    pub probe: fn() -> Option<MemoryUsage>,
}

/// Memory usage of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryUsage {
    /// Private resident memory, in bytes.
    pub resident: u64,
    /// Remaining address space, in bytes; `None` without a limit.
    pub address_space_left: Option<u64>,
}

/// Minimum remaining address space, in bytes: enough for the allocations between two checks. A failed allocation would
/// abort the process.
const MIN_ADDRESS_SPACE: u64 = 48 << 20;

/// The memory budget is exhausted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MemoryExhausted {
    /// Resident memory exceeds the budget.
    #[error("the memory budget of {} MiB is spent", limit >> 20)]
    Budget {
        /// The budget, in bytes.
        limit: u64,
    },
    /// The limit on the address space is almost reached.
    #[error("only {} MiB are left of the address space that the system allows", left >> 20)]
    AddressSpace {
        /// Remaining address space, in bytes.
        left: u64,
    },
}

impl Diagnostic for MemoryExhausted {
    fn status(&self) -> StatusCode {
        StatusCode::ResourceExhausted
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Budget { .. } => {
                "raise --max-memory-mib if the tenant is this large; docs/reference/performance.md lists the memory per user, role and organization"
            }
            Self::AddressSpace { .. } => "raise the limit on the address space (ulimit -v)",
        };
        Some(hint.to_owned())
    }
}

static BUDGET: OnceLock<MemoryBudget> = OnceLock::new();

/// Sets the budget of the process. Later calls have no effect.
pub fn set_budget(budget: MemoryBudget) {
    // Settings are read once, so a second value would be the same.
    let _ = BUDGET.set(budget);
}

/// Checks usage against the budget. Takes a few microseconds. Succeeds if no budget is set or the usage is unknown.
///
/// # Errors
/// [`MemoryExhausted`] if usage exceeds the budget.
pub fn check() -> Result<(), MemoryExhausted> {
    match BUDGET.get() {
        Some(budget) => (budget.probe)().map_or(Ok(()), |used| evaluate(budget.limit, used)),
        None => Ok(()),
    }
}

fn evaluate(limit: u64, used: MemoryUsage) -> Result<(), MemoryExhausted> {
    if used.resident > limit {
        return Err(MemoryExhausted::Budget { limit });
    }
    match used.address_space_left {
        Some(left) if left < MIN_ADDRESS_SPACE => Err(MemoryExhausted::AddressSpace { left }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budget_counts_resident_memory_and_address_space() {
        const MIB: u64 = 1 << 20;
        let evaluated = |resident, left: Option<u64>| {
            let used = MemoryUsage {
                resident: resident * MIB,
                address_space_left: left.map(|left| left * MIB),
            };
            evaluate(100 * MIB, used)
        };
        assert_eq!(evaluated(100, None), Ok(()));
        assert_eq!(evaluated(100, Some(48)), Ok(()));
        let spent = evaluated(101, None).unwrap_err();
        assert_eq!(spent.to_string(), "the memory budget of 100 MiB is spent");
        assert_eq!(spent.status(), StatusCode::ResourceExhausted);
        let spent = evaluated(5, Some(47)).unwrap_err();
        assert_eq!(
            spent.to_string(),
            "only 47 MiB are left of the address space that the system allows"
        );
        assert_eq!(check(), Ok(()), "without a budget none is spent");
    }
}
