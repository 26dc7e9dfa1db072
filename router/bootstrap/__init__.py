"""Joins settings, connectors and services; only this package and `devnet` name concrete ones."""

from router.bootstrap.app import App, open_app

__all__ = ["App", "open_app"]
