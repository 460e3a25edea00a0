//! The data of a report as bytes, and back: four JSON documents, and the grants as numbers.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::changes::Changes;
use crate::charts::Chart;
use crate::entitlements::Entitlement;
use crate::entitlements::Holders;
use crate::entitlements::ListedType;
use crate::entitlements::Origin;
use crate::entitlements::OtherPrincipal;
use crate::evidence::Evidence;
use crate::metrics::Figure;
use crate::model::Model;
use crate::review_scope::ReviewScope;
use crate::seal::Previous;
use crate::string_table::StringId;
use crate::string_table::StringTable;
use crate::users::{AttributeKeys, Person};
use crate::varint;

/// A section of the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: &'static str,
    pub(crate) rows: u64,
    pub(crate) bytes: Vec<u8>,
}

/// The names of the sections, in order.
pub(crate) const SECTIONS: [&str; 5] = ["head", "people", "access", "grants", "changes"];

/// The data of the overview.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReportHeader {
    pub(crate) program: Box<str>,
    pub(crate) tenant: Box<str>,
    pub(crate) sync_id: Box<str>,
    pub(crate) sync_type: Box<str>,
    pub(crate) started_at: Box<str>,
    pub(crate) ended_at: Box<str>,
    pub(crate) previous: Option<Previous>,
    pub(crate) kinds: Vec<ListedType>,
    /// What the adapter declares for reports, see [`page_schema`](crate::schema::page_schema).
    #[serde(default)]
    pub(crate) schema: Value,
    pub(crate) figures: Vec<Figure>,
    pub(crate) charts: Vec<Chart>,
    /// Where every row went, see [`access_core::sync::Ledger`].
    pub(crate) ledger: Value,
    #[serde(default)]
    pub(crate) evidence: Evidence,
    /// The review that the file belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) review: Option<ReviewScope>,
    /// The figures of the reports before this one, the earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) trend: Vec<TrendPoint>,
}

/// The longest trend, in reports.
const MAX_TREND_POINTS: usize = 12;

/// The figures of an earlier report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TrendPoint {
    pub(crate) sync_id: Box<str>,
    pub(crate) started_at: Box<str>,
    /// By their keys.
    pub(crate) figures: BTreeMap<Box<str>, u64>,
}

impl ReportHeader {
    /// The trend that the next report shows: that of this one, and this one.
    pub(crate) fn into_trend(self) -> Vec<TrendPoint> {
        let mut trend = self.trend;
        let figures = self.figures.into_iter();
        trend.push(TrendPoint {
            sync_id: self.sync_id,
            started_at: self.started_at,
            figures: figures.map(|figure| (figure.key, figure.value)).collect(),
        });
        trend.drain(..trend.len().saturating_sub(MAX_TREND_POINTS));
        trend
    }
}

/// Why bytes are not a section.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SectionError {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error("columns of different lengths")]
    Ragged,
    #[error("references without a target")]
    Dangling,
}

#[derive(Serialize, Deserialize)]
struct PeopleColumns<'a> {
    words: Vec<Cow<'a, str>>,
    ids: Vec<Cow<'a, str>>,
    names: Vec<Cow<'a, str>>,
    logins: Vec<Option<Cow<'a, str>>>,
    /// `=`: the same as the login; one that begins with it has another before it.
    emails: Vec<Option<Cow<'a, str>>>,
    /// Indices of strings.
    shared: BTreeMap<Cow<'a, str>, Vec<Option<StringId>>>,
    /// `1`, `0` or `-` for each person.
    flags: BTreeMap<Cow<'a, str>, String>,
}

const SAME: &str = "=";

#[derive(Serialize, Deserialize)]
struct AccessColumns<'a> {
    ids: Vec<Cow<'a, str>>,
    kinds: Vec<u32>,
    resources: Vec<Cow<'a, str>>,
    resource_names: Vec<Cow<'a, str>>,
    #[serde(default)]
    resource_descriptions: Vec<Option<Cow<'a, str>>>,
    slugs: Vec<Cow<'a, str>>,
    names: Vec<Cow<'a, str>>,
    descriptions: Vec<Option<Cow<'a, str>>>,
    purposes: Vec<Cow<'a, str>>,
    immutable: String,
    holders: Vec<u32>,
    others: Vec<OtherPrincipal>,
    origins: Vec<Origin>,
    /// See [`Model::times`].
    #[serde(default)]
    times: Vec<Cow<'a, str>>,
}

