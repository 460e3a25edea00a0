//! The memory budget of the process. What single answers, texts, lists and batches may take is bounded where they are read;
//! the budget bounds all of it together. Memory belongs to the process, and so does the budget: it is set once, and everything
//! that takes memory in steps (the parser of an answer, the pipeline, readers of datasets and c1z files) checks it between
//! two of them.

use std::sync::OnceLock;

use crate::{Diagnostic, StatusCode};

/// How much memory the process may take, and how to find out what it takes.
#[derive(Debug, Clone, Copy)]
pub struct MemoryBudget {
    /// The most, in bytes.
    pub limit: u64,
    /// What the process takes now.
    pub probe: fn() -> Option<MemoryUsage>,
}

/// What the process takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryUsage {
    /// Memory of its own that is resident, in bytes.
    pub resident: u64,
    /// Address space that the system still gives it, in bytes; `None` without a limit.
    pub address_space_left: Option<u64>,
}

/// Address space that must be left, in bytes: less may not do for what happens between two checks. A failed allocation
/// cannot be answered with anything but the end of the process.
const MIN_ADDRESS_SPACE: u64 = 48 << 20;

/// The budget is spent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MemoryExhausted {
    /// More is resident than the budget allows.
    #[error("the memory budget of {} MiB is spent", limit >> 20)]
    Budget {
        /// The budget, in bytes.
        limit: u64,
    },
    /// The system's limit on the address space is near.
    #[error("only {} MiB are left of the address space that the system allows", left >> 20)]
    AddressSpace {
        /// What is left, in bytes.
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
                "raise --max-memory-mib if the tenant is this large; docs/PERFORMANCE.md says what users, roles and organizations take"
            }
            Self::AddressSpace { .. } => "raise the limit on the address space (ulimit -v)",
        };
        Some(hint.to_owned())
    }
}

static BUDGET: OnceLock<MemoryBudget> = OnceLock::new();

/// Sets the budget of the process. The first one holds.
pub fn set_budget(budget: MemoryBudget) {
    // Settings are read once; whoever comes later has the same.
    let _ = BUDGET.set(budget);
}

/// Checks whether the budget is spent. Costs a few microseconds; without a budget, or where the system does not say what
/// the process takes, it never is.
///
/// # Errors
/// [`MemoryExhausted`] if it is.
pub fn check() -> Result<(), MemoryExhausted> {
    match BUDGET.get() {
        Some(budget) => (budget.probe)().map_or(Ok(()), |used| judge(budget.limit, used)),
        None => Ok(()),
    }
}

fn judge(limit: u64, used: MemoryUsage) -> Result<(), MemoryExhausted> {
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
    fn a_budget_is_spent_by_what_is_resident_and_by_what_the_system_gives() {
        const MIB: u64 = 1 << 20;
        let judged = |resident, left: Option<u64>| {
            let used = MemoryUsage {
                resident: resident * MIB,
                address_space_left: left.map(|left| left * MIB),
            };
            judge(100 * MIB, used)
        };
        assert_eq!(judged(100, None), Ok(()));
        assert_eq!(judged(100, Some(48)), Ok(()));
        let spent = judged(101, None).unwrap_err();
        assert_eq!(spent.to_string(), "the memory budget of 100 MiB is spent");
        assert_eq!(spent.status(), StatusCode::ResourceExhausted);
        let spent = judged(5, Some(47)).unwrap_err();
        assert_eq!(
            spent.to_string(),
            "only 47 MiB are left of the address space that the system allows"
        );
        assert_eq!(check(), Ok(()), "without a budget none is spent");
    }
}
