//! One pass over the tenant.

use std::sync::Arc;

use access_core::model::{AccessBatch, ResourceTypeId, SyncScope, UnstatedScope, WithoutBaseline};
use access_core::ports::SourceError;

use super::batch_buffer::BatchBuffer;
use super::devices;
use super::devices::DEVICES;
use super::event_sender::EventSender;
use super::older;
use super::older::Instance;
use super::options::SourceOptions;
use super::organizations;
use super::organizations::{ORGANIZATIONS, OrganizationsRead};
use super::paths::{END_USERS, ROLES, TECHNICIANS, USERS};
use super::roles;
use super::selection::Selection;
use super::user_access::AccessIndex;
use super::users;
use crate::NinjaOneError;
use crate::client::NinjaOneClient;
use crate::mapping::{
    self, FULL_PORTAL_ACCESS, SYSTEM_ADMINISTRATOR, TENANT_PRIVILEGES, device_type, organization_type,
    resource_types, role_type, user_type,
};

/// A list that a sync reads.
#[derive(Debug)]
pub(super) struct ListInfo {
    pub(super) path: &'static str,
    /// Its name in the progress display.
    pub(super) name: &'static str,
    /// What a sync needs it for, shown by `check`.
    pub(super) purpose: &'static str,
    /// The resource type that is incomplete if the list is; `None` if another list represents the type.
    pub(super) resource_type: Option<fn() -> ResourceTypeId>,
    pub(super) availability: Availability,
    /// An instance in use has at least one entry.
    pub(super) is_never_empty: bool,
    pub(super) is_paged: bool,
}

/// The instances on which a list is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Availability {
    /// All instances.
    Always,
    /// Current instances; older ones lack it.
    Newer,
    /// All instances, if opted in. A sync continues without it.
    OptIn,
}

impl ListInfo {
    pub(super) fn is_newer(&self) -> bool {
        self.availability == Availability::Newer
    }

    pub(super) fn is_opt_in(&self) -> bool {
        self.availability == Availability::OptIn
    }
}

const fn list(path: &'static str, name: &'static str, purpose: &'static str) -> ListInfo {
    ListInfo {
        path,
        name,
        purpose,
        resource_type: None,
        availability: Availability::Always,
        is_never_empty: false,
        is_paged: false,
    }
}

/// Every list in reading order. A new list needs a row here and code in [`read_lists`].
static LISTS: [ListInfo; 6] = [
    ListInfo {
        resource_type: Some(organization_type),
        is_paged: true,
        ..list(ORGANIZATIONS, "organizations", "organizations")
    },
    ListInfo {
        availability: Availability::Newer,
        is_never_empty: true,
        ..list(TECHNICIANS, "technicians", "technicians: sign-in type, SCIM")
    },
    ListInfo {
        availability: Availability::Newer,
        ..list(END_USERS, "end users", "end users: organization, portal access")
    },
    ListInfo {
        resource_type: Some(user_type),
        is_never_empty: true,
        ..list(USERS, "users", "all users: privileges, invitations")
    },
    ListInfo {
        resource_type: Some(role_type),
        availability: Availability::Newer,
        ..list(ROLES, "roles", "roles and who holds them")
    },
    ListInfo {
        resource_type: Some(device_type),
        is_paged: true,
        availability: Availability::OptIn,
        ..list(DEVICES, "devices", "devices (opted in)")
    },
];

/// The lists that a sync with these options reads, in order.
pub(super) fn lists(options: SourceOptions) -> impl Iterator<Item = &'static ListInfo> {
    LISTS
        .iter()
        .filter(move |list| options.devices || !list.is_opt_in())
}

/// Reads the scope. A failure is the last event.
pub(super) async fn read(
    client: &NinjaOneClient,
    options: SourceOptions,
    scope: SyncScope,
    sender: EventSender,
) {
    let read = read_lists(client, options, Selection::new(options, &scope), &sender).await;
    if let Err(error) = read {
        // Without a receiver the error is irrelevant.
        let _ = sender.send(Err(SourceError::new(error))).await;
    }
}

