//! The two syncs that are compared.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use access_core::StatusCode;
use access_core::model::{Completeness, SyncScope, SyncType};
use access_core::ports::{AccessSink, NoopObserver};
use access_core::sync::{ShrinkGuard, SyncPipeline, SyncRequest};
use access_dataset::{HashCheck, Manifest, Published, Snapshot, SortedSink};
use source_c1z::C1zSource;
use time::OffsetDateTime;
use tokio::runtime::Handle;

use super::args::DiffArgs;
use crate::commands::export::describe_sync;
use crate::commands::inspect::location;
use crate::commands::inspect::timeline::PointInTime;
use crate::failure::Failure;
use crate::output::text_table::moment;
use crate::runtime::cancellation::Cancellation;
use crate::runtime::system::{KsuidGenerator, SystemClock};
use crate::settings::Settings;
use crate::sync_location::SyncLocation;
use crate::sync_location::c1z_config;
use crate::sync_location::copy;
use crate::wiring::CONTRACT;
use crate::wiring::formats;

/// One of the two syncs, sorted.
pub(super) struct DiffInput {
    pub(super) snapshot: Box<dyn Snapshot>,
    /// A name for people.
    pub(super) label: String,
    sync_type: SyncType,
    started_at: OffsetDateTime,
    /// Types that were read, completely or not.
    types: BTreeSet<String>,
    /// Types that were read incompletely.
    incomplete: Vec<String>,
}

/// Both syncs.
pub(super) struct DiffInputs {
    pub(super) old: DiffInput,
    pub(super) new: DiffInput,
}

impl DiffInputs {
    /// Reads and sorts both syncs. Blocks.
    pub(super) fn open(
        settings: &Settings,
        args: DiffArgs,
        cancellation: &Cancellation,
    ) -> Result<Self, Failure> {
        let old_location = location(args.old.as_deref())?;
        let new_location = args.new.map(|text| SyncLocation::parse(&text)).transpose()?;
        let at = |location: &SyncLocation, time: Option<PointInTime>| {
            let Some(time) = time else { return Ok(None) };
            let timeline = location.timeline(settings, cancellation)?;
            let n = timeline.at(&time)?;
            Ok::<_, Failure>(Some(timeline.syncs()[n].id.clone()))
        };
        let mut old_sync = at(&old_location, args.from)?.or(args.old_sync);
        let mut new_sync = at(new_location.as_ref().unwrap_or(&old_location), args.to)?.or(args.new_sync);
        if new_location.is_none() && (old_sync.is_none() || new_sync.is_none()) {
            (old_sync, new_sync) = default_pair(&old_location, settings, old_sync, new_sync, cancellation)?;
        }
        let new_location = new_location.as_ref().unwrap_or(&old_location);
        Ok(Self {
            old: DiffInput::open(&old_location, settings, old_sync.as_deref(), cancellation)?,
            new: DiffInput::open(new_location, settings, new_sync.as_deref(), cancellation)?,
        })
    }
}

/// The named or the latest sync of a location, and the full sync before it.
fn default_pair(
    sync_location: &SyncLocation,
    settings: &Settings,
    old: Option<String>,
    new: Option<String>,
    cancellation: &Cancellation,
) -> Result<(Option<String>, Option<String>), Failure> {
    let syncs = sync_location.syncs(settings, cancellation)?;
    let at = syncs.iter().position(|sync| match &new {
        Some(id) => sync.id == *id,
        None => sync.latest,
    });
    // Opening reports a missing sync.
    let Some(at) = at else { return Ok((old, new)) };
    let before = syncs[..at]
        .iter()
        .rev()
        .find(|sync| sync.sync_type == SyncType::Full.as_str() && sync.ended_at.is_some());
    let new = syncs[at].id.clone();
    match (old, before) {
        (Some(old), _) => Ok((Some(old), Some(new))),
        (None, Some(before)) => Ok((Some(before.id.clone()), Some(new))),
        (None, None) => Err(incomparable(
            format!("there is no full sync before {new} to compare it with"),
            "name two locations, or two syncs with --old-sync and --new-sync",
        )),
    }
}

