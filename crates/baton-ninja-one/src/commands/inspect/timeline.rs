//! The full syncs of a location over time.

use std::sync::Arc;

use access_core::StatusCode;
use access_core::ports::AccessSnapshot;
use source_c1z::C1zSource;
use source_dataset::{DatasetSnapshot, OpenSync};
use time::OffsetDateTime;

use crate::failure::Failure;
use crate::output::text_table::moment;
use crate::runtime::cancellation::Cancellation;
use crate::settings::Settings;
use crate::sync_location::SyncLocation;
use crate::sync_location::c1z_config;
use crate::sync_location::copy;
use crate::sync_location::dataset_config;

/// The hint with the formats of a time.
const TIME_HINT: &str =
    "write it as 2026-03-03, 2026-03-03T10:15 or 2026-03-03T10:15:30+02:00; without an offset it is UTC";

/// A time on the command line. A day means its end. A time without a fraction includes the complete second, because times
/// are displayed in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PointInTime {
    time: OffsetDateTime,
    has_fraction: bool,
}

impl PointInTime {
    /// Parses the value of a flag, if given.
    ///
    /// # Errors
    /// A [`Failure`] with [`StatusCode::InvalidArgument`] if it is invalid.
    pub(crate) fn parse_flag(flag: &str, text: Option<&str>) -> Result<Option<Self>, Failure> {
        let Some(text) = text else { return Ok(None) };
        Self::parse(text).map(Some).ok_or_else(|| {
            Failure::new(
                format!("{flag}: `{text}` is not a valid time"),
                Some(TIME_HINT.to_owned()),
                StatusCode::InvalidArgument,
            )
        })
    }

    /// Parses a day, or a date and time with optional seconds, fraction and zone. The default zone is UTC.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_uppercase();
        // The format in which times are displayed.
        let text = text
            .strip_suffix(" UTC")
            .map_or(text.clone(), |time| format!("{time}Z"));
        if text.len() == 10 {
            let time = c1z::parse_timestamp(&format!("{text}T23:59:59"))?;
            return Some(Self {
                time,
                has_fraction: false,
            });
        }
        let (date, rest) = (text.get(..10)?, text.get(10..)?);
        let (clock, zone) = rest.split_at(rest.find(['Z', '+', '-']).unwrap_or(rest.len()));
        if !is_zone(zone) {
            return None;
        }
        let seconds = if clock.matches(':').count() == 1 {
            ":00"
        } else {
            ""
        };
        Some(Self {
            time: c1z::parse_timestamp(&format!("{date}{clock}{seconds}{zone}"))?,
            has_fraction: clock.contains('.'),
        })
    }

    /// Whether an end is not after this time.
    fn is_after(&self, ended_at: OffsetDateTime) -> bool {
        if self.has_fraction {
            return ended_at <= self.time;
        }
        ended_at.unix_timestamp() <= self.time.unix_timestamp()
    }
}

/// Whether a zone is valid: `Z`, or an offset of at most 14 hours.
fn is_zone(zone: &str) -> bool {
    let Some(offset) = zone.strip_prefix(['+', '-']) else {
        return zone.is_empty() || zone == "Z";
    };
    let digits = offset.replacen(':', "", 1);
    let number: Option<u32> = digits.parse().ok().filter(|_| digits.len() == 4);
    number.is_some_and(|number| number <= 1400 && number % 100 < 60)
}

/// A finished full sync of a timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyncAt {
    pub(crate) id: String,
    pub(crate) ended_at: OffsetDateTime,
}

/// The finished full syncs of a location, oldest first.
pub(crate) struct Timeline {
    /// The location, for people.
    location: String,
    syncs: Vec<SyncAt>,
    source: Source,
}

enum Source {
    File(Box<C1zSource>),
    Dataset(Vec<OpenSync>),
}

impl SyncLocation {
    /// Reads the finished full syncs. Blocks, so it needs a blocking thread of a runtime; ends soon after `cancellation`.
    pub(crate) fn timeline(
        &self,
        settings: &Settings,
        cancellation: &Cancellation,
    ) -> Result<Timeline, Failure> {
        match self {
            Self::File(path) => {
                let source =
                    C1zSource::open_cancellable(c1z_config(path, settings, None)?, cancellation.flag())?;
                let full = source.full_syncs()?.into_iter();
                let mut syncs: Vec<SyncAt> = full.map(|(id, ended_at)| SyncAt { id, ended_at }).collect();
                syncs.sort_by(|a, b| (a.ended_at, &a.id).cmp(&(b.ended_at, &b.id)));
                Ok(Timeline {
                    location: path.display().to_string(),
                    syncs,
                    source: Source::File(Box::new(source)),
                })
            }
            Self::BucketC1z(url) => {
                let copy = cancellation.block_on(copy(url, settings))?;
                let timeline = Self::File(copy.path().to_owned()).timeline(settings, cancellation);
                let timeline = timeline.map_err(|failure| copy.explain(failure))?;
                Ok(Timeline {
                    location: url.to_string(),
                    ..timeline
                })
            }
            Self::Dataset(location) => {
                let config = dataset_config(location, settings, None)?;
                let mut opened = cancellation.block_on(OpenSync::full_syncs(config))?;
                opened.sort_by_key(|opened| (opened.sync().ended_at, opened.sync().run.id));
                let syncs = opened.iter().map(|opened| SyncAt {
                    id: opened.sync().run.id.to_string(),
                    ended_at: opened.sync().ended_at,
                });
                Ok(Timeline {
                    location: location.to_string(),
                    syncs: syncs.collect(),
                    source: Source::Dataset(opened),
                })
            }
        }
    }
}

