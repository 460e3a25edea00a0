//! One pass over the tenant.

use std::sync::Arc;

use access_core::model::{AccessBatch, SyncScope, UnstatedScope, WithoutBaseline};
use access_core::ports::SourceError;

use super::EventSender;
use super::SourceOptions;
use super::batch_buffer::BatchBuffer;
use super::devices;
use super::older;
use super::older::Instance;
use super::older::ROLES;
use super::organizations;
use super::organizations::OrganizationsRead;
use super::roles;
use super::selection::Selection;
use super::user_access::AccessIndex;
use super::users;
use crate::NinjaOneError;
use crate::client::NinjaOneClient;
use crate::mapping::{
    self, FULL_PORTAL_ACCESS, SYSTEM_ADMINISTRATOR, TENANT_PRIVILEGES, resource_types, user_type,
};

/// Reads what the scope asks for; what goes wrong is the last thing that is handed over.
pub(super) async fn read(
    client: &NinjaOneClient,
    options: SourceOptions,
    scope: SyncScope,
    outlet: EventSender,
) {
    let read = run(client, options, Selection::new(options, &scope), &outlet).await;
    if let Err(error) = read {
        // If nobody listens there is nobody to tell.
        let _ = outlet.send(Err(SourceError::new(error))).await;
    }
}

async fn run(
    client: &NinjaOneClient,
    options: SourceOptions,
    mut selection: Selection,
    outlet: &EventSender,
) -> Result<(), NinjaOneError> {
    let mut types = resource_types(options.devices);
    types.retain(|row| selection.types.contains(&row.id));
    outlet.batch(AccessBatch::ResourceTypes(types)).await?;

    // Who holds a single role has to be known before users go by.
    let mut known = None;
    let mut collected = None;
    if selection.is_targeted() && selection.roles() {
        match roles::collect(client, &mut selection).await {
            Ok(roles) => {
                outlet.id_scheme(&Instance::Current.id_scheme()).await?;
                known = Some(Instance::Current);
                collected = Some(roles);
            }
            // On an older instance roles are found with the users.
            Err(failure) => {
                older::confirm(client, ROLES, failure).await?;
                older::warn(outlet).await?;
                known = Some(Instance::Older);
            }
        }
    }
    let mut listed = OrganizationsRead::default();
    if selection.organizations() || selection.users() {
        listed = organizations::read(client, &selection, outlet).await?;
    }
    let mut facts = AccessIndex::default();
    if selection.users() {
        let names = Arc::clone(&listed.names);
        let read = users::read(client, options.devices, &selection, names, known, outlet).await?;
        known = Some(read.instance);
        facts = read.facts;
    }
    if selection.tenant() {
        if known.is_none() && selection.access {
            known = Some(older::detect(client, outlet).await?);
        }
        tenant(client, &selection, known, &facts, outlet).await?;
    }
    if selection.organizations() && selection.access {
        organizations::grants(&selection, &facts, &listed, outlet).await?;
    }
    if selection.roles() {
        match collected {
            Some(collected) => {
                roles::emit_collected(collected, selection.access, &facts.users, outlet).await?;
            }
            None => read_roles(client, &selection, known, &mut facts, outlet).await?,
        }
    }
    if selection.devices() {
        devices::read(client, &selection, &facts, outlet).await?;
    }
    for id in outlet.missing() {
        outlet
            .warn(
                "not_found",
                format!("there is no {} {} in the tenant", id.resource_type, id.id),
            )
            .await?;
    }
    outlet.say_incomplete().await
}

async fn read_roles(
    client: &NinjaOneClient,
    selection: &Selection,
    known: Option<Instance>,
    facts: &mut AccessIndex,
    outlet: &EventSender,
) -> Result<(), NinjaOneError> {
    if known != Some(Instance::Older) {
        let users = Arc::clone(&facts.users);
        match roles::stream(client, selection.access, users, outlet).await {
            Ok(()) if known.is_none() => {
                return outlet.id_scheme(&Instance::Current.id_scheme()).await;
            }
            Ok(()) => return Ok(()),
            // Only when users were left out; otherwise their lists have said that the instance is an older one.
            Err(failure) if known.is_none() => {
                older::confirm(client, ROLES, failure).await?;
                older::warn(outlet).await?;
                let names = Arc::default();
                *facts = users::read_older(client, false, selection, names, outlet).await?;
            }
            Err(failure) => return Err(failure.of_missing_list(ROLES)),
        }
    }
    roles::emit_named(selection, facts, outlet).await
}

/// The tenant as a resource, and who holds privileges over all of it.
async fn tenant(
    client: &NinjaOneClient,
    selection: &Selection,
    known: Option<Instance>,
    facts: &AccessIndex,
    outlet: &EventSender,
) -> Result<(), NinjaOneError> {
    let tenant = mapping::tenant(&client.tenant())?;
    let mut gathered = BatchBuffer::default();
    let mut entitlements = Vec::new();
    for (place, privilege) in TENANT_PRIVILEGES.iter().enumerate() {
        // What an instance cannot tell is not offered there.
        if place == FULL_PORTAL_ACCESS && known == Some(Instance::Older) {
            continue;
        }
        let entitlement = privilege.entitlement(&tenant)?;
        entitlements.push((place, entitlement.id.clone()));
        if selection.access {
            gathered.entitlement(entitlement);
        }
    }
    gathered.resource(tenant);
    if selection.access {
        for (place, entitlement) in &entitlements {
            let holders = &facts.privileged[*place];
            gathered.grants_to(entitlement, holders, outlet).await?;
        }
    }
    gathered.flush(outlet).await?;
    if selection.access {
        for (place, entitlement) in &entitlements {
            // Somebody made the API client app, so somebody has full rights.
            let never_normal = *place == SYSTEM_ADMINISTRATOR && !facts.administrators_are_said;
            let without_baseline = if never_normal {
                WithoutBaseline::Incomplete
            } else {
                WithoutBaseline::Complete
            };
            let scope = |principals| UnstatedScope::Grants {
                entitlement: entitlement.clone(),
                principal_type: user_type(),
                principals,
            };
            let field = format!("{} of users", TENANT_PRIVILEGES[*place].field);
            let users = &facts.unstated_privileges[*place];
            outlet
                .unstated_of_users(users, &field, without_baseline, scope)
                .await?;
        }
    }
    Ok(())
}
