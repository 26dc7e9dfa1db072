"""What every command that uses the exchange shares: settings from the options, one open router."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from router.sdk import Router
    from router.settings import Settings

T = TypeVar("T")


def settings_of(ctx: click.Context) -> "Settings":
    """Return the configuration that the global options name.

    Raises:
        UsageError: CONFIG_NOT_FOUND, CONFIG_UNKNOWN_KEY or CONFIG_INVALID.
    """
    from router.settings import load_settings  # noqa: PLC0415 - pydantic loads when it is needed

    options = ctx.find_root().obj or {}
    home = options.get("home")
    return load_settings(options.get("config_path"), {"home": home} if home else None)


def use_router(
    ctx: click.Context,
    work: "Callable[[Router], Coroutine[Any, Any, T]]",
    *,
    read_only: bool = False,
    **callbacks: Any,  # noqa: ANN401 - whatever `Router.open` takes
) -> T:
    """Open the router of the global options, run `work` with it, and close it."""
    from router.sdk import Router  # noqa: PLC0415 - `--help` must not load the services

    async def session() -> T:
        async with Router.open(settings_of(ctx), read_only=read_only, **callbacks) as router:
            return await work(router)

    return asyncio.run(session())
