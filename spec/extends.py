"""`extends:` the files that a spec builds on.

A spec may come from a stranger, so what it names is opened only where it is a relative path to a
spec inside the project, also after links are resolved. Number, depth, bytes and values of all
files together are bounded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path, PurePosixPath, PureWindowsPath

from automlc.spec.diagnostics import Diagnostic, Note, Span, quote
from automlc.spec.load import SourceFile, check_root, parse
from automlc.spec.paths import project_root
from automlc.spec.rebase import rebased
from automlc.spec.record import record
from automlc.spec.suggest import nearest
from automlc.spec.yaml_nodes import (
    MAX_BYTES,
    MAX_EVENTS,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    decode,
    kind_of,
    text_span,
)

EXTENDS, PROFILES = "extends", "profiles"
SUFFIXES = (".yaml", ".yml", ".aml")
_SEEN = "the path is seen from the file that names it"
MAX_DEPTH = 8  # bases of bases
MAX_FILES = 32


@record
class Part:
    """A file of a spec: `name` as diagnostics show it, its tree, and its profiles."""

    name: str
    source: SourceFile
    node: MappingNode  # without extends and profiles
    profiles: Node | None = None


@record
class _Link:
    """A file on the way to a base, and where it names the next one."""

    path: Path
    name: str
    span: Span | None = None


@record
class Parts:
    """The files of a spec, the deepest base first; texts by name, also of what could not be read.

    `broken`: a base could not be read.
    """

    files: tuple[Part, ...]
    sources: dict[str, str]
    broken: bool


def read_parts(root: MappingNode, source: SourceFile, name: str, found: list[Diagnostic]) -> Parts:
    """The file and all its bases. What is wrong is added to `found`."""
    reading = _Reading(source, found)
    files = tuple(reading.parts(root, source, name, ()))
    return Parts(files, {**reading.sources, name: source.text}, reading.broken)


class _Reading:
    """Follows `extends` from one file to the next."""

    def __init__(self, main: SourceFile, found: list[Diagnostic]):
        self.found = found
        self.root = project_root(main.path)
        self.home = main.path.resolve().parent
        self.sources: dict[str, str] = {}
        self.read: dict[Path, tuple[SourceFile, MappingNode | None]] = {}
        self.bytes = len(main.text.encode("utf-8", "surrogatepass"))
        self.values = 0
        self.count = 1
        self.broken = False

    def parts(
        self, root: MappingNode, source: SourceFile, name: str, chain: tuple[_Link, ...]
    ) -> Iterator[Part]:
        own = _Link(source.path.resolve(), name)
        for entry in self.entries(root.get(EXTENDS)):
            link = _Link(own.path, name, entry.span)
            yield from self.base(entry, source.path, name, (*chain, link))
        kept = tuple((k, v) for k, v in root.items if k.text not in (EXTENDS, PROFILES))
        node = MappingNode(kept, root.span)
        folder = own.path.parent
        if folder != self.home:
            node = rebased(node, Path(os.path.relpath(folder, self.home)).as_posix())
        yield Part(name, source, node, root.get(PROFILES))

    def entries(self, node: Node | None) -> Iterator[ScalarNode]:
        """The texts of `extends: a.yaml` or `extends: [a.yaml, b.yaml]`."""
        if node is None:
            return
        for item in node.items if isinstance(node, SequenceNode) else (node,):
            if isinstance(item, ScalarNode) and isinstance(item.value, str) and item.value:
                yield item
                continue
            message = f"`{EXTENDS}` is the path of a spec, or a list of paths, got {kind_of(item)}"
            self.refuse("E203", message, item.span, "write extends: base.yaml")

    def base(
        self, entry: ScalarNode, owner: Path, name: str, chain: tuple[_Link, ...]
    ) -> Iterator[Part]:
        path = self.located(entry, owner)
        if path is None or self.is_circle(path, entry, chain):
            return
        shown = os.path.normpath(os.path.join(os.path.dirname(name), str(entry.value)))
        shown = shown.replace(os.sep, "/")
        if len(chain) > MAX_DEPTH or self.count >= MAX_FILES:
            self.refuse(
                "E213",
                f"more than {MAX_DEPTH} files extend one another"
                if len(chain) > MAX_DEPTH
                else f"the spec has more than {MAX_FILES} files",
                text_span(entry),
                "put what they have in common into fewer files",
            )
            return
        self.count += 1
        source, root = self.opened(path, shown, entry)
        if root is not None:
            yield from self.parts(root, source, shown, chain)

    def located(self, entry: ScalarNode, owner: Path) -> Path | None:
        """Where a base lies, links resolved; None, and a diagnostic, where it may not."""
        text, span = str(entry.value), text_span(entry)
        if PurePosixPath(text).is_absolute() or PureWindowsPath(text).anchor:
            hint = "write it as seen from this file, such as base.yaml or ../base.yaml"
            self.refuse("E210", f"{quote(text)} is not a relative path", span, hint)
            return None
        try:
            path = (owner.resolve().parent / text).resolve()
        except (OSError, ValueError, RuntimeError):  # too long, NUL, endless links
            self.refuse("E210", f"{quote(text)} is not a path", span, "write extends: base.yaml")
            return None
        if not path.is_relative_to(self.root):
            message = f"{quote(text)} is outside the project folder"
            hint = "a spec extends files of its own project only: copy it there"
            self.refuse("E210", message, span, hint)
            return None
        if path.suffix.lower() not in SUFFIXES:
            hint = f"a spec's file ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
            self.refuse("E210", f"{quote(text)} is not a spec", span, hint)
            return None
        return path

    def is_circle(self, path: Path, entry: ScalarNode, chain: tuple[_Link, ...]) -> bool:
        start = next((i for i, link in enumerate(chain) if link.path == path), None)
        if start is None:
            return False
        circle = chain[start:]
        names = [link.name for link in circle]
        notes = tuple(
            Note(f"{link.name} extends {after}", link.span)
            for link, after in zip(circle, [*names[1:], names[0]], strict=True)
        )
        message = "a spec cannot extend itself"
        if len(circle) > 1:
            message += f": {' -> '.join([*names, names[0]])}"
        self.refuse("E212", message, text_span(entry), "take one of them out", notes)
        return True

    def opened(
        self, path: Path, name: str, entry: ScalarNode
    ) -> tuple[SourceFile, MappingNode | None]:
        if path in self.read:
            return self.read[path]
        text = self.text_of(path, name, entry)
        source = SourceFile(path, text or "")
        self.sources.setdefault(name, source.text)
        root: Node | None = None
        if text is not None:
            root, problems = parse(text, name)
            if root is not None or not problems:
                root = check_root(root, name, problems)
            self.found += problems
        if root is not None:
            self.values += _size(root)
            if self.values > MAX_EVENTS:
                message = f"the files of this spec have more than {MAX_EVENTS:,} values"
                self.refuse("E213", message, text_span(entry), "extend smaller files")
                root = None
        self.read[path] = source, root if isinstance(root, MappingNode) else None
        if not isinstance(root, MappingNode):
            self.broken = True
        return self.read[path]

    def text_of(self, path: Path, name: str, entry: ScalarNode) -> str | None:
        span = text_span(entry)
        try:
            if not path.is_file():
                what = "is not a file" if path.exists() else "is not there"
                near = nearest(path.name, _specs_beside(path))
                hint = f"did you mean {near}?" if near else _SEEN
                self.refuse("E211", f"{quote(name)} {what}", span, hint)
                return None
            with path.open("rb") as stream:
                data = stream.read(MAX_BYTES + 1)
        except OSError as error:
            self.refuse("E211", f"{quote(name)} cannot be read: {error.strerror}", span, None)
            return None
        self.bytes += len(data)
        if self.bytes > MAX_BYTES:
            message = f"the files of this spec have more than {MAX_BYTES:,} bytes"
            self.refuse("E213", message, span, "put data into a file and name it in data.source")
            return None
        text, refused = decode(data, name)
        if refused is not None:
            self.sources[name] = text
            self.found.append(refused)
            self.broken = True
            return None
        return text

    def refuse(
        self, code: str, message: str, span: Span, hint: str | None, notes: tuple[Note, ...] = ()
    ) -> None:
        self.broken = True
        self.found.append(Diagnostic(code, message, span, hint, EXTENDS, notes))


def _specs_beside(path: Path) -> list[str]:
    """Names of specs in the folder of a path that is inside the project."""
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in islice(entries, 1000)]
    except OSError:
        return []
    return sorted(name for name in names if name.lower().endswith(SUFFIXES))


def _size(node: Node) -> int:
    """Values of a tree, keys included."""
    if isinstance(node, MappingNode):
        return 1 + sum(1 + _size(value) for _, value in node.items)
    if isinstance(node, SequenceNode):
        return 1 + sum(_size(item) for item in node.items)
    return 1
