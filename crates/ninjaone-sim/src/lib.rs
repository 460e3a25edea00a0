//! A faithful simulated NinjaOne tenant for demos, tests and benchmarks.
