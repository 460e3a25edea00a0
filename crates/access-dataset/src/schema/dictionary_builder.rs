//! Builds a dictionary column.

use arrow::array::{DictionaryArray, StringDictionaryBuilder};
use arrow::datatypes::Int32Type;

/// Builds a dictionary column. In a sorted table most rows repeat the previous value, so a value is looked up once a run.
#[derive(Default)]
pub struct DictionaryBuilder {
    words: StringDictionaryBuilder<Int32Type>,
    /// The value of the last rows, and their number.
    word: String,
    run: usize,
}

impl DictionaryBuilder {
    /// An empty builder.
    #[must_use]
    pub fn new() -> Self {
        Self {
            words: StringDictionaryBuilder::new(),
            word: String::new(),
            run: 0,
        }
    }

    /// Adds the value of a row, or null.
    pub fn append_option(&mut self, word: Option<&str>) {
        match word {
            Some(word) if self.run > 0 && self.word == word => self.run += 1,
            Some(word) => {
                self.end_run();
                self.word.clear();
                self.word.push_str(word);
                self.run = 1;
            }
            None => {
                self.end_run();
                self.words.append_null();
            }
        }
    }

    fn end_run(&mut self) {
        if self.run > 0 {
            self.words.append_values(&self.word, self.run);
            self.run = 0;
        }
    }

    /// The column of the rows so far.
    pub fn finish(&mut self) -> DictionaryArray<Int32Type> {
        self.end_run();
        self.words.finish()
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
                for word in &batch {
                    runs.append_option(word.as_deref());
                    single.append_option(word.as_deref());
                }
                prop_assert_eq!(runs.finish(), single.finish());
            }
        }
    }
}
