//! A price-time priority order book in integer ticks and lots.
