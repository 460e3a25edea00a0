//! The client against the simulated ConductorOne, over real TLS.
#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
