//! Reports for reviews: reads their grants, and writes files with some of them.

use std::collections::HashSet;
use std::path::Path;

use access_core::model::{AttributeRole, ReportSchema, TraitKind};

use crate::changes::Changes;
use crate::charts::charts;
use crate::entitlements::Entitlement;
use crate::entitlements::Holders;
use crate::entitlements::Origin;
use crate::error::ReportError;
use crate::evidence::Evidence;
use crate::metrics::figures;
use crate::model::Model;
use crate::payload::ReportHeader;
use crate::payload::decode;
use crate::payload::encode;
use crate::render::render;
use crate::report_reader::ReportFile;
use crate::review_scope::ReviewScope;
use crate::schema::page_schema;
use crate::string_table::StringTable;
use crate::target::Target;
use crate::verify::{Verification, verify};

/// A report with the data that reviews need.
#[derive(Debug, Clone)]
pub struct ReviewedReport {
    /// The result of its verification.
    pub verification: Verification,
    /// Every grant, in the order of the page. Empty if the data is damaged.
    pub grants: Vec<ReportGrant>,
    /// The review that the file belongs to; `None` for a usual report.
    pub review: Option<ReviewScope>,
}

/// A grant of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportGrant {
    /// The id of the entitlement.
    pub entitlement_id: String,
    /// The name of the entitlement.
    pub entitlement_name: String,
    /// The name of the resource of the entitlement.
    pub resource_name: String,
    /// The trait of that resource: `user`, `group`, `role`, `app`, `managed_device` or `other`.
    pub trait_kind: String,
    /// The resource type of the holder.
    pub principal_type: String,
    /// The holder's native id.
    pub principal_id: String,
    /// The holder's name.
    pub principal_name: String,
    /// The holder's login.
    pub principal_login: Option<String>,
    /// The holder's address.
    pub principal_email: Option<String>,
    /// Id and name of the holder's organization, as far as the report has them.
    pub organization: Vec<String>,
    /// Whether the connector can revoke it from this holder.
    pub can_be_revoked: bool,
}

/// Reads a report with its grants, and checks it as [`verify`] does.
///
/// # Errors
/// [`ReportError`] if the file cannot be read or is not a report.
pub fn read_reviewed(
    path: &Path,
    program: &str,
    schema: ReportSchema,
) -> Result<ReviewedReport, ReportError> {
    let verification = verify(path, program, schema)?;
    let Ok((head, model)) = contents(path) else {
        return Ok(ReviewedReport {
            verification,
            grants: Vec::new(),
            review: None,
        });
    };
    Ok(ReviewedReport {
        verification,
        grants: grants(&model, schema),
        review: head.review,
    })
}

fn contents(path: &Path) -> Result<(ReportHeader, Model), ReportError> {
    let altered = |reason: String| ReportError::altered(path, reason);
    let sections = ReportFile::read(path)?.sections().map_err(altered)?;
    decode(&sections).map_err(|error| altered(error.to_string()))
}

fn grants(model: &Model, schema: ReportSchema) -> Vec<ReportGrant> {
    let organization = [AttributeRole::OrganizationId, AttributeRole::OrganizationName].map(|role| {
        let attribute = schema.attributes.with_role(role)?;
        model.attributes.text(attribute.key)
    });
    let mut grants = Vec::new();
    for (entitlement, holders) in model.entitlements.iter().zip(&model.holders) {
        for (index, origin) in holders.iter() {
            grants.extend(grant(model, organization, entitlement, (index, origin)));
        }
    }
    grants
}

fn grant(
    model: &Model,
    organization: [Option<usize>; 2],
    entitlement: &Entitlement,
    (index, origin): (u32, u32),
) -> Option<ReportGrant> {
    let (principal_type, principal_id) = model.principal(index)?;
    let person = model.people.get(index as usize);
    let text_of = |index| {
        let string = person.and_then(|person| person.text(index));
        string.map(|string| model.words.text(string).to_owned())
    };
    let other = (index as usize).checked_sub(model.people.len());
    let other = other.and_then(|index| model.others.get(index));
    let name = person
        .map(|person| &person.name)
        .or(other.map(|other| &other.name))?;
    let is_direct = match origin {
        0 => true,
        index => model
            .origins
            .get(index as usize - 1)
            .is_some_and(|origin| origin.direct),
    };
    let text = |text: Option<&Box<str>>| text.map(ToString::to_string);
    Some(ReportGrant {
        entitlement_id: entitlement.id.to_string(),
        entitlement_name: entitlement.name.to_string(),
        resource_name: entitlement.resource_name.to_string(),
        trait_kind: model
            .kind(entitlement)
            .map_or(TraitKind::Other.as_str(), |kind| &kind.trait_kind)
            .to_owned(),
        principal_type: principal_type.to_owned(),
        principal_id: principal_id.to_owned(),
        principal_name: name.to_string(),
        principal_login: text(person.and_then(|person| person.login.as_ref())),
        principal_email: text(person.and_then(|person| person.email.as_ref())),
        organization: organization.into_iter().filter_map(text_of).collect(),
        can_be_revoked: !entitlement.immutable && is_direct,
    })
}

/// A file of a review that is to be written.
#[derive(Debug, Clone, Copy)]
pub struct ReviewFileSpec<'a> {
    /// The report of the review.
    pub report: &'a Path,
    /// The file.
    pub path: &'a Path,
    /// The program that writes it, for people.
    pub program: &'a str,
    /// What the adapter declares for reports.
    pub schema: ReportSchema,
    /// Which of the [`ReviewedReport::grants`] it has, in their order.
    pub keep: &'a [bool],
}

