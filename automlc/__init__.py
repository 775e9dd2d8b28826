"""automlc: a declarative, spec-driven AutoML compiler.

The names below are resolved on first use, so that `import automlc` stays cheap.
"""

from importlib import import_module

_PUBLIC = {
    "validate": "automlc.api",
    "compile": "automlc.api",
    "run": "automlc.api",
    "load": "automlc.api",
}

__all__ = ["__version__", "compile", "load", "run", "validate"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        return _version()
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'automlc' has no attribute {name!r}")


def _version() -> str:
    # Late, because importlib.metadata takes longer to import than all the rest of this package.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("automlc")
    except PackageNotFoundError:  # a checkout that was never installed
        return "0+unknown"


def __dir__() -> list[str]:
    return sorted(__all__)
