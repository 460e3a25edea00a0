//! A location knows what it holds. It is bound at its first sync to a tenant, a format and an id scheme, and refuses
//! others; so does one whose latest sync lies in the future. One rule for all sinks: each says what it finds
//! ([`LocationContents`]), [`check_location`] judges.

use std::collections::BTreeSet;
use std::fmt;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::model::{IdScheme, ResourceTypeId, SyncRun};
use crate::{Diagnostic, StatusCode};

/// What a location says about the syncs in it. What is not known is not judged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LocationContents {
    /// The tenant whose syncs it holds.
    pub tenant: Option<String>,
    /// Format and options that decide how the files are named and read, e.g. `csv, gzip`.
    pub format: Option<String>,
    /// The types of the resources in it: where the tenant is not known, a location that shares none of them is another
    /// connector's.
    pub resource_types: Option<BTreeSet<ResourceTypeId>>,
    /// When its latest sync ended.
    pub latest_ended_at: Option<OffsetDateTime>,
    /// When the location was looked at, by the clock that it goes by. An export of an earlier sync is no later than its
    /// location's latest one, and still not from another time; a latest sync that lies after this moment is.
    pub checked_at: Option<OffsetDateTime>,
}

/// Why a location does not take a sync.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LocationConflict {
    /// It holds another tenant.
    #[error("it holds syncs of the tenant {held}, not of {wanted}")]
    OtherTenant {
        /// What it holds.
        held: String,
        /// What is to be written.
        wanted: String,
    },
    /// It holds another connector's data.
    #[error("it holds the data of another connector ({held}); no resource type of it is one of this run")]
    OtherConnector {
        /// The types in it.
        held: String,
    },
    /// It is of another format.
    #[error("it holds {held}, not {wanted}")]
    OtherFormat {
        /// What it holds.
        held: String,
        /// What is to be written.
        wanted: String,
    },
    /// Its ids are made in another way.
    #[error("its ids are of the scheme `{held}`, those of this sync of the scheme `{wanted}`")]
    OtherIdScheme {
        /// What it holds.
        held: IdScheme,
        /// What is to be written.
        wanted: IdScheme,
    },
    /// Its latest sync is later than this one.
    #[error("its latest sync ended at {ended_at}, which is after the start of this one at {now}")]
    FromTheFuture {
        /// When its latest sync ended.
        ended_at: Moment,
        /// When this one began.
        now: Moment,
    },
}

/// A time as people read it.
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
                "write to a location of its own; --replace-existing starts anew in this one"
            }
            Self::OtherFormat { .. } => {
                "write to a location of its own, or as the location was written; --replace-existing starts anew in this one"
            }
            Self::OtherIdScheme { .. } => {
                "run `check`: the instance may lack lists for a moment; if it is another version for good, write to a new location"
            }
            Self::FromTheFuture { .. } => {
                "check the date of this machine and of the one that wrote the latest sync; --replace-existing starts anew"
            }
        };
        Some(hint.to_owned())
    }
}

/// Whether a location with these contents takes a sync of this run in this format.
///
/// # Errors
/// [`LocationConflict`] naming what it holds.
pub fn check_location(
    contents: &LocationContents,
    run: &SyncRun,
    format: &str,
) -> Result<(), LocationConflict> {
    if let Some(held) = &contents.tenant
        && *held != run.tenant
    {
        return Err(LocationConflict::OtherTenant {
            held: held.clone(),
            wanted: run.tenant.clone(),
        });
    }
    if contents.tenant.is_none()
        && let Some(held) = &contents.resource_types
        && !held.is_empty()
        && !run.provenance.resource_types.is_empty()
        && !run.provenance.resource_types.iter().any(|id| held.contains(id))
    {
        let held: Vec<&str> = held.iter().map(ResourceTypeId::as_str).collect();
        return Err(LocationConflict::OtherConnector {
            held: held.join(", "),
        });
    }
    if let Some(held) = &contents.format
        && held != format
    {
        return Err(LocationConflict::OtherFormat {
            held: held.clone(),
            wanted: format.to_owned(),
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

/// Whether a location whose ids are of one scheme takes a sync of another.
///
/// # Errors
/// [`LocationConflict::OtherIdScheme`] if they differ.
pub fn check_id_scheme(held: Option<&IdScheme>, wanted: &IdScheme) -> Result<(), LocationConflict> {
    match held {
        Some(held) if held != wanted => Err(LocationConflict::OtherIdScheme {
            held: held.clone(),
            wanted: wanted.clone(),
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
    fn its_own_kind_and_an_empty_location_are_admitted() {
        assert_eq!(
            check_location(&LocationContents::default(), &run(), "parquet"),
            Ok(())
        );
        assert_eq!(check_location(&ours(), &run(), "parquet"), Ok(()));
    }

    #[test]
    fn an_export_of_an_earlier_sync_is_not_from_the_past() {
        let later = LocationContents {
            latest_ended_at: Some(datetime!(2026-11-30 13:00 UTC)),
            checked_at: Some(datetime!(2026-12-01 0:00 UTC)),
            ..ours()
        };
        assert_eq!(check_location(&later, &run(), "parquet"), Ok(()));
        let without_a_look = LocationContents {
            checked_at: None,
            ..later
        };
        assert!(check_location(&without_a_look, &run(), "parquet").is_err());
    }

    #[test]
    fn every_conflict_is_named_with_what_to_do() {
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
