//! Compatibility of a sync with the location it is written to. The first sync binds a location to a tenant, a format
//! and an id scheme; later syncs must match, and the latest existing sync must not lie in the future. Sinks describe
//! what they find as [`LocationContents`], and [`check_location`] applies the rule.

use std::collections::BTreeSet;
use std::fmt;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::model::{IdScheme, ResourceTypeId, SyncRun};
use crate::{Diagnostic, StatusCode};

/// The metadata of the syncs in a location. Unknown values are not checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocationContents {
    /// Tenant of the existing syncs.
    pub tenant: Option<String>,
    /// Format and the options that decide how files are named and read, e.g. `csv, gzip`.
    pub format: Option<String>,
    /// Resource types of the existing syncs. If the tenant is unknown, a location without a common type belongs to
    /// another connector.
    pub resource_types: Option<BTreeSet<ResourceTypeId>>,
    /// End of the latest existing sync.
    pub latest_ended_at: Option<OffsetDateTime>,
    /// Time of this inspection by the local clock. An export may be older than the latest sync of its location; a
    /// latest sync that ended after this time is an error.
    pub checked_at: Option<OffsetDateTime>,
}

/// Why a sync cannot be written to a location.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationConflict {
    /// The location belongs to another tenant.
    #[error("it holds syncs of the tenant {existing}, not of {requested}")]
    OtherTenant {
        /// The existing value.
        existing: String,
        /// The value of this sync.
        requested: String,
    },
    /// The location belongs to another tenant at the same address.
    #[error(
        "it holds syncs of another tenant at this address: {same} of the {compared} users that were compared are the same people, and the client id changed from {known} to {client}"
    )]
    OtherUsers {
        /// The client id of the existing syncs.
        known: String,
        /// The client id of this sync.
        client: String,
        /// Users that are the same.
        same: usize,
        /// Compared users.
        compared: usize,
    },
    /// It is not known whether the location belongs to the same tenant.
    #[error(
        "the client id changed from {known} to {client}, and this sync reads no users that would show whether it is the same tenant"
    )]
    UnknownTenant {
        /// The client id of the existing syncs.
        known: String,
        /// The client id of this sync.
        client: String,
    },
    /// The location belongs to another connector.
    #[error(
        "it holds the data of another connector ({existing}), which has no resource type in common with this run"
    )]
    OtherConnector {
        /// Resource types of the existing syncs.
        existing: String,
    },
    /// The location has another format.
    #[error("it holds {existing}, not {requested}")]
    OtherFormat {
        /// The existing value.
        existing: String,
        /// The value of this sync.
        requested: String,
    },
    /// The location has another id scheme.
    #[error("its ids use the scheme `{existing}`, the ids of this sync use `{requested}`")]
    OtherIdScheme {
        /// The existing value.
        existing: IdScheme,
        /// The value of this sync.
        requested: IdScheme,
    },
    /// The latest sync of the location ended after this one started.
    #[error("its latest sync ended at {ended_at}, which is after the start of this one at {now}")]
    FromTheFuture {
        /// End of the latest existing sync.
        ended_at: Moment,
        /// Start of this sync.
        now: Moment,
    },
}

/// A time, displayed as RFC 3339 in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub OffsetDateTime);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole_seconds = self.0.replace_nanosecond(0).unwrap_or(self.0);
        f.write_str(&whole_seconds.format(&Rfc3339).unwrap_or_default())
    }
}

impl Diagnostic for LocationConflict {
    fn status(&self) -> StatusCode {
        StatusCode::FailedPrecondition
    }

    fn retryable(&self) -> bool {
        false
    }

    fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::OtherTenant { .. } | Self::OtherConnector { .. } => {
                "write to another location, or pass --replace-existing to start over in this one"
            }
            Self::OtherUsers { .. } => {
                "write to another location; if it is the same tenant after all, sync once more with the earlier client id before you change it"
            }
            Self::UnknownTenant { .. } => "run a full sync with the new client id first",
            Self::OtherFormat { .. } => {
                "write to another location or in the existing format, or pass --replace-existing to start over in this one"
            }
            Self::OtherIdScheme { .. } => {
                "run `check` to see whether the instance lacks lists; after a permanent change of version, write to a new location"
            }
            Self::FromTheFuture { .. } => {
                "check the clock of this machine and of the one that wrote the latest sync, or pass --replace-existing to start over"
            }
        };
        Some(hint.to_owned())
    }
}

