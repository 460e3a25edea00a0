//! Counts of users by status and MFA.

use std::collections::BTreeMap;
use std::ops::ControlFlow::Continue;

use access_core::model::{Resource, ResourceTrait, StatusState, TraitKind};
use access_core::ports::{AccessSnapshot, ResourceQuery, SourceError};
use access_core::query;
use serde_json::json;

use super::resource_types::types_with_trait;

/// Counts of all users of a sync.
#[derive(Debug, Default)]
pub(super) struct UserTotals {
    total: u64,
    by_status: [u64; 4],
    without_mfa: u64,
    mfa_unknown: u64,
    administrators: u64,
}

const STATES: [StatusState; 4] = [
    StatusState::Enabled,
    StatusState::Disabled,
    StatusState::Deleted,
    StatusState::Unspecified,
];

impl UserTotals {
    pub(super) fn count(snapshot: &dyn AccessSnapshot) -> Result<Self, SourceError> {
        let mut totals = Self::default();
        for resource_type in types_with_trait(snapshot, TraitKind::User, &[])? {
            snapshot.resources(ResourceQuery::OfType(&resource_type), &mut |row| {
                totals.add(&row);
                Continue(())
            })?;
        }
        Ok(totals)
    }

    fn add(&mut self, row: &Resource) {
        let ResourceTrait::User(user) = &row.resource_trait else {
            return;
        };
        let state = row
            .status
            .as_ref()
            .map_or(StatusState::Unspecified, |status| status.state);
        self.total += 1;
        for (count, known) in self.by_status.iter_mut().zip(STATES) {
            *count += u64::from(state == known);
        }
        self.without_mfa += u64::from(user.mfa_enabled == Some(false));
        self.mfa_unknown += u64::from(user.mfa_enabled.is_none());
        self.administrators += u64::from(query::flag(&row.profile, "administrator") == Some(true));
    }

    pub(super) fn lines(&self) -> Vec<(String, u64)> {
        let mut lines = vec![("users".to_owned(), self.total)];
        let states = STATES.iter().zip(self.by_status).filter(|(_, count)| *count > 0);
        lines.extend(states.map(|(state, count)| (format!("  {}", state.as_str()), count)));
        lines.push(("  without MFA".to_owned(), self.without_mfa));
        lines.push(("  MFA unknown".to_owned(), self.mfa_unknown));
        lines.push(("  administrators".to_owned(), self.administrators));
        lines
    }

    pub(super) fn json(&self) -> serde_json::Value {
        let states = STATES.iter().zip(self.by_status);
        let states: BTreeMap<&str, u64> = states.map(|(state, count)| (state.as_str(), count)).collect();
        json!({
            "total": self.total,
            "by_status": states,
            "without_mfa": self.without_mfa,
            "mfa_unknown": self.mfa_unknown,
            "administrators": self.administrators,
        })
    }
}
