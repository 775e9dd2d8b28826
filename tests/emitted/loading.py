"""Imports emitted source in a test, without leaving its modules behind."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


@contextmanager
def emitted(folder: Path, files: Mapping[str, str], name: str) -> Iterator[ModuleType]:
    """The module `name` of some emitted files, written to `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for file, text in files.items():
        (folder / file).write_text(text, encoding="utf-8")
    own = {Path(file).stem for file in files if file.endswith(".py")}
    before = {module: sys.modules.pop(module) for module in own if module in sys.modules}
    sys.path.insert(0, str(folder))
    try:
        spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(folder))
        for module_name in own:
            sys.modules.pop(module_name, None)
        sys.modules.update(before)
        importlib.invalidate_caches()