async fn read_lists(
    client: &NinjaOneClient,
    options: SourceOptions,
    mut selection: Selection,
    sender: &EventSender,
) -> Result<(), NinjaOneError> {
    let mut types = resource_types(options.devices);
    types.retain(|row| selection.types.contains(&row.id));
    sender.batch(AccessBatch::ResourceTypes(types)).await?;

    // The holders of selected roles must be known before users are read.
    let mut known = None;
    let mut collected = None;
    if selection.is_targeted() && selection.includes_roles() {
        match roles::collect(client, &mut selection).await {
            Ok(roles) => {
                sender.id_scheme(&Instance::Current.id_scheme()).await?;
                known = Some(Instance::Current);
                collected = Some(roles);
            }
            // On an older instance roles are found with the users.
            Err(failure) => {
                older::confirm(client, ROLES, failure).await?;
                older::warn(sender).await?;
                known = Some(Instance::Older);
            }
        }
    }
    let mut listed = OrganizationsRead::default();
    if selection.includes_organizations() || selection.includes_users() {
        listed = organizations::read(client, &selection, sender).await?;
    }
    let mut access_index = AccessIndex::default();
    if selection.includes_users() {
        let names = Arc::clone(&listed.names);
        let read = users::read(client, options.devices, &selection, names, known, sender).await?;
        known = Some(read.instance);
        access_index = read.access_index;
    }
    if selection.includes_tenant() {
        if known.is_none() && selection.access {
            known = Some(older::detect(client, sender).await?);
        }
        tenant(client, &selection, known, &access_index, sender).await?;
    }
    if selection.includes_organizations() && selection.access {
        organizations::grants(&selection, &access_index, &listed, sender).await?;
    }
    if selection.includes_roles() {
        match collected {
            Some(collected) => {
                roles::emit_collected(collected, selection.access, &access_index.users, sender).await?;
            }
            None => read_roles(client, &selection, known, &mut access_index, sender).await?,
        }
    }
    if selection.includes_devices() {
        devices::read(client, &selection, &access_index, sender).await?;
    }
    for id in sender.missing() {
        sender
            .warn(
                "not_found",
                format!("there is no {} {} in the tenant", id.resource_type, id.id),
            )
            .await?;
    }
    sender.report_incomplete().await
}

async fn read_roles(
    client: &NinjaOneClient,
    selection: &Selection,
    known: Option<Instance>,
    access_index: &mut AccessIndex,
    sender: &EventSender,
) -> Result<(), NinjaOneError> {
    if known != Some(Instance::Older) {
        let users = Arc::clone(&access_index.users);
        match roles::stream(client, selection.access, users, sender).await {
            Ok(()) if known.is_none() => {
                return sender.id_scheme(&Instance::Current.id_scheme()).await;
            }
            Ok(()) => return Ok(()),
            // Only without users, because their lists show an older instance.
            Err(failure) if known.is_none() => {
                older::confirm(client, ROLES, failure).await?;
                older::warn(sender).await?;
                let names = Arc::default();
                *access_index = users::read_older(client, false, selection, names, sender).await?;
            }
            Err(failure) => return Err(failure.into_missing_list(ROLES)),
        }
    }
    roles::emit_named(selection, access_index, sender).await
}

/// Emits the tenant as a resource, with its privileges and their holders.
async fn tenant(
    client: &NinjaOneClient,
    selection: &Selection,
    known: Option<Instance>,
    access_index: &AccessIndex,
    sender: &EventSender,
) -> Result<(), NinjaOneError> {
    let tenant = mapping::tenant(&client.tenant())?;
    let mut batch = BatchBuffer::default();
    let mut entitlements = Vec::new();
    for (index, privilege) in TENANT_PRIVILEGES.iter().enumerate() {
        // A privilege that the instance does not report is not offered.
        if index == FULL_PORTAL_ACCESS && known == Some(Instance::Older) {
            continue;
        }
        let entitlement = privilege.entitlement(&tenant)?;
        entitlements.push((index, entitlement.id.clone()));
        if selection.access {
            batch.entitlement(entitlement);
        }
    }
    batch.resource(tenant);
    if selection.access {
        for (index, entitlement) in &entitlements {
            let holders = &access_index.privileged[*index];
            batch.grants_to(entitlement, holders, sender).await?;
        }
    }
    batch.flush(sender).await?;
    if selection.access {
        for (index, entitlement) in &entitlements {
            // An administrator created the API client app, so there is at least one.
            let never_normal = *index == SYSTEM_ADMINISTRATOR && !access_index.administrator_is_stated;
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
            let field = format!("{} of users", TENANT_PRIVILEGES[*index].field);
            let users = &access_index.unstated_privileges[*index];
            sender
                .unstated_of_users(users, &field, without_baseline, scope)
                .await?;
        }
    }
    Ok(())
}
