"""A spec file to a LoadedSpec, or to every diagnostic of the file at once."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from automlc.spec.diagnostics import (
    Diagnostic,
    Fix,
    Severity,
    Span,
    clean,
    put,
    quote,
    sort_key,
    swap,
)
from automlc.spec.domains import (
    DOMAINS,
    ParameterDecl,
    check_identifier,
    check_references,
    is_cut_off,
    read_declaration,
    read_expression,
)
from automlc.spec.errors import AutomlcError, SpecError
from automlc.spec.expressions import (
    Compare,
    Expr,
    ExpressionError,
    Literal,
    Logical,
    names,
    to_text,
)
from automlc.spec.model import Spec, folder_name
from automlc.spec.record import record
from automlc.spec.rules import EXAMPLE, read_rule
from automlc.spec.suggest import DOUBTFUL, nearest
from automlc.spec.units import UnitError, parse_count
from automlc.spec.yaml_nodes import (
    ALIAS,
    MAX_BYTES,
    MappingNode,
    Node,
    ScalarNode,
    SequenceNode,
    boolean_word,
    decode,
    kind_of,
    parse_yaml,
    text_span,
    to_plain,
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

    def origin(self, key: str | _Path) -> str:
        """Where the value of a key stands, or `default`."""
        span = self.spans(key)
        return "default" if span is None else self.place(span)

    def spans(self, key: str | tuple[str | int, ...]) -> Span | None:
        """Where the value of a key stands: `search.startup`, `constraints[0]`. None for defaults.

        For a section in its short form (`search: tpe`), keys inside stand where the word stands.
        """
        found = find(self.node, _path(key))
        return found[1].span if found else None

    def node_at(self, key: str | tuple[str | int, ...]) -> Node | None:
        """The node of a key's value; None for defaults."""
        found = find(self.node, _path(key))
        return found[1] if found else None

    def key_spans(self, key: str | tuple[str | int, ...]) -> Span | None:
        """Where the key itself stands (the value, for items of lists)."""
        found = find(self.node, _path(key))
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
    model = _fields_at(Spec, (section,) if section else ())
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
LAYERED = ("extends", "profiles")  # keys that spec/layers.py reads, before the models see the rest


def check_root(root: Node | None, file: str, found: list[Diagnostic]) -> Node | None:
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
    shape = _Shape(found)
    data = shape.root(root)
    spec: Spec | None = None
    try:
        spec = Spec.model_validate(data)
    except ValidationError as error:
        found += explain_validation(error, root, Spec)
        spec = _without_mistakes(data, error)
    shape.check_references()
    if spec is None or spec.name:
        return spec
    return spec.model_copy(update={"name": folder_name(path.stem)})


def check_fragment(root: MappingNode) -> list[Diagnostic]:
    """What is wrong with a part of a spec; nothing is missing, no two keys are compared."""
    found: list[Diagnostic] = []
    shape = _Shape(found)
    data = shape.root(root)
    try:
        Spec.model_validate(data)
    except ValidationError as error:
        found += explain_validation(error, root, Spec)
    # E202: another part may have it. A finding about a section compares its keys.
    sections = _sections(Spec)
    return [d for d in found if d.code != "E202" and not (d.code == "E205" and d.key in sections)]


def _sections(model: type[BaseModel], where: str = "") -> set[str]:
    """Keys of all sections: `data`, `data.split`."""
    found: set[str] = set()
    for name, info in model.model_fields.items():
        section = _as_model(info.annotation)
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


# Parsed values before the models see them ---------------------------------------------------------


