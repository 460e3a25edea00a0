//! What differs between two syncs: both sides sorted, one look at each record, nothing kept.
//!
//! Whoever compares brings [`Records`] of both sides; [`compare`] joins them. The history of a dataset is kept by the same join
//! ([`JoinSide`], [`changed_fields`]), with more on its old side.

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
pub use record::order;
pub use record_kind::RecordKind;
pub use removal_policy::RemovalPolicy;

/// Joins two sides of one kind of records and hands over what differs, in the order of keys.
///
/// # Errors
/// What a side or the taker of changes says.
pub fn compare<E>(
    subject: RecordKind,
    old: &mut impl Records<Error = E>,
    new: &mut impl Records<Error = E>,
    removals: &RemovalPolicy,
    take: &mut dyn FnMut(RecordChange) -> Result<(), E>,
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
                .then(|| RecordChange::whole(subject, ChangeKind::Removed, old)),
            JoinSide::New => Some(RecordChange::whole(subject, ChangeKind::Added, new)),
            JoinSide::Both => RecordChange::between(subject, old, new),
        };
        if let Some(change) = change {
            take(change)?;
        }
        if next != JoinSide::New {
            has_old = old.advance()?;
        }
        if next != JoinSide::Old {
            has_new = new.advance()?;
        }
    }
}
