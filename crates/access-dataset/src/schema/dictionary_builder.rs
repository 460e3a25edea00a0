//! Gathers the words of a column.

use arrow::array::{DictionaryArray, StringDictionaryBuilder};
use arrow::datatypes::Int32Type;

/// Gathers words. In a sorted table most rows say what the row before said, so a word is looked up once a run.
#[derive(Default)]
pub struct DictionaryBuilder {
    words: StringDictionaryBuilder<Int32Type>,
    /// What the last rows said, and how many of them.
    word: String,
    run: usize,
}

impl DictionaryBuilder {
    /// Without words.
    #[must_use]
    pub fn new() -> Self {
        Self {
            words: StringDictionaryBuilder::new(),
            word: String::new(),
            run: 0,
        }
    }

    /// Adds a row's word, or none.
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

    /// The words so far.
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