class _Shape:
    """Turns the tree into what the models take: lists as tuples, expressions and domains parsed."""

    def __init__(self, found: list[Diagnostic]):
        self.found = found
        self.parameters: dict[str, ParameterDecl] = {}
        self.broken: set[str] = set()
        self.forbid: list[Expr] = []
        self.has_preset = False

    def root(self, node: MappingNode) -> dict[str, Any]:
        """The whole spec."""
        data: dict[str, Any] = {}
        for key, value in node.items:
            if key.text == "space" and isinstance(value, MappingNode):
                data["space"] = self.space(value)
            elif key.text == "constraints":
                data["constraints"] = self.expressions(value, "constraints", self.constraint)
            elif key.text == "rules" and isinstance(value, MappingNode):
                data["rules"] = self.rules(value)
            else:
                data[key.text] = _plain(value)
        return data

    def space(self, node: MappingNode) -> dict[str, Any]:
        """The space section; `model` and `blocks` stay nodes."""
        data: dict[str, Any] = {}
        self.has_preset = node.get("preset") is not None
        for key, value in node.items:
            match key.text:
                case "parameters":
                    data["parameters"] = self.declarations(value)
                case "forbid":
                    self.forbid = self.expressions(value, "space.forbid", self.condition)
                    data["forbid"] = tuple(self.forbid)
                case "model":
                    data["model"] = self.kept(value, SequenceNode, "space.model")
                case "blocks":
                    data["blocks"] = self.kept(value, MappingNode, "space.blocks")
                case _:
                    data[key.text] = _plain(value)
        return data

    def rules(self, node: MappingNode) -> dict[str, Any]:
        """The rules section; each rule is parsed."""
        return {
            key.text: self.expressions(value, "rules.when", read_rule)
            if key.text == "when"
            else _plain(value)
            for key, value in node.items
        }

    def kept(
        self, node: Node, kind: type[SequenceNode] | type[MappingNode], key: str
    ) -> Node | None:
        """A node that the compiler reads later."""
        if isinstance(node, kind):
            return node
        what = "a list of layers" if kind is SequenceNode else "a mapping of names to blocks"
        message = f"`{key}` is {what}, got {kind_of(node)}"
        hint = "begin each layer with `- `, such as - flatten"
        if kind is MappingNode:
            hint = "write name: [...]"
        self.found.append(Diagnostic("E203", message, node.span, hint, key))
        return None

    def declarations(self, node: Node) -> dict[str, ParameterDecl]:
        """space.parameters."""
        if not isinstance(node, MappingNode):
            message = f"`space.parameters` is a mapping, got {kind_of(node)}"
            hint = "write name: domain, such as lr: log_uniform(1e-4, 1e-1)"
            self.found.append(Diagnostic("E203", message, node.span, hint, "space.parameters"))
            return {}
        for name, value in node.items:
            key = f"space.parameters.{name.text}"
            if is_cut_off(name, value):
                continue
            reason = check_identifier(name.text)
            if reason:
                message = f"{quote(name.text)} cannot name a parameter"
                meant = re.sub(r"\W+", "_", name.text.lower(), flags=re.ASCII).strip("_")
                usable = name.text.isascii() and not check_identifier(meant)
                hint = f"write {meant}: {reason}" if usable else reason
                fix = swap(name.span, name.text, meant if usable else None, safe=False)
                self.found.append(Diagnostic("E208", message, name.span, hint, key, fix=fix))
            decl, problems = read_declaration(value, key)
            self.found += problems
            if problems or reason:
                self.broken.add(name.text)
            if decl is not None:
                self.parameters[name.text] = decl
        return self.parameters

    def expressions(self, node: Node, key: str, read: Any) -> Any:
        """A list of expressions; those that are wrong are left out."""
        if not isinstance(node, SequenceNode):
            if isinstance(node, ScalarNode) and node.value is None:
                hint = "remove the key, or write one `- ` for each"
            else:
                hint = "write one `- ` for each, such as - depth > 4 and width > 256"
                if key == "constraints":
                    hint = f"write one `- ` for each, such as - {_bound_of(node)}"
                elif key == "rules.when":
                    hint = f"write one `- ` for each, such as - {EXAMPLE}"
            message = f"`{key}` is a list, got {kind_of(node)}"
            self.found.append(Diagnostic("E203", message, node.span, hint, key))
            return ()
        out = []
        for index, item in enumerate(node.items):
            try:
                out.append(read(item))
            except ExpressionError as error:
                self.found.append(error.diagnostic(f"{key}[{index}]"))
        return tuple(out)

    @staticmethod
    def condition(node: Node) -> Expr:
        """A forbidden combination."""
        return read_expression(node)

    @staticmethod
    def constraint(node: Node) -> Expr:
        """A comparison of a metric with a bound."""
        expr = read_expression(node, metric_calls=True)
        if isinstance(expr, Compare) and not isinstance(expr.left, Literal):
            return expr
        hint, fix = "write metric <= bound, such as model.size <= 5MB", None
        if isinstance(expr, Compare) and not isinstance(expr.right, Literal):
            turned = Compare(_MIRROR.get(expr.op, expr.op), expr.right, expr.left)
            hint, fix = f"write {to_text(turned)}", put(expr.span, to_text(turned))
        if isinstance(expr, Logical) and expr.op == "and":
            hint = "write one `- ` for each constraint"
        message = "a constraint compares a metric with a bound"
        raise ExpressionError(message, hint, code="E311", span=expr.span, fix=fix)

    def check_references(self) -> None:
        """What conditions say of parameters declared here.

        Names that are not may come from a preset or from the training's own parameters: the
        compiler judges them, on the merged space.
        """
        if self.has_preset:
            return
        parameters = [decl.parameter(name) for name, decl in self.parameters.items()]
        conditions = [*self.forbid, *(p.when for p in parameters if p.when is not None)]
        elsewhere = frozenset().union(*(names(c) for c in conditions)) - {*self.parameters}
        self.found += check_references(parameters, self.forbid, also=elsewhere | self.broken)


