//! What a tenant's own words amount to: a second, plain reading of its answers, written from the facts and the frozen
//! ids alone. It knows nothing of streams, retries, join tables or pages in flight, and shares no code with the source.

use std::collections::{BTreeMap, BTreeSet};

use ninjaone_sim::Call;
use serde_json::{Value, json};

use super::row_lines::{self, Lines};
use super::rows::{self, Held, Ledger};

pub(crate) const TECHNICIANS: &str = "/v2/user/technicians";
pub(crate) const END_USERS: &str = "/v2/user/end-users";
pub(crate) const USERS: &str = "/v2/users";
pub(crate) const ROLES: &str = "/v2/user/roles";
pub(crate) const ORGANIZATIONS: &str = "/v2/organizations";
pub(crate) const DEVICES: &str = "/v2/devices";

/// The expected result of a sync.
#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    /// These rows, and these left out.
    Rows(Box<Expected>),
    /// No rows: the tenant contradicts itself or sends nothing usable. The expected error classes.
    Fails(&'static [u8]),
}

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Expected {
    pub(crate) lines: Lines,
    /// Rows that are left out, by type and reason.
    pub(crate) dropped: Ledger,
    /// Devices were requested and not read to the end.
    pub(crate) devices_incomplete: bool,
}

/// A list that cannot be read.
const DAMAGED: Verdict = Verdict::Fails(&[15]);
/// A list that is empty and cannot be.
const EMPTY: Verdict = Verdict::Fails(&[9]);
/// A list that is missing although others of its kind are there.
const MISSING: Verdict = Verdict::Fails(&[5, 15]);
/// Lists whose common absence identifies an older instance.
const NEWER: [&str; 3] = [TECHNICIANS, END_USERS, ROLES];

/// Reads the answers.
pub(crate) fn expect(calls: &[Call], base_url: &str, devices: bool) -> Verdict {
    read(calls, base_url, devices).unwrap_or_else(|verdict| verdict)
}

fn read(calls: &[Call], base_url: &str, with_devices: bool) -> Result<Verdict, Verdict> {
    let mut expected = Expected::default();
    let organizations = pages(calls, ORGANIZATIONS)?;
    let organizations = rows::distinct("resource organization", &organizations, &mut expected.dropped);
    let is_missing = |path: &&str| {
        let last = calls.iter().rfind(|call| call.path == **path);
        last.is_some_and(|call| call.status == 404)
    };
    let missing = NEWER.iter().filter(|path| is_missing(path)).count();
    let older = missing == NEWER.len();
    if missing > 0 && !older {
        return Err(MISSING);
    }

    let (technicians, end_users) = if older {
        (Vec::new(), Vec::new())
    } else {
        let technicians = usable(list(calls, TECHNICIANS)?)?;
        if technicians.is_empty() {
            return Err(EMPTY);
        }
        (technicians, usable(list(calls, END_USERS)?)?)
    };
    let users = usable(list(calls, USERS)?)?;
    if users.is_empty() || (!older && end_users.is_empty() && users.iter().any(rows::says_end_user)) {
        return Err(EMPTY);
    }
    let rows = || technicians.iter().chain(&end_users).chain(&users);
    let is_known = |row: &Value| row["administrator"].is_boolean();
    let cannot_be_read = |row: &Value| !row["administrator"].is_null() && !is_known(row);
    if !rows().any(is_known) && rows().any(cannot_be_read) {
        return Err(EMPTY);
    }
    let people = rows::people(&technicians, &end_users, &users, &mut expected.dropped);
    let mut held = Held::new(&people, &mut expected);
    for (id, row) in &organizations {
        let name = held.organization(*id, row);
        held.names.insert(*id, name);
    }
    held.users(base_url, older);
    if older {
        held.roles_by_name();
    } else {
        let listed = usable(list(calls, ROLES)?)?;
        held.roles(&listed);
    }
    if with_devices {
        held.devices(pages(calls, DEVICES));
    }
    Ok(Verdict::Rows(Box::new(expected)))
}

/// The elements of the last answer with a list.
fn list(calls: &[Call], path: &str) -> Result<Vec<Value>, Verdict> {
    let last = calls
        .iter()
        .rfind(|call| call.method == "GET" && call.path == path);
    elements(last.ok_or(DAMAGED)?)
}

fn elements(call: &Call) -> Result<Vec<Value>, Verdict> {
    let body = call.answer.as_deref().unwrap_or_default();
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    // Each byte that is not UTF-8 is one replacement character.
    let mut text = String::new();
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    match serde_json::from_str(&text) {
        Ok(Value::Array(elements)) if call.status == 200 => Ok(elements.into_iter().map(bounded).collect()),
        Ok(Value::Null) if call.status == 200 => Ok(Vec::new()),
        _ if call.status == 204 => Ok(Vec::new()),
        _ => Err(DAMAGED),
    }
}

