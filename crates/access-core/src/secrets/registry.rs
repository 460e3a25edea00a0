//! Registered secrets of this process.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use super::data::DataSecrets;
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
    data: Arc<DataSecrets>,
}

/// The number of registrations.
static VERSION: AtomicU64 = AtomicU64::new(0);
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
        data: Arc::default(),
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
    registry.data = Arc::new(DataSecrets::new(&registry.all));
    VERSION.fetch_add(1, Ordering::Release);
}

pub(super) fn all() -> Arc<[Arc<Secret>]> {
    let guard = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
    guard
        .as_ref()
        .map_or_else(|| Arc::from([]), |registry| Arc::clone(&registry.all))
}

/// The secrets that are redacted in data.
pub(super) fn data() -> Arc<DataSecrets> {
    let guard = REGISTRY.read().unwrap_or_else(PoisonError::into_inner);
    guard
        .as_ref()
        .map_or_else(Arc::default, |registry| Arc::clone(&registry.data))
}

/// Changes with every registration.
pub(super) fn version() -> u64 {
    VERSION.load(Ordering::Acquire)
}
