//! A tenant in memory with injected faults.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Mutex;

use async_trait::async_trait;

use super::END_USER;
use super::TECHNICIAN;
use crate::model::{
    AccountType, DisplayName, Entitlement, NativeId, Profile, Purpose, Resource, ResourceId, ResourceTrait,
    ResourceTypeId, Slug, Status, StatusState, UserTrait,
};
use crate::ports::{
    ApplyError, ApplyOutcome, AuditError, AuditLog, Provisioner, ProvisionerError, WriteEffect,
};
use crate::provisioning::{
    Account, AccountKind, AccountViews, AuditEntry, EmailAddress, ListEntry, ListView, Membership,
    Observation, ProvisioningTerms, RequestPreview, Role, RoleMembers, Selector, Step,
};
use crate::query::TextQuery;
use crate::{Diagnostic, StatusCode};

#[expect(clippy::struct_excessive_bools, reason = "a row of a table, not a state")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    pub(super) kind: AccountKind,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) email: String,
    pub(super) organization: Option<u64>,
    pub(super) portal: bool,
    pub(super) administrator: Option<bool>,
    pub(super) scim: bool,
    pub(super) disabled: bool,
    /// Portal access and organization are unknown.
    pub(super) silent: bool,
}

/// How a list differs from the lookup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListContradiction {
    /// The list has this account.
    Has(Person),
    /// The list lacks the account.
    Lacks,
    /// The list has an unreadable entry.
    Unclear,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bundle {
    pub(super) name: String,
    pub(super) holders: Option<AccountKind>,
    pub(super) members: BTreeSet<u64>,
    /// The members are unknown.
    pub(super) silent: bool,
}

/// The state of the tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FakeTenant {
    pub(super) people: BTreeMap<u64, Person>,
    pub(super) roles: BTreeMap<u64, Bundle>,
    pub(super) organizations: BTreeMap<u64, String>,
    pub(super) next_id: u64,
}

/// The fault of the next call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InjectedFault {
    /// No fault.
    Fine,
    /// A write is not sent; a read fails.
    NotSent,
    /// A write has no effect and no response; a read fails.
    LostBefore,
    /// A write has its effect but no response; a read fails.
    LostAfter,
    /// A write has its effect, and the response does not show it.
    Silent,
    /// A write is accepted without effect.
    Lie,
    /// A write is rejected; a read fails.
    Refused,
    /// A write never ends; a read fails.
    Hangs,
    /// A read returns the state before the last write; a write is like `Silent`.
    Late,
}

