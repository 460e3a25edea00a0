//! Lists that are paginated by id.

use access_core::model::ResourceTypeId;

use super::batch_buffer::BatchBuffer;
use super::event_sender::EventSender;
use super::findings::Findings;
use crate::NinjaOneError;
use crate::api::PagedRow;
use crate::api::Row;
use crate::client::{ListConsumer, ListEnd, NinjaOneClient, PAGE_ROWS, Remark, format_thousands};

/// Maximum rows of a page. A server may return more than requested; a hostile one must not fill memory.
const MAX_PAGE_ROWS: usize = 100_000;
/// Maximum pages of a list: 100,000 rows even if pages have a twentieth of the requested length.
const MAX_PAGES: u64 = 2_000;

/// Reads a list page by page.
#[derive(Debug)]
pub(crate) struct PageReader {
    path: &'static str,
    /// The type of the list's resources.
    resource_type: fn() -> ResourceTypeId,
    after: Option<u64>,
    rows: u64,
    /// Rows of the last page with new rows, and of the longest one.
    last: u64,
    longest: u64,
    /// Number of pages with new rows, and of those as long as the longest.
    advanced: u64,
    as_long: u64,
    ended: bool,
}

impl PageReader {
    pub(crate) fn new(path: &'static str, resource_type: fn() -> ResourceTypeId) -> Self {
        Self {
            path,
            resource_type,
            after: None,
            rows: 0,
            last: 0,
            longest: 0,
            advanced: 0,
            as_long: 0,
            ended: false,
        }
    }

    /// Whether the last page before the empty one had full length, so that the list may be truncated.
    pub(crate) fn may_be_truncated(&self) -> bool {
        let is_round = self.last >= 100 && self.last.is_multiple_of(100);
        self.last >= PAGE_ROWS as u64 || is_round || (self.advanced > 1 && self.last == self.longest)
    }

    /// The next page; `None` at the empty page that ends the list. A short page may be a limit of the server
    /// (docs/reference/ninjaone-api.md §12, question 15).
    pub(crate) async fn next<T>(
        &mut self,
        client: &NinjaOneClient,
    ) -> Result<Option<Vec<Row<T>>>, NinjaOneError>
    where
        T: PagedRow + Send + for<'de> serde::Deserialize<'de> + 'static,
    {
        if self.ended {
            return Ok(None);
        }
        let mut query = vec![("pageSize", PAGE_ROWS.to_string())];
        query.extend(self.after.map(|after| ("after", after.to_string())));
        let (mut page, count, end) = client
            .list::<Row<T>, Page<T>>(self.path, &query, Page::default())
            .await?;
        if count == 0 {
            return Ok(None);
        }
        let request = client.display_request(self.path);
        self.rows += count;
        if self.rows > T::MAX_ROWS {
            let reason = format!(
                "its pages have more than {} entries",
                format_thousands(T::MAX_ROWS)
            );
            return Err(NinjaOneError::TooLarge { request, reason });
        }
        if self.advanced >= MAX_PAGES {
            let reason = format!(
                "it has more than {} pages, with {} entries so far",
                format_thousands(MAX_PAGES),
                format_thousands(self.rows)
            );
            return Err(NinjaOneError::TooLarge { request, reason });
        }
        if matches!(end, ListEnd::Stopped) {
            let reason = format!("{} entries in its pages, and more to come", self.rows);
            return Err(NinjaOneError::Malformed { request, reason });
        }
        // Continuing after an invalid id would skip all ids before it (docs/reference/ninjaone-api.md §11.5: int32).
        let highest = page.ids().filter(|id| i32::try_from(*id).is_ok()).max();
        if let Some(after) = self.after
            && highest <= self.after
        {
            self.end(client, request, after, count, page.ids().all(|id| id == after))?;
            page.leave_out(after);
            return Ok((!page.rows.is_empty()).then_some(page.rows));
        }
        if highest <= self.after {
            return Err(NinjaOneError::NoProgress { request, after: 0 });
        }
        if count > self.longest {
            (self.longest, self.as_long) = (count, 0);
        }
        self.as_long += u64::from(count == self.longest);
        self.last = count;
        self.advanced += 1;
        if let Some(after) = self.after {
            // Some servers include the row that the page should begin after.
            page.leave_out(after);
        }
        self.after = highest;
        Ok(Some(page.rows))
    }

