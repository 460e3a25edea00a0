//! What is decided on: that somebody holds something.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::hash::sha256_of_texts;

/// Who holds what, by ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// What is held.
    pub entitlement_id: String,
    /// The resource type of the holder.
    pub principal_type: String,
    /// The holder's native id.
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

/// Names a line of one report: `L` and 16 hexadecimal digits of a hash over the report's seal and the subject. The same
/// access in another report has another id, so a row cannot be moved between reviews. The letter keeps spreadsheets from
/// reading a number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LineId(String);

impl LineId {
    /// The id of a subject in the report with this seal.
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

    /// The text.
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

/// What a person is called.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonNames {
    /// The display name.
    pub name: String,
    /// The login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<String>,
    /// The address, where it is not the login.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

/// One line of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Its stable id.
    pub id: LineId,
    /// Who holds what.
    #[serde(flatten)]
    pub subject: Subject,
    /// What the tenant calls the entitlement.
    pub entitlement_name: String,
    /// What the tenant calls the resource on which it is held.
    pub resource_name: String,
    /// The trait of that resource: `role`, `app`, `group`, …
    #[serde(rename = "trait")]
    pub trait_kind: String,
    /// What the tenant calls the holder.
    pub principal: PersonNames,
    /// Id and name of the holder's organization, as far as the tenant says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub organization: Vec<String>,
    /// Whether the connector can revoke it; otherwise it is done in the tenant itself.
    pub can_be_revoked: bool,
    /// Who reviews it: a place in the review's list of reviewers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned: Option<usize>,
}
