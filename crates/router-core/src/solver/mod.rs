//! Splits one order over ladders and pools and bounds the best possible answer.
