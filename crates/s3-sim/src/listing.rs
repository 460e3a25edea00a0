//! One page of a listing, from the keys alone.

use std::ops::Bound;

/// The request.
pub(crate) struct ListQuery<'q> {
    pub(crate) prefix: &'q str,
    pub(crate) delimiter: Option<&'q str>,
    /// Keys up to this one are left out.
    pub(crate) start_after: Option<&'q str>,
    /// The last name of the page before: a key or a common prefix.
    pub(crate) resume_after: Option<&'q str>,
    pub(crate) max_names: usize,
}

/// The names of a page, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct ListPage {
    pub(crate) keys: Vec<String>,
    pub(crate) common_prefixes: Vec<String>,
    /// The name to resume after, where there is more.
    pub(crate) last: Option<String>,
}

impl ListQuery<'_> {
    /// Goes through all keys of a map, which must be in order of their bytes.
    pub(crate) fn page<V>(&self, all: &std::collections::BTreeMap<String, V>) -> ListPage {
        let mut page = ListPage::default();
        if self.max_names == 0 {
            return page;
        }
        let mut last: Option<&str> = None;
        let from = (Bound::Included(self.prefix), Bound::Unbounded);
        let below = all.range::<str, _>(from).map(|(key, _)| key.as_str());
        for key in below.take_while(|key| key.starts_with(self.prefix)) {
            let folder = self.common_prefix(key);
            let name = folder.unwrap_or(key);
            // Names come in order, so that comparing with the last one also leaves out the rest of its folder.
            let is_before = self.start_after.is_some_and(|after| key <= after)
                || self.resume_after.is_some_and(|after| name <= after);
            if is_before || last == Some(name) {
                continue;
            }
            if page.keys.len() + page.common_prefixes.len() == self.max_names {
                page.last = last.map(str::to_owned);
                break;
            }
            last = Some(name);
            let names = if folder.is_some() {
                &mut page.common_prefixes
            } else {
                &mut page.keys
            };
            names.push(name.to_owned());
        }
        page
    }

    /// The beginning of a key up to the first delimiter after the prefix.
    fn common_prefix<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.filter(|delimiter| !delimiter.is_empty())?;
        let rest = key.get(self.prefix.len()..)?;
        let at = rest.find(delimiter)?;
        key.get(..self.prefix.len() + at + delimiter.len())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// All pages of a listing, joined.
    fn pages(keys: &[&str], query: &ListQuery<'_>) -> Vec<(Vec<String>, Vec<String>)> {
        let all: BTreeMap<String, u8> = keys.iter().map(|key| ((*key).to_owned(), 0)).collect();
        let mut pages = Vec::new();
        let mut resume: Option<String> = None;
        loop {
            let page = ListQuery {
                resume_after: resume.as_deref(),
                ..*query
            }
            .page(&all);
            pages.push((page.keys, page.common_prefixes));
            resume = page.last;
            if resume.is_none() {
                return pages;
            }
        }
    }

    const KEYS: [&str; 6] = ["a.txt", "a/1", "a/2", "b/1", "b/c/2", "z"];

    #[test]
    fn pages_of_any_size_join_to_the_listing() {
        for max_names in 1..8 {
            let query = ListQuery {
                prefix: "",
                delimiter: Some("/"),
                start_after: None,
                resume_after: None,
                max_names,
            };
            let (keys, folders): (Vec<_>, Vec<_>) = pages(&KEYS, &query).into_iter().unzip();
            assert_eq!(keys.concat(), ["a.txt", "z"]);
            assert_eq!(folders.concat(), ["a/", "b/"]);
        }
    }

    #[test]
    fn a_full_last_page_has_no_successor() {
        let query = ListQuery {
            prefix: "b/",
            delimiter: None,
            start_after: None,
            resume_after: None,
            max_names: 2,
        };
        assert_eq!(pages(&KEYS, &query).len(), 1);
    }

    #[test]
    fn start_after_omits_keys_but_not_their_folder() {
        let query = ListQuery {
            prefix: "",
            delimiter: Some("/"),
            start_after: Some("a/1"),
            resume_after: None,
            max_names: 10,
        };
        let expected = (vec!["z".to_owned()], vec!["a/".to_owned(), "b/".to_owned()]);
        assert_eq!(pages(&KEYS, &query), [expected]);
    }
}
