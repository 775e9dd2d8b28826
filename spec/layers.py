"""One spec made of several: bases, the file itself, a profile, and --set, each over those before.

Imported only where a spec has more than itself.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import field, replace

from automlc.spec.diagnostics import Diagnostic, Note, Span, clean, quote
from automlc.spec.extends import EXTENDS, PROFILES, Part, read_parts
from automlc.spec.load import LoadedSpec, SourceFile, Variant, build, check_fragment
from automlc.spec.merge import Path as Key
from automlc.spec.merge import is_null, is_whole, overlay
from automlc.spec.overrides import Override, apply, read_override
from automlc.spec.record import record
from automlc.spec.suggest import nearest
from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, kind_of

PROFILE_FILE = "<--profile>"  # what diagnostics call the option's argument


@record
class Profile:
    """What one file says of a profile; a base and the file itself may both say something."""

    name: str
    node: MappingNode = field(repr=False)
    key: Span


@record
class Layers:
    """What a spec was made of, the lowest first; `node` is the whole."""

    node: MappingNode = field(repr=False)
    parts: tuple[Part, ...]
    profiles: tuple[Profile, ...] = ()
    chosen: str | None = None
    overrides: tuple[Override, ...] = ()
    sources: dict[str, str] = field(default_factory=dict, repr=False)
    broken: bool = False  # a base is missing, so what is not said may have been said there

    @property
    def profile_names(self) -> tuple[str, ...]:
        """Names of all profiles, in the order of the files."""
        return tuple(dict.fromkeys(profile.name for profile in self.profiles))

    @property
    def is_one_file(self) -> bool:
        """Whether the file says all of it: its profiles are there, but none was chosen."""
        return len(self.parts) == 1 and self.chosen is None and not self.overrides

    @property
    def files(self) -> tuple[SourceFile, ...]:
        """All files, the main one first."""
        ordered = (self.parts[-1], *self.parts[:-1])
        return tuple({part.name: part.source for part in ordered}.values())

    def place(self, span: Span) -> str:
        """A place for people: `base.yaml:3`, `profile smoke (task.yaml:9)`, `--set seed=3`."""
        override = next((o for o in self.overrides if o.file == span.file), None)
        if override is not None:
            return f"--set {clean(override.text)[:60]}"
        where = f"{self.short(span.file)}:{span.line}"
        inside = next((p for p in self.profiles if _holds(p.node.span, span)), None)
        return where if inside is None else f"profile {inside.name} ({where})"

    def short(self, file: str) -> str:
        """A file's name, as seen from the folder of the main one."""
        folder = posixpath.dirname(self.parts[-1].name.replace("\\", "/"))
        return posixpath.relpath(file.replace("\\", "/"), folder or ".")

    def steps(self) -> Iterator[tuple[str, MappingNode]]:
        """The tree after each layer, and what the layer is called."""
        tree: MappingNode | None = None
        for part in self.parts:
            tree = part.node if tree is None else overlay(tree, part.node)
            yield self.short(part.name), tree
        assert tree is not None, "there is at least the file itself"
        for profile in self.profiles:
            if profile.name == self.chosen:
                tree = overlay(tree, profile.node)
                yield f"profile {profile.name}", tree
        for override in self.overrides:
            tree = apply(tree, override, [])
            yield f"--set {clean(override.text)[:60]}", tree

    def history(self, path: Key) -> list[tuple[str, Node | None]]:
        """Who said what about a key, the first to say something first.

        A place and the node that stood there; None where a layer took the value away.
        """
        from automlc.spec.keys import find

        told: list[tuple[str, Node | None]] = []
        last: Node | None = None
        for name, tree in self.steps():
            found = find(tree, path)
            node = found[1] if found else None
            if node is not last:
                told.append((name if node is None else self.place(node.span), node))
            last = node
        return told

    def summary(self) -> str:
        """`task.yaml, extends base.yaml, profile smoke, --set seed=3`."""
        names = [self.short(part.name) for part in self.parts]
        bases = [name for name in dict.fromkeys(names[:-1]) if name != names[-1]]
        words = [names[-1], *(f"extends {name}" for name in bases)]
        words += [f"profile {self.chosen}"] if self.chosen else []
        return ", ".join([*words, *(f"--set {clean(o.text)[:60]}" for o in self.overrides)])


def _holds(outer: Span, inner: Span) -> bool:
    return (
        outer.file == inner.file
        and (outer.line, outer.column) <= (inner.line, inner.column)
        and (inner.end_line, inner.end_column) <= (outer.end_line, outer.end_column)
    )


def resolve(
    root: MappingNode, source: SourceFile, variant: Variant, found: list[Diagnostic]
) -> Layers:
    """The layers of a spec. What is wrong with any of them is added to `found`."""
    read = read_parts(root, source, root.span.file, found)
    parts, sources = read.files, read.sources
    profiles = tuple(p for part in _once(parts) for p in _profiles(part, found))
    made = Layers(parts[-1].node, parts, profiles, None, (), sources, read.broken)
    for index, text in enumerate(variant.overrides, 1):
        sources[f"<--set {index}>"] = text
        override = read_override(text, index, found)
        if override is not None:
            made = replace(made, overrides=(*made.overrides, override))
    if variant.profile is not None:
        sources[PROFILE_FILE] = variant.profile
        made = _with_profile(made, variant.profile, found)
    _check_alone(made, found)
    return replace(made, node=_whole(made, found))


def _once(parts: Iterable[Part]) -> Iterable[Part]:
    return {part.name: part for part in parts}.values()


