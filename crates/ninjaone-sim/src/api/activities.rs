//! `/v2/activities` (docs/reference/ninjaone-api.md §11.7).

use serde_json::{Value, json};
use sim_kit::mix;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Api, Request};
use crate::response::Answer;
use crate::tenant::{Row, Store, row_id};

const SECONDS_A_DAY: f64 = 86_400.0;

impl Api {
    /// Newest first.
    pub(super) fn activities(&self, store: &Store, request: &Request<'_>) -> Answer {
        let behavior = &self.behavior.activities;
        let size = request.number("pageSize").unwrap_or(200);
        if !behavior.clamp_page_size && !(10..=1000).contains(&size) {
            return self.invalid("pageSize must be between 10 and 1000");
        }
        let size = usize::try_from(size.clamp(10, 1000)).unwrap_or(200);
        let (mut below, mut above) = (request.number("olderThan"), request.number("newerThan"));
        if behavior.swapped_bounds {
            std::mem::swap(&mut below, &mut above);
        }
        let oldest = behavior
            .retention_days
            .map(|days| seconds(store.now) - f64::from(days) * SECONDS_A_DAY);
        let fits = |row: &&Row| {
            let id = row_id(row).unwrap_or(0);
            below.is_none_or(|bound| id < bound)
                && above.is_none_or(|bound| id > bound)
                && oldest.is_none_or(|oldest| time_of(row) >= oldest)
                && matches(row, request)
        };
        let mut rows: Vec<Value> = store
            .activities
            .iter()
            .rev()
            .filter(fits)
            .take(size)
            .cloned()
            .map(Value::Object)
            .collect();
        if !behavior.full_pages && rows.len() > 2 {
            // Pages are cut short although more exist: always the same ones, so that runs can be compared.
            let cut = mix(7, below.unwrap_or(0).unsigned_abs()) % 3;
            rows.truncate(rows.len() - usize::try_from(cut).unwrap_or(0).min(rows.len() / 2));
        }
        let last = store.activities.last().and_then(row_id).unwrap_or(0);
        Answer::json(200, &json!({ "lastActivityId": last, "activities": rows }))
    }
}

#[expect(clippy::cast_precision_loss, reason = "epoch seconds fit a double")]
fn seconds(epoch: i64) -> f64 {
    epoch as f64
}

fn time_of(row: &Row) -> f64 {
    row.get("activityTime").and_then(Value::as_f64).unwrap_or(0.0)
}

fn matches(row: &Row, request: &Request<'_>) -> bool {
    let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
    let one_of = |parameter: &str, value: &str| {
        request
            .parameter(parameter)
            .is_none_or(|list| list.split(',').any(|word| word == value))
    };
    let user = row.get("userId").and_then(Value::as_i64);
    let class = match (
        row.get("deviceId").is_some_and(|id| !id.is_null()),
        user.is_some(),
    ) {
        (true, _) => "DEVICE",
        (false, true) => "USER",
        (false, false) => "SYSTEM",
    };
    let bound = |parameter: &str| {
        request
            .parameter(parameter)
            .and_then(|date| OffsetDateTime::parse(date, &Rfc3339).ok())
    };
    one_of("status", text("statusCode"))
        && one_of("type", text("activityType"))
        && request
            .parameter("class")
            .is_none_or(|expected| expected == "ALL" || expected == class)
        && request
            .number("user")
            .is_none_or(|expected| user == Some(expected))
        && bound("before").is_none_or(|date| time_of(row) < seconds(date.unix_timestamp()))
        && bound("after").is_none_or(|date| time_of(row) > seconds(date.unix_timestamp()))
}
