"""Joins settings, connectors and services; only this package and `devnet` name concrete ones."""

from router.bootstrap.app import App, open_app
from router.bootstrap.doctor import Finding, Grade, diagnose
from router.bootstrap.serving import JobCount, ServeReport, serve

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
