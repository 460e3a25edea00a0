//! Builds a dictionary column.

use arrow::array::{DictionaryArray, StringDictionaryBuilder};
use arrow::datatypes::Int32Type;

/// Builds a dictionary column. In a sorted table most rows repeat the previous value, so a value is looked up once a run.
#[derive(Default)]
pub struct DictionaryBuilder {
    values: StringDictionaryBuilder<Int32Type>,
    /// The value of the last rows, and their number.
    value: String,
    run: usize,
}

impl DictionaryBuilder {
    /// An empty builder.
    #[must_use]
    pub fn new() -> Self {
        Self {
            values: StringDictionaryBuilder::new(),
            value: String::new(),
            run: 0,
        }
    }

    /// Adds the value of a row, or null.
    pub fn append_option(&mut self, value: Option<&str>) {
        match value {
            Some(value) if self.run > 0 && self.value == value => self.run += 1,
            Some(value) => {
                self.end_run();
                self.value.clear();
                self.value.push_str(value);
                self.run = 1;
            }
            None => {
                self.end_run();
                self.values.append_null();
            }
        }
    }

    fn end_run(&mut self) {
        if self.run > 0 {
            self.values.append_values(&self.value, self.run);
            self.run = 0;
        }
    }

    /// The column of the rows so far.
    pub fn finish(&mut self) -> DictionaryArray<Int32Type> {
        self.end_run();
        self.values.finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn runs_make_no_difference(batches in prop::collection::vec(prop::collection::vec(prop::option::of("[ab]?"), 0..20), 1..4)) {
            let (mut runs, mut single) = (DictionaryBuilder::new(), StringDictionaryBuilder::<Int32Type>::new());
            for batch in batches {
                for value in &batch {
                    runs.append_option(value.as_deref());
                    single.append_option(value.as_deref());
                }
                prop_assert_eq!(runs.finish(), single.finish());
            }
        }
    }
}