def _bound_of(node: Node) -> str:
    """The constraint that `{model.size: 5MB}` was meant to be."""
    if isinstance(node, MappingNode) and node.items:
        key, value = node.items[0]
        if isinstance(value, ScalarNode) and value.text:
            comparison = re.match(r"[<>]=?|==", value.text)
            return f"{key.text} {value.text}" if comparison else f"{key.text} <= {value.text}"
    return "model.size <= 5MB"


_MIRROR = {"<=": ">=", ">=": "<=", "<": ">", ">": "<"}


def _plain(node: Node) -> Any:
    """Like to_plain, with tuples for lists: the models are strict."""
    match node:
        case ScalarNode(value=value):
            return value
        case SequenceNode(items=items):
            return tuple(_plain(item) for item in items)
        case MappingNode(items=pairs):
            return {key.text: _plain(value) for key, value in pairs}


# Errors of the models with places -----------------------------------------------------------------

_Path = tuple[str | int, ...]


def _path(key: str | _Path) -> _Path:
    if isinstance(key, tuple):
        return key
    parts = re.findall(r"[^.\[\]]+", key)
    return tuple(int(p) if p.isdigit() else p for p in parts)


def find(root: Node, path: _Path) -> tuple[ScalarNode | None, Node] | None:
    """Key (None in lists) and value at a path; short forms stand for all that is inside them."""
    key: ScalarNode | None = None
    node = root
    for part in path:
        if isinstance(node, MappingNode):
            key, child = node.key(str(part)), node.get(str(part))
            if child is None:
                return None
            node = child
        elif isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.items):
            key, node = None, node.items[part]
        elif isinstance(node, ScalarNode) and isinstance(node.value, str):
            break
        else:
            return None
    return key, node


MAX_EXPLAINED = 200  # a file with more mistakes is no spec; each takes a search for what was meant


def explain_validation(
    error: ValidationError, root: Node, model: type[BaseModel], prefix: _Path = ()
) -> list[Diagnostic]:
    """A model's errors as diagnostics at their places.

    `prefix` is the path of the model's node below `root`; the compiler checks options of
    searchers and policies with it.
    """
    items = error.errors(include_url=False, include_context=True, include_input=False)
    found = [_explain(item, root, model, prefix) for item in items[:MAX_EXPLAINED]]
    if len(items) > MAX_EXPLAINED and found[-1] is not None:
        more = f"{found[-1].message} (and {len(items) - MAX_EXPLAINED:,} more mistakes)"
        found[-1] = replace(found[-1], message=more)
    return _without_echoes([diagnostic for diagnostic in found if diagnostic is not None])


def _without_echoes(found: list[Diagnostic]) -> list[Diagnostic]:
    """A key in the wrong place is unknown there and missing here; it is said once, there."""
    moved = set()
    for d in found:
        if d.code == "E201" and "belongs" in (d.hint or ""):
            home = re.search(r"in `([\w.]+)`", d.hint or "")
            moved |= {d.key.rsplit(".", 1)[-1], *([home[1]] if home else [])}
    return [d for d in found if not (d.code == "E202" and d.key.rsplit(".", 1)[-1] in moved)]


