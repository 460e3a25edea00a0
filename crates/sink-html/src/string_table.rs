//! Texts that many rows share, each stored once.

use std::collections::HashMap;
use std::sync::Arc;

/// The index of a text in [`StringTable`].
pub(crate) type StringId = u32;

/// Texts by the order in which they were first met.
#[derive(Debug, Default)]
pub(crate) struct StringTable {
    list: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, StringId>,
}

impl StringTable {
    /// The id of a text, which is added if it is new.
    pub(crate) fn intern(&mut self, text: &str) -> StringId {
        if let Some(intern) = self.ids.get(text) {
            return *intern;
        }
        let intern = StringId::try_from(self.list.len()).unwrap_or(StringId::MAX);
        let text: Arc<str> = text.into();
        self.list.push(Arc::clone(&text));
        self.ids.insert(text, intern);
        intern
    }

    /// The text of an id.
    pub(crate) fn text(&self, intern: StringId) -> &str {
        self.list.get(intern as usize).map_or("", |text| text)
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.list.iter().map(|text| &**text)
    }
}
