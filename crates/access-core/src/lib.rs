//! The domain: model, ports, sync pipeline, run ledger.
