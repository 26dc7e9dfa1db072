"""The 64-byte records of the matching engine as NumPy types: commands go in, events come out.

A batch is a C-contiguous array of one of these types, for `router.core.Engine.submit`. The layout
is that of the records in the journal and in command files: little endian, without padding. What the
numbers in the small fields mean is in `router.vocabulary`.
"""

from typing import Final

import numpy as np

RECORD_BYTES: Final = 64

COMMAND_DTYPE: Final = np.dtype(
    [
        ("kind", "u1"),
        ("side", "u1"),
        ("order_type", "u1"),
        ("tif", "u1"),
        ("flags", "<u2"),
        ("stp", "u1"),
        ("list", "u1"),
        ("instrument", "<u4"),
        ("account", "<u4"),
        ("client_id", "<u8"),
        ("order_id", "<u8"),
        ("price", "<i8"),
        ("qty", "<u8"),
        ("trigger", "<i8"),
        ("display", "<u4"),
        ("expire_s", "<u4"),
    ]
)

EVENT_DTYPE: Final = np.dtype(
    [
        ("kind", "u1"),
        ("reason", "u1"),
        ("side", "u1"),
        ("flags", "u1"),
        ("instrument", "<u4"),
        ("command", "<u8"),
        ("account", "<u4"),
        ("other_account", "<u4"),
        ("order_id", "<u8"),
        ("other_id", "<u8"),
        ("price", "<i8"),
        ("qty", "<u8"),
        ("leaves", "<u8"),
    ]
)

# A record of the public feed: `docs/specs/market-data.md`.
FEED_DTYPE: Final = np.dtype(
    [
        ("kind", "u1"),
        ("side", "u1"),
        ("flags", "u1"),
        ("reserved", "u1"),
        ("instrument", "<u4"),
        ("epoch", "<u8"),
        ("sequence", "<u8"),
        ("command", "<u8"),
        ("price", "<i8"),
        ("qty", "<u8"),
        ("other_price", "<i8"),
        ("extra", "<u8"),
    ]
)

assert COMMAND_DTYPE.itemsize == FEED_DTYPE.itemsize == EVENT_DTYPE.itemsize == RECORD_BYTES

# A resting order, as `Engine.orders` lists them.
ORDER_DTYPE: Final = np.dtype(
    [
        ("order_id", "<u8"),
        ("price", "<i8"),
        ("open", "<u8"),
        ("displayed", "<u8"),
        ("account", "<u4"),
        ("side", "<u4"),
    ]
)
PRICE_DTYPE: Final = np.dtype("<i8")
LOTS_DTYPE: Final = np.dtype("<u8")
