//! Wire-compatible protobuf messages of the baton ecosystem.