/// The fake tenant.
pub(super) struct Tenant {
    pub(super) world: Mutex<FakeTenant>,
    /// The state before the last write.
    earlier: Mutex<Option<FakeTenant>>,
    pub(super) faults: Mutex<VecDeque<InjectedFault>>,
    pub(super) writes: Mutex<Vec<String>>,
    /// Redundant changes of members are rejected.
    pub(super) refuses_repeats: bool,
    /// Accounts for which list and lookup differ.
    pub(super) listed: BTreeMap<u64, ListContradiction>,
    terms: ProvisioningTerms,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct InjectedError(pub(super) &'static str, pub(super) StatusCode);

impl Diagnostic for InjectedError {
    fn status(&self) -> StatusCode {
        self.1
    }
}

impl FakeTenant {
    /// Accounts of two kinds, roles for each, and one for both.
    pub(super) fn small() -> Self {
        let person = |kind, first: &str, email: &str| Person {
            kind,
            first: first.to_owned(),
            last: "Example".to_owned(),
            email: email.to_owned(),
            organization: (kind == END_USER).then_some(2),
            portal: false,
            administrator: (kind == TECHNICIAN).then_some(false),
            scim: false,
            disabled: false,
            silent: false,
        };
        let bundle = |name: &str, holders, members: &[u64]| Bundle {
            name: name.to_owned(),
            holders,
            members: members.iter().copied().collect(),
            silent: false,
        };
        let mut people = BTreeMap::from([
            (1, person(TECHNICIAN, "Root", "root@example.com")),
            (2, person(TECHNICIAN, "Ada", "ada@example.com")),
            (3, person(TECHNICIAN, "Sam", "sam@example.com")),
            (901, person(END_USER, "Bo", "bo@example.net")),
            (902, person(END_USER, "Sam", "Sam@Example.com ")),
        ]);
        people.entry(1).and_modify(|root| root.administrator = Some(true));
        people.entry(3).and_modify(|sam| sam.scim = true);
        Self {
            people,
            roles: BTreeMap::from([
                (10, bundle("Desk", Some(TECHNICIAN), &[2, 3])),
                (11, bundle("Desk", Some(END_USER), &[901, 4242])),
                (12, bundle("Network", Some(TECHNICIAN), &[])),
                (13, bundle("Vendors", None, &[902])),
            ]),
            organizations: BTreeMap::from([
                (2, "Finch".to_owned()),
                (3, "Bakery".to_owned()),
                (4, "Bakery".to_owned()),
            ]),
            next_id: 1000,
        }
    }

    fn resource(id: u64, person: &Person) -> Resource {
        let mut profile = Profile::new();
        profile.set("first_name", Some(person.first.as_str()));
        profile.set("last_name", Some(person.last.as_str()));
        profile.set("email", Some(person.email.as_str()));
        if !person.silent {
            profile.set(
                "organization_id",
                person.organization.map(|id| id.to_string()).as_deref(),
            );
            profile.set("full_portal_access", Some(person.portal));
        }
        Resource {
            id: ResourceId::new(ResourceTypeId::from_static("user"), NativeId::from_number(id)),
            parent: None,
            display_name: DisplayName::new(&format!("{} {}", person.first, person.last)),
            description: None,
            profile,
            status: Some(Status {
                state: if person.disabled {
                    StatusState::Disabled
                } else {
                    StatusState::Enabled
                },
                detail: None,
            }),
            resource_trait: ResourceTrait::User(Box::new(UserTrait {
                account_type: AccountType::Human,
                ..UserTrait::default()
            })),
        }
    }

    fn account(&self, id: u64) -> Option<Account> {
        self.people.get(&id).map(|person| Self::account_of(id, person))
    }

    fn account_of(id: u64, person: &Person) -> Account {
        Account {
            resource: Self::resource(id, person),
            kind: person.kind,
            administrator: person.administrator.into(),
            managed_elsewhere: Some(person.scim).into(),
        }
    }

    fn role(&self, id: u64) -> Option<Role> {
        let bundle = self.roles.get(&id)?;
        let resource = Resource {
            id: ResourceId::new(ResourceTypeId::from_static("role"), NativeId::from_number(id)),
            parent: None,
            display_name: DisplayName::new(&bundle.name),
            description: None,
            profile: Profile::new(),
            status: None,
            resource_trait: ResourceTrait::Role,
        };
        let entitlement = Entitlement::new(
            resource.id.clone(),
            Slug::from_static("assigned"),
            DisplayName::new(&bundle.name),
            Purpose::Assignment,
            Vec::new(),
        );
        Some(Role {
            resource,
            entitlement: entitlement.unwrap(),
            holders: bundle.holders,
            members: if bundle.silent {
                RoleMembers::Unknown("the list does not say who is in it".to_owned())
            } else {
                let members = bundle.members.iter().copied();
                RoleMembers::Known(members.map(NativeId::from_number).collect())
            },
        })
    }

    /// Applies a step like the tenant.
    fn obey(&mut self, step: &Step, refuses_repeats: bool) -> Result<Observation, InjectedError> {
        let number = |id: &NativeId| id.as_number().unwrap();
        match step {
            Step::AddMember(requested) | Step::RemoveMember(requested) => {
                let Membership { role, account, .. } = requested;
                let (role, account) = (number(&role.id), number(account));
                let add = matches!(step, Step::AddMember(_));
                let known = self.people.contains_key(&account);
                let Some(bundle) = self.roles.get_mut(&role) else {
                    return Err(InjectedError("role not found", StatusCode::NotFound));
                };
                let present = bundle.members.contains(&account);
                if !known && (add || !present) {
                    return Err(InjectedError("member not found", StatusCode::NotFound));
                }
                if refuses_repeats && present == add {
                    return Err(InjectedError("no change", StatusCode::InvalidArgument));
                }
                if add {
                    bundle.members.insert(account);
                } else {
                    bundle.members.remove(&account);
                }
                Ok(Observation::Role(self.role(role).map(Box::new)))
            }
            Step::CreateAccount(requested) => {
                let (person, values) = (&requested.person, &requested.values);
                if self.people.values().any(|other| person.email.is(&other.email)) {
                    return Err(InjectedError("EMAIL_ALREADY_IN_USE", StatusCode::AlreadyExists));
                }
                let organization = values
                    .organization("organization_id")
                    .map(|organization| number(&organization.id.id));
                let portal = values.flag("full_portal_access").unwrap_or(false);
                let id = self.next_id;
                self.next_id += 1;
                let created = Person {
                    kind: requested.kind,
                    first: person.given_name.to_string(),
                    last: person.family_name.to_string(),
                    email: person.email.to_string(),
                    organization,
                    portal,
                    administrator: Some(false),
                    scim: false,
                    disabled: false,
                    silent: false,
                };
                self.people.insert(id, created);
                Ok(Observation::Account(self.account(id).map(Box::new)))
            }
            Step::UpdateAccount { account, changes, .. } => {
                let id = number(&account.id);
                let Some(person) = self.people.get_mut(&id) else {
                    return Err(InjectedError("user not found", StatusCode::NotFound));
                };
                let values = &changes.0;
                if let Some(name) = values.text("first_name") {
                    name.clone_into(&mut person.first);
                }
                if let Some(name) = values.text("last_name") {
                    name.clone_into(&mut person.last);
                }
                if let Some(organization) = values.organization("organization_id") {
                    person.organization = Some(number(&organization.id.id));
                }
                person.portal = values.flag("full_portal_access").unwrap_or(person.portal);
                Ok(Observation::Account(self.account(id).map(Box::new)))
            }
            Step::DeleteAccount { account, .. } => {
                let id = number(&account.id);
                for bundle in self.roles.values_mut() {
                    bundle.members.remove(&id);
                }
                match self.people.remove(&id) {
                    Some(_) => Ok(Observation::Account(None)),
                    None => Err(InjectedError("user not found", StatusCode::NotFound)),
                }
            }
        }
    }
}

impl Tenant {
    pub(super) fn new(world: FakeTenant, faults: impl IntoIterator<Item = InjectedFault>) -> Self {
        let named = ResourceTypeId::from_static;
        Self {
            world: Mutex::new(world),
            earlier: Mutex::default(),
            faults: Mutex::new(faults.into_iter().collect()),
            writes: Mutex::default(),
            refuses_repeats: false,
            listed: BTreeMap::new(),
            terms: ProvisioningTerms {
                account_type: named("user"),
                role_type: named("role"),
                role_slug: Slug::from_static("assigned"),
                immutable_types: vec![named("organization"), named("tenant")],
                account_permissions: vec!["System Administrator"],
                accounts: &super::ACCOUNTS,
            },
        }
    }

    fn fault(&self) -> InjectedFault {
        self.faults
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or(InjectedFault::Fine)
    }

    /// Reads the state, unless a fault is injected. Faults of writes do not affect reads.
    fn read(&self) -> Result<FakeTenant, ProvisionerError> {
        match self.fault() {
            InjectedFault::Fine | InjectedFault::Silent | InjectedFault::Lie => {
                Ok(self.world.lock().unwrap().clone())
            }
            InjectedFault::Late => Ok(self.earlier.lock().unwrap().clone().unwrap()),
            InjectedFault::NotSent
            | InjectedFault::LostBefore
            | InjectedFault::LostAfter
            | InjectedFault::Hangs
            | InjectedFault::Refused => Err(ProvisionerError::new(InjectedError(
                "cannot read",
                StatusCode::Unavailable,
            ))),
        }
    }
}

#[async_trait]
impl Provisioner for Tenant {
    fn tenant(&self) -> String {
        "https://tenant.example".to_owned()
    }

    fn terms(&self) -> &ProvisioningTerms {
        &self.terms
    }

    async fn roles(&self, requested: &Selector) -> Result<Vec<Role>, ProvisionerError> {
        let world = self.read()?;
        let selected = world
            .roles
            .iter()
            .filter(|(id, role)| requested.selects(&NativeId::from_number(**id), [role.name.as_str()]));
        Ok(selected.filter_map(|(id, _)| world.role(*id)).collect())
    }

    async fn account(&self, id: &NativeId) -> Result<Option<Account>, ProvisionerError> {
        let world = self.read()?;
        Ok(id.as_number().and_then(|id| world.account(id)))
    }

    async fn account_views(&self, id: &NativeId) -> Result<AccountViews, ProvisionerError> {
        let world = self.read()?;
        let number = id.as_number().unwrap();
        let found = world.account(number);
        let listed = match self.listed.get(&number) {
            Some(ListContradiction::Has(person)) => {
                ListEntry::Present(Box::new(FakeTenant::account_of(number, person)))
            }
            Some(ListContradiction::Lacks) => ListEntry::Absent,
            Some(ListContradiction::Unclear) => ListEntry::Unclear("has an entry without an id".to_owned()),
            None => found
                .clone()
                .map_or(ListEntry::Absent, |account| ListEntry::Present(Box::new(account))),
        };
        Ok(AccountViews {
            lookup: "the lookup".to_owned(),
            found,
            lists: vec![ListView {
                list: "the list".to_owned(),
                listed,
            }],
        })
    }

    async fn accounts_with_email(&self, email: &EmailAddress) -> Result<Vec<Account>, ProvisionerError> {
        let world = self.read()?;
        let selected = world.people.iter().filter(|(_, person)| email.is(&person.email));
        Ok(selected.filter_map(|(id, _)| world.account(*id)).collect())
    }

    // Faults are not injected here: these reads decide nothing.
    async fn similar_roles(&self, words: &TextQuery) -> Result<Vec<String>, ProvisionerError> {
        let world = self.world.lock().unwrap();
        let similar = world.roles.iter().filter(|(_, role)| words.resembles(&role.name));
        Ok(similar
            .map(|(id, role)| format!("role:{id} ({})", role.name))
            .collect())
    }

    async fn similar_accounts(&self, words: &TextQuery) -> Result<Vec<String>, ProvisionerError> {
        let world = self.world.lock().unwrap();
        let similar = world
            .people
            .iter()
            .filter(|(_, person)| words.resembles(&person.email));
        Ok(similar
            .map(|(id, person)| format!("user:{id} ({})", person.email))
            .collect())
    }

    async fn administrators(&self) -> Result<Vec<ResourceId>, ProvisionerError> {
        let world = self.read()?;
        let selected = world
            .people
            .iter()
            .filter(|(_, person)| person.administrator == Some(true));
        Ok(selected
            .filter_map(|(id, _)| world.account(*id))
            .map(|account| account.resource.id)
            .collect())
    }

    async fn organizations(&self, requested: &Selector) -> Result<Vec<Resource>, ProvisionerError> {
        let world = self.read()?;
        let selected = world
            .organizations
            .iter()
            .filter(|(id, name)| requested.selects(&NativeId::from_number(**id), [name.as_str()]));
        Ok(selected
            .map(|(id, name)| Resource {
                id: ResourceId::new(
                    ResourceTypeId::from_static("organization"),
                    NativeId::from_number(*id),
                ),
                parent: None,
                display_name: DisplayName::new(name),
                description: None,
                profile: Profile::new(),
                status: None,
                resource_trait: ResourceTrait::Group,
            })
            .collect())
    }

    fn preview(&self, step: &Step) -> RequestPreview {
        RequestPreview {
            method: "PATCH",
            url: format!("https://tenant.example/{}", step.label().replace(' ', "-")),
            body: None,
        }
    }

    async fn apply(&self, step: &Step) -> Result<ApplyOutcome, ApplyError> {
        self.writes.lock().unwrap().push(step.label());
        let failed = |effect, trouble| ApplyError {
            effect,
            request_id: None,
            error: ProvisionerError::new(trouble),
        };
        let fault = self.fault();
        match fault {
            InjectedFault::Hangs => return std::future::pending().await,
            InjectedFault::NotSent => {
                return Err(failed(
                    WriteEffect::None,
                    InjectedError("not sent", StatusCode::PermissionDenied),
                ));
            }
            InjectedFault::LostBefore => {
                return Err(failed(
                    WriteEffect::Unknown,
                    InjectedError("no answer", StatusCode::Unavailable),
                ));
            }
            InjectedFault::Refused => {
                return Err(failed(
                    WriteEffect::Rejected,
                    InjectedError("not in this tenant", StatusCode::InvalidArgument),
                ));
            }
            InjectedFault::Lie => {
                return Ok(ApplyOutcome {
                    request_id: None,
                    seen: None,
                });
            }
            InjectedFault::Fine | InjectedFault::LostAfter | InjectedFault::Silent | InjectedFault::Late => {}
        }
        *self.earlier.lock().unwrap() = Some(self.world.lock().unwrap().clone());
        let obeyed = self.world.lock().unwrap().obey(step, self.refuses_repeats);
        match (obeyed, fault) {
            (_, InjectedFault::LostAfter) => Err(failed(
                WriteEffect::Unknown,
                InjectedError("no answer", StatusCode::Unavailable),
            )),
            (Err(trouble), _) => Err(failed(WriteEffect::Rejected, trouble)),
            (Ok(_), InjectedFault::Silent | InjectedFault::Late) => Ok(ApplyOutcome {
                request_id: None,
                seen: None,
            }),
            (Ok(seen), _) => Ok(ApplyOutcome {
                request_id: Some("r-1".to_owned()),
                seen: Some(seen),
            }),
        }
    }

    async fn wait_before_retry(&self, _: u32) {}
}

/// An audit log in memory that can fail from its n-th line on.
#[derive(Default)]
pub(super) struct FakeAuditLog {
    pub(super) lines: Mutex<Vec<String>>,
    pub(super) room: Option<usize>,
}

#[async_trait]
impl AuditLog for FakeAuditLog {
    async fn append(&self, entry: &AuditEntry) -> Result<(), AuditError> {
        let mut lines = self.lines.lock().unwrap();
        if self.room.is_some_and(|room| lines.len() >= room) {
            return Err(AuditError::new(InjectedError(
                "the audit log is full",
                StatusCode::FailedPrecondition,
            )));
        }
        lines.push(serde_json::to_string(entry).unwrap());
        Ok(())
    }
}
