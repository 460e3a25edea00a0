//! What differs between two syncs: both sides sorted, one look at each record, nothing kept.
//!
//! Whoever compares brings [`Records`] of both sides; [`compare`] joins them. The history of a dataset is kept by the same join
//! ([`Next`], [`changed_fields`]), with more on its old side.

mod change;
mod record;
mod record_kind;
mod removal_policy;
#[cfg(test)]
mod tests;

pub use change::Change;
pub use change::ChangeKind;
pub use change::FieldChange;
pub use change::changed_fields;
pub use record::Next;
pub use record::Record;
pub use record::Records;
pub use record::order;
pub use record_kind::Subject;
pub use removal_policy::Removals;

/// Joins two sides of one kind of records and hands over what differs, in the order of keys.
///
/// # Errors
/// What a side or the taker of changes says.
pub fn compare<E>(
    subject: Subject,
    old: &mut impl Records<Error = E>,
    new: &mut impl Records<Error = E>,
    removals: &Removals,
    take: &mut dyn FnMut(Change) -> Result<(), E>,
) -> Result<(), E> {
    let (mut has_old, mut has_new) = (old.advance()?, new.advance()?);
    loop {
        let (before, after) = (has_old.then_some(&*old), has_new.then_some(&*new));
        let Some(next) = Next::of(subject, before, after) else {
            return Ok(());
        };
        let change = match next {
            Next::Old => removals
                .believes(subject, old)
                .then(|| Change::whole(subject, ChangeKind::Removed, old)),
            Next::New => Some(Change::whole(subject, ChangeKind::Added, new)),
            Next::Both => Change::between(subject, old, new),
        };
        if let Some(change) = change {
            take(change)?;
        }
        if next != Next::New {
            has_old = old.advance()?;
        }
        if next != Next::Old {
            has_new = new.advance()?;
        }
    }
}
