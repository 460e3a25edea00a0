//! Instances without `/v2/user/*` (docs/reference/ninjaone-api.md §2.6). One 404 does not prove that: an instance is an
//! older one only if every list is missing twice.

use access_core::model::IdScheme;
use serde::de::IgnoredAny;

use super::event_sender::EventSender;
use super::paths::{END_USERS, ROLES, TECHNICIANS};
use crate::NinjaOneError;
use crate::client::{FirstElement, NinjaOneClient};

/// All lists that older instances lack.
const LISTS: [&str; 3] = [TECHNICIANS, END_USERS, ROLES];

/// How an instance identifies roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Instance {
    /// By id, in a list of roles.
    Current,
    /// Only by type and name, in the rows of users.
    Older,
}

impl Instance {
    /// The id scheme of such an instance.
    pub(super) fn id_scheme(self) -> IdScheme {
        IdScheme::new(match self {
            Self::Current => "numeric",
            Self::Older => "role-name",
        })
    }
}

/// Whether a failed list is missing because the instance is an older one.
///
/// # Errors
/// The failure itself, if the list is not missing; [`NinjaOneError::MissingList`] if only this list is missing.
pub(super) async fn confirm(
    client: &NinjaOneClient,
    path: &'static str,
    failure: NinjaOneError,
) -> Result<(), NinjaOneError> {
    if !failure.is_missing_endpoint() {
        return Err(failure.into_missing_list(path));
    }
    for round in 0..2 {
        if round > 0 {
            client.back_off(1).await;
        }
        for list in LISTS {
            match client.list::<IgnoredAny, _>(list, &[], FirstElement).await {
                Err(error) if error.is_missing_endpoint() => {}
                // Another list exists, or failed differently.
                Ok(_) | Err(NinjaOneError::Refused { .. } | NinjaOneError::MissingScope { .. }) => {
                    return Err(failure.into_missing_list(path));
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

/// Detects the type of the instance if no list has shown it yet, and reports its id scheme.
pub(super) async fn detect(client: &NinjaOneClient, sender: &EventSender) -> Result<Instance, NinjaOneError> {
    match client.list::<IgnoredAny, _>(END_USERS, &[], FirstElement).await {
        Ok(_) => {
            sender.id_scheme(&Instance::Current.id_scheme()).await?;
            Ok(Instance::Current)
        }
        Err(failure) => {
            confirm(client, END_USERS, failure).await?;
            warn(sender).await?;
            Ok(Instance::Older)
        }
    }
}

/// Warns once about what an older instance cannot report.
pub(super) async fn warn(sender: &EventSender) -> Result<(), NinjaOneError> {
    let message = "this is an older NinjaOne instance without /v2/user/*: roles are known by name only, and nothing is \
                   known of SCIM, sign-in types and portal access";
    sender.warn("older_instance", message.to_owned()).await?;
    sender.id_scheme(&Instance::Older.id_scheme()).await
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ninjaone_sim::{Sim, SimConfig, Tenant};

    use super::*;
    use crate::client::RetryBudget;
    use crate::source::tests::client_with_retries;

    /// An instance that is being updated may lack its lists for a moment: all are requested, and only after a wait again.
    #[tokio::test]
    async fn second_round_of_requests_comes_after_a_wait() {
        const LONG: Duration = Duration::from_hours(1_000);
        let mut config = SimConfig::new(Tenant::fixture("msp").unwrap());
        config.behavior.transport.old_instance = true;
        let sim = Sim::start(&config).unwrap();
        let retry = RetryBudget {
            attempts: 2,
            first_backoff: LONG,
            longest_wait: LONG,
            total_wait: LONG,
        };
        let client = client_with_retries(&sim.base_url(), retry);
        let missing = client.list::<IgnoredAny, _>(TECHNICIANS, &[], FirstElement).await;
        let Err(failure) = missing else {
            panic!("an older instance has no list of technicians");
        };
        sim.ledger().clear();
        let paths = || -> Vec<String> {
            let calls = sim.ledger().calls();
            calls.into_iter().map(|call| call.path).collect()
        };
        let first_round = async {
            while paths().len() < LISTS.len() {
                tokio::task::yield_now().await;
            }
        };
        let requested = tokio::time::timeout(Duration::from_secs(10), async {
            tokio::select! {
                _ = confirm(&client, TECHNICIANS, failure) => panic!("there was no wait"),
                () = first_round => {}
            }
        });
        let in_time = requested.await.is_ok();
        assert_eq!((in_time, paths()), (true, LISTS.map(str::to_owned).to_vec()));
    }
}
