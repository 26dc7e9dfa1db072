"""Joins settings, connectors and services; only this package and `devnet` name concrete ones.

The timers and the doctor are loaded on first use (PEP 562): they bring libraries that nobody else
needs.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from router.bootstrap.app import App, open_app

if TYPE_CHECKING:
    from router.bootstrap.doctor import Finding, Grade, diagnose
    from router.bootstrap.serving import JobCount, ServeReport, serve

_HOMES = {
    "Finding": "router.bootstrap.doctor",
    "Grade": "router.bootstrap.doctor",
    "JobCount": "router.bootstrap.serving",
    "ServeReport": "router.bootstrap.serving",
    "diagnose": "router.bootstrap.doctor",
    "serve": "router.bootstrap.serving",
}

__all__ = [
    "App",
    "Finding",
    "Grade",
    "JobCount",
    "ServeReport",
    "diagnose",
    "open_app",
    "serve",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - the module protocol returns whatever it is
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'router.bootstrap' has no attribute {name!r}")
    return getattr(import_module(home), name)
