//! A sync in this process: the real source and pipeline over real HTTP, into a sink that only remembers. Waits are short,
//! so that thousands of runs fit where processes would allow hundreds.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use access_core::model::{AccessBatch, Completeness, SyncId, SyncRun};
use access_core::ports::{
    AccessSink, AccessSource, Clock, NoopObserver, Prepared, Receipt, SinkError, SinkWriter, SyncIdGenerator,
};
use access_core::sync::{SyncError, SyncOutcome, SyncPipeline, SyncRequest, SyncSummary};
use access_core::{Diagnostic, error_chain};
use async_trait::async_trait;
use ninjaone::{
    BaseUrl, ClientConfig, NinjaOneClient, NinjaOneSource, RetryBudget, Secret, SourceOptions, WritePolicy,
};
use ninjaone_sim::{Call, FaultRule, FaultSchedule, Sim, SimConfig, Tenant};
use time::OffsetDateTime;

use super::row_lines::{self, Lines};
use super::rows::Ledger;

/// Tries of one request.
pub(crate) const ATTEMPTS: u32 = 4;
/// The longest wait that a server may ask for.
pub(crate) const MAX_WAIT: Duration = Duration::from_millis(50);

/// The configuration of a run.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) devices: bool,
    /// The longest silence.
    pub(crate) timeout: Duration,
    /// Rows in a page of the tenant.
    pub(crate) page: usize,
    /// An instance without `/v2/user/*`.
    pub(crate) older: bool,
}

impl Default for Stage {
    fn default() -> Self {
        Self {
            devices: true,
            timeout: Duration::from_secs(20),
            page: 4,
            older: false,
        }
    }
}

/// The result of a run.
pub(crate) struct Ended {
    pub(crate) result: Result<Rows, Failed>,
    pub(crate) calls: Vec<Call>,
    /// The number of calls that the reader reports.
    pub(crate) calls_reported: u64,
    pub(crate) unfired: Vec<FaultRule>,
    pub(crate) base_url: String,
    pub(crate) took: Duration,
    /// The previous contents of the sink, if they are compared.
    pub(crate) before: Option<&'static Lines>,
}

/// The published rows.
pub(crate) struct Rows {
    pub(crate) lines: Lines,
    pub(crate) dropped: Ledger,
    pub(crate) balances: bool,
    /// Types that are not complete.
    pub(crate) incomplete: BTreeSet<String>,
    /// The warnings.
    pub(crate) warnings: Vec<String>,
}

/// The error.
pub(crate) struct Failed {
    pub(crate) code: u8,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// Whether something was published nevertheless.
    pub(crate) published: bool,
}

/// The fixture tenant, read once.
pub(crate) fn fixture() -> Tenant {
    static FIXTURE: OnceLock<Tenant> = OnceLock::new();
    FIXTURE.get_or_init(|| Tenant::fixture("msp").unwrap()).clone()
}

/// The simulated tenant of a run.
pub(crate) fn config(stage: &Stage, rules: &[FaultRule]) -> SimConfig {
    let mut config = SimConfig::new(fixture());
    config.faults = FaultSchedule::new(rules.iter().cloned());
    config.keep_answers = true;
    config.behavior.reads.page_size_cap = Some(stage.page);
    config.behavior.transport.old_instance = stage.older;
    config
}

pub(crate) fn client(base_url: &str, timeout: Duration, writes: WritePolicy) -> NinjaOneClient {
    NinjaOneClient::new(ClientConfig {
        base_url: BaseUrl::parse(base_url).unwrap(),
        token_path: ninjaone::DEFAULT_TOKEN_PATH.to_owned(),
        client_id: "sim-client".to_owned(),
        client_secret: Secret::new("sim-secret".to_owned()),
        scope: None,
        ca_file: None,
        timeout,
        retry: RetryBudget {
            attempts: ATTEMPTS,
            first_backoff: Duration::from_millis(1),
            longest_wait: MAX_WAIT,
            total_wait: 4 * MAX_WAIT,
        },
        pace: None,
        writes,
        user_agent: "test".to_owned(),
    })
    .unwrap()
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
}

