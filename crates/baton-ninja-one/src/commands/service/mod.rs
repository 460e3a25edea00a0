//! Service mode: the program as a worker of ConductorOne.

mod connector;
mod empty_source;
mod metadata;
mod uploader;
pub(crate) mod work_dir;

use std::sync::Arc;

use access_core::StatusCode;
use c1_service::{
    C1Client, C1Config, Credentials, Hello, HostId, Service, ServiceConfig, ServiceObserver, host_info,
};
use ninjaone::NinjaOneClient;

use crate::commands::context::CommandContext;
use crate::failure::Failure;
use crate::health::{self, ValidationFuture};
use crate::observability::metrics::Metrics;
use crate::observability::task_logs::TaskLogs;
use crate::runtime;
use crate::runtime::system::shutdown_signal;
use crate::settings::{ServiceSettings, Settings};

use connector::NinjaOneConnector;

/// Serves until stopped.
pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let service = settings.service()?;
    // All clients of the process share this configuration, and with it the pace of requests.
    let ninja = settings.client()?;
    let secrets = [
        ninja.client_secret.expose().to_owned(),
        service.client_secret.clone(),
    ];
    let task_logs = TaskLogs::excluding(secrets);
    let _context = CommandContext::with_task_logs(settings, Some(&task_logs))?;
    for setting in settings.without_effect_in_service_mode()? {
        tracing::warn!(
            setting,
            "--{setting} has no effect in service mode; tasks say what they sync"
        );
    }
    let client = client(&service)?;
    let metrics = Metrics::new();
    let connector = NinjaOneConnector::new(
        settings,
        ninja.clone(),
        &service.client_id,
        client.clone(),
        metrics.clone(),
        task_logs,
    )?;
    let config = ServiceConfig {
        concurrency: service.concurrency,
        grace: service.grace,
        allow_admin_delete: settings.allow_admin_delete()?,
        terms: ninjaone::provisioning_terms(),
        hello: Hello {
            task_id: None,
            metadata: metadata::connector_metadata(settings.source_options()?.devices),
            os_info: host_info(),
            build_info: metadata::build_info(),
        },
    };
    tracing::info!(
        tenant = client.authority(),
        provisioning = connector.changes_enabled(),
        concurrency = service.concurrency,
        "service mode"
    );
    let service = Service::new(
        client,
        Arc::new(connector),
        config,
        Arc::new(Observer(metrics.clone())),
    );
    let runtime = runtime::start()?;
    let ninja = Arc::new(NinjaOneClient::new(ninja)?);
    let served = runtime.block_on(async {
        let health = health::start(settings, metrics, move || validate(Arc::clone(&ninja))).await?;
        let served = service.run(shutdown_signal()).await;
        if let Some(health) = health {
            health.shutdown().await;
        }
        served.map_err(Failure::from)
    });
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    served?;
    tracing::info!("service mode ended");
    Ok(())
}

/// Creates the client for ConductorOne; nothing is sent yet.
///
/// # Errors
/// [`Failure`] if a setting is invalid.
pub(crate) fn client(service: &ServiceSettings) -> Result<C1Client, Failure> {
    let config = C1Config {
        credentials: Credentials::parse(&service.client_id, &service.client_secret)?,
        host_id: HostId::choose(service.host_id.as_deref()),
        api_host: service.api_host.clone(),
        ca_file: service.ca_file.clone(),
        user_agent_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(C1Client::new(config)?)
}

/// Makes one small call to check the tenant and the credentials.
fn validate(ninja: Arc<NinjaOneClient>) -> ValidationFuture {
    Box::pin(async move { Ok(ninja.ping().await?) })
}

/// Counts tasks.
struct Observer(Metrics);

impl ServiceObserver for Observer {
    fn task_finished(&self, kind: &'static str, status: Option<StatusCode>) {
        self.0.task_finished(kind, status.map_or(Ok(()), Err));
    }
}
