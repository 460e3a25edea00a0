//! Lists that come in pages by id.

use crate::NinjaOneError;
use crate::client::{ListEnd, MOST_ELEMENTS, NinjaOneClient, TakeElement};
use crate::wire::{Id, Row};

/// Rows asked for at a time (NinjaOne facts §3.2: what careful clients use).
pub(crate) const PAGE_ROWS: usize = 1000;
/// The longest page that is kept. A server may give more than was asked for; a hostile one must not fill memory.
const MOST_ROWS: usize = 100_000;

/// A row that pages are told apart by.
pub(crate) trait Keyed {
    fn id(&self) -> Id;
}

/// Reads a list page by page.
#[derive(Debug)]
pub(crate) struct Pages {
    path: &'static str,
    after: Option<u64>,
    rows: u64,
}

impl Pages {
    pub(crate) fn new(path: &'static str) -> Self {
        Self {
            path,
            after: None,
            rows: 0,
        }
    }

    /// The next page; `None` after the last one, which is an empty one: a short page may be a server's own limit
    /// (NinjaOne facts §12, question 15).
    pub(crate) async fn next<T>(
        &mut self,
        client: &NinjaOneClient,
    ) -> Result<Option<Vec<Row<T>>>, NinjaOneError>
    where
        T: Keyed + Send + for<'de> serde::Deserialize<'de> + 'static,
    {
        let mut query = vec![("pageSize", PAGE_ROWS.to_string())];
        query.extend(self.after.map(|after| ("after", after.to_string())));
        let (page, count, end) = client
            .list::<Row<T>, Page<T>>(self.path, &query, Page(Vec::new()))
            .await?;
        if count == 0 {
            return Ok(None);
        }
        let request = client.shown(self.path);
        self.rows += count;
        if matches!(end, ListEnd::Enough) || self.rows > MOST_ELEMENTS {
            let reason = format!("{} entries in its pages, and more to come", self.rows);
            return Err(NinjaOneError::Malformed { request, reason });
        }
        // Going on from an id that cannot be one would skip all that lie before it (NinjaOne facts §11.5: int32).
        let highest = page.ids().filter(|id| i32::try_from(*id).is_ok()).max();
        if highest <= self.after {
            return Err(NinjaOneError::NoProgress {
                request,
                after: self.after.unwrap_or(0),
            });
        }
        self.after = highest;
        Ok(Some(page.0))
    }
}

struct Page<T>(Vec<Row<T>>);

impl<T: Keyed> Page<T> {
    fn ids(&self) -> impl Iterator<Item = u64> {
        self.0.iter().filter_map(|row| match row {
            Row::Object(row) => row.id().0,
            Row::Other => None,
        })
    }
}

impl<T: Keyed> TakeElement<Row<T>> for Page<T> {
    fn take(&mut self, row: Row<T>) -> bool {
        self.0.push(row);
        self.0.len() < MOST_ROWS
    }

    fn has_used(&self) -> bool {
        self.ids().next().is_some()
    }

    fn again(&mut self) {
        self.0.clear();
    }
}
