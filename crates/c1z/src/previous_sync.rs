//! The full sync that a new one is compared with.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use crate::error::C1zError;
use crate::previous_ids::{PreviousId, PreviousIds};
use crate::v3::StoreIds;

/// Where the ids of a previous sync are.
#[derive(Debug)]
pub(crate) enum PreviousSync {
    /// Copied while the rows of a v1 were carried over.
    Spooled(PreviousIds),
    /// In the v3 that is replaced.
    Store(Box<StoreIds>),
}

impl PreviousSync {
    /// Adds its ids to what `begin` makes.
    pub(crate) fn fold<C>(
        self,
        temp_folder: &Path,
        stop: &AtomicBool,
        begin: impl Fn() -> C,
        add: impl Fn(&mut C, PreviousId<'_>),
    ) -> Result<C, C1zError> {
        match self {
            Self::Spooled(spooled) => {
                let mut ids = begin();
                spooled.each(temp_folder, stop, |id| add(&mut ids, id))?;
                Ok(ids)
            }
            Self::Store(store) => store.fold(stop, begin, add),
        }
    }
}
