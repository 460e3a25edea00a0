//! Review lines: a grant and its stable id.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hash::sha256_of_texts;

/// A grant, by ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// The entitlement.
    pub entitlement_id: String,
    /// Resource type of the principal.
    pub principal_type: String,
    /// Native id of the principal.
    pub principal_id: String,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} held by {}:{}",
            self.entitlement_id, self.principal_type, self.principal_id
        )
    }
}

/// The id of a line in one report: `L` and 16 hex digits of a hash over the seal of the report and the subject. The
/// same grant has another id in another report, so rows cannot be moved between reviews. The letter prevents
/// spreadsheets from reading it as a number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineId(String);

impl LineId {
    /// Derives the id of a subject in the report with this seal.
    ///
    /// ```
    /// # use access_review::{LineId, Subject};
    /// let subject = Subject { entitlement_id: "role:1:assigned".into(), principal_type: "user".into(), principal_id: "7".into() };
    /// assert_eq!(LineId::new("00ff", &subject).as_str().len(), 17);
    /// ```
    #[must_use]
    pub fn new(report_sha256: &str, subject: &Subject) -> Self {
        let hash = sha256_of_texts(&[
            &report_sha256.to_lowercase(),
            &subject.entitlement_id,
            &subject.principal_type,
            &subject.principal_id,
        ]);
        Self(format!("L{}", &hash[..16]))
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LineId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names of a person.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonNames {
    /// The display name.
    pub name: String,
    /// The login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The e-mail address, if it differs from the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// A line of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The stable id.
    pub id: LineId,
    /// The grant.
    #[serde(flatten)]
    pub subject: Subject,
    /// Name of the entitlement.
    pub entitlement_name: String,
    /// Name of its resource.
    pub resource_name: String,
    /// Trait of the resource: `role`, `app`, `group`, …
    #[serde(rename = "trait")]
    pub trait_kind: String,
    /// Names of the principal.
    pub principal: PersonNames,
    /// Id and name of the principal's organization, if known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organization: Vec<String>,
    /// Whether the connector can revoke it; otherwise it must be revoked in the tenant.
    pub can_be_revoked: bool,
    /// Index of its reviewer, if assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned: Option<usize>,
}
