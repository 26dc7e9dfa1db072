"""The real clock."""

import asyncio
import time


class SystemClock:
    """Wall clock and event loop time: port `Clock`."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    async def sleep_s(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
