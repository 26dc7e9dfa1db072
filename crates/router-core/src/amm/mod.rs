//! Pools as values.