/// A row with texts of bounded length: labels are clipped, an address or a word that is too long is none.
fn bounded(mut value: Value) -> Value {
    let bound = |key: &str, text: &str| match key {
        "firstName" | "lastName" | "phone" | "name" | "description" | "displayName" | "systemName"
        | "dnsName" => rows::clipped(text, 4096).into(),
        "email" if text.len() > 1024 => json!([]),
        "uid" | "userType" | "authType" | "invitationStatus" | "type" | "nodeClass" | "approvalStatus"
            if text.len() > 256 =>
        {
            json!([])
        }
        _ => text.into(),
    };
    match &mut value {
        Value::Object(row) => {
            for (key, field) in row.iter_mut() {
                *field = match field.take() {
                    Value::String(text) => bound(key, &text),
                    other => bounded(other),
                };
            }
        }
        Value::Array(elements) => {
            for element in elements {
                *element = bounded(element.take());
            }
        }
        _ => {}
    }
    value
}

/// A list without a usable row is not empty but broken.
fn usable(elements: Vec<Value>) -> Result<Vec<Value>, Verdict> {
    if elements.is_empty() || elements.iter().any(|row| rows::id(&row["id"]).is_some()) {
        Ok(elements)
    } else {
        Err(DAMAGED)
    }
}

/// The rows of all pages. A page that does not lead on ends the list if it can be the last one: shorter than the
/// thousand that was asked for, and than the pages before, where there were several of one length.
fn pages(calls: &[Call], path: &str) -> Result<Vec<Value>, Verdict> {
    let mut by_question: BTreeMap<Option<u64>, &Call> = BTreeMap::new();
    for call in calls.iter().filter(|call| call.path == path) {
        let after = call.query.iter().find(|(key, _)| key == "after");
        by_question.insert(after.map(|(_, id)| id.parse().unwrap()), call);
    }
    let mut all = Vec::new();
    let mut lengths: Vec<usize> = Vec::new();
    let mut after = None;
    loop {
        let page = elements(by_question.get(&after).ok_or(DAMAGED)?)?;
        if page.is_empty() {
            return Ok(all);
        }
        // Ids in paged lists are int32 in the OpenAPI document: a larger id is no cursor.
        let ids = page.iter().filter_map(|row| rows::id(&row["id"]));
        let highest = ids.filter(|id| i32::try_from(*id).is_ok()).max();
        let again = |row: &Value| after.is_some() && rows::id(&row["id"]) == after;
        let (length, only_again) = (page.len(), page.iter().all(again));
        let known_limit = lengths
            .iter()
            .filter(|other| Some(*other) == lengths.iter().max())
            .count()
            > 1;
        let rest = page.iter().filter(|row| !again(row)).cloned();
        if page.iter().all(|row| rows::id(&row["id"]).is_none()) {
            return Err(DAMAGED);
        }
        if highest <= after {
            let full = lengths.iter().all(|other| length >= *other);
            if after.is_none() || length >= 1000 || (!only_again && known_limit && full) {
                return Err(DAMAGED);
            }
            all.extend(rest);
            return Ok(all);
        }
        all.extend(rest);
        lengths.push(length);
        after = highest;
    }
}

impl Expected {
    pub(crate) fn grant(&mut self, entitlement: &str, user: u64) {
        self.lines
            .insert(row_lines::grant(&format!("{entitlement}:user:{user}")));
    }

    pub(crate) fn entitlement(&mut self, id: &str, name: &str) {
        self.lines
            .insert(row_lines::entitlement(id, &rows::clipped(name, 1024)));
    }

    /// A resource without a status.
    pub(crate) fn resource(
        &mut self,
        kind: &str,
        id: &str,
        name: &str,
        description: Option<&str>,
        more: Value,
    ) {
        let mut line = json!({
            "resource": format!("{kind}/{id}"),
            "raw": id,
            "name": rows::clipped(name, 1024),
            "description": rows::clipped(description.unwrap_or_default(), 2048),
            "profile": null,
            "status": null,
        });
        if let Value::Object(more) = more {
            line.as_object_mut().unwrap().extend(more);
        }
        if line["profile"].as_object().is_some_and(serde_json::Map::is_empty) {
            line["profile"] = Value::Null;
        }
        self.lines.insert(line.to_string());
    }

    /// Lines that have nothing to do with devices.
    pub(crate) fn core(lines: &Lines) -> BTreeSet<&String> {
        let of_devices = ["\"device/", "\"device:"];
        lines
            .iter()
            .filter(|line| !of_devices.iter().any(|mark| line.contains(mark)))
            .collect()
    }
}
