//! The tenant of a file whose writer left no note: the address in the description of its only app.

use std::collections::BTreeSet;

use baton_proto::connector_v2::{ResourceType, resource_type::Trait};

/// Apps of one resource type whose descriptions are read.
pub(crate) const MAX_APPS: usize = 16;

/// Whether resources of a type are apps.
pub(crate) fn is_app(resource_type: &ResourceType) -> bool {
    resource_type.traits().any(|known| known == Trait::App)
}

/// Addresses in the descriptions of apps.
#[derive(Debug, Default)]
pub(crate) struct AppAddresses {
    addresses: BTreeSet<String>,
    apps: usize,
}

impl AppAddresses {
    pub(crate) fn add(&mut self, description: &str) {
        self.apps += 1;
        let address = description
            .split_whitespace()
            .find(|word| word.starts_with("https://") || word.starts_with("http://"));
        self.addresses.extend(address.map(str::to_owned));
    }

    /// The address, if there is one app and it has one: a list of apps is not a list of tenants.
    pub(crate) fn only(self) -> Option<String> {
        self.addresses.into_iter().next().filter(|_| self.apps == 1)
    }
}
