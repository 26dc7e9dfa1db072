"""Structured logs on standard error: a static event name and key-values.

Money is an int or an exact string, never a float; a value under a secret-looking key is masked
even when a caller forgot that it is secret.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

_SECRET = re.compile(r"password|secret|private|mnemonic|api_key|keystore_json", re.IGNORECASE)
_MASK = "***"


def configure_logs(level: str = "warning", style: str = "text") -> None:
    """Send events of at least `level` to standard error, as `text` or one `json` object a line."""
    last = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            mask_secrets,
            structlog.processors.format_exc_info,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        # Looked up per logger: whoever redirects standard error later redirects the logs too.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def ensure_logs(level: str, style: str) -> None:
    """Configure logs unless the program that embeds us has done so already."""
    if not structlog.is_configured():
        configure_logs(level, style)


def mask_secrets(
    _logger: object, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    for key in event:
        if _SECRET.search(key):
            event[key] = _MASK
    return event


def logger(name: str) -> Any:  # noqa: ANN401 - structlog's bound loggers have no common type
    """Return a logger whose events carry the part of the program they come from."""
    return structlog.get_logger(part=name)
