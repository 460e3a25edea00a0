//! Selects the sync of the file to read.

use access_core::model::{SyncId, SyncType};
use c1z::{C1zError, Reader, SyncRow};
use time::OffsetDateTime;

use crate::error::{C1zSourceError, KnownSync};

/// A finished sync, parsed.
#[derive(Debug, Clone)]
pub(crate) struct SelectedSync {
    pub(crate) id: SyncId,
    pub(crate) sync_type: SyncType,
    pub(crate) started_at: OffsetDateTime,
    pub(crate) ended_at: OffsetDateTime,
}

impl SelectedSync {
    /// The requested sync; by default the one that other readers use.
    pub(crate) fn choose(reader: &Reader, requested: Option<&str>) -> Result<Self, C1zSourceError> {
        let path = reader.path().to_owned();
        let rows = reader.syncs()?;
        let syncs: Vec<KnownSync> = rows.iter().map(KnownSync::from).collect();
        let Some(requested) = requested else {
            return match reader.latest_finished() {
                Ok(row) => Self::typed(reader, &row),
                Err(C1zError::NoneFinished { .. }) => Err(C1zSourceError::NoneFinished { path, syncs }),
                Err(error) => Err(error.into()),
            };
        };
        let requested = requested.to_owned();
        match rows.iter().find(|row| row.sync_id == requested) {
            None => Err(C1zSourceError::UnknownSync {
                path,
                requested,
                syncs,
            }),
            Some(row) if row.ended_at.is_none() => Err(C1zSourceError::Unfinished {
                path,
                requested,
                syncs,
            }),
            Some(row) => Self::typed(reader, row),
        }
    }

    fn typed(reader: &Reader, row: &SyncRow) -> Result<Self, C1zSourceError> {
        let path = || reader.path().to_owned();
        let time = |which, text: &str| {
            c1z::parse_timestamp(text).ok_or_else(|| C1zSourceError::NotATime {
                path: path(),
                sync_id: row.sync_id.clone(),
                which,
                text: text.to_owned(),
            })
        };
        let id = row
            .sync_id
            .parse()
            .map_err(|source| C1zSourceError::NotAKsuid { path: path(), source })?;
        let sync_type = match row.sync_type.as_str() {
            "full" => SyncType::Full,
            "resources_only" => SyncType::ResourcesOnly,
            "partial_deletions" => {
                return Err(C1zSourceError::DeletionsOnly {
                    path: path(),
                    sync_id: row.sync_id.clone(),
                    sync_type: row.sync_type.clone(),
                });
            }
            // Upserts and unknown types: rows that are missing in them were not removed.
            _ => SyncType::Partial,
        };
        Ok(Self {
            id,
            sync_type,
            started_at: time("start", &row.started_at)?,
            ended_at: time("end", row.ended_at.as_deref().unwrap_or_default())?,
        })
    }
}
