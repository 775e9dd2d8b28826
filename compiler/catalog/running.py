"""Backends, kinds of data, units and diagnostic codes."""

from __future__ import annotations

from automlc.compiler.catalog.entry import Entry
from automlc.runtime.backends import BACKENDS, is_installed
from automlc.spec.codes import CODES
from automlc.spec.units import COUNTS, DURATIONS, SIZES


def backends() -> tuple[Entry, ...]:
    found = []
    for name in BACKENDS.names():
        backend = BACKENDS.get(name)
        engines = ", ".join(backend.engines)
        facts = {
            "needs": ", ".join(backend.needs),
            **({"engines": engines} if engines else {}),
            "exports": ", ".join(backend.formats),
            "install": backend.install(backend.engines[0] if backend.engines else None),
            "installed": _installed(backend.needs, backend.engines),
        }
        texts = {"pytorch": "projects of plain PyTorch", "keras": "projects of Keras 3"}
        found.append(Entry(name, texts.get(name, "projects of another framework"), facts=facts))
    return tuple(found)


def _installed(needs: tuple[str, ...], engines: tuple[str, ...]) -> str:
    if not all(map(is_installed, needs)):
        return "no"
    found = [engine for engine in engines if is_installed(engine)]
    if engines and not found:
        return "no engine"
    return f"yes, with {', '.join(found)}" if found else "yes"


def sources() -> tuple[Entry, ...]:
    """What `data.source` may name."""
    from automlc.compiler.contracts.builtin import BUILTINS

    known = {
        "*.csv, *.tsv": "a table with a header line; also .csv.gz and .tsv.gz",
        "*.npz": "arrays x_train, y_train, and optionally x_test, y_test, x_validation, "
        "y_validation; or x, y",
        "*.parquet": "a table with typed columns",
        "FOLDER": "images (PNG, JPEG, WebP, BMP) in a folder for each class, at the top or below "
        "train, validation, test",
    }
    builtin = {
        "breast_cancer": "569 rows of 30 numbers, 2 classes (tabular_classification)",
        "diabetes": "442 rows of 10 numbers, a number to predict (tabular_regression)",
        "digits": "1,797 images of 8 x 8 pixels, 10 classes (image_classification)",
    }
    found = [Entry(name, text) for name, text in known.items()]
    found += [
        Entry(f"builtin:{name}", builtin.get(name, "inside scikit-learn"))
        for name in sorted(BUILTINS)
    ]
    return tuple(found)


def units() -> tuple[Entry, ...]:
    """What may touch a number."""
    sizes = [Entry(unit, f"{value:,} bytes") for unit, value in SIZES.items() if unit != "B"]
    times = [Entry(unit, f"{value:g} seconds") for unit, value in DURATIONS.items()]
    counts = [Entry(unit, f"{value:,}") for unit, value in COUNTS.items()]
    return (Entry("B", "bytes"), *sizes, *times, *counts, Entry("%", "hundredths"))


def codes() -> tuple[Entry, ...]:
    return tuple(
        Entry(code, entry.title, facts={"cause": entry.cause, "fix": entry.fix})
        for code, entry in sorted(CODES.items())
    )