    /// Ends the list at a page without a new id, if it can be the last one: shorter than requested, and shorter than this
    /// server's pages.
    fn end(
        &mut self,
        client: &NinjaOneClient,
        request: String,
        after: u64,
        count: u64,
        only_after: bool,
    ) -> Result<(), NinjaOneError> {
        let cap_is_known = self.as_long > 1;
        if count >= PAGE_ROWS as u64 || (!only_after && cap_is_known && count >= self.longest) {
            return Err(NinjaOneError::NoProgress { request, after });
        }
        self.ended = true;
        // A page as long as the one before may be truncated by a limit of the server.
        let may_lack = !only_after && count >= self.longest;
        let found = if only_after {
            format!("has only id {after} again")
        } else {
            format!("has {count} entries and no new id")
        };
        let taken = if may_lack {
            "treated as the end, but the server may ignore `after`, and entries may be missing"
        } else {
            "treated as the end of the list"
        };
        client.remark(Remark {
            code: "page_without_progress",
            message: format!("{request}: the page after id {after} {found}: {taken}"),
            incomplete: may_lack.then(self.resource_type),
        });
        Ok(())
    }
}

/// Reads a list to its end and passes its usable rows to `visit`, which adds to the batch. Other rows are counted in the
/// findings.
pub(super) async fn for_each_row<T, V>(
    pages: &mut PageReader,
    client: &NinjaOneClient,
    sender: &EventSender,
    mut visit: V,
) -> Result<Findings, NinjaOneError>
where
    T: PagedRow + Send + for<'de> serde::Deserialize<'de> + 'static,
    V: FnMut(&mut Findings, &mut BatchBuffer, u64, T) -> Result<(), NinjaOneError>,
{
    let mut findings = Findings::default();
    while let Some(page) = pages.next::<T>(client).await? {
        let mut batch = BatchBuffer::default();
        for row in page {
            if let Some((id, row)) = findings.usable(row) {
                visit(&mut findings, &mut batch, id, row)?;
                batch.flush_full(sender).await?;
            }
        }
        batch.flush(sender).await?;
    }
    Ok(findings)
}

struct Page<T> {
    rows: Vec<Row<T>>,
    /// Memory of the rows, in bytes.
    bytes: u64,
}

impl<T> Default for Page<T> {
    fn default() -> Self {
        Self {
            rows: Vec::new(),
            bytes: 0,
        }
    }
}

impl<T: PagedRow> Page<T> {
    /// Removes the row with an id that the page before had.
    fn leave_out(&mut self, id: u64) {
        let same = |row: &Row<T>| matches!(row, Row::Object(row) if row.id().get() == Some(id));
        self.rows.retain(|row| !same(row));
    }

    fn ids(&self) -> impl Iterator<Item = u64> {
        self.rows.iter().filter_map(|row| match row {
            Row::Object(row) => row.id().get(),
            Row::Null | Row::Other => None,
        })
    }
}

impl<T: PagedRow> ListConsumer<Row<T>> for Page<T> {
    fn accept(&mut self, row: Row<T>) -> bool {
        self.bytes += match &row {
            Row::Object(row) => row.bytes() as u64,
            Row::Null | Row::Other => size_of::<Row<T>>() as u64,
        };
        self.rows.push(row);
        self.rows.len() < MAX_PAGE_ROWS
    }

    fn kept_bytes(&self) -> u64 {
        self.bytes
    }

    fn has_usable_rows(&self) -> bool {
        self.ids().next().is_some()
    }

