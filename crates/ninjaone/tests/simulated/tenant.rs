//! A simulated tenant with a source and a provisioner, and the recorded output of the source.

use std::collections::BTreeSet;
use std::time::Duration;

use access_core::model::{
    AccessBatch, Completeness, Entitlement, NativeId, Resource, ResourceId, ResourceTypeId, SyncScope,
    WithoutBaseline,
};
use access_core::ports::{AccessSource, SourceEvent};
use futures::StreamExt;
use ninjaone::{
    BaseUrl, ClientConfig, DEFAULT_TOKEN_PATH, NinjaOneClient, NinjaOneProvisioner, NinjaOneSource,
    RetryBudget, Secret, SourceOptions, WritePolicy,
};
use ninjaone_sim::{Behavior, Fault, FaultRule, FaultSchedule, Sim, SimConfig, Tenant, When};
use tokio::runtime::{Builder, Runtime};

/// Upper bound of the rows in a batch. A batch is closed when it is full; the last addition may exceed its capacity.
const MAX_BATCH_ROWS: u64 = 4_000;

/// A response with status 200 and this JSON.
pub(crate) fn json_response(body: impl AsRef<[u8]>) -> Fault {
    Fault::Answer {
        status: 200,
        content_type: "application/json",
        body: body.as_ref().to_vec(),
    }
}

/// A simulated tenant and the runtime of its clients.
pub(crate) struct TestTenant {
    pub(crate) sim: Sim,
    runtime: Runtime,
}

