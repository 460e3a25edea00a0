//! Lists that come in pages by id.

use crate::NinjaOneError;
use crate::client::{NinjaOneClient, TakeElement};
use crate::wire::{Id, Row};

/// Rows asked for at a time (NinjaOne facts §3.2: what careful clients use).
const PAGE_ROWS: usize = 1000;

/// A row that pages are told apart by.
pub(crate) trait Keyed {
    fn id(&self) -> Id;
}

/// Reads a list page by page.
#[derive(Debug)]
pub(crate) struct Pages {
    path: &'static str,
    after: Option<u64>,
}

impl Pages {
    pub(crate) fn new(path: &'static str) -> Self {
        Self { path, after: None }
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
        let (page, count, _) = client
            .list::<Row<T>, Page<T>>(self.path, &query, Page(Vec::new()))
            .await?;
        if count == 0 {
            return Ok(None);
        }
        let ids = page.0.iter().filter_map(|row| match row {
            Row::Object(row) => row.id().0,
            Row::Other => None,
        });
        let highest = ids.max();
        if highest <= self.after {
            let request = format!("GET {}{}", client.tenant().trim_end_matches('/'), self.path);
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

impl<T> TakeElement<Row<T>> for Page<T> {
    fn take(&mut self, row: Row<T>) -> bool {
        self.0.push(row);
        true
    }

    fn again(&mut self) {
        self.0.clear();
    }
}