def _whole(layers: Layers, found: list[Diagnostic]) -> MappingNode:
    tree = layers.parts[0].node
    for part in layers.parts[1:]:
        tree = overlay(tree, part.node)
    for profile in layers.profiles:
        if profile.name == layers.chosen:
            tree = overlay(tree, profile.node)
    for override in layers.overrides:
        tree = apply(tree, override, found)
    return tree


# Profiles -----------------------------------------------------------------------------------------


def _profiles(part: Part, found: list[Diagnostic]) -> Iterator[Profile]:
    node = part.profiles
    if node is None:
        return
    if not isinstance(node, MappingNode):
        message = f"`{PROFILES}` is a mapping of names to what they change, got {kind_of(node)}"
        hint = "write profiles: {smoke: {budget: {trials: 2}}}"
        found.append(Diagnostic("E203", message, node.span, hint, PROFILES))
        return
    for key, value in node.items:
        name = f"{PROFILES}.{key.text}"
        if not _is_name(key.text):
            message = f"{quote(key.text)} cannot name a profile"
            hint = "letters, digits, - and _, and a letter or digit at the beginning"
            found.append(Diagnostic("E208", message, key.span, hint, name))
        elif isinstance(value, MappingNode):
            kept = tuple(_allowed(value, key, found))
            yield Profile(key.text, MappingNode(kept, value.span), key.span)
        elif isinstance(value, ScalarNode) and value.value is None and not value.text:
            yield Profile(key.text, MappingNode((), value.span), key.span)
        else:
            message = f"the profile {quote(key.text)} is a mapping, got {kind_of(value)}"
            hint = f"write {key.text}: {{budget: {{trials: 2}}}}"
            found.append(Diagnostic("E203", message, value.span, hint, name))


def _is_name(text: str) -> bool:
    kept = text.replace("-", "").replace("_", "")
    return text[:1].isalnum() and text.isascii() and kept.isalnum() and len(text) <= 64


def _allowed(
    node: MappingNode, owner: ScalarNode, found: list[Diagnostic]
) -> Iterator[tuple[ScalarNode, Node]]:
    for key, value in node.items:
        if key.text not in (EXTENDS, PROFILES):
            yield key, value
            continue
        message = f"a profile cannot have {quote(key.text)}"
        hint = f"put `{key.text}` at the top of the file"
        path = f"{PROFILES}.{owner.text}.{key.text}"
        found.append(Diagnostic("E215", message, key.span, hint, path))


def _with_profile(layers: Layers, name: str, found: list[Diagnostic]) -> Layers:
    names = layers.profile_names
    if name in names:
        return replace(layers, chosen=name)
    near = nearest(name, names)
    hint = f"did you mean {near}?" if near else f"the profiles are {', '.join(names)}"
    if not names:
        hint = (
            f"write profiles: {{{clean(name) or 'smoke'}: {{budget: {{trials: 2}}}}}} in the spec"
        )
    span = Span(PROFILE_FILE, 1, 1, 1, len(name) + 1)
    found.append(Diagnostic("E214", f"there is no profile {quote(name)}", span, hint, PROFILES))
    return layers


# Checks -------------------------------------------------------------------------------------------


def _check_alone(layers: Layers, found: list[Diagnostic]) -> None:
    """What is wrong with each layer by itself, also where another one stands over it."""
    trees = [part.node for part in _once(layers.parts)]
    trees += [profile.node for profile in layers.profiles]
    trees += [override.tree for override in layers.overrides if override.tree is not None]
    lowest = layers.parts[0].node
    for tree in trees:
        nulls = frozenset() if tree is lowest else frozenset(_nulls(tree))
        for diagnostic in check_fragment(tree):
            # Above another layer, null is no value: it takes one away.
            if diagnostic.span not in nulls or diagnostic.code == "E201":
                found.append(diagnostic)


def told_once(whole: list[Diagnostic], alone: list[Diagnostic], layers: Layers) -> list[Diagnostic]:
    """What was found in the merged tree and in each layer, without repetitions.

    Where a base could not be read, nothing is said about what it might have held.
    """
    if layers.broken:
        whole = [d for d in whole if d.code not in ("E202", "E312")]
    seen = {(d.code, d.span) for d in whole}
    return [*whole, *(d for d in alone if (d.code, d.span) not in seen)]


def _nulls(node: MappingNode, at: Key = ()) -> Iterator[Span]:
    """The places of `key: null`, keys and values."""
    for key, value in node.items:
        inner = (*at, key.text)
        if is_null(value):
            yield key.span
            yield value.span
        elif isinstance(value, MappingNode) and not is_whole(inner):
            yield from _nulls(value, inner)


def others(loaded: LoadedSpec) -> Iterator[tuple[str, LoadedSpec | None, list[Diagnostic]]]:
    """The spec with each of its profiles that was not chosen, without --set.

    The profile's name, the spec (None where nothing can stand in for what is wrong), and what is
    wrong with it.
    """
    layers = loaded.layers
    if layers is None:
        return
    for name in layers.profile_names:
        if name == layers.chosen:
            continue
        one = replace(layers, chosen=name, overrides=())
        found: list[Diagnostic] = []
        one = replace(one, node=_whole(one, found))
        spec = build(one.node, found, loaded.source.path)
        made = None
        if spec is not None:
            made = LoadedSpec(spec, one.node, loaded.source, (), one)
        yield name, made, found


def marked(diagnostic: Diagnostic, layers: Layers, name: str) -> Diagnostic:
    """The diagnostic with a note of the profile that brings it about, if it stands elsewhere."""
    own = [profile for profile in layers.profiles if profile.name == name]
    if diagnostic.span is not None and any(_holds(p.node.span, diagnostic.span) for p in own):
        return diagnostic
    note = Note(f"with the profile {name}", own[-1].key if own else None)
    return replace(diagnostic, notes=(*diagnostic.notes, note))
