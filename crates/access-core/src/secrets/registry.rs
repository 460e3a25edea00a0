//! Registered secrets of this process.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError, RwLock};

use super::needles::Secret;

/// Maximum number of remembered access tokens: those in use and those that a late response may repeat.
const MAX_TOKENS: usize = 32;
/// Maximum number of configured secrets.
const MAX_CONFIGURED: usize = 64;

struct Registry {
    configured: Vec<Arc<Secret>>,
    tokens: VecDeque<Arc<Secret>>,
    /// Configured secrets and tokens, shared with readers.
    all: Arc<[Arc<Secret>]>,
    data_needles: Arc<[Vec<u8>]>,
}

static REGISTRY: RwLock<Option<Registry>> = RwLock::new(None);

pub(super) fn add(secret: &str, is_token: bool) {
    let secret = secret.trim();
    if secret.is_empty() {
        return;
    }
    let mut guard = REGISTRY.write().unwrap_or_else(PoisonError::into_inner);
    let registry = guard.get_or_insert_with(|| Registry {
        configured: Vec::new(),
        tokens: VecDeque::new(),
        all: Arc::from([]),
        data_needles: Arc::from([]),
    });
    if registry.all.iter().any(|known| known.is(secret)) {
        return;
    }
    let secret = Arc::new(Secret::new(secret));
    if is_token {
        registry.tokens.push_back(secret);
        if registry.tokens.len() > MAX_TOKENS {
            registry.tokens.pop_front();
        }
    } else if registry.configured.len() < MAX_CONFIGURED {
        registry.configured.push(secret);
    }
    registry.all = registry
        .configured
        .iter()
        .chain(&registry.tokens)
        .cloned()
        .collect();
    registry.data_needles = registry
        .all
        .iter()
        .flat_map(|secret| secret.data_needles())
        .collect();
}

pub(super) fn all() -> Arc<[Arc<Secret>]> {
    let guard = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
    guard
        .as_ref()
        .map_or_else(|| Arc::from([]), |registry| Arc::clone(&registry.all))
}

pub(super) fn data_needles() -> Arc<[Vec<u8>]> {
    let guard = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
    guard
        .as_ref()
        .map_or_else(|| Arc::from([]), |registry| Arc::clone(&registry.data_needles))
}
