//! 256-bit integer helpers with the rounding in the name.