def dotted(path: Iterable[str | int]) -> str:
    """`("constraints", 0)` as `constraints[0]`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _explain(
    item: Mapping[str, Any], root: Node, model: type[BaseModel], prefix: _Path
) -> Diagnostic | None:
    loc = tuple(part for part in item["loc"] if part != "[key]")
    path = (*prefix, *loc)
    key = dotted(path)
    found = find(root, path)
    node = found[1] if found else None
    kind = str(item["type"])
    if isinstance(node, ScalarNode) and node.style == ALIAS:
        return None  # refused where it stands; what it meant is unknown
    if kind == "missing":
        return _missing(path, root, model, loc)
    if kind == "extra_forbidden":
        return _unknown_key(path, root, model, loc)
    span = _place_of(node, root, path)
    code, message, hint, fix = _words(kind, item.get("ctx") or {}, key, node)
    return Diagnostic(code, message, span, hint, key, fix=fix)


def _place_of(node: Node | None, root: Node, path: _Path) -> Span | None:
    """The value; for an empty value or a long block, the key."""
    if node is None:
        return _nearest_place(root, path)
    empty = isinstance(node, ScalarNode) and node.value is None and not node.text
    block = not isinstance(node, ScalarNode) and node.span.line != node.span.end_line
    if empty or block:
        found = find(root, path)
        if found and found[0] is not None:
            return found[0].span
    return node.span


def _nearest_place(root: Node, path: _Path) -> Span | None:
    for end in range(len(path) - 1, 0, -1):
        found = find(root, path[:end])
        if found:
            return (found[0] or found[1]).span
    span = root.span
    return Span(span.file, span.line, span.column, span.line, span.column + 1)


def _fields_at(model: type[BaseModel], loc: _Path) -> type[BaseModel] | None:
    """The model that the value at a location belongs to."""
    current: type[BaseModel] | None = model
    for part in loc:
        info = current.model_fields.get(str(part)) if current else None
        current = _as_model(info.annotation if info else None)
    return current


def _as_model(annotation: Any) -> type[BaseModel] | None:
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if is_model else None


SAMPLES = {
    "automlc": "automlc: 1",
    "task": "task: {kind: image_classification}",
    "data": "data: {source: builtin:digits}",
    "task.kind": "kind: image_classification",
    "data.source": "source: builtin:digits",
    "data.columns": "columns: {age: number, city: category}",
    "data.missing": "missing: {number: mean}",
    "data.split": "split: {validation: 20%, test: 20%}",
    "data.image": "image: {size: [32, 32]}",
    "budget": "budget: {trials: 20, epochs: 10}",
    "search": "search: tpe",
    "stopping": "stopping: asha",
    "backend": "backend: pytorch",
    "space": "space: {preset: image/blocks}",
    "seed": "seed: 3",
    "name": "name: digits",
    "constraints": "constraints: [model.size <= 5MB]",
    "rules": "rules: builtin/dream",
    "task.metric": "metric: accuracy",
    "budget.trials": "trials: 20",
    "budget.epochs": "epochs: 10",
    "budget.wall": "wall: 2h",
    "budget.memory": "memory: 4GB",
}


# What else suits a kind of task, for a spec that names no source.
_SOURCES = {
    "tabular_classification": "builtin:breast_cancer",
    "tabular_regression": "builtin:diabetes",
    "text_classification": "reviews.csv, target: label",
    "text_regression": "reviews.csv, target: stars",
    "image_regression": "images.npz",
}


def _sample(key: str, root: Node) -> str:
    """What may be written for a key that is missing."""
    found = find(root, ("task", "kind"))
    kind = found[1].text if found and isinstance(found[1], ScalarNode) else ""
    if key not in ("data", "data.source") or kind not in _SOURCES:
        return SAMPLES.get(key, f"{key.rpartition('.')[2]}: …")
    source = f"source: {_SOURCES[kind]}"
    return source if key == "data.source" else f"data: {{{source}}}"


def _missing(path: _Path, root: Node, model: type[BaseModel], loc: _Path) -> Diagnostic | None:
    key = dotted(path)
    hint = f"add {_sample(key, root)}"
    owner = _fields_at(model, loc[:-1])
    parent = find(root, path[:-1])
    if parent and isinstance(parent[1], MappingNode) and owner:
        keys = parent[1].items[:MAX_EXPLAINED]
        unknown = [k.text for k, _ in keys if k.text not in owner.model_fields]
        if any(nearest(word, owner.model_fields) == path[-1] for word in unknown):
            return None
    return Diagnostic("E202", f"`{key}` is missing", _nearest_place(root, path), hint, key)


def _unknown_key(path: _Path, root: Node, model: type[BaseModel], loc: _Path) -> Diagnostic:
    key, word = dotted(path), str(path[-1])
    found = find(root, path)
    span = (found[0] or found[1]).span if found else None
    where = dotted(path[:-1])
    owner = _fields_at(model, loc[:-1])
    known = list(owner.model_fields) if owner else []
    hint = None
    if model is Spec:
        hint = _elsewhere(word, where, found) or _as_parameter(found, where)
    elif where in _CHOSEN:
        known = [_CHOSEN[where], *known]
        hint = _elsewhere(word, where, found)
    near = nearest(word, (*known, *LAYERED) if model is Spec and not where else known)
    if near and not (hint and near != word):
        hint = f"did you mean {near}?"
    if model is Spec and not (near and near.replace("_", "") == word.lower()):
        hint = hint or _foreign(word, where, near) or (None if near else _near_elsewhere(word))
    hint = hint or (f"did you mean {near}?" if near else f"the keys are {', '.join(known)}")
    message = f"there is no key {quote(word)}" + (f" in `{where}`" if where else "")
    fix = None
    if hint == f"did you mean {near}?":
        fix = swap(span, word, near, safe=word.lower() not in DOUBTFUL)
    return Diagnostic("E201", message, span, hint, key, fix=fix)


def _near_elsewhere(word: str) -> str | None:
    """A mistyped key in the wrong section."""
    homes = _homes(Spec)
    near = nearest(word, homes)
    if near is None:
        return None
    home = f"in `{homes[near]}`" if homes[near] else "at the top of the file"
    return f"did you mean {near}? it belongs {home}"


def _foreign(word: str, where: str, near: str | None) -> str | None:
    """What another tool's word is called here; at the top of the file also for near words."""
    from automlc.spec.foreign import of_key

    said = of_key(word, where)
    return said if where == "" or near is None else None


