"""Which extras and backends are installed, and in versions that are supported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib import metadata

from automlc.runtime.backends import BACKENDS, Backend, is_installed
from automlc.runtime.checkup.finding import NOTE, OK, PROBLEM, Finding
from automlc.runtime.checkup.versions import Requirement, is_within, requirement

EXTRAS = ("run", "pytorch", "keras", "onnx")
LEAST_PYTHON = (3, 11)
_DISTRIBUTIONS = {"tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-macos")}


def python() -> Finding:
    """The interpreter and its version."""
    found = f"{sys.version.split()[0]} at {sys.executable}"
    if sys.version_info[:2] < LEAST_PYTHON:
        return Finding("install", "Python", PROBLEM, found, "install Python 3.11 or newer")
    return Finding("install", "Python", OK, found)


def ourselves() -> Finding:
    """The version of automlc and where it lies."""
    from pathlib import Path

    import automlc

    where = Path(str(automlc.__file__)).parent
    return Finding("install", "automlc", OK, f"{automlc.__version__} at {where}")


def requirements() -> tuple[Requirement, ...]:
    """What our own distribution says that it needs; empty where it is not installed."""
    try:
        lines = metadata.requires("automlc") or []
    except metadata.PackageNotFoundError:
        return ()
    return tuple(requirement(line) for line in lines)


def core() -> Iterator[Finding]:
    """Packages that every verb needs, where one is missing or too old."""
    for needed in requirements():
        if not needed.extra:
            version = version_of(needed.package)
            if version is None or not is_within(version, needed.bounds):
                yield _wrong("install", needed, version)


def extras() -> Iterator[Finding]:
    """One finding for each extra: complete, or which of its packages are missing or too old."""
    for extra in EXTRAS:
        needed = [r for r in requirements() if r.extra == extra and r.package != "automlc"]
        versions = {r.package: version_of(r.package) for r in needed}
        lacking = [r.package for r in needed if versions[r.package] is None]
        unfit = [
            f"{r.package} {version} (needs {r.bounds})"
            for r in needed
            if (version := versions[r.package]) is not None and not is_within(version, r.bounds)
        ]
        mend = f"pip install 'automlc[{extra}]'"
        if unfit:
            yield Finding("extras", extra, PROBLEM, "not supported: " + ", ".join(unfit), mend)
        elif lacking:
            yield Finding("extras", extra, NOTE, "not installed: " + ", ".join(lacking), mend)
        else:
            found = ", ".join(f"{name} {version}" for name, version in versions.items())
            yield Finding("extras", extra, OK, found or "nothing more is needed")


def backends() -> Iterator[Finding]:
    """One finding for each backend and engine: whether a run is possible."""
    for name in BACKENDS.names():
        backend = BACKENDS.get(name)
        for engine in backend.engines or (None,):
            yield _backend(backend, engine)


def _backend(backend: Backend, engine: str | None) -> Finding:
    name = f"{backend.name} on {engine}" if engine else backend.name
    mend = backend.install(engine)
    needed = {r.package: r for r in requirements()}
    lacking = [module for module in backend.modules(engine) if not is_installed(module)]
    if not is_installed("optuna"):
        lacking.append("optuna")
    if lacking:
        return Finding("backends", name, NOTE, "cannot run: no " + ", ".join(lacking), mend)
    for module in backend.modules(engine):
        version = version_of(module)
        bounds = needed[module].bounds if module in needed else ""
        if version is not None and not is_within(version, bounds):
            return Finding("backends", name, PROBLEM, f"{module} {version} (needs {bounds})", mend)
    versions = ", ".join(f"{m} {version_of(m) or 'installed'}" for m in backend.modules(engine))
    return Finding("backends", name, OK, f"can run: {versions}")


def version_of(package: str) -> str | None:
    """The installed version of a distribution, None where there is none."""
    for name in _DISTRIBUTIONS.get(package, (package,)):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return None


def _wrong(group: str, needed: Requirement, version: str | None) -> Finding:
    found = "not installed" if version is None else f"{version} (needs {needed.bounds})"
    mend = f"pip install '{needed.package}{needed.bounds}'"
    return Finding(group, needed.package, PROBLEM, found, mend)