/// Encodes the sections of a report.
pub(crate) fn encode(
    head: &ReportHeader,
    model: &Model,
    changes: &Changes,
) -> Result<[Section; 5], SectionError> {
    let section = |index: usize, rows: usize, bytes| Section {
        name: SECTIONS[index],
        rows: rows as u64,
        bytes,
    };
    let grants = usize::try_from(model.grants()).unwrap_or(usize::MAX);
    Ok([
        section(0, head.kinds.len(), serde_json::to_vec(head)?),
        section(1, model.people.len(), serde_json::to_vec(&people_columns(model))?),
        section(
            2,
            model.entitlements.len(),
            serde_json::to_vec(&access_columns(model))?,
        ),
        section(3, grants, grant_numbers(model)),
        section(4, changes.rows.len(), serde_json::to_vec(changes)?),
    ])
}

/// Decodes the sync of a report.
pub(crate) fn decode(sections: &[Section; 5]) -> Result<(ReportHeader, Model), SectionError> {
    let head: ReportHeader = serde_json::from_slice(&sections[0].bytes)?;
    let mut model = Model {
        kinds: head.kinds.clone(),
        ..Model::default()
    };
    read_people(serde_json::from_slice(&sections[1].bytes)?, &mut model)?;
    read_access(serde_json::from_slice(&sections[2].bytes)?, &mut model)?;
    read_grants(&sections[3].bytes, &mut model)?;
    Ok((head, model))
}

/// A column of people that is in every report, with its name.
type OwnColumn<T> = (&'static str, fn(&Person) -> Option<T>);

/// Texts that every connector states.
const OWN_TEXTS: [OwnColumn<StringId>; 4] = [
    ("resource_type_id", |person| Some(person.resource_type)),
    ("status", |person| person.status),
    ("status_detail", |person| person.status_detail),
    ("account_type", |person| person.account_type),
];

/// Flags that every connector states.
const OWN_FLAGS: [OwnColumn<bool>; 2] = [
    ("mfa_enabled", |person| person.mfa_enabled),
    ("sso_enabled", |person| person.sso_enabled),
];

fn people_columns(model: &Model) -> PeopleColumns<'_> {
    let people = &model.people;
    let texts = (0..).zip(&model.attributes.texts).map(|(index, key)| {
        let column = people.iter().map(|person| person.text(Some(index)));
        (Cow::Borrowed(&**key), column.collect())
    });
    let own_texts = OWN_TEXTS.map(|(name, text)| (name.into(), people.iter().map(text).collect()));
    let flags = (0..).zip(&model.attributes.flags).map(|(index, key)| {
        let column = people.iter().map(|person| letter(person.flag(Some(index))));
        (Cow::Borrowed(&**key), column.collect())
    });
    let own_flags = OWN_FLAGS.map(|(name, flag)| {
        let column = people.iter().map(|person| letter(flag(person)));
        (name.into(), column.collect())
    });
    PeopleColumns {
        words: model.words.iter().map(Cow::Borrowed).collect(),
        ids: people.iter().map(|person| (&*person.id).into()).collect(),
        names: people.iter().map(|person| (&*person.name).into()).collect(),
        logins: people
            .iter()
            .map(|person| person.login.as_deref().map(Cow::Borrowed))
            .collect(),
        emails: people.iter().map(packed_email).collect(),
        shared: texts.chain(own_texts).collect(),
        flags: flags.chain(own_flags).collect(),
    }
}

fn packed_email(person: &Person) -> Option<Cow<'_, str>> {
    let email = person.email.as_deref()?;
    if person.login.as_deref() == Some(email) {
        Some(SAME.into())
    } else if email.starts_with(SAME) {
        Some(format!("{SAME}{email}").into())
    } else {
        Some(email.into())
    }
}

fn unpacked_email(packed: Option<Cow<'_, str>>, login: Option<&str>) -> Option<Box<str>> {
    let packed = packed?;
    match packed.strip_prefix(SAME) {
        Some("") => login.map(Into::into),
        Some(email) => Some(email.into()),
        None => Some(packed.into()),
    }
}

fn letter(flag: Option<bool>) -> char {
    match flag {
        Some(true) => '1',
        Some(false) => '0',
        None => '-',
    }
}

fn flag(letter: u8) -> Option<bool> {
    match letter {
        b'1' => Some(true),
        b'0' => Some(false),
        _ => None,
    }
}

