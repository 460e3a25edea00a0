use sim_kit::mix;

use crate::error::SimError;
use crate::user_kind::UserKind;

/// The members of a role: a walk through all of them with a fixed stride that shares no factor with their
/// number, so the members are distinct, spread out, and never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RolePlan {
    pub(super) kind: UserKind,
    pub(super) members: u32,
    population: u32,
    start: u32,
    stride: u32,
    inverse: u32,
}

impl RolePlan {
    fn new(seed: u64, role: u32, kind: UserKind, members: u32, population: u32) -> Self {
        let population = population.max(1);
        let stride = coprime_near_golden_section(population);
        Self {
            kind,
            members,
            population,
            start: low_half(mix(seed ^ 0x5eed, u64::from(role))) % population,
            stride,
            inverse: inverse_modulo(stride, population),
        }
    }

    /// The first member, counted within its kind.
    #[inline]
    pub(super) const fn first(&self) -> u32 {
        self.start
    }

    /// The member after this one.
    #[inline]
    pub(super) const fn next_after(&self, member: u32) -> u32 {
        let wrap_at = self.population - self.stride;
        if member >= wrap_at {
            member - wrap_at
        } else {
            member + self.stride
        }
    }

    /// Whether the user at this position of its kind is a member.
    #[inline]
    pub(super) const fn has_member(&self, position: u32) -> bool {
        let distance = (position + self.population - self.start) as u64 % self.population as u64;
        (distance * self.inverse as u64 % self.population as u64) < self.members as u64
    }
}

/// Spreads `grants` over the roles: about a fifth of the roles are for technicians, every role gets an equal share as far
/// as its users suffice, and the total is exact.
pub(super) fn plan_roles(
    seed: u64,
    (technicians, end_users): (u32, u32),
    roles: u32,
    grants: u64,
    role_of_everyone: bool,
) -> Result<Vec<RolePlan>, SimError> {
    let kinds: Vec<UserKind> = (0..roles)
        .map(|role| role_kind(role, technicians, end_users))
        .collect();
    let population = |kind| match kind {
        UserKind::Technician => technicians,
        UserKind::EndUser => end_users,
    };
    let capacity: u64 = kinds.iter().map(|kind| u64::from(population(*kind))).sum();
    if grants > capacity {
        return Err(SimError::TooManyGrants { grants, capacity });
    }
    let mut order: Vec<usize> = (0..kinds.len()).collect();
    order.sort_by_key(|role| population(kinds[*role]));
    let mut counts = vec![0_u32; kinds.len()];
    let mut remaining = grants;
    let everyone = kinds
        .iter()
        .position(|kind| *kind == UserKind::EndUser)
        .filter(|_| role_of_everyone);
    if let Some(role) = everyone {
        counts[role] = end_users.min(u32::try_from(remaining).unwrap_or(u32::MAX));
        remaining -= u64::from(counts[role]);
        order.retain(|other| *other != role);
    }
    // Small populations first, so that grants that do not fit there go to the large ones.
    for (done, role) in order.iter().enumerate() {
        let roles_left = u64::try_from(order.len() - done).unwrap_or(u64::MAX);
        let share = remaining
            .div_ceil(roles_left)
            .min(u64::from(population(kinds[*role])));
        counts[*role] = u32::try_from(share).unwrap_or(u32::MAX);
        remaining -= share;
    }
    let plans = kinds.iter().zip(counts).zip(0..);
    Ok(plans
        .map(|((kind, members), role)| RolePlan::new(seed, role, *kind, members, population(*kind)))
        .collect())
}

fn role_kind(role: u32, technicians: u32, end_users: u32) -> UserKind {
    if end_users == 0 || (technicians > 0 && role.is_multiple_of(5)) {
        UserKind::Technician
    } else {
        UserKind::EndUser
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "only the lower half of the hash is used"
)]
const fn low_half(bits: u64) -> u32 {
    bits as u32
}

fn coprime_near_golden_section(population: u32) -> u32 {
    let golden = u64::from(population) * 618 / 1000;
    let golden = u32::try_from(golden).unwrap_or(u32::MAX).max(1);
    // A number below the population shares no factor with it soon; the population plus one never does.
    (golden..=population.saturating_add(1))
        .find(|stride| greatest_common_divisor(*stride, population) == 1)
        .unwrap_or(1)
        % population.max(2)
}

const fn greatest_common_divisor(mut a: u32, mut b: u32) -> u32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// The inverse of multiplication by `value` modulo `modulus` (extended Euclid); the two share no factor.
fn inverse_modulo(value: u32, modulus: u32) -> u32 {
    let modulus = i64::from(modulus);
    let (mut old_rest, mut rest) = (i64::from(value), modulus);
    let (mut old_factor, mut factor) = (1_i64, 0_i64);
    while rest != 0 {
        let quotient = old_rest / rest;
        (old_rest, rest) = (rest, old_rest - quotient * rest);
        (old_factor, factor) = (factor, old_factor - quotient * factor);
    }
    u32::try_from(old_factor.rem_euclid(modulus)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn members_are_distinct_and_add_up(
            seed in any::<u64>(), technicians in 0_u32..40, end_users in 0_u32..200, roles in 1_u32..12, share in 0.0_f64..1.0,
        ) {
            let capacity: u64 = (0..roles)
                .map(|role| match role_kind(role, technicians, end_users) {
                    UserKind::Technician => u64::from(technicians),
                    UserKind::EndUser => u64::from(end_users),
                })
                .sum();
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "a share of a small number")]
            let grants = (capacity as f64 * share) as u64;
            let plans = plan_roles(seed, (technicians, end_users), roles, grants, false).unwrap();
            prop_assert_eq!(plans.iter().map(|plan| u64::from(plan.members)).sum::<u64>(), grants);
            for plan in plans {
                let walk: Vec<u32> = std::iter::successors(Some(plan.first()), |member| Some(plan.next_after(*member)))
                    .take(plan.members as usize)
                    .collect();
                let members: BTreeSet<u32> = walk.iter().copied().collect();
                prop_assert_eq!(members.len(), walk.len());
                for position in 0..plan.population {
                    prop_assert_eq!(plan.has_member(position), members.contains(&position));
                }
            }
        }
    }

    #[test]
    fn more_grants_than_pairs_are_refused() {
        let refused = plan_roles(1, (2, 3), 2, 6, false).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "6 grants do not fit: 5 is the most that these users and roles can hold"
        );
    }
}
