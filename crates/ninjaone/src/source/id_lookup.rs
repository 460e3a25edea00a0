//! Lookups of ids that mostly ascend, such as those of a role's members.

/// A sorted list of ids, with the position of the last lookup. A lookup that is not far ahead of the last one takes a few
/// steps; the list of users is long, and a role can have all of them as members.
#[derive(Debug)]
pub(super) struct IdLookup<'a> {
    ids: &'a [u64],
    /// No id before this position is greater than the last one that was looked up.
    position: usize,
}

impl<'a> IdLookup<'a> {
    pub(super) fn new(ids: &'a [u64]) -> Self {
        Self { ids, position: 0 }
    }

    /// Whether the list contains an id.
    pub(super) fn contains(&mut self, id: u64) -> bool {
        if self.ids.get(self.position).is_none_or(|next| *next > id) {
            self.position = 0;
        }
        let ahead = self.ids.get(self.position..).unwrap_or_default();
        let mut end = 1;
        while ahead.get(end).is_some_and(|next| *next < id) {
            end *= 2;
        }
        let (begin, end) = (end / 2, ahead.len().min(end + 1));
        let found = ahead.get(begin..end).unwrap_or_default().binary_search(&id);
        self.position += begin + found.unwrap_or_else(|next| next);
        found.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn lookups_in_any_order_find_what_is_listed(
            mut ids in prop::collection::vec(0_u64..60, 0..40),
            lookups in prop::collection::vec(0_u64..60, 0..80),
        ) {
            ids.sort_unstable();
            let mut lookup = IdLookup::new(&ids);
            for id in lookups {
                prop_assert_eq!(lookup.contains(id), ids.contains(&id), "{}", id);
            }
        }
    }
}
