//! Health checks over HTTP, like in the reference's service mode (docs/reference/conductorone.md §6.2).

mod checker;
pub(crate) mod error;
mod response;
mod server;
#[cfg(test)]
mod tests;

use crate::failure::Failure;
use crate::observability::metrics::Metrics;
use crate::settings::Settings;

pub(crate) use checker::{CheckIntervals, Checker, ValidationFuture};
pub(crate) use server::HealthServer;

/// Starts the health server if it is enabled. `validate` tests whether a sync would work; it is called on demand, at most
/// once a minute, and never concurrently.
///
/// # Errors
/// [`Failure`] if a setting is invalid or the address cannot be bound.
pub(crate) async fn start(
    settings: &Settings,
    metrics: Metrics,
    validate: impl Fn() -> ValidationFuture + Send + Sync + 'static,
) -> Result<Option<HealthServer>, Failure> {
    if !settings.health_check()? {
        return Ok(None);
    }
    let checker = Checker::new(CheckIntervals::default(), validate);
    let server = HealthServer::bind(&settings.health_address()?, checker, metrics).await?;
    tracing::info!(address = %server.address(), "answering health checks");
    Ok(Some(server))
}
