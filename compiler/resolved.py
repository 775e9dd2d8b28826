"""Every value of a spec and where it comes from: its line, a profile, --set, a default, a pass.

`automlc plan --resolved` prints all of them as a spec; `automlc explain KEY` tells of one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from automlc.compiler.graph import Record
from automlc.compiler.shipped import SHIPPED, TRAINING, load_preset
from automlc.spec.diagnostics import Span, clean
from automlc.spec.keys import dotted
from automlc.spec.load import LoadedSpec
from automlc.spec.merge import WORDS, long_form
from automlc.spec.model import Spec, unit_of
from automlc.spec.record import record
from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode
from automlc.spec.yaml_text import Line, Path, entry_lines, join, one_line, scalar_text

DEFAULT = "default"
# Passes that only repeat what the spec says.
_ECHOES = frozenset({"budget", "backend", "split", "seed", "load"})
# Kept as trees for the compiler, so they have no default to print.
_TREES = frozenset({"space.model", "space.blocks"})


@record
class Value:
    """One key of the language: what it is, where that was said, and what passes made of it."""

    key: str
    text: str
    origin: str
    decided: Record | None = None
    told: tuple[str, ...] = ()  # `task.yaml:12 said 15`, where more than one layer spoke

    @property
    def because(self) -> str:
        """The origin, and the pass that decided something else than what stands there."""
        if self.decided is None or self.decided.pass_name in _ECHOES:
            return self.origin
        if self.decided.decision == self.text and self.decided.because == self.origin:
            return self.origin
        said = clean(self.decided.decision)
        why = "" if self.decided.because == self.origin else f" ({clean(self.decided.because)})"
        return f"{self.origin}; {self.decided.pass_name}: {said}{why}"

    def sentence(self) -> str:
        """`budget.epochs = 3`, where it comes from, and what was said before."""
        text, why = self.text, self.origin
        if self.decided is not None:
            why = f"{self.decided.because} ({self.decided.pass_name})"
            text = text if self.decided.pass_name in _ECHOES else self.decided.decision
        told = f"\n    {'; '.join(self.told)}" if self.told else ""
        return f"{self.key} = {clean(text)}\n    from {clean(why)}{told}"


# The whole spec ---------------------------------------------------------------------------------


def resolved_text(loaded: LoadedSpec, records: Sequence[Record] = ()) -> str:
    """A spec with every key of the language, which means the same as the one that was loaded.

    What cannot stand in a spec without changing it stands in comments: parameters of a preset,
    options of a searcher that were not given, rules that no search asks for.
    """
    return join(_Listing(loaded, records).section(loaded.node, Spec, loaded.spec, ()))


class _Listing:
    """Lines of sections in the order of the language, of other mappings in that of the spec."""

    def __init__(self, loaded: LoadedSpec, records: Sequence[Record]):
        self.loaded = loaded
        self.records = {one.key: one for one in records}
        self.shown: set[str] = set()

    def section(
        self, node: Node | None, model: type[BaseModel], value: BaseModel, at: Path
    ) -> Iterator[Line]:
        indent = "  " * len(at)
        node = long_form(node, at)
        tree = node if isinstance(node, MappingNode) else MappingNode((), self.loaded.node.span)
        for name, info in model.model_fields.items():
            inner, own = (*at, name), getattr(value, name)
            if name == "options" and at and at[0] in WORDS:
                yield from self.options(tree, model, at)
                continue
            annotation = info.annotation
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                if name == "rules" and tree.get(name) is None:
                    # Rules that are given where no search asks for them are worth a warning.
                    yield Line(f"{indent}# rules: {own.use}", self.of_default("rules.use", own.use))
                    continue
                yield Line(f"{indent}{name}:")
                yield from self.section(tree.get(name), annotation, own, inner)
                continue
            yield from self.entry(name, tree.get(name), own, unit_of(info), inner)

    def entry(self, name: str, node: Node | None, own: Any, unit: str, at: Path) -> Iterator[Line]:
        indent, key = "  " * (len(at) - 1), dotted(at)
        self.shown.add(key)
        if node is not None:
            scalar = ScalarNode(name, name, node.span)
            yield from entry_lines(scalar, node, at, indent, self.comment)
        elif key not in _TREES:
            text = plain_text(own, unit)
            yield Line(f"{indent}{name}: {text}", self.of_default(key, text))
        yield from self.decided_inside(key, f"{indent}  ")

    def options(self, tree: MappingNode, model: type[BaseModel], at: Path) -> Iterator[Line]:
        """Options stand beside the word."""
        indent, known = "  " * len(at), model.model_fields
        for key, value in tree.items:
            if key.text not in known:
                self.shown.add(dotted((*at, key.text)))
                yield from entry_lines(key, value, (*at, key.text), indent, self.comment)
        yield from self.decided_inside(dotted(at), indent)

    def decided_inside(self, key: str, indent: str) -> Iterator[Line]:
        """What passes added below a key, as comments."""
        for one in self.records.values():
            name = one.key.removeprefix(f"{key}.")
            below = name != one.key and "." not in name and "[" not in name
            if below and one.key not in self.shown and not self.loaded.spans(one.key):
                self.shown.add(one.key)
                yield Line(f"{indent}# {name}: {clean(one.decision)}", _because(one))

    def comment(self, path: Path, node: Node) -> str:
        key = dotted(path)
        self.shown.add(key)
        text = one_line(node) or ""
        place = self.loaded.place(node.span)
        return Value(key, text, place, self.records.get(key)).because

    def of_default(self, key: str, text: str) -> str:
        return Value(key, text, DEFAULT, self.records.get(key)).because


def _because(one: Record) -> str:
    return f"{clean(one.because)} ({one.pass_name})"


def plain_text(value: Any, unit: str = "") -> str:
    """A value of a loaded spec as a YAML value."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() | float():
            return f"{value:g}{unit}" if isinstance(value, float) else f"{value}{unit}"
        case str():
            return scalar_text(ScalarNode(value, value, Span("", 1, 1, 1, 1)), flow=True)
        case tuple():
            return f"[{', '.join(plain_text(item) for item in value)}]"
        case _ if isinstance(value, Mapping):
            return "{}" if not value else str(dict(value))
        case _:
            return str(value)


