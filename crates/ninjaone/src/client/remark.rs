//! Remarks about responses that could be read.

use access_core::model::ResourceTypeId;

use super::json_scanner::RepairLog;
use super::json_scanner::RepairedEntry;
use super::json_scanner::Repairs;
use super::json_stream::format_thousands;

/// A remark that becomes a warning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// The resource type that may be incomplete.
    pub(crate) incomplete: Option<ResourceTypeId>,
}

impl Remark {
    /// The remark about repairs of a response; `None` without repairs.
    pub(crate) fn from_repairs(request: &str, log: &RepairLog) -> Option<Self> {
        if log.total.is_empty() {
            return None;
        }
        let named: Vec<String> = log.entries.iter().map(named).collect();
        let more = log.entry_count - log.entries.len() as u64;
        let more = if more > 0 {
            format!(" and {} more", format_thousands(more))
        } else {
            String::new()
        };
        Some(Self {
            code: "text_repaired",
            message: format!(
                "{request}: {} in {}{more}",
                count_tries(log.total),
                named.join(", ")
            ),
            incomplete: None,
        })
    }
}

fn named(entry: &RepairedEntry) -> String {
    match entry.id {
        Some(id) => format!("id {id}"),
        None => format!("entry {} (no id)", format_thousands(entry.entry)),
    }
}

fn count_tries(repairs: Repairs) -> String {
    let part = |count: u64, one: &str, many: &str| {
        (count > 0).then(|| {
            format!(
                "{} {}",
                format_thousands(count),
                if count == 1 { one } else { many }
            )
        })
    };
    let parts = [
        part(
            repairs.not_unicode,
            "character that is not Unicode, shown as U+FFFD,",
            "characters that are not Unicode, shown as U+FFFD,",
        ),
        part(
            repairs.escapes,
            "character that was not escaped as JSON demands",
            "characters that were not escaped as JSON demands",
        ),
        part(
            repairs.not_numbers,
            "value such as NaN, read as null,",
            "values such as NaN, read as null,",
        ),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(entries: &[(u64, Option<u64>)], entry_count: u64, total: Repairs) -> Option<String> {
        let entry = |&(entry, id)| RepairedEntry {
            entry,
            id,
            repairs: Repairs::default(),
        };
        let log = RepairLog {
            entries: entries.iter().map(entry).collect(),
            entry_count,
            total,
        };
        Remark::from_repairs("GET /v2/users", &log).map(|remark| remark.message)
    }

    #[test]
    fn remark_names_repairs_and_entries() {
        let total = Repairs {
            not_unicode: 1,
            ..Repairs::default()
        };
        insta::assert_snapshot!(
            message(&[(3, Some(7))], 1, total).unwrap(),
            @"GET /v2/users: 1 character that is not Unicode, shown as U+FFFD, in id 7"
        );
        let total = Repairs {
            not_unicode: 1200,
            escapes: 1,
            not_numbers: 2,
        };
        insta::assert_snapshot!(
            message(&[(3, Some(7)), (4000, None)], 1002, total).unwrap(),
            @"GET /v2/users: 1,200 characters that are not Unicode, shown as U+FFFD, and 1 character that was not escaped as JSON demands and 2 values such as NaN, read as null, in id 7, entry 4,000 (no id) and 1,000 more"
        );
        assert_eq!(message(&[], 0, Repairs::default()), None);
    }
}
