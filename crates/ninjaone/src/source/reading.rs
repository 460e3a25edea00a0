//! One pass over the tenant.

use access_core::model::{AccessBatch, SyncScope};
use access_core::ports::SourceError;

use super::emitter::Gathered;
use super::facts::Facts;
use super::organizations::OrganizationNames;
use super::selection::Selection;
use super::users::UsersRead;
use super::{Outlet, SourceOptions, devices, organizations, roles, users};
use crate::NinjaOneError;
use crate::client::NinjaOneClient;
use crate::mapping::{self, TENANT_PRIVILEGES, resource_types};

/// Reads what the scope asks for; what goes wrong is the last thing that is handed over.
pub(super) async fn read(client: &NinjaOneClient, options: SourceOptions, scope: SyncScope, outlet: Outlet) {
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
    outlet: &Outlet,
) -> Result<(), NinjaOneError> {
    let mut types = resource_types(options.devices);
    types.retain(|row| selection.types.contains(&row.id));
    outlet.batch(AccessBatch::ResourceTypes(types)).await?;

    // Who holds a single role has to be known before users go by.
    let mut collected = None;
    if selection.is_targeted() && selection.roles() {
        collected = match roles::collect(client, &mut selection, outlet).await {
            Ok(roles) => Some(roles),
            // An older instance: roles are found with the users.
            Err(NinjaOneError::Refused { status: 404, .. }) => None,
            Err(error) => return Err(error),
        };
    }
    let mut names = OrganizationNames::new();
    if selection.organizations() || selection.users() {
        names = organizations::read(client, &selection, outlet).await?;
    }
    let mut read = UsersRead {
        facts: Facts::default(),
        older: false,
    };
    if selection.users() {
        read = users::read(client, options.devices, &selection, names, outlet).await?;
    }
    if selection.tenant() {
        tenant(client, &selection, &read.facts, outlet).await?;
    }
    if selection.organizations() && selection.access {
        organizations::grants(&selection, &read.facts, outlet).await?;
    }
    if selection.roles() {
        match collected {
            Some(roles) => roles::emit(roles, selection.access, outlet).await?,
            None => read_roles(client, &selection, &mut read, outlet).await?,
        }
    }
    if selection.devices() {
        devices::read(client, &selection, &read.facts, outlet).await?;
    }
    for id in outlet.missing() {
        outlet
            .warn(
                "not_found",
                format!("there is no {} {} in the tenant", id.resource_type, id.id),
            )
            .await?;
    }
    Ok(())
}

async fn read_roles(
    client: &NinjaOneClient,
    selection: &Selection,
    read: &mut UsersRead,
    outlet: &Outlet,
) -> Result<(), NinjaOneError> {
    if !read.older {
        match roles::stream(client, selection.access, outlet).await {
            // Only when users were left out; otherwise their lists have told that the instance is an older one.
            Err(NinjaOneError::Refused { status: 404, .. }) if !selection.users() => {
                users::warn_older(outlet).await?;
                let names = OrganizationNames::new();
                read.facts = users::read_older(client, false, selection, names, outlet).await?;
            }
            done => return done,
        }
    }
    let roles = roles::from_names(selection, &mut read.facts);
    roles::emit(roles, selection.access, outlet).await
}

/// The tenant as a resource, and who holds privileges over all of it.
async fn tenant(
    client: &NinjaOneClient,
    selection: &Selection,
    facts: &Facts,
    outlet: &Outlet,
) -> Result<(), NinjaOneError> {
    let tenant = mapping::tenant(&client.tenant())?;
    let mut gathered = Gathered::default();
    let mut entitlements = Vec::new();
    for privilege in TENANT_PRIVILEGES {
        let entitlement = privilege.entitlement(&tenant)?;
        entitlements.push(entitlement.id.clone());
        if selection.access {
            gathered.entitlement(entitlement);
        }
    }
    gathered.resource(tenant);
    if selection.access {
        for (entitlement, holders) in entitlements.iter().zip(&facts.privileged) {
            gathered.grants_to(entitlement, holders, outlet).await?;
        }
    }
    gathered.flush(outlet).await
}