/// Writes a file of a review: the report with some of its grants and their principals. Gives the file's bytes.
///
/// # Errors
/// [`ReportError`] if the report cannot be read or the file cannot be written.
pub fn write_review_file(spec: &ReviewFileSpec<'_>, scope: ReviewScope) -> Result<Vec<u8>, ReportError> {
    let (report, to, schema) = (spec.report, spec.path, spec.schema);
    let failed = |error: std::io::Error| ReportError::io("making", to, error);
    let file = ReportFile::read(report)?;
    let altered = |reason: String| ReportError::altered(report, reason);
    let sections = file.sections().map_err(altered)?;
    let (mut head, report_model) = decode(&sections).map_err(|error| altered(error.to_string()))?;
    let changes: Changes =
        serde_json::from_slice(&sections[4].bytes).map_err(|error| altered(error.to_string()))?;
    let model = part(&report_model, spec.keep);
    let changes = changes_of_part(changes, &model, schema);
    drop(report_model);
    head.program = spec.program.into();
    head.kinds.clone_from(&model.kinds);
    head.figures = figures(&model, schema);
    head.charts = charts(&model, schema);
    head.schema = page_schema(schema).map_err(|error| failed(error.into()))?;
    // The rows that were left out name people whom others review.
    head.evidence = Evidence::default();
    head.review = Some(scope);
    let sections = encode(&head, &model, &changes).map_err(|error| failed(std::io::Error::other(error)))?;
    let (bytes, _) = render(&head, &sections).map_err(failed)?;
    let mut target = Target::lock(to)?;
    target.fill(&bytes)?;
    target.publish(to)?;
    Ok(bytes)
}

/// A grant: the indices of principal, origin and time.
type GrantIndices = (u32, u32, u32);

/// A model with some of the grants, and only with the principals and resources of these.
fn part(report_model: &Model, keep: &[bool]) -> Model {
    let mut kept = keep.iter().copied();
    let principals = report_model.people.len() + report_model.others.len();
    let mut indices: Vec<Option<u32>> = vec![None; principals];
    let mut chosen: Vec<(usize, Vec<GrantIndices>)> = Vec::new();
    for (n, holders) in report_model.holders.iter().enumerate() {
        let rows: Vec<GrantIndices> = holders
            .iter()
            .enumerate()
            .filter(|_| kept.next().unwrap_or(false))
            .map(|(n, (principal, origin))| (principal, origin, holders.since(n)))
            .collect();
        for (principal, ..) in &rows {
            if let Some(index) = indices.get_mut(*principal as usize) {
                *index = Some(0);
            }
        }
        if !rows.is_empty() {
            chosen.push((n, rows));
        }
    }
    for (next, index) in (0..).zip(indices.iter_mut().flatten()) {
        *index = next;
    }
    let is_kept = |index: usize| indices.get(index).is_some_and(Option::is_some);
    let mut words = StringTable::default();
    let mut model = Model {
        kinds: report_model.kinds.clone(),
        times: report_model.times.clone(),
        attributes: report_model.attributes.clone(),
        ..Model::default()
    };
    let people = report_model.people.iter().enumerate();
    for (_, person) in people.filter(|(index, _)| is_kept(*index)) {
        let mut person = person.clone();
        for string in person.strings_mut() {
            *string = words.intern(report_model.words.text(*string));
        }
        model.people.push(person);
    }
    model.words = words;
    let others = report_model.others.iter().enumerate();
    model.others = others
        .filter(|(index, _)| is_kept(index + report_model.people.len()))
        .map(|(_, other)| other.clone())
        .collect();
    let mut origins: Vec<Origin> = Vec::new();
    for (n, rows) in chosen {
        let mut holders = Holders::default();
        for (principal, origin, since) in rows {
            let index = indices
                .get(principal as usize)
                .copied()
                .flatten()
                .unwrap_or_default();
            let origin = match origin
                .checked_sub(1)
                .and_then(|origin| report_model.origins.get(origin as usize))
            {
                None => 0,
                Some(origin) => {
                    let known = origins.iter().position(|known| known == origin);
                    let index = known.unwrap_or_else(|| {
                        origins.push(origin.clone());
                        origins.len() - 1
                    });
                    u32::try_from(index + 1).unwrap_or(u32::MAX)
                }
            };
            holders.push(index, origin);
            holders.since.push(since);
        }
        if holders.since.iter().all(|since| *since == 0) {
            holders.since.clear();
        }
        model.entitlements.push(report_model.entitlements[n].clone());
        model.holders.push(holders);
    }
    model.origins = origins;
    for kind in &mut model.kinds {
        kind.resources = 0;
    }
    let mut seen: HashSet<(u32, &str)> = HashSet::new();
    for entitlement in &model.entitlements {
        if seen.insert((entitlement.kind, &entitlement.resource)) {
            model.kinds[entitlement.kind as usize].resources += 1;
        }
    }
    for person in &model.people {
        let resource_type = model.words.text(person.resource_type);
        if let Some(kind) = model.kinds.iter_mut().find(|kind| *kind.id == *resource_type) {
            kind.resources += 1;
        }
    }
    model.sort();
    model
}

/// The changes of the grants that the model has.
fn changes_of_part(changes: Changes, model: &Model, schema: ReportSchema) -> Changes {
    let own: HashSet<(String, String, String)> = grants(model, schema)
        .into_iter()
        .map(|grant| (grant.entitlement_id, grant.principal_type, grant.principal_id))
        .collect();
    let is_own = |key: &[Box<str>]| match key {
        [entitlement, principal_type, principal] => own.contains(&(
            entitlement.to_string(),
            principal_type.to_string(),
            principal.to_string(),
        )),
        _ => false,
    };
    Changes {
        rows: changes
            .rows
            .into_iter()
            .filter(|row| *row.subject == *"grant" && is_own(&row.key))
            .collect(),
    }
}