fn read_people(columns: PeopleColumns<'_>, model: &mut Model) -> Result<(), SectionError> {
    let people = columns.ids.len();
    let even = [columns.names.len(), columns.logins.len(), columns.emails.len()]
        .into_iter()
        .chain(columns.shared.values().map(Vec::len))
        .chain(columns.flags.values().map(String::len))
        .all(|length| length == people);
    if !even {
        return Err(SectionError::Ragged);
    }
    let mut words = StringTable::default();
    for word in &columns.words {
        words.intern(word);
    }
    let known = columns.words.len();
    let mut shared = columns.shared;
    let strings = shared.values().flatten().flatten();
    if strings.into_iter().any(|string| *string as usize >= known) {
        return Err(SectionError::Dangling);
    }
    let mut flags = columns.flags;
    let [resource_types, statuses, status_details, account_types] =
        OWN_TEXTS.map(|(name, _)| shared.remove(name));
    let [mfa, sso] = OWN_FLAGS.map(|(name, _)| flags.remove(name));
    let text =
        |column: &Option<Vec<Option<StringId>>>, n: usize| column.as_ref().and_then(|column| column[n]);
    let letter =
        |column: &Option<String>, n: usize| column.as_ref().and_then(|column| flag(column.as_bytes()[n]));
    let texts = columns.names.into_iter().zip(columns.logins).zip(columns.emails);
    for (n, (id, ((name, login), email))) in columns.ids.into_iter().zip(texts).enumerate() {
        model.people.push(Person {
            email: unpacked_email(email, login.as_deref()),
            id: id.into(),
            name: name.into(),
            login: login.map(Into::into),
            resource_type: text(&resource_types, n).unwrap_or_default(),
            status: text(&statuses, n),
            status_detail: text(&status_details, n),
            account_type: text(&account_types, n),
            mfa_enabled: letter(&mfa, n),
            sso_enabled: letter(&sso, n),
            texts: shared.values().map(|column| column[n]).collect(),
            flags: flags.values().map(|column| flag(column.as_bytes()[n])).collect(),
        });
    }
    model.attributes = AttributeKeys {
        texts: shared.into_keys().map(Into::into).collect(),
        flags: flags.into_keys().map(Into::into).collect(),
    };
    model.words = words;
    Ok(())
}

fn access_columns(model: &Model) -> AccessColumns<'_> {
    let access = &model.entitlements;
    let texts = |text: fn(&Entitlement) -> &str| access.iter().map(|row| text(row).into()).collect();
    AccessColumns {
        ids: texts(|row| &row.id),
        kinds: access.iter().map(|row| row.kind).collect(),
        resources: texts(|row| &row.resource),
        resource_names: texts(|row| &row.resource_name),
        resource_descriptions: access
            .iter()
            .map(|row| row.resource_description.as_deref().map(Cow::Borrowed))
            .collect(),
        slugs: texts(|row| &row.slug),
        names: texts(|row| &row.name),
        descriptions: access
            .iter()
            .map(|row| row.description.as_deref().map(Cow::Borrowed))
            .collect(),
        purposes: texts(|row| &row.purpose),
        immutable: access.iter().map(|row| letter(Some(row.immutable))).collect(),
        holders: model
            .holders
            .iter()
            .map(|holders| u32::try_from(holders.principals.len()).unwrap_or(u32::MAX))
            .collect(),
        others: model.others.clone(),
        origins: model.origins.clone(),
        times: model.times.iter().map(|time| Cow::Borrowed(&**time)).collect(),
    }
}

fn read_access(columns: AccessColumns<'_>, model: &mut Model) -> Result<(), SectionError> {
    let rows = columns.ids.len();
    let even = [
        columns.kinds.len(),
        columns.resources.len(),
        columns.resource_names.len(),
        columns.slugs.len(),
        columns.names.len(),
        columns.descriptions.len(),
        columns.purposes.len(),
        columns.immutable.len(),
        columns.holders.len(),
    ];
    if even.into_iter().any(|length| length != rows) {
        return Err(SectionError::Ragged);
    }
    if columns
        .kinds
        .iter()
        .any(|kind| *kind as usize >= model.kinds.len())
    {
        return Err(SectionError::Dangling);
    }
    if !columns.resource_descriptions.is_empty() && columns.resource_descriptions.len() != rows {
        return Err(SectionError::Ragged);
    }
    let immutable = columns.immutable.as_bytes();
    for (n, immutable) in immutable.iter().enumerate() {
        model.entitlements.push(Entitlement {
            id: (*columns.ids[n]).into(),
            kind: columns.kinds[n],
            resource: (*columns.resources[n]).into(),
            resource_name: (*columns.resource_names[n]).into(),
            resource_description: columns
                .resource_descriptions
                .get(n)
                .and_then(|text| text.as_deref().map(Into::into)),
            slug: (*columns.slugs[n]).into(),
            name: (*columns.names[n]).into(),
            description: columns.descriptions[n].as_deref().map(Into::into),
            purpose: (*columns.purposes[n]).into(),
            immutable: flag(*immutable) == Some(true),
        });
    }
    model.others = columns.others;
    model.origins = columns.origins;
    model.times = columns.times.into_iter().map(Into::into).collect();
    Ok(())
}

