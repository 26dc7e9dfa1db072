"""The demo's settings: its own folder and the devnet, whatever is configured on this machine."""

from pathlib import Path

from router.settings import Settings


def demo_settings(home: Path) -> Settings:
    """Return the defaults with `home`; no file and no variable of the environment is read.

    Explicit values are stronger than the environment, so every section is passed: a demo must not
    trade on a chain, or book into a database, that somebody configured for real business.
    """
    defaults = {
        name: field.get_default(call_default_factory=True)
        for name, field in Settings.model_fields.items()
    }
    return Settings(**{**defaults, "home": str(home)})
