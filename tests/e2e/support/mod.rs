//! Shared by several tests: a service with its simulators, and the tables of a dataset.

pub(crate) mod dataset;
pub(crate) mod service;