def _as_parameter(found: tuple[ScalarNode | None, Node] | None, where: str) -> str | None:
    """`lr: float(0, 1)` outside of space.parameters."""
    value = found[1] if found else None
    text = value.text if isinstance(value, ScalarNode) else ""
    is_domain = "(" in text and text.split("(")[0].strip() in DOMAINS
    return (
        "a parameter belongs in `space.parameters`"
        if is_domain and where in ("", "space")
        else None
    )


# The key that names what a section's other keys are options of.
_CHOSEN = {"search": "strategy", "stopping": "policy"}


def _elsewhere(word: str, where: str, found: tuple[ScalarNode | None, Node] | None) -> str | None:
    """Where a known key belongs that stands in the wrong section."""
    homes = _homes(Spec)
    value = found[1] if found else None
    if word == "target" and isinstance(value, ScalarNode) and isinstance(value.value, str):
        homes["target"] = "data"  # a column; task.target is a number
    if word not in homes or homes[word] == where:
        return None
    home = homes[word]
    return f"`{word}` belongs in `{home}`" if home else f"`{word}` belongs at the top of the file"


def _homes(model: type[BaseModel], where: str = "") -> dict[str, str]:
    homes: dict[str, str] = dict.fromkeys(model.model_fields, where)
    # Where several sections have a key, the budget's is what people mean: `epochs`.
    fields = sorted(model.model_fields.items(), key=lambda item: item[0] != "budget")
    for name, info in fields:
        section = _as_model(info.annotation)
        if section is not None:
            inner = _homes(section, f"{where}.{name}" if where else name)
            for key, home in inner.items():
                homes.setdefault(key, home)
    return homes


_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "a text",
    "bool_type": "true or false",
    "model_type": "a mapping",
    "dict_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
    "finite_number": "a finite number",
}
_LIMITS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}


_Said = tuple[str, str, str | None, Fix | None]


