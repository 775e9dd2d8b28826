"""A spec file to a LoadedSpec, or to every diagnostic of the file at once."""

from __future__ import annotations

import os
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from automlc.spec.diagnostics import Diagnostic, Severity, Span, sort_key
from automlc.spec.errors import AutomlcError, SpecError
from automlc.spec.keys import LAYERED, KeyPath, as_model, as_path, fields_at, find
from automlc.spec.model import Spec, folder_name
from automlc.spec.record import record
from automlc.spec.shape import Shape
from automlc.spec.yaml_nodes import (
    MAX_BYTES,
    MappingNode,
    Node,
    ScalarNode,
    decode,
    kind_of,
    parse_yaml,
)

if TYPE_CHECKING:
    from automlc.spec.layers import Layers


@record
class SourceFile:
    """A file as it was read."""

    path: Path
    text: str = field(repr=False)


@record
class Variant:
    """Which of the specs that a file describes: a profile, and values of the command line.

    `overrides` are arguments of --set, such as `budget.epochs=3`.
    """

    profile: str | None = None
    overrides: tuple[str, ...] = ()


PLAIN = Variant()


@record
class LoadedSpec:
    """A valid spec, with the tree it came from.

    `layers` is what it was made of where that is more than one file as it stands: `node` is then
    the merged tree, whose spans lead into several files.
    """

    spec: Spec
    node: MappingNode = field(repr=False)
    source: SourceFile
    warnings: tuple[Diagnostic, ...] = ()
    layers: Layers | None = field(default=None, repr=False)

    @property
    def sources(self) -> dict[str, str]:
        """File names of spans -> texts, as `render` and SpecError take them."""
        if self.layers is not None:
            return self.layers.sources
        return {self.node.span.file: self.source.text}

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """All files of the spec, the one that was named first."""
        return (self.source,) if self.layers is None else self.layers.files

    def resolved_text(self) -> str:
        """A text that says all that this spec says: the file's own, or its layers as one.

        Two specs with the same resolved text are the same task; profile and --set are part of it.
        """
        if self.layers is None:
            return self.source.text
        from automlc.spec.resolved import merged_text

        return merged_text(self)

    def place(self, span: Span) -> str:
        """A place for people: `task.yaml:12`, `profile smoke (task.yaml:40)`, `--set seed=3`."""
        if self.layers is not None:
            return self.layers.place(span)
        return f"{self.source.path.name}:{span.line}"

    def origin(self, key: str | KeyPath) -> str:
        """Where the value of a key stands, or `default`."""
        span = self.spans(key)
        return "default" if span is None else self.place(span)

    def spans(self, key: str | tuple[str | int, ...]) -> Span | None:
        """Where the value of a key stands: `search.startup`, `constraints[0]`. None for defaults.

        For a section in its short form (`search: tpe`), keys inside stand where the word stands.
        """
        found = find(self.node, as_path(key))
        return found[1].span if found else None

    def node_at(self, key: str | tuple[str | int, ...]) -> Node | None:
        """The node of a key's value; None for defaults."""
        found = find(self.node, as_path(key))
        return found[1] if found else None

    def key_spans(self, key: str | tuple[str | int, ...]) -> Span | None:
        """Where the key itself stands (the value, for items of lists)."""
        found = find(self.node, as_path(key))
        return (found[0] or found[1]).span if found else None