    fn restart(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use ninjaone_sim::{Sim, SimConfig, Tenant};
    use serde_json::json;

    use super::*;
    use crate::api::OrganizationRow;
    use crate::mapping::organization_type;
    use crate::source::tests::{client, row};

    fn pages() -> PageReader {
        PageReader::new("/v2/organizations", organization_type)
    }

    /// A list may be truncated where its last page is as long as a server's limit could be: a round number of hundreds, or
    /// as long as its longest page.
    #[test]
    fn last_page_of_full_length_may_be_truncated() {
        for (last, longest, advanced, expected) in [
            (1000, 1000, 1, true),
            (1001, 1001, 1, true),
            (100, 100, 1, true),
            (300, 1000, 2, true),
            (99, 99, 1, false),
            (150, 150, 1, false),
            (999, 1000, 2, false),
            (50, 50, 2, true),
            (49, 50, 2, false),
            (0, 0, 0, false),
        ] {
            let read = PageReader {
                last,
                longest,
                advanced,
                ..pages()
            };
            assert_eq!(
                read.may_be_truncated(),
                expected,
                "{last} of {longest}, {advanced} pages"
            );
        }
    }

    /// Ends a list whose longest page has four rows at a page without progress after id 9. Returns what the remark adds,
    /// and whether entries may be missing; `None` if the read fails.
    fn end(pages_of_four: u64, count: u64, only_after: bool) -> Option<(String, bool)> {
        let client = client("http://127.0.0.1:9");
        let mut pages = PageReader {
            after: Some(9),
            longest: 4,
            as_long: pages_of_four,
            ..pages()
        };
        let request = client.display_request("/v2/organizations");
        let ended = pages.end(&client, request, 9, count, only_after);
        let remarks = client.take_remarks();
        if let Err(error) = ended {
            assert!(
                matches!(error, NinjaOneError::NoProgress { after: 9, .. }),
                "{error}"
            );
            assert!(!pages.ended && remarks.is_empty());
            return None;
        }
        assert!(pages.ended);
        let [remark] = remarks.as_slice() else {
            panic!("{remarks:?}");
        };
        let prefix = "GET http://127.0.0.1:9/v2/organizations: the page after id 9 ";
        let text = remark.message.strip_prefix(prefix).unwrap().to_owned();
        Some((text, remark.incomplete == Some(organization_type())))
    }

    #[test]
    fn page_without_progress_ends_the_list_or_the_read() {
        let ignored = "treated as the end, but the server may ignore `after`, and entries may be missing";
        let last = "treated as the end of the list";
        // Shorter than this server's pages.
        assert_eq!(
            end(1, 3, false),
            Some((format!("has 3 entries and no new id: {last}"), false))
        );
        assert_eq!(
            end(2, 3, false),
            Some((format!("has 3 entries and no new id: {last}"), false))
        );
        // As long as the only full page, which may have been the complete list.
        assert_eq!(
            end(1, 4, false),
            Some((format!("has 4 entries and no new id: {ignored}"), true))
        );
        // Two pages of one length show the server's limit.
        assert_eq!(end(2, 4, false), None);
        // Some servers repeat the row that the page must begin after.
        for count in [1, 4, 999] {
            assert_eq!(
                end(2, count, true),
                Some((format!("has only id 9 again: {last}"), false))
            );
        }
        assert_eq!(end(2, 1000, true), None);
        assert_eq!(end(1, 1000, false), None);
    }

    /// Reads a page of a tenant after so many pages and rows; returns its rows.
    async fn next_page(advanced: u64, rows: u64) -> Result<usize, String> {
        let sim = Sim::start(&SimConfig::new(Tenant::fixture("msp").unwrap())).unwrap();
        let mut pages = PageReader {
            rows,
            advanced,
            ..pages()
        };
        let page = pages.next::<OrganizationRow>(&client(&sim.base_url())).await;
        page.map(|page| page.unwrap().len())
            .map_err(|error| error.to_string().replace(&sim.base_url(), "<tenant>"))
    }

    #[tokio::test]
    async fn pages_and_rows_of_a_list_are_bounded() {
        let count = next_page(0, 0).await.unwrap();
        assert_eq!(next_page(MAX_PAGES - 1, 0).await, Ok(count));
        let fitting = OrganizationRow::MAX_ROWS - count as u64;
        assert_eq!(next_page(0, fitting).await, Ok(count));
        let error = next_page(MAX_PAGES, 100).await.unwrap_err();
        let rows = format!(
            "it has more than 2,000 pages, with {} entries so far",
            count + 100
        );
        assert!(error.contains(&rows), "{error}");
        let error = next_page(0, fitting + 1).await.unwrap_err();
        assert!(
            error.contains("its pages have more than 100,000 entries"),
            "{error}"
        );
    }

    /// Otherwise a page of a hostile server could fill memory.
    #[test]
    fn memory_of_every_row_of_a_page_is_counted() {
        let organization: OrganizationRow = row(json!({"id": 3, "name": "n".repeat(1_000)}));
        let bytes = organization.bytes() as u64;
        assert!(bytes > 1_000);
        let mut page = Page::default();
        assert!(page.accept(Row::Object(organization.clone())));
        assert!(page.accept(Row::Object(organization)));
        assert_eq!(page.kept_bytes(), 2 * bytes);
        assert!(page.accept(Row::Null) && page.accept(Row::Other));
        let bare = 2 * size_of::<Row<OrganizationRow>>() as u64;
        assert_eq!(page.kept_bytes(), 2 * bytes + bare);
        page.restart();
        assert_eq!(page.kept_bytes(), 0);
    }

    #[test]
    fn page_ends_at_its_row_bound() {
        let mut page = Page::<OrganizationRow>::default();
        let accepted = (1..=2 * MAX_PAGE_ROWS).find(|_| !page.accept(Row::Null));
        assert_eq!(accepted, Some(MAX_PAGE_ROWS));
    }
}