impl Timeline {
    /// The syncs.
    pub(crate) fn syncs(&self) -> &[SyncAt] {
        &self.syncs
    }

    /// The index of the latest sync at a time.
    ///
    /// # Errors
    /// A [`Failure`] if no sync had ended by then.
    pub(crate) fn at(&self, time: &PointInTime) -> Result<usize, Failure> {
        let before = self.syncs.partition_point(|sync| time.is_after(sync.ended_at));
        before.checked_sub(1).ok_or_else(|| {
            let requested = moment(time.time);
            let Self { location, syncs, .. } = self;
            match syncs.first() {
                Some(first) => Failure::new(
                    format!(
                        "no full sync of {location} had ended at {requested}; the first one ended at {}",
                        moment(first.ended_at)
                    ),
                    Some("choose a later time".to_owned()),
                    StatusCode::NotFound,
                ),
                None => self.no_full_sync(),
            }
        })
    }

    /// The index of the latest sync.
    ///
    /// # Errors
    /// A [`Failure`] if there is none.
    pub(crate) fn latest(&self) -> Result<usize, Failure> {
        self.syncs.len().checked_sub(1).ok_or_else(|| self.no_full_sync())
    }

    fn no_full_sync(&self) -> Failure {
        Failure::new(
            format!("{} has no finished full sync", self.location),
            Some("choose another sync by its id with --sync".to_owned()),
            StatusCode::NotFound,
        )
    }

    /// Describes a sync, and the end of the next one.
    pub(crate) fn describe(&self, n: usize) -> String {
        let SyncAt { id, ended_at } = &self.syncs[n];
        let next = self.syncs.get(n + 1).map_or_else(
            || "there is no later one".to_owned(),
            |next| format!("the next one ended at {}", moment(next.ended_at)),
        );
        format!("As of {}: sync {id}; {next}.", moment(*ended_at))
    }

    /// Opens a sync.
    pub(crate) fn open(
        &self,
        n: usize,
        cancellation: &Cancellation,
    ) -> Result<Box<dyn AccessSnapshot>, Failure> {
        Ok(match &self.source {
            Source::File(source) => Box::new(source.with_sync(&self.syncs[n].id)?.snapshot()?),
            Source::Dataset(opened) => Box::new(DatasetSnapshot::new(
                opened[n].clone().with_stop(Arc::clone(cancellation.flag())),
            )),
        })
    }
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn times_are_parsed_in_every_format() {
        for (text, time) in [
            ("2026-03-03", datetime!(2026-03-03 23:59:59 UTC)),
            (" 2026-03-03 ", datetime!(2026-03-03 23:59:59 UTC)),
            ("2026-03-03T10:15", datetime!(2026-03-03 10:15 UTC)),
            ("2026-03-03 10:15", datetime!(2026-03-03 10:15 UTC)),
            ("2026-03-03t10:15z", datetime!(2026-03-03 10:15 UTC)),
            ("2026-03-03T10:15+02:00", datetime!(2026-03-03 08:15 UTC)),
            ("2026-03-03T00:15:30-05:30", datetime!(2026-03-03 05:45:30 UTC)),
            ("2026-03-03 03:17:12 UTC", datetime!(2026-03-03 03:17:12 UTC)),
            ("2026-03-03T03:17:12.25Z", datetime!(2026-03-03 03:17:12.25 UTC)),
            ("2024-02-29", datetime!(2024-02-29 23:59:59 UTC)),
        ] {
            assert_eq!(PointInTime::parse(text).map(|at| at.time), Some(time), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026",
            "2026-3-3",
            "2026-02-30",
            "2025-02-29",
            "2026-13-01",
            "03.03.2026",
            "2026-03-03T",
            "2026-03-03T24:00",
            "2026-03-03T10",
            "2026-03-03T10:60",
            "2026-03-03T10:15 CET",
            "2026-03-03T10:15+25:00",
            "2026-03-03T10:15+02:60",
            "2026-03-03T10:15+2",
            "2026-03-03 UTC",
            "2026-03-03T10:15:30:40",
            "２０２６-03-03",
            "2026-03-03é10:15",
        ] {
            assert_eq!(PointInTime::parse(text), None, "{text}");
        }
    }

    #[test]
    fn second_includes_its_fractions() {
        let ended = datetime!(2026-03-03 03:17:12.348 UTC);
        for (text, includes) in [
            ("2026-03-03", true),
            ("2026-03-02", false),
            ("2026-03-03T03:17", false),
            ("2026-03-03T03:18", true),
            ("2026-03-03T03:17:11", false),
            ("2026-03-03T03:17:12", true),
            ("2026-03-03T03:17:12.348", true),
            ("2026-03-03T03:17:12.347", false),
            ("2026-03-03T04:17:12+01:00", true),
        ] {
            assert_eq!(
                PointInTime::parse(text).unwrap().is_after(ended),
                includes,
                "{text}"
            );
        }
    }
}
