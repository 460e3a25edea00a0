//! The holders of sources, stored compactly.

use std::collections::HashMap;
use std::sync::Arc;

use access_core::model::ResourceId;

/// The number of a principal; dense, from 0.
pub(super) type Number = u32;

/// The principals with grants in the network, each once.
#[derive(Debug, Default)]
pub(super) struct Principals {
    numbers: HashMap<Arc<ResourceId>, Number>,
    ids: Vec<Arc<ResourceId>>,
}

impl Principals {
    /// The number of a principal, assigned on first use. `None` if all 2^31 numbers are in use.
    pub(super) fn number(&mut self, id: ResourceId) -> Option<Number> {
        if let Some(number) = self.numbers.get(&id) {
            return Some(*number);
        }
        let number = Number::try_from(self.ids.len())
            .ok()
            .filter(|number| *number < Holder::DIRECT)?;
        let id = Arc::new(id);
        self.ids.push(Arc::clone(&id));
        self.numbers.insert(id, number);
        Some(number)
    }

    /// The principal with a number.
    pub(super) fn id(&self, number: Number) -> &ResourceId {
        &self.ids[number as usize]
    }
}

/// A principal and whether it holds the entitlement directly, in four bytes: there may be millions for each of many
/// entitlements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Holder(u32);

impl Holder {
    const DIRECT: u32 = 1 << 31;

    pub(super) fn new(principal: Number, direct: bool) -> Self {
        Self(principal | if direct { Self::DIRECT } else { 0 })
    }

    pub(super) fn principal(self) -> Number {
        self.0 & !Self::DIRECT
    }

    pub(super) fn is_direct(self) -> bool {
        self.0 & Self::DIRECT != 0
    }
}

#[cfg(test)]
mod tests {
    use access_core::model::{NativeId, ResourceTypeId};

    use super::*;

    #[test]
    fn a_principal_has_one_number() {
        let user = |id| ResourceId::new(ResourceTypeId::from_static("user"), NativeId::from_number(id));
        let mut principals = Principals::default();
        let numbers = [7, 8, 7].map(|id| principals.number(user(id)).unwrap());
        assert_eq!(numbers, [0, 1, 0]);
        assert_eq!(principals.id(1), &user(8));
    }

    #[test]
    fn holder_round_trip() {
        for (principal, direct) in [
            (0, false),
            (0, true),
            (Holder::DIRECT - 1, false),
            (Holder::DIRECT - 1, true),
        ] {
            let holder = Holder::new(principal, direct);
            assert_eq!((holder.principal(), holder.is_direct()), (principal, direct));
        }
    }
}
