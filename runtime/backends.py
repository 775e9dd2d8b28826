"""The backends: what each needs in order to run, what it can export, and who writes its projects.

Plain descriptions, in the order in which `backend: auto` prefers them. The compiler, the runtime
and the exports read them; none of these imports a framework.
"""

from __future__ import annotations

import os

from automlc.runtime.registry import Registry
from automlc.spec.record import record


@record
class Backend:
    """A framework that projects are written for.

    `emitter`: the module that writes a project (automlc.backends.base.Emitter).
    `needs`: names that a project imports, all of the top level, the framework first.
    `package`: what pip installs for it, as one writes it in a shell.
    `formats`: what `automlc export` can make of a trained model.
    `engines`: what the framework computes with, by import name; the first is the default. Empty
    for a framework that computes by itself.
    `engine_lacks`: (engine, device) pairs that cannot be, of the devices that a spec may name.
    `engine_packages`: what pip installs for an engine, where that is not its name.
    `engine_variable`: the environment variable that tells the framework its engine.
    `variables`: others that keep a person's own settings of the framework out of a run.
    """

    name: str
    emitter: str
    needs: tuple[str, ...]
    package: str
    formats: tuple[str, ...]
    engines: tuple[str, ...] = ()
    engine_lacks: tuple[tuple[str, str], ...] = ()
    engine_packages: tuple[tuple[str, str], ...] = ()
    engine_variable: str = ""
    variables: tuple[tuple[str, str], ...] = ()

    def modules(self, engine: str | None = None) -> tuple[str, ...]:
        """Import names of the packages that a run needs."""
        return tuple(dict.fromkeys((*self.needs, engine) if engine else self.needs))

    def install(self, engine: str | None = None) -> str:
        """The command line that installs all of `modules`."""
        packages = [self.package]
        if engine:
            packages.append(dict(self.engine_packages).get(engine, engine))
        return f"pip install {' '.join(packages)}"

    def environment(self, engine: str | None = None) -> dict[str, str]:
        """Variables that a process needs before it imports the framework."""
        chosen = {self.engine_variable: engine} if engine and self.engine_variable else {}
        return {**dict(self.variables), **chosen}


BACKENDS: Registry[Backend] = Registry("backend")

BACKENDS.add("pytorch")(
    Backend(
        "pytorch",
        emitter="automlc.backends.pytorch.emit",
        needs=("torch", "safetensors"),
        package="'automlc[pytorch]'",
        formats=("source", "weights", "backbone", "onnx", "torch-export"),
    )
)
BACKENDS.add("keras")(
    Backend(
        "keras",
        emitter="automlc.backends.keras.emit",
        needs=("keras", "safetensors"),
        package="'automlc[keras]'",
        formats=("source", "weights", "backbone", "keras", "saved-model", "onnx"),
        engines=("tensorflow", "torch", "jax"),
        engine_lacks=(("tensorflow", "mps"), ("jax", "mps")),
        engine_packages=(("torch", "'torch>=2.10,<2.14'"),),
        engine_variable="KERAS_BACKEND",
        # Without it Keras obeys ~/.keras/keras.json (the layout of images, the format of numbers),
        # and writes that file where there is none.
        variables=(("KERAS_HOME", os.devnull),),
    )
)


def is_installed(name: str) -> bool:
    """Whether a package of that top-level name could be imported; nothing is imported or read.

    A folder without `__init__.py`, as an uninstall may leave behind, is no package.
    """
    from importlib.util import find_spec

    assert "." not in name, "finding a.b would import a"
    try:
        found = find_spec(name)
    except (ImportError, ValueError):  # a finder that refuses, a module without a spec
        return False
    return found is not None and found.origin is not None
