"""`router serve`: the timers. One job at a time, errors counted by code, a clean end."""

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from apscheduler.events import EVENT_JOB_ERROR, JobExecutionEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from router.bootstrap.app import App
from router.domain.errors import RouterError
from router.telemetry import logger

_log = logger("serve")


@dataclass(slots=True)
class JobCount:
    """What one job did since the start; `last_code` is of its latest failure."""

    runs: int = 0
    failures: int = 0
    last_code: str = ""


@dataclass(slots=True)
class ServeReport:
    """Counts per job name, kept current while serving."""

    jobs: dict[str, JobCount] = field(default_factory=dict)


class Timers:
    """Runs the periodic jobs of an app until told to stop."""

    def __init__(self, app: App, on_run: Callable[[str], None] | None = None) -> None:
        """`on_run` is told a job's name after each of its runs."""
        self._app = app
        self._on_run = on_run or (lambda _name: None)
        self._one_at_a_time = asyncio.Lock()
        self._crash: BaseException | None = None
        self._stop = asyncio.Event()
        self.report = ServeReport()

    async def run(self, stop: asyncio.Event) -> ServeReport:
        """Serve until `stop` is set; a job that runs then is given its time to finish.

        A job's failure with a code is logged, counted and tried again at its next turn. Any other
        exception is a fault of the program: it sets `stop`, ends the serving and is raised here.
        """
        settings = self._app.profile.settings.schedule
        self._stop = stop
        # A turn that is skipped while its job still runs is as intended, and no news.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        scheduler = AsyncIOScheduler(timezone="UTC")
        scheduler.add_listener(self._note_crash, EVENT_JOB_ERROR)
        for name, interval_ms, work in self._jobs():
            self.report.jobs[name] = JobCount()
            scheduler.add_job(
                self._run_job,
                "interval",
                seconds=interval_ms / 1_000,
                args=(name, work),
                id=name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
            )
        scheduler.start()
        try:
            await stop.wait()
        finally:
            scheduler.pause()
            await self._let_finish(settings.stop_timeout_ms / 1_000)
            scheduler.shutdown(wait=False)
        if self._crash is not None:
            raise self._crash
        return self.report

    def _jobs(self) -> list[tuple[str, int, Callable[[], Awaitable[object]]]]:
        schedule = self._app.profile.settings.schedule
        return [
            ("deposits", schedule.deposit_scan_interval_ms, self._app.custody.scan_deposits),
            ("settle", schedule.settle_interval_ms, self._settle),
            ("pools", schedule.pool_refresh_interval_ms, self._app.feed.view),
            ("sweep", schedule.sweep_interval_ms, self._app.custody.sweep),
            ("reconcile", schedule.reconcile_interval_ms, self._reconcile),
        ]

    async def _settle(self) -> None:
        """Move open transactions on, then the orders that waited for them."""
        await self._app.settlement.step()
        await self._app.execution.resume(patient=False)

    async def _reconcile(self) -> None:
        await self._app.custody.scan_deposits()
        report = await self._app.reconciler.run()
        _log.info("reconciled", block=report.block_number, breaks=len(report.breaks))

    async def _run_job(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        async with self._one_at_a_time:
            count = self.report.jobs[name]
            count.runs += 1
            try:
                await work()
            except RouterError as error:
                self._failed(name, count, error.code, error.message)
            except TimeoutError:
                self._failed(name, count, "CHAIN_UNAVAILABLE", "The node did not answer in time.")
            self._on_run(name)

    def _failed(self, name: str, count: JobCount, code: str, message: str) -> None:
        count.failures += 1
        count.last_code = code
        _log.warning("job_failed", job=name, code=code, reason=message, failures=count.failures)

    def _note_crash(self, event: JobExecutionEvent) -> None:
        if self._crash is None:
            self._crash = event.exception
        self._stop.set()

    async def _let_finish(self, timeout_s: float) -> None:
        try:
            async with asyncio.timeout(timeout_s), self._one_at_a_time:
                return
        except TimeoutError:
            _log.warning("job_cut_short", code="OUTCOME_UNKNOWN")


@contextmanager
def stop_on_signals(stop: asyncio.Event) -> Iterator[None]:
    """Set `stop` on SIGTERM and SIGINT while the block runs."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


async def serve(
    app: App,
    stop: asyncio.Event | None = None,
    on_run: Callable[[str], None] | None = None,
) -> ServeReport:
    """Run the timers until SIGTERM, SIGINT or `stop`; return what the jobs did."""
    stop = stop or asyncio.Event()
    with stop_on_signals(stop):
        return await Timers(app, on_run).run(stop)
