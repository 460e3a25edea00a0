//! Differences between two syncs, computed by a merge join over sorted records in constant memory.
//!
//! The caller provides sorted [`Records`] of both sides, and [`compare`] joins them. The history tables of a dataset
//! use the same join ([`JoinSide`], [`changed_fields`]) with additional state on the old side.

mod change;
mod record;
mod record_kind;
mod removal_policy;
#[cfg(test)]
mod tests;

pub use change::ChangeKind;
pub use change::FieldChange;
pub use change::RecordChange;
pub use change::changed_fields;
pub use record::JoinSide;
pub use record::Record;
pub use record::Records;
pub use record::compare_keys;
pub use record_kind::RecordKind;
pub use removal_policy::RemovalPolicy;

/// Compares two sides of one record kind and passes each change to `visit`, in key order.
///
/// # Errors
/// Errors of either side or of `visit`.
pub fn compare<E>(
    subject: RecordKind,
    old: &mut impl Records<Error = E>,
    new: &mut impl Records<Error = E>,
    removals: &RemovalPolicy,
    visit: &mut dyn FnMut(RecordChange) -> Result<(), E>,
) -> Result<(), E> {
    let (mut has_old, mut has_new) = (old.advance()?, new.advance()?);
    loop {
        let (before, after) = (has_old.then_some(&*old), has_new.then_some(&*new));
        let Some(next) = JoinSide::next(subject, before, after) else {
            return Ok(());
        };
        let change = match next {
            JoinSide::Old => removals
                .confirms(subject, old)
                .then(|| RecordChange::added_or_removed(subject, ChangeKind::Removed, old)),
            JoinSide::New => Some(RecordChange::added_or_removed(subject, ChangeKind::Added, new)),
            JoinSide::Both => RecordChange::between(subject, old, new),
        };
        if let Some(change) = change {
            visit(change)?;
        }
        if next != JoinSide::New {
            has_old = old.advance()?;
        }
        if next != JoinSide::Old {
            has_new = new.advance()?;
        }
    }
}