def _words(kind: str, context: Mapping[str, Any], key: str, node: Node | None) -> _Said:
    """Code, message, hint and fix of one of pydantic's error types."""
    got = kind_of(node) if node is not None else "nothing"
    if kind == "automlc":
        fix = _rewritten(node, context["instead"] or None, safe=context["code"] != "E208")
        return context["code"], f"{context['message']}", context["hint"] or None, fix
    if kind == "literal_error":
        return _not_allowed(str(context.get("expected", "")), key, got, node)
    if kind in _LIMITS:
        name, word = _LIMITS[kind]
        bound = context[name]
        shown = f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"
        message = f"`{key}` must be {word} {shown}, got {got}"
        hint, instead = _fraction_hint(key, node)
        return "E205", message, hint, _rewritten(node, instead)
    if kind in ("too_short", "too_long"):
        count = context["actual_length"]
        values = "value" if count == 1 else "values"
        return "E203", f"`{key}` has {count} {values}", _count_hint(context), None
    if kind == "string_too_short":
        return "E203", f"`{key}` is empty", "write a value, or remove the key", None
    if kind not in _EXPECTED:
        return "E203", f"`{key}` cannot be {got}", None, None
    expected = _EXPECTED[kind]
    if isinstance(node, ScalarNode) and re.search(r"\$\{?\w|\{\{", node.text):
        hint = f"a spec has no variables: write the value, or give it with --set {key}=…"
        return "E203", f"`{key}` must be {expected}, got {got}", hint, None
    code = "E207" if kind == "bool_type" else "E203"
    message = f"`{key}` must be {expected}, got {got}"
    hint = _section_hint(key, node) if kind in ("model_type", "dict_type") else None
    if hint:
        return code, message, hint, None
    hint, instead = _fraction_hint(key, node)
    if hint:
        return code, message, hint, _rewritten(node, instead)
    hint, fix = _type_hint(kind, key, node)
    return code, message, hint, fix


def _rewritten(node: Node | None, text: str | None, *, safe: bool = True) -> Fix | None:
    """The fix that writes another text for a value, without the quotes that it may have had."""
    if not isinstance(node, ScalarNode) or text is None or node.style not in ("", "'", '"'):
        return None
    return put(node.span, text, safe=safe) if node.span.line == node.span.end_line else None


def _fraction_hint(key: str, node: Node | None) -> tuple[str | None, str | None]:
    """`validation: 20` and `validation: 20 percent`: what to say, and what to write."""
    if key not in ("data.split.validation", "data.split.test") or not isinstance(node, ScalarNode):
        return None, None
    match = re.match(r"\d+(\.\d+)?", node.text)
    if match and 1 < float(match[0]) < 100 and "%" not in node.text:
        share = f"{match[0]}%"
        rest = node.text.removeprefix(match[0]).strip()
        sure = rest == "percent" or (not rest and "." not in match[0])
        return f"write {share} or {float(match[0]) / 100:g}", share if sure else None
    return "write a fraction such as 0.2, or 20%", None


def _section_hint(key: str, node: Node | None) -> str | None:
    """What a section written as a word or a list was meant to be."""
    if key == "data.split" and (split := _split_hint(node)) is not None:
        return split
    if isinstance(node, SequenceNode):
        if node.items and all(isinstance(item, MappingNode) for item in node.items):
            return "remove the dashes: a section has keys, not items"
        return f"write {SAMPLES[key]}" if key in SAMPLES else "write one key and value a line"
    if not isinstance(node, ScalarNode) or node.value is None:
        return None
    if re.match(r"\w+:\S", node.text) and key != "data":
        return "write a space after the colon"
    if pair := re.match(r"(\w+)\s*=\s*(\S+)", node.text):
        return f"write {pair[1]}: {pair[2]}, with a colon"
    if key == "data":
        return f"write data: {{source: {clean(node.text)}}}"
    return f"write {SAMPLES[key]}" if key in SAMPLES else None


def _split_hint(node: Node | None) -> str | None:
    """`split: 0.2` and `split: [0.7, 0.2, 0.1]`."""
    if isinstance(node, ScalarNode) and re.fullmatch(r"0?\.\d+|\d\d?%", node.text):
        return f"write split: {{validation: {node.text}}}"
    if isinstance(node, SequenceNode) and len(node.items) == 3:
        parts = [item.value for item in node.items if isinstance(item, ScalarNode)]
        shares = [part for part in parts if isinstance(part, float) and 0 < part < 1]
        if len(shares) == 3 and abs(sum(shares) - 1) < 1e-9:
            return f"write split: {{validation: {shares[1]:g}, test: {shares[2]:g}}}"
    return None


def _count_hint(context: Mapping[str, Any]) -> str:
    wanted = context.get("min_length") or context.get("max_length")
    return f"write {wanted} values between [ and ]"