def load(path: str | os.PathLike[str], variant: Variant = PLAIN) -> LoadedSpec:
    """Read and check a spec file, and the files it extends.

    Raises SpecError with all diagnostics, or AutomlcError (exit code 2) when there is no such file.
    """
    place = Path(path)
    try:
        with place.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except IsADirectoryError:
        if (place / "automlc.lock").exists():
            raise AutomlcError(
                f"{place} is a compiled project", "name the spec that it was compiled from"
            ) from None
        raise AutomlcError(
            f"{place} is a folder", f"name the spec file in it, such as {place / 'task.yaml'}"
        ) from None
    except FileNotFoundError:
        raise AutomlcError(f"there is no file {place}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AutomlcError(f"{place} cannot be read: {reason}") from None
    text, refused = decode(data, str(place))
    if refused is not None:
        raise SpecError([refused], {str(place): text})
    return _load(SourceFile(place, text), str(place), variant)


def load_text(text: str, file: str = "<text>", variant: Variant = PLAIN) -> LoadedSpec:
    """The same for a text; `file` is the name that diagnostics show."""
    return _load(SourceFile(Path(file), text), file, variant)


def keys_of(section: str) -> frozenset[str]:
    """The keys that a section may have; those of the top for an empty name."""
    model = fields_at(Spec, (section,) if section else ())
    return frozenset(model.model_fields if model else ())


def parse(text: str, file: str) -> tuple[Node | None, list[Diagnostic]]:
    """The tree of a spec's text and what is wrong with its syntax; the suffix tells the surface."""
    if file.endswith(".aml"):
        from automlc.spec.aml import parse_aml

        return parse_aml(text, file)
    root, found = parse_yaml(text, file)
    if not isinstance(root, MappingNode) and text.strip():
        from automlc.spec.surfaces import written_as_dsl

        other = written_as_dsl(text, file)
        return (root, found) if other is None else (None, [other])
    return root, found


def _load(source: SourceFile, file: str, variant: Variant) -> LoadedSpec:
    try:
        return _as_written(source, file, variant)
    except SpecError as error:
        if source.text.isascii():
            raise
        from automlc.spec.lookalikes import blamed

        def read(text: str) -> list[Diagnostic]:
            try:
                return list(_as_written(replace(source, text=text), file, variant).warnings)
            except SpecError as other:
                return list(other.diagnostics)

        raise blamed(error, source.text, file, read) from None


def _as_written(source: SourceFile, file: str, variant: Variant) -> LoadedSpec:
    root, found = parse(source.text, file)
    told = bool(found)
    try:
        return _read(source, file, variant, root, found)
    except SpecError:
        if told or not file.endswith(".aml"):  # else parse has looked for habits
            raise
        from automlc.spec.habits.mending import as_meant

        meant = as_meant(source.text, file)
        if meant is None:
            raise
        return _read(source, file, variant, *meant)


def _read(
    source: SourceFile, file: str, variant: Variant, root: Node | None, found: list[Diagnostic]
) -> LoadedSpec:
    if root is not None or not found:
        root = check_root(root, file, found)
    spec: Spec | None = None
    layers: Layers | None = None
    if isinstance(root, MappingNode):
        if variant != PLAIN or any(key.text in LAYERED for key, _ in root.items):
            from automlc.spec import layers as layering  # not for every spec to wait for

            layers = layering.resolve(root, source, variant, found)
            root = layers.node
        said = len(found)
        spec = build(root, found, source.path)
        if layers is not None:
            found = layering.told_once(found[said:], found[:said], layers)
    found = sorted(set(found), key=sort_key)
    if found and not file.endswith(".aml"):
        from automlc.spec.repairs import with_repairs

        found = with_repairs(found, root if layers is None else None, source.text, file)
    if found and file.endswith(".aml"):
        from automlc.spec.aml_repairs import with_repairs as with_aml_repairs

        # An edit that writes YAML's marks is none there.
        found = [d if _is_plain(d) else replace(d, fix=None) for d in found]
        found = with_aml_repairs(found, source.text, file)
    loaded = None
    if spec is not None and isinstance(root, MappingNode):
        loaded = LoadedSpec(spec, root, source, tuple(found), layers)
    if loaded is None or any(d.severity is Severity.ERROR for d in found):
        sources = {file: source.text} if layers is None else layers.sources
        # Where a base is missing, what is not said may have been said there.
        partial = None if layers is not None and layers.broken else loaded
        raise SpecError(found, sources, partial)
    return loaded


# Codes of statements: their edits write statements.
_STATEMENTS = frozenset(("E113", "E114", "E115", "E116", "E117", "E119"))


def _is_plain(d: Diagnostic) -> bool:
    edits = d.fix.edits if d.fix is not None and d.code not in _STATEMENTS else ()
    return not any("{" in edit.text or ": " in edit.text for edit in edits)


_EXAMPLE = "begin with automlc: 1, then task: and data:"


def check_root(root: Node | None, file: str, found: list[Diagnostic]) -> Node | None:
    """The root as it is; what keeps it from being a spec is added to `found`."""
    span = Span(file, 1, 1, 1, 2)
    if root is None or (isinstance(root, ScalarNode) and root.value is None):
        if not found:
            found.append(Diagnostic("E109", "the spec is empty", span, _EXAMPLE))
    elif not isinstance(root, MappingNode):
        place = Span(file, root.span.line, root.span.column, root.span.line, root.span.column + 1)
        message = f"a spec is a mapping, got {kind_of(root)}"
        found.append(Diagnostic("E109", message, place, _EXAMPLE))
    return root


def build(root: MappingNode, found: list[Diagnostic], path: Path) -> Spec | None:
    """The spec, with defaults for what is wrong; None where nothing can stand in.

    What is wrong is added to `found`.
    """
    shape = Shape(found)
    data = shape.root(root)
    spec: Spec | None = None
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        from automlc.spec.explaining import explain_validation

        found += explain_validation(error, root, Spec)
        spec = _without_mistakes(data, error)
    shape.check_references()
    if spec is None or spec.name:
        return spec
    return spec.model_copy(update={"name": folder_name(path.stem)})


def check_fragment(root: MappingNode) -> list[Diagnostic]:
    """What is wrong with a part of a spec; nothing is missing, no two keys are compared."""
    found: list[Diagnostic] = []
    shape = Shape(found)
    data = shape.root(root)
    try:
        Spec.model_validate(data)
    except ValidationError as error:
        from automlc.spec.explaining import explain_validation

        found += explain_validation(error, root, Spec)
    # E202: another part may have it. A finding about a section compares its keys.
    sections = _sections(Spec)
    return [d for d in found if d.code != "E202" and not (d.code == "E205" and d.key in sections)]


def _sections(model: type[BaseModel], where: str = "") -> set[str]:
    """Keys of all sections: `data`, `data.split`."""
    found: set[str] = set()
    for name, info in model.model_fields.items():
        section = as_model(info.annotation)
        if section is not None:
            key = f"{where}.{name}" if where else name
            found |= {key} | _sections(section, key)
    return found


def _without_mistakes(data: dict[str, Any], error: ValidationError) -> Spec | None:
    """The spec without the values that are wrong; None where one of them is needed."""
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        section: Any = data
        path = [part for part in item["loc"] if isinstance(part, str) and part != "[key]"]
        for part in path[:-1]:
            section = section.get(part) if isinstance(section, dict) else None
        if not path or not isinstance(section, dict):
            return None
        section.pop(path[-1], None)
    try:
        return Spec.model_validate(data)
    except ValidationError:
        return None
