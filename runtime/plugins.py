"""Plug-ins: installed packages that register things of their own.

A package names its modules under the entry-point group `automlc.plugins`; importing one registers
what it brings. They are imported when a name is looked up that nobody here knows, so a spec that
uses none pays nothing. A spec cannot name a module: what is loaded is what was installed.
"""

from __future__ import annotations

from automlc.spec.errors import AutomlcError

GROUP = "automlc.plugins"

_started = False


def load_plugins() -> None:
    """Import every plug-in, once; AutomlcError for one that cannot be imported."""
    global _started
    if _started:  # also while one of them is being imported
        return
    _started = True
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            point.load()
        except Exception as error:
            package = point.dist.name if point.dist else point.value
            raise AutomlcError(
                f"the plug-in {point.name!r} cannot be loaded: {type(error).__name__}: {error}",
                f"repair it or uninstall it: pip uninstall {package}",
            ) from error