def _type_hint(kind: str, key: str, node: Node | None) -> tuple[str | None, Fix | None]:
    if isinstance(node, ScalarNode) and node.value is None:
        return "write a value, or remove the key", None
    if isinstance(node, SequenceNode) and len(node.items) == 1:
        item = node.items[0]
        if isinstance(item, ScalarNode) and item.text and node.span.line == node.span.end_line:
            return f"write {item.text}, without brackets", put(node.span, item.text)
    if not isinstance(node, ScalarNode):
        return ("write one value, without brackets" if node is not None else None), None
    if kind == "tuple_type":
        return _list_hint(key, node)
    if kind == "bool_type":
        word = boolean_word(node.text)
        return f"write {word}" if word else "write true or false", _rewritten(node, word)
    if kind == "string_type":
        return f'put it between quotes: "{node.text}"', _rewritten(node, f'"{node.text}"')
    if kind in ("int_type", "float_type") and isinstance(node.value, str):
        return _number_hint(kind, node)
    if kind in ("int_type", "int_from_float") and isinstance(node.value, float):
        if not abs(node.value) < 1e15:
            return None, None
        whole, exact = str(round(node.value)), node.value.is_integer()
        return f"write {whole}", _rewritten(node, whole, safe=exact)
    if kind in ("int_type", "float_type") and isinstance(node.value, bool):
        return "write a number, such as 1", None
    return None, None


def _number_hint(kind: str, node: ScalarNode) -> tuple[str | None, Fix | None]:
    """A text where a number is wanted: quoted, with separators, or with a unit of counts."""
    text = node.text
    if _is_number(text):
        if not node.style:
            return None, None
        fits = kind == "float_type" or re.fullmatch(r"[-+]?\d+", text)
        return "remove the quotes", _rewritten(node, text if fits else None)
    plain = re.sub(r"(?<=\d)[_, '](?=\d{3}\b)", "", text)
    if plain != text and _is_number(plain):
        return f"write {plain}: a number has no separators", _rewritten(node, plain)
    if share := re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", text):
        value = f"{float(share[1]) / 100:g}"
        return f"write {value}", _rewritten(node, value if kind == "float_type" else None)
    try:
        count = str(parse_count(text))
    except UnitError:
        return "write a number in digits", None
    return f"write {count}", _rewritten(node, count)


def _list_hint(key: str, node: ScalarNode) -> tuple[str | None, Fix | None]:
    """`size: 32x32`, and a single name where names are listed."""
    if key.endswith("size"):
        sides = re.fullmatch(r"(\d+)(?:\s*[xX,*]\s*(\d+))?", node.text)
        if sides is None:
            return "write size: [32, 32]", None
        size = f"[{sides[1]}, {sides[2] or sides[1]}]"
        return f"write size: {size}", _rewritten(node, size)
    if isinstance(node.value, str) and re.fullmatch(r"[\w./@-]+", node.text):
        return f"write [{node.text}]", _rewritten(node, f"[{node.text}]")
    return "write [a, b]", None


def _is_number(text: str) -> bool:
    if "_" in text:  # Python reads it, YAML does not
        return False
    try:
        float(text)
    except ValueError:
        return False
    return True


def _not_allowed(expected: str, key: str, got: str, node: Node | None) -> _Said:
    words = re.findall(r"'([^']*)'", expected) or re.findall(r"\d+", expected)
    if key == "automlc":
        return (
            "E209",
            f"this automlc reads version 1 of the language, got {got}",
            "write automlc: 1",
            _rewritten(node, "1"),
        )
    near = nearest(node.text, words) if isinstance(node, ScalarNode) else None
    listed = f"one of {', '.join(words)}" if len(words) > 1 else "".join(words)
    hint = f"did you mean {near}?" if near else f"write one of {', '.join(words)}"
    fix = None
    if isinstance(node, ScalarNode):
        fix = swap(text_span(node), node.text, near, safe=node.text.lower() not in DOUBTFUL)
    return (
        "E204",
        f"`{key}` cannot be {got}" if near is None else (f"`{key}` must be {listed}, got {got}"),
        hint,
        fix,
    )


__all__ = [
    "PLAIN",
    "LoadedSpec",
    "SourceFile",
    "Variant",
    "dotted",
    "explain_validation",
    "load",
    "load_text",
    "to_plain",
]