# One key ----------------------------------------------------------------------------------------


class Values:
    """All keys that have a value: those of the language, of the spec, and of what passes recorded.

    Where a value comes from is looked up for one key at a time: a space may have thousands.
    """

    def __init__(self, loaded: LoadedSpec, records: Sequence[Record] = ()):
        self.loaded = loaded
        self.records = {one.key: one for one in records}
        self.said = {
            dotted(path): (path, text) for path, text in _all(loaded.node, Spec, loaded.spec, ())
        }

    def keys(self) -> tuple[str, ...]:
        """In the order of the language, then of the passes."""
        return tuple(dict.fromkeys([*self.said, *self.records]))

    def value(self, key: str) -> Value:
        """One of the keys."""
        decided = self.records.get(key)
        if key not in self.said:
            assert decided is not None, "the key is one of keys()"
            return Value(key, decided.decision, decided.because, decided)
        path, text = self.said[key]
        told = _told(self.loaded, path)
        below = self.below(path)
        if told or (below and self.loaded.spans(path) is not None):
            told = (*below, *(told or (f"{self.loaded.origin(path)} says {_cut(text)}",)))
        return Value(key, text, self.loaded.origin(path), decided, told)

    def below(self, path: Path) -> tuple[str, ...]:
        """What holds of a key where no layer says anything: a preset's parameter, or a default."""
        if path[:2] == ("space", "parameters") and len(path) == 3:
            return tuple(self.presets(str(path[2])))
        default = _default(path)
        return () if default is None else (f"the default is {default}",)

    def presets(self, name: str) -> Iterator[str]:
        """What the presets say of a parameter, the training's own first."""
        chosen = self.records.get("space.preset")
        for preset in (TRAINING, chosen.decision if chosen is not None else None):
            declared = load_preset(preset).parameters.get(name) if preset in SHIPPED else None
            if declared is not None and declared.span is not None:
                parameter = declared.parameter(name)
                yield f"{preset}:{declared.span.line} says {parameter.domain}"


def _all(
    node: Node | None, model: type[BaseModel], value: BaseModel, at: Path
) -> Iterator[tuple[Path, str]]:
    node = long_form(node, at)
    tree = node if isinstance(node, MappingNode) else None
    for name, info in model.model_fields.items():
        inner, own = (*at, name), getattr(value, name)
        annotation = info.annotation
        if name == "options" and at and at[0] in WORDS:
            items = tree.items if tree is not None else ()
            others = [(k, v) for k, v in items if k.text not in model.model_fields]
            yield from ((((*at, k.text), _shown(v)) for k, v in others))
        elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _all(tree.get(name) if tree else None, annotation, own, inner)
        else:
            child = tree.get(name) if tree else None
            text = plain_text(own, unit_of(info)) if child is None else _shown(child)
            yield inner, text
            if isinstance(child, MappingNode):
                yield from (((*inner, k.text), _shown(v)) for k, v in child.items)
            elif isinstance(child, SequenceNode):
                yield from (((*inner, i), _shown(v)) for i, v in enumerate(child.items))


def _shown(node: Node) -> str:
    """A value in one line, however long it is."""
    match node:
        case ScalarNode():
            return clean(node.text) if node.text else "null"
        case SequenceNode(items=items):
            return f"[{', '.join(_shown(item) for item in items)}]"
        case MappingNode(items=pairs):
            inner = ", ".join(f"{clean(key.text)}: {_shown(value)}" for key, value in pairs)
            return f"{{{inner}}}"


def _told(loaded: LoadedSpec, path: Path) -> tuple[str, ...]:
    """What each layer said of a key; nothing where only one did."""
    if loaded.layers is None:
        return ()
    told = loaded.layers.history(path)
    if len(told) < 2:
        return ()
    words = [
        f"{place} takes it away" if node is None else f"{place} says {_cut(_shown(node))}"
        for place, node in told
    ]
    return tuple(words)


def _default(path: Path) -> str | None:
    """The default of a key of the language; None for keys that are required or not of it."""
    model: type[BaseModel] = Spec
    for part in path[:-1]:
        info = model.model_fields.get(str(part))
        inner = info.annotation if info is not None else None
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return None
        model = inner
    info = model.model_fields.get(str(path[-1]))
    if info is None or info.is_required():
        return None
    return "the file's name" if path == ("name",) else plain_text(info.get_default(), unit_of(info))


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
