//! Health checks over HTTP, as the reference's service mode has them (docs/reference/conductorone.md §6.2), and the subcommand
//! that asks for them.

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

/// Starts to answer health checks, if the settings want that. `validate` finds out whether a sync could work; it is called
/// only if somebody asks, at most once a minute, and never twice at a time.
///
/// # Errors
/// [`Failure`] if a setting is wrong or the address cannot be listened at.
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
