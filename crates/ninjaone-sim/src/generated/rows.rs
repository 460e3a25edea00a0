use std::sync::Arc;

use super::generator::Generated;
use super::json::text;
use super::person_json;
use crate::user_kind::UserKind;

/// The list to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listing {
    /// `/v2/users` and `/v2/organization/{id}/end-users`.
    Users {
        kind: Option<UserKind>,
        organization: Option<u32>,
        roles: bool,
    },
    /// `/v2/user/technicians`.
    Technicians,
    /// `/v2/user/end-users`.
    EndUsers,
    /// `/v2/user/roles`.
    Roles { kind: Option<UserKind> },
}

/// Writes one array piece by piece. A clone continues at the position of the original.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    tenant: Arc<Generated>,
    listing: Listing,
    next: u32,
    end: u32,
    current_role: Option<RoleProgress>,
    written: bool,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    Rows,
    Done,
}

/// A role whose members are being written.
#[derive(Debug, Clone, Copy)]
struct RoleProgress {
    member: u32,
    remaining: u32,
}

impl Rows {
    pub(crate) fn new(tenant: Arc<Generated>, listing: Listing) -> Self {
        let technicians = tenant.size.technicians;
        let (next, end) = match listing {
            Listing::Technicians
            | Listing::Users {
                kind: Some(UserKind::Technician),
                ..
            } => (0, technicians),
            Listing::EndUsers
            | Listing::Users {
                kind: Some(UserKind::EndUser),
                ..
            } => (technicians, tenant.users()),
            Listing::Users { kind: None, .. } => (0, tenant.users()),
            Listing::Roles { .. } => (0, tenant.size.roles),
        };
        Self {
            tenant,
            listing,
            next,
            end,
            current_role: None,
            written: false,
            state: State::Fresh,
        }
    }

    /// Appends about `target` bytes; returns whether there is more.
    pub(crate) fn fill(&mut self, out: &mut Vec<u8>, target: usize) -> bool {
        if self.state == State::Fresh {
            out.push(b'[');
            self.state = State::Rows;
        }
        while self.state == State::Rows && out.len() < target {
            if self.current_role.is_some() {
                self.members(out, target);
            } else if self.next < self.end {
                self.row(out);
            } else {
                out.push(b']');
                self.state = State::Done;
            }
        }
        self.state != State::Done
    }

    /// The complete array.
    pub(crate) fn collect(mut self) -> Vec<u8> {
        let mut out = Vec::new();
        while self.fill(&mut out, usize::MAX) {}
        out
    }

    fn row(&mut self, out: &mut Vec<u8>) {
        let position = self.next;
        self.next += 1;
        match self.listing {
            Listing::Roles { kind } => self.open_role(out, position, kind),
            Listing::Users {
                organization, roles, ..
            } => {
                let person = self.tenant.person(position);
                if organization.is_some_and(|requested| requested != person.organization) {
                    return;
                }
                self.write_separator(out);
                person_json::user(out, &person);
                if roles {
                    person_json::role_names(out, &self.tenant, &person);
                }
                out.push(b'}');
            }
            Listing::Technicians => {
                self.write_separator(out);
                person_json::technician(out, &self.tenant.person(position));
            }
            Listing::EndUsers => {
                self.write_separator(out);
                person_json::end_user(out, &self.tenant.person(position));
            }
        }
    }

    fn open_role(&mut self, out: &mut Vec<u8>, index: u32, kind: Option<UserKind>) {
        let Some(plan) = self.tenant.roles.get(index as usize).copied() else {
            return;
        };
        if kind.is_none_or(|requested| requested == plan.kind) {
            self.write_separator(out);
            person_json::role_head(out, index, plan.kind);
            self.current_role = Some(RoleProgress {
                member: plan.first(),
                remaining: plan.members,
            });
        }
    }

    fn members(&mut self, out: &mut Vec<u8>, target: usize) {
        let (Some(mut current_role), Some(plan)) =
            (self.current_role, self.tenant.roles.get(self.next as usize - 1))
        else {
            return;
        };
        while current_role.remaining > 0 && out.len() < target {
            if current_role.remaining < plan.members {
                out.push(b',');
            }
            person_json::member(out, &self.tenant.member(plan.kind, current_role.member));
            current_role.member = plan.next_after(current_role.member);
            current_role.remaining -= 1;
        }
        self.current_role = Some(current_role);
        if current_role.remaining == 0 {
            text(out, "]}");
            self.current_role = None;
        }
    }

    fn write_separator(&mut self, out: &mut Vec<u8>) {
        if self.written {
            out.push(b',');
        }
        self.written = true;
    }
}