/// Encodes grants as variable-length numbers. For each entitlement: the number of holders; whether origins follow; the first holder and
/// the distances between holders; the origins. Then, unless all are of the first report of the chain: for each grant the index of the
/// first report that shows it.
fn grant_numbers(model: &Model) -> Vec<u8> {
    let mut numbers = Vec::new();
    for holders in &model.holders {
        varint::push(
            &mut numbers,
            u32::try_from(holders.principals.len()).unwrap_or(u32::MAX),
        );
        varint::push(&mut numbers, u32::from(!holders.origins.is_empty()));
        let mut before = 0;
        for principal in &holders.principals {
            varint::push(&mut numbers, principal - before);
            before = *principal;
        }
        for origin in &holders.origins {
            varint::push(&mut numbers, *origin);
        }
    }
    if model.holders.iter().any(|holders| !holders.since.is_empty()) {
        for holders in &model.holders {
            for n in 0..holders.principals.len() {
                varint::push(&mut numbers, holders.since(n));
            }
        }
    }
    numbers
}

fn read_grants(bytes: &[u8], model: &mut Model) -> Result<(), SectionError> {
    let principals = model.people.len() + model.others.len();
    let mut numbers = varint::Numbers::new(bytes);
    let mut next = || numbers.next().ok_or(SectionError::Dangling);
    for _ in 0..model.entitlements.len() {
        let (count, with_origins) = (next()? as usize, next()? > 0);
        // Each number takes at least a byte, so a larger count is wrong.
        if count > bytes.len() {
            return Err(SectionError::Dangling);
        }
        let mut holders = Holders::default();
        let mut before = 0_u32;
        for _ in 0..count {
            before = before.checked_add(next()?).ok_or(SectionError::Dangling)?;
            if before as usize >= principals {
                return Err(SectionError::Dangling);
            }
            holders.principals.push(before);
        }
        if with_origins {
            for _ in 0..count {
                let origin = next()?;
                if origin as usize > model.origins.len() {
                    return Err(SectionError::Dangling);
                }
                holders.origins.push(origin);
            }
        }
        model.holders.push(holders);
    }
    // Version 1 ends here.
    let Some(mut index) = numbers.next() else {
        return Ok(());
    };
    let mut left = model.grants();
    for holders in &mut model.holders {
        for _ in 0..holders.principals.len() {
            if index as usize >= model.times.len() {
                return Err(SectionError::Dangling);
            }
            holders.since.push(index);
            left -= 1;
            if left > 0 {
                index = numbers.next().ok_or(SectionError::Dangling)?;
            }
        }
        if holders.since.iter().all(|index| *index == 0) {
            holders.since = Vec::new();
        }
    }
    if left > 0 || numbers.next().is_some() {
        return Err(SectionError::Dangling);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::holding;

    fn head(model: &Model) -> ReportHeader {
        let head = serde_json::json!({
            "program": "test", "tenant": "t", "sync_id": "s", "sync_type": "full", "started_at": "January",
            "ended_at": "January", "previous": null, "kinds": model.kinds, "figures": [], "charts": [], "ledger": null,
        });
        serde_json::from_value(head).unwrap()
    }

    #[test]
    fn dates_round_trip_and_invalid_ones_are_rejected() {
        let mut old = holding(&[("a", &[0]), ("b", &[])], 3);
        old.date_grants("January", None);
        let mut model = holding(&[("a", &[0, 2]), ("b", &[1])], 3);
        model.date_grants("February", Some((&old, "January")));
        let sections = encode(&head(&model), &model, &Changes::default()).unwrap();
        let (_, read) = decode(&sections).unwrap();
        assert_eq!(read.holders, model.holders);
        assert_eq!(read.times, model.times);
        assert_eq!(read.entitlements, model.entitlements);

        let altered = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut sections = sections.clone();
            change(&mut sections[3].bytes);
            decode(&sections).is_err()
        };
        assert!(altered(&|bytes| bytes.push(0)), "a date of no grant");
        assert!(altered(&|bytes| {
            bytes.pop();
        }));
        assert!(
            altered(&|bytes| *bytes.last_mut().unwrap() = 9),
            "a time that is not there"
        );
    }

    #[test]
    fn the_trend_forgets_the_oldest() {
        let model = holding(&[], 0);
        let mut trend = Vec::new();
        for _ in 0..2 * MAX_TREND_POINTS {
            let mut head = head(&model);
            head.trend = trend;
            trend = head.into_trend();
        }
        assert_eq!(trend.len(), MAX_TREND_POINTS);
    }
}