/// Checks whether a location accepts a sync of this run in this format.
///
/// # Errors
/// [`LocationConflict`] with the existing value.
pub fn check_location(
    contents: &LocationContents,
    run: &SyncRun,
    format: &str,
) -> Result<(), LocationConflict> {
    if let Some(existing) = &contents.tenant
        && *existing != run.tenant
    {
        return Err(LocationConflict::OtherTenant {
            existing: existing.clone(),
            requested: run.tenant.clone(),
        });
    }
    if contents.tenant.is_none()
        && let Some(existing) = &contents.resource_types
        && !existing.is_empty()
        && !run.provenance.resource_types.is_empty()
        && !run
            .provenance
            .resource_types
            .iter()
            .any(|id| existing.contains(id))
    {
        let existing: Vec<&str> = existing.iter().map(ResourceTypeId::as_str).collect();
        return Err(LocationConflict::OtherConnector {
            existing: existing.join(", "),
        });
    }
    if let Some(existing) = &contents.format
        && existing != format
    {
        return Err(LocationConflict::OtherFormat {
            existing: existing.clone(),
            requested: format.to_owned(),
        });
    }
    match contents.latest_ended_at {
        Some(ended_at) if ended_at > contents.checked_at.unwrap_or(run.started_at).max(run.started_at) => {
            Err(LocationConflict::FromTheFuture {
                ended_at: Moment(ended_at),
                now: Moment(run.started_at),
            })
        }
        _ => Ok(()),
    }
}

/// Checks whether a location with one id scheme accepts a sync of another.
///
/// # Errors
/// [`LocationConflict::OtherIdScheme`] if they differ.
pub fn check_id_scheme(existing: Option<&IdScheme>, requested: &IdScheme) -> Result<(), LocationConflict> {
    match existing {
        Some(existing) if existing != requested => Err(LocationConflict::OtherIdScheme {
            existing: existing.clone(),
            requested: requested.clone(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;
    use crate::model::{Provenance, SyncId, SyncType};

    fn run() -> SyncRun {
        let started_at = datetime!(2026-11-30 12:00 UTC);
        SyncRun {
            id: SyncId::from_parts(started_at, [1; 16]),
            sync_type: SyncType::Full,
            tenant: "https://eu.example.com".to_owned(),
            started_at,
            provenance: Provenance {
                resource_types: vec![
                    ResourceTypeId::from_static("user"),
                    ResourceTypeId::from_static("role"),
                ],
                ..Provenance::default()
            },
        }
    }

    fn ours() -> LocationContents {
        LocationContents {
            tenant: Some("https://eu.example.com".to_owned()),
            format: Some("parquet".to_owned()),
            resource_types: Some([ResourceTypeId::from_static("user")].into()),
            latest_ended_at: Some(datetime!(2026-11-29 12:00 UTC)),
            checked_at: None,
        }
    }

    #[test]
    fn matching_and_empty_locations_are_accepted() {
        assert_eq!(
            check_location(&LocationContents::default(), &run(), "parquet"),
            Ok(())
        );
        assert_eq!(check_location(&ours(), &run(), "parquet"), Ok(()));
    }

    #[test]
    fn export_of_an_earlier_sync_is_accepted() {
        let later = LocationContents {
            latest_ended_at: Some(datetime!(2026-11-30 13:00 UTC)),
            checked_at: Some(datetime!(2026-12-01 0:00 UTC)),
            ..ours()
        };
        assert_eq!(check_location(&later, &run(), "parquet"), Ok(()));
        let without_check_time = LocationContents {
            checked_at: None,
            ..later
        };
        assert!(check_location(&without_check_time, &run(), "parquet").is_err());
    }

    #[test]
    fn every_conflict_has_a_message_and_a_hint() {
        let other_tenant = LocationContents {
            tenant: Some("https://us.example.com".to_owned()),
            ..ours()
        };
        let other_connector = LocationContents {
            tenant: None,
            resource_types: Some([ResourceTypeId::from_static("repository")].into()),
            ..ours()
        };
        let other_format = LocationContents {
            format: Some("csv".to_owned()),
            ..ours()
        };
        let future = LocationContents {
            latest_ended_at: Some(datetime!(2100-01-01 0:00 UTC)),
            ..ours()
        };
        let mut lines = Vec::new();
        for contents in [other_tenant, other_connector, other_format, future] {
            let conflict = check_location(&contents, &run(), "parquet").unwrap_err();
            assert_eq!(conflict.status(), StatusCode::FailedPrecondition);
            lines.push(format!("{conflict}\n  {}", conflict.hint().unwrap()));
        }
        let scheme =
            check_id_scheme(Some(&IdScheme::new("numeric")), &IdScheme::new("role-name")).unwrap_err();
        lines.push(format!("{scheme}\n  {}", scheme.hint().unwrap()));
        insta::assert_snapshot!(lines.join("\n"));
    }
}
