//! The connector binary: flags, configuration, wiring, logs, exit codes.