impl TestTenant {
    pub(crate) fn new(config: &SimConfig) -> Self {
        Self {
            sim: Sim::start(config).unwrap(),
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    /// The fixture without faults.
    pub(crate) fn healthy() -> Self {
        Self::new(&SimConfig::new(Tenant::fixture("msp").unwrap()))
    }

    pub(crate) fn with_behavior(set: impl FnOnce(&mut Behavior)) -> Self {
        let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
        set(&mut config.behavior);
        Self::new(&config)
    }

    /// The fixture with one fault at a path.
    pub(crate) fn with_fault(path: &str, when: When, fault: Fault) -> Self {
        Self::with_faults([(path, when, fault)])
    }

    pub(crate) fn with_faults<const N: usize>(faults: [(&str, When, Fault); N]) -> Self {
        let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
        config.faults = FaultSchedule::new(faults.map(|(path, when, fault)| FaultRule {
            method: None,
            path: path.to_owned(),
            when,
            fault,
        }));
        Self::new(&config)
    }

    pub(crate) fn client(&self, writes: WritePolicy) -> NinjaOneClient {
        self.client_with_scope(writes, None)
    }

    pub(crate) fn client_with_scope(&self, writes: WritePolicy, scope: Option<&str>) -> NinjaOneClient {
        let config = ClientConfig {
            base_url: BaseUrl::parse(&self.sim.base_url()).unwrap(),
            token_path: DEFAULT_TOKEN_PATH.to_owned(),
            client_id: "sim-client".to_owned(),
            client_secret: Secret::new("sim-secret"),
            scope: scope.map(str::to_owned),
            ca_file: None,
            timeout: Duration::from_secs(30),
            retry: RetryBudget {
                attempts: 3,
                first_backoff: Duration::from_millis(1),
                ..RetryBudget::default()
            },
            pace: None,
            writes,
            user_agent: "tests".to_owned(),
        };
        NinjaOneClient::new(config).unwrap()
    }

    pub(crate) fn source(&self, devices: bool) -> NinjaOneSource {
        NinjaOneSource::new(self.client(WritePolicy::Disabled), SourceOptions { devices })
    }

    pub(crate) fn provisioner(&self) -> NinjaOneProvisioner {
        NinjaOneProvisioner::new(self.client(WritePolicy::Enabled))
    }

    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(crate) fn read(&self, devices: bool, scope: &SyncScope) -> SourceOutput {
        let source = self.source(devices);
        let mut output = SourceOutput::default();
        self.block_on(async {
            let mut events = source.read(scope);
            while let Some(event) = events.next().await {
                match event {
                    Ok(event) => output.record(event),
                    Err(error) => output.error = Some(self.without_address(&error.to_string())),
                }
            }
        });
        for remark in &mut output.remarks {
            *remark = self.without_address(remark);
        }
        for resource in &mut output.resources {
            let description = resource
                .description
                .as_ref()
                .map(|text| self.without_address(text.as_str()));
            resource.description = description.map(|text| access_core::model::Description::new(&text));
        }
        output
    }

    /// Reads everything, devices included.
    pub(crate) fn read_all(&self) -> SourceOutput {
        self.read(true, &SyncScope::default())
    }

    /// Replaces the tenant's address, which differs from run to run.
    pub(crate) fn without_address(&self, text: &str) -> String {
        text.replace(&self.sim.base_url(), "<tenant>")
    }

    /// Removes the recorded calls from the ledger and returns them without sign-ins.
    pub(crate) fn drain_calls(&self) -> Vec<String> {
        let calls = self.sim.ledger().calls();
        self.sim.ledger().clear();
        let calls = calls.into_iter().filter(|call| call.path != DEFAULT_TOKEN_PATH);
        calls
            .map(|call| {
                let query: Vec<String> = call
                    .query
                    .iter()
                    .map(|(key, value)| format!(" {key}={value}"))
                    .collect();
                format!("{} {}{}", call.method, call.path, query.concat())
            })
            .collect()
    }
}

/// The output of a source, in its order. Recording checks the order that the port promises.
#[derive(Debug, Clone, Default)]
pub(crate) struct SourceOutput {
    pub(crate) types: Vec<ResourceTypeId>,
    pub(crate) resources: Vec<Resource>,
    pub(crate) entitlements: Vec<Entitlement>,
    /// (entitlement, user)
    pub(crate) grants: Vec<(String, String)>,
    /// Skipped rows, warnings, and types that are not complete.
    pub(crate) remarks: Vec<String>,
    pub(crate) error: Option<String>,
    /// Fields that the tenant does not state.
    pub(crate) unstated: Vec<String>,
    pub(crate) mentions: Vec<String>,
    pub(crate) id_schemes: Vec<String>,
    /// Why types are not complete.
    pub(crate) reasons: Vec<String>,
}

/// Compares rows and remarks. Tests about other fields compare those themselves.
impl PartialEq for SourceOutput {
    fn eq(&self, other: &Self) -> bool {
        self.types == other.types
            && self.resources == other.resources
            && self.entitlements == other.entitlements
            && self.grants == other.grants
            && self.remarks == other.remarks
            && self.error == other.error
    }
}

impl SourceOutput {
    fn record(&mut self, event: SourceEvent) {
        match event {
            SourceEvent::Batch(batch) => {
                assert!(
                    (1..=MAX_BATCH_ROWS).contains(&batch.rows()),
                    "{} rows in a batch",
                    batch.rows()
                );
                self.record_batch(batch);
            }
            SourceEvent::Skipped(skipped) => self.remarks.push(format!(
                "skipped {} {} of {}: {:?}",
                skipped.count,
                skipped.kind.plural(),
                skipped.resource_type,
                skipped.reason
            )),
            SourceEvent::Completeness(of, Completeness::Complete) => {
                panic!("{of}: types are complete by default")
            }
            SourceEvent::Completeness(of, Completeness::Incomplete { reason }) => {
                self.reasons.push(format!("{of}: {reason}"));
                self.remarks.push(format!("incomplete {of}"));
            }
            SourceEvent::Unstated(unstated) => self.unstated.push(format!(
                "{:?}: {} ({}){}",
                unstated.scope,
                unstated.field,
                unstated.count,
                match unstated.without_baseline {
                    WithoutBaseline::Complete => "",
                    WithoutBaseline::Incomplete => ", never normal",
                    WithoutBaseline::Implausible => ", implausible",
                }
            )),
            SourceEvent::Mention(mention) => self
                .mentions
                .push(format!("{}: {}", mention.resource, mention.words)),
            SourceEvent::IdScheme(scheme) => self.id_schemes.push(scheme.to_string()),
            SourceEvent::Warning(warning) => {
                self.remarks
                    .push(format!("{}: {}", warning.code, warning.message));
            }
        }
    }

    fn record_batch(&mut self, batch: AccessBatch) {
        match batch {
            AccessBatch::ResourceTypes(rows) => self.types.extend(rows.into_iter().map(|row| row.id)),
            AccessBatch::Resources(rows) => {
                for row in rows {
                    assert!(
                        self.types.contains(&row.id.resource_type),
                        "{} before its type",
                        row.id
                    );
                    assert!(
                        row.id.resource_type.as_str() != "user" || self.grants.is_empty(),
                        "{} after a grant",
                        row.id
                    );
                    self.resources.push(row);
                }
            }
            AccessBatch::Entitlements(rows) => {
                for row in rows {
                    assert!(
                        self.resources
                            .iter()
                            .rev()
                            .any(|resource| resource.id == row.resource),
                        "{} before its resource",
                        row.id
                    );
                    // The pipeline drops grants of entitlements that are not listed.
                    let id = row.id.to_string();
                    assert!(
                        !self.grants.iter().any(|(granted, _)| *granted == id),
                        "a grant before {id}"
                    );
                    self.entitlements.push(row);
                }
            }
            AccessBatch::Grants(groups) => {
                for group in groups {
                    let entitlement = group.entitlement.to_string();
                    assert_eq!(group.principal_type.as_str(), "user");
                    assert!(group.origins.is_none(), "all grants are direct");
                    let users = group.principals.iter().map(ToString::to_string);
                    self.grants.extend(users.map(|user| (entitlement.clone(), user)));
                }
            }
        }
    }

    /// The grants, after checking that each came once and that those of an entitlement came together.
    pub(crate) fn grant_set(&self) -> BTreeSet<(String, String)> {
        let grants: BTreeSet<_> = self.grants.iter().cloned().collect();
        assert_eq!(grants.len(), self.grants.len(), "a grant came twice");
        let mut begun = BTreeSet::new();
        for group in self.grants.chunk_by(|a, b| a.0 == b.0) {
            assert!(
                begun.insert(&group[0].0),
                "the grants of {} came apart",
                group[0].0
            );
        }
        grants
    }

    pub(crate) fn ids(&self) -> BTreeSet<ResourceId> {
        let ids: BTreeSet<_> = self
            .resources
            .iter()
            .map(|resource| resource.id.clone())
            .collect();
        assert_eq!(ids.len(), self.resources.len(), "a resource came twice");
        ids
    }

    /// The output with the resources, and with the entitlements and grants on the resources, that the predicates select.
    pub(crate) fn filtered(
        &self,
        resource: impl Fn(&ResourceId) -> bool,
        access_on: impl Fn(&ResourceId) -> bool,
        granted_on: impl Fn(&ResourceId) -> bool,
    ) -> Self {
        let mut kept = self.clone();
        kept.resources.retain(|row| resource(&row.id));
        kept.entitlements.retain(|row| access_on(&row.resource));
        kept.grants
            .retain(|(entitlement, _)| granted_on(&resource_of(entitlement)));
        kept
    }
}

/// The resource of an entitlement, parsed from its id.
pub(crate) fn resource_of(entitlement: &str) -> ResourceId {
    let (resource, _) = entitlement.rsplit_once(':').unwrap();
    let (resource_type, id) = resource.split_once(':').unwrap();
    resource_id(resource_type, id)
}

pub(crate) fn resource_id(resource_type: &str, id: &str) -> ResourceId {
    ResourceId::new(
        ResourceTypeId::new(resource_type).unwrap(),
        NativeId::new(id).unwrap(),
    )
}
