//! Workspace-wide end-to-end tests.