/// A tenant, and a source that reads it again and again.
pub(crate) struct Rehearsal {
    stage: Stage,
    sim: Sim,
    source: NinjaOneSource,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Default for Rehearsal {
    fn default() -> Self {
        Self::new(&Stage::default())
    }
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        // Parser threads may still wait for a body that is no longer needed.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Runs once with its own tenant and source.
pub(crate) fn run(stage: &Stage, rules: &[FaultRule]) -> Ended {
    Rehearsal::new(stage).run(rules)
}

impl Rehearsal {
    pub(crate) fn new(stage: &Stage) -> Self {
        let sim = Sim::start(&config(stage, &[])).unwrap();
        let options = SourceOptions {
            devices: stage.devices,
        };
        let client = client(&sim.base_url(), stage.timeout, WritePolicy::Disabled);
        Self {
            stage: stage.clone(),
            source: NinjaOneSource::new(client, options),
            sim,
            runtime: Some(runtime()),
        }
    }

    pub(crate) fn stage(&self) -> &Stage {
        &self.stage
    }

    /// Makes a run under these faults.
    pub(crate) fn run(&mut self, rules: &[FaultRule]) -> Ended {
        self.sim.ledger().clear();
        self.sim.faults().clear();
        for rule in rules {
            self.sim.faults().add(rule.clone());
        }
        let memory = Arc::new(Memory::default());
        let sinks: [Arc<dyn AccessSink>; 1] = [Arc::clone(&memory) as Arc<dyn AccessSink>];
        let pipeline = SyncPipeline {
            source: &self.source,
            sinks: &sinks,
            clock: &Fixed,
            ids: &Fixed,
            observer: &NoopObserver,
        };
        let before = self.source.usage();
        let begin = Instant::now();
        let runtime = self.runtime.as_ref().unwrap();
        let outcome = runtime.block_on(pipeline.run(&SyncRequest::default(), std::future::pending()));
        let took = begin.elapsed();
        let published = memory.published.lock().unwrap().take();
        Ended {
            result: match outcome {
                Ok(outcome) => Ok(rows(&outcome, published.unwrap())),
                Err(error) => Err(failed(&error, published.is_some())),
            },
            calls: self.sim.ledger().calls(),
            calls_reported: self.source.usage().since(&before).calls,
            unfired: self.sim.faults().unfired(),
            base_url: self.sim.base_url(),
            took,
            before: None,
        }
    }
}

fn rows(outcome: &SyncOutcome, published: Vec<String>) -> Rows {
    let ledger = &outcome.summary.ledger;
    let dropped = ledger.iter().flat_map(|(key, entry)| {
        entry
            .dropped
            .iter()
            .map(move |(reason, count)| (format!("{} {} {reason:?}", key.kind, key.resource_type), *count))
    });
    Rows {
        lines: row_lines::set(published),
        dropped: dropped.collect(),
        balances: ledger.imbalance().is_none(),
        incomplete: outcome
            .summary
            .completeness
            .iter()
            .filter(|(_, state)| matches!(state, Completeness::Incomplete { .. }))
            .map(|(id, _)| id.to_string())
            .collect(),
        warnings: outcome
            .warnings
            .iter()
            .map(|warning| format!("{}: {}", warning.code, warning.message))
            .collect(),
    }
}

fn failed(error: &SyncError, published: bool) -> Failed {
    Failed {
        code: error.status().number(),
        message: error_chain(error),
        hint: error.hint(),
        published,
    }
}

/// Fixed time and fixed ids.
pub(crate) struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH
    }
}

impl SyncIdGenerator for Fixed {
    fn next_id(&self, started_at: OffsetDateTime) -> SyncId {
        SyncId::from_parts(started_at, [0; 16])
    }
}

/// A sink that records what was published.
#[derive(Default)]
struct Memory {
    published: Arc<Mutex<Option<Vec<String>>>>,
}

struct MemoryWriter {
    lines: Vec<String>,
    rows: u64,
    published: Arc<Mutex<Option<Vec<String>>>>,
}

#[async_trait]
impl AccessSink for Memory {
    fn name(&self) -> String {
        "memory".to_owned()
    }

    async fn begin(&self, _: &SyncRun) -> Result<Box<dyn SinkWriter>, SinkError> {
        Ok(Box::new(MemoryWriter {
            lines: Vec::new(),
            rows: 0,
            published: Arc::clone(&self.published),
        }))
    }
}

#[async_trait]
impl SinkWriter for MemoryWriter {
    async fn write(&mut self, batch: &Arc<AccessBatch>) -> Result<(), SinkError> {
        self.rows += batch.rows();
        row_lines::batch(batch, &mut self.lines);
        Ok(())
    }

    async fn prepare(&mut self, _: &SyncSummary) -> Result<Prepared, SinkError> {
        Ok(Prepared { rows: self.rows })
    }

    async fn publish(self: Box<Self>) -> Result<Receipt, SinkError> {
        *self.published.lock().unwrap() = Some(self.lines);
        Ok(Receipt {
            location: "memory".to_owned(),
            bytes: None,
            rows: self.rows,
        })
    }

    async fn abort(self: Box<Self>) {}
}
