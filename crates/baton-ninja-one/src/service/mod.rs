//! Service mode: the program as a worker of ConductorOne.

mod connector;
mod metadata;
mod temp_folders;
mod uploader;

use std::sync::Arc;

use c1_service::{
    C1Client, C1Config, Credentials, Hello, HostId, Service, ServiceConfig, ServiceObserver, host_info,
};
use indicatif::MultiProgress;

use crate::exit::Failure;
use crate::logs;
use crate::settings::Settings;
use crate::sync::runtime;
use crate::system::stop_wanted;

use connector::NinjaOneConnector;

/// Serves until stopped.
pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    logs::start(&settings.logs()?, &MultiProgress::new())?;
    for variable in settings.unknown_variables() {
        tracing::warn!(variable, "this variable is no setting of this connector");
    }
    let service = settings.service()?;
    let client = C1Client::new(C1Config {
        credentials: Credentials::parse(&service.client_id, &service.client_secret)?,
        host_id: HostId::choose(service.host_id.as_deref()),
        api_host: service.api_host.clone(),
        ca_file: service.ca_file.clone(),
        user_agent_version: env!("CARGO_PKG_VERSION").to_owned(),
    })?;
    let connector = NinjaOneConnector::new(settings, client.clone())?;
    let config = ServiceConfig {
        concurrency: service.concurrency,
        grace: service.grace,
        allow_admin_delete: settings.allow_admin_delete()?,
        vocabulary: ninjaone::vocabulary(),
        hello: Hello {
            task_id: None,
            metadata: metadata::of_connector(settings.source_options()?.devices),
            os_info: host_info(),
            build_info: metadata::of_build(),
        },
    };
    tracing::info!(
        tenant = client.authority(),
        provisioning = connector.may_change(),
        concurrency = service.concurrency,
        "service mode"
    );
    let service = Service::new(client, Arc::new(connector), config, Arc::new(Unobserved));
    let runtime = runtime()?;
    let served = runtime.block_on(service.run(stop_wanted()));
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    served?;
    tracing::info!("service mode ended");
    Ok(())
}

struct Unobserved;

impl ServiceObserver for Unobserved {}