impl DiffInput {
    fn open(
        sync_location: &SyncLocation,
        settings: &Settings,
        sync: Option<&str>,
        cancellation: &Cancellation,
    ) -> Result<Self, Failure> {
        match sync_location {
            SyncLocation::File(path) => {
                Self::from_file(path, &path.display().to_string(), settings, sync, cancellation)
            }
            SyncLocation::BucketC1z(url) => {
                let copy = cancellation.block_on(copy(url, settings))?;
                let side = Self::from_file(copy.path(), &url.to_string(), settings, sync, cancellation);
                side.map_err(|failure| copy.explain(failure))
            }
            SyncLocation::Dataset(location) => {
                let temp_folder = settings.temp_folder()?;
                let config = crate::sync_location::dataset_config(location, settings, sync)?;
                let location = config.location.clone();
                let opened = cancellation.block_on(source_dataset::OpenSync::open(config))?;
                let published = cancellation.block_on(Published::open(&location, formats(), &temp_folder))?;
                let manifest = opened.manifest();
                let snapshot = cancellation.block_on(published.snapshot(manifest, HashCheck::Skip))?;
                let run = &opened.sync().run;
                Ok(Self {
                    label: label(
                        &published.location(),
                        run.id.as_str(),
                        run.sync_type,
                        opened.sync().ended_at,
                    ),
                    sync_type: run.sync_type,
                    started_at: run.started_at,
                    types: types(manifest),
                    incomplete: incomplete(manifest),
                    snapshot: Box::new(snapshot),
                })
            }
        }
    }

    /// Reads a file through the checks of a sync, and sorts its rows by key.
    fn from_file(
        path: &Path,
        sync_location: &str,
        settings: &Settings,
        sync: Option<&str>,
        cancellation: &Cancellation,
    ) -> Result<Self, Failure> {
        let source = C1zSource::open_cancellable(c1z_config(path, settings, sync)?, cancellation.flag())?;
        let sorted = Arc::new(SortedSink::new(CONTRACT, settings.temp_folder()?));
        let pipeline = SyncPipeline {
            source: &source,
            sinks: &[Arc::clone(&sorted) as Arc<dyn AccessSink>],
            clock: &SystemClock,
            ids: &KsuidGenerator,
            observer: &NoopObserver,
        };
        let request = SyncRequest {
            provenance: access_core::model::Provenance::default(),
            scope: SyncScope::default(),
            sync_type: Some(source.sync_type()),
            identity: Some((&describe_sync(&source)).into()),
            guard: ShrinkGuard::default(),
        };
        let outcome = Handle::current().block_on(pipeline.run(&request, cancellation.cancelled()))?;
        let summary = outcome.summary;
        let incomplete = summary
            .completeness
            .iter()
            .filter(|(_, state)| **state != Completeness::Complete)
            .map(|(id, _)| id.to_string());
        let snapshot = sorted.take().ok_or_else(|| {
            Failure::new(
                "internal error: the sync that was read is missing".to_owned(),
                None,
                StatusCode::Internal,
            )
        })?;
        let run = &summary.run;
        Ok(Self {
            label: label(sync_location, run.id.as_str(), run.sync_type, summary.ended_at),
            sync_type: run.sync_type,
            started_at: run.started_at,
            types: summary.completeness.keys().map(ToString::to_string).collect(),
            incomplete: incomplete.collect(),
            snapshot: Box::new(snapshot),
        })
    }

    /// Types that the old sync read and this full sync did not.
    pub(super) fn types_not_read(&self, old: &Self) -> Vec<String> {
        if self.sync_type != SyncType::Full {
            return Vec::new();
        }
        old.types.difference(&self.types).cloned().collect()
    }

    /// Notes for readers of the differences.
    pub(super) fn notes(&self, old: &Self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.label == old.label {
            notes.push("the old and the new sync are the same: no other one ended in between".to_owned());
        }
        if self.started_at < old.started_at {
            notes.push("the old sync began after the new one".to_owned());
        }
        if self.sync_type != SyncType::Full {
            let kind = self.sync_type.as_str();
            notes.push(format!(
                "the new sync is {kind}; missing records are not reported as removed"
            ));
        } else if !self.incomplete.is_empty() {
            notes.push(format!(
                "the new sync did not read all of {}; missing records there are not reported as removed",
                self.incomplete.join(", ")
            ));
        }
        let types_not_read = self.types_not_read(old);
        if !types_not_read.is_empty() {
            notes.push(format!(
                "the new sync did not read {}, which the old one did; its records are not reported as removed",
                types_not_read.join(", ")
            ));
        }
        notes
    }
}

fn types(manifest: &Manifest) -> BTreeSet<String> {
    let states = manifest.completeness.as_object().into_iter().flatten();
    states.map(|(id, _)| id.clone()).collect()
}

fn incomplete(manifest: &Manifest) -> Vec<String> {
    let states = manifest.completeness.as_object().into_iter().flatten();
    let incomplete = states.filter(|(_, state)| state["state"] != "complete");
    incomplete.map(|(id, _)| id.clone()).collect()
}

fn label(sync_location: &str, sync: &str, sync_type: SyncType, ended_at: OffsetDateTime) -> String {
    format!(
        "{sync_location}: sync {sync} ({}), ended {}",
        sync_type.as_str(),
        moment(ended_at)
    )
}

/// The failure of a pair of syncs that cannot be compared.
fn incomparable(message: String, hint: &str) -> Failure {
    Failure::new(message, Some(hint.to_owned()), StatusCode::FailedPrecondition)
}
