"""The same client without asyncio: one event loop in a thread of its own, and nothing copied."""

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from router.sdk.client import Router
from router.settings import Settings

T = TypeVar("T")


class SyncRouter:
    """`Router` for code without asyncio: the same methods with the same arguments, blocking.

        with SyncRouter.open() as router:
            quote = router.quote("WETH", "USDC", "10")
            order = router.route(quote, account="alice")

    One thread runs the event loop; calls from several threads are served side by side.
    """

    def __init__(self, opened: AbstractAsyncContextManager[Router]) -> None:
        self._opened = opened
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="router-sdk")
        self._router: Router | None = None

    @classmethod
    def open(
        cls,
        config: str | Path | Settings | None = None,
        *,
        overrides: Mapping[str, Any] | None = None,
        **options: Any,  # noqa: ANN401 - whatever `Router.open` takes
    ) -> Self:
        """Return a router to use in a `with` block; see `Router.open`."""
        return cls(Router.open(config, overrides=overrides, **options))

    def __enter__(self) -> Self:
        self._thread.start()
        is_open = False
        try:
            self._router = self._run(self._opened.__aenter__())
            is_open = True
        finally:
            if not is_open:
                self._stop()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._run(self._opened.__aexit__(kind, error, trace))
        finally:
            self._router = None
            self._stop()

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the router has
        if name.startswith("_"):
            raise AttributeError(name)
        if self._router is None:
            raise RuntimeError("the router is used inside a `with` block")
        found = getattr(self._router, name)
        return self._blocking(found) if inspect.iscoroutinefunction(found) else found

    def __dir__(self) -> list[str]:
        return sorted(name for name in dir(Router) if not name.startswith("_"))

    def _blocking(self, method: Callable[..., Coroutine[Any, Any, T]]) -> Callable[..., T]:
        @functools.wraps(method)
        def call(*args: Any, **kwargs: Any) -> T:  # noqa: ANN401
            return self._run(method(*args, **kwargs))

        return call

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except KeyboardInterrupt:
            future.cancel()
            raise

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
