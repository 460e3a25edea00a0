//! The c1z file format, both directions.
