"""Pretrained backbones: networks of the catalog, and folders written by `automlc export`.

Nothing is downloaded, and of weights only the digest is taken here. A folder says in
`backbone.json` ("automlc.backbone/1") what its `weights.safetensors` belong to; the catalog
(presets/backbones.json) says the same of networks that timm and keras.applications hold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from automlc.compiler.architecture import (
    BackboneNode,
    ChoiceNode,
    ConditionNode,
    Hub,
    Layer,
    ModelParser,
    RepeatNode,
    used_names,
    walk,
)
from automlc.compiler.contracts.files import data_roots, is_inside, sha256_of_file
from automlc.compiler.problems import Problems
from automlc.spec.declarations import ParameterDecl
from automlc.spec.diagnostics import swap
from automlc.spec.domains import Choice
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import Expr, Literal, Name, parse
from automlc.spec.load import LoadedSpec
from automlc.spec.record import record
from automlc.spec.suggest import nearest
from automlc.spec.yaml_nodes import MappingNode, parse_yaml

SCHEMA = "automlc.backbone/1"
MANIFEST = "backbone.json"
FAMILIES = ("resnet", "xception", "efficientnet")
USED = "pretrained_body"  # a name of preset texts: whether the body is a pretrained one
_MAX_BYTES = 4 * 2**20


@record
class Backbones:
    """The backbones of a spec, by family and in the order of the spec."""

    entries: tuple[BackboneNode, ...] = ()

    @property
    def families(self) -> tuple[str, ...]:
        """The families that have one, in the order of the preset."""
        return tuple(f for f in FAMILIES if any(e.family == f for e in self.entries))

    def of(self, family: str) -> tuple[BackboneNode, ...]:
        """Those of a family."""
        return tuple(entry for entry in self.entries if entry.family == family)

    def parameters(self) -> dict[str, ParameterDecl]:
        """What the space gains."""
        if not self.entries:
            return {}
        used = _is_in("block", self.families)
        found = {
            "pretrained": ParameterDecl(Choice((False, True)), False, parse(used)),
            "trainable": ParameterDecl(
                Choice((True, False)), True, parse(f"{used} and pretrained")
            ),
        }
        hubs = [family for family in self.families if any(e.hub for e in self.of(family))]
        if hubs:
            when = f"{_is_in('block', hubs)} and pretrained"
            sizes = Choice(("input", "imagenet"))
            found["image_size"] = ParameterDecl(sizes, "input", parse(when))
        for family in self.families:
            names = tuple(entry.name for entry in self.of(family))
            when = f'block == "{family}" and pretrained'
            found[f"{family}_version"] = ParameterDecl(Choice(names), names[0], parse(when))
        return found

    def constants(self) -> dict[str, Expr]:
        """What the names of preset texts stand for."""
        if not self.entries:
            return {USED: Literal(False)}
        return {USED: parse(f"{_is_in('block', self.families)} and pretrained")}

    def layers(self, blocks: Sequence[Any]) -> tuple[Layer, ...]:
        """The chosen backbone; `blocks` are the values of the parameter `block`."""
        bodies = {family: self._versions(family) for family in self.families}
        if len(bodies) == 1:
            return next(iter(bodies.values()))
        branches = tuple((value, bodies.get(value, ())) for value in blocks)
        return (ChoiceNode("block", branches),)

    def _versions(self, family: str) -> tuple[Layer, ...]:
        bodies = [self._sized(entry) for entry in self.of(family)]
        if len(bodies) == 1:
            return bodies[0]
        named = zip((entry.name for entry in self.of(family)), bodies, strict=True)
        return (ChoiceNode(f"{family}_version", tuple(named)),)

    def _sized(self, entry: BackboneNode) -> tuple[Layer, ...]:
        if entry.hub is None:
            return (entry,)
        problems = Problems()
        node, found = parse_yaml("- resize: {least: 224}\n", "backbones")
        assert not found
        resize = ModelParser(problems).layers(node, {})  # type: ignore[arg-type]  # no errors
        when = parse('image_size == "imagenet"')
        return (ConditionNode(when, resize), entry)


def _is_in(name: str, values: Sequence[str]) -> str:
    if len(values) == 1:
        return f'{name} == "{values[0]}"'
    return f"{name} in [{', '.join(json.dumps(value) for value in values)}]"


def read_backbones(
    loaded: LoadedSpec,
    kind: str,
    channels: int | None,
    problems: Problems,
    roots: Sequence[Path],
    whole: bool = True,
) -> Backbones:
    """The entries of `space.backbones` for a backend; `channels` None where data is not known.

    Files of weights are read where a project is made of them (`whole`), only for their digests.
    """
    found: list[BackboneNode] = []
    for index, entry in enumerate(loaded.spec.space.backbones):
        key = f"space.backbones[{index}]"
        try:
            node = _read(entry, loaded, kind, roots, whole)
            if any(node.name == other.name for other in found):
                raise AutomlcError(f"{entry!r} is named twice")
            if channels is not None and channels not in (1, node.channels):
                raise AutomlcError(
                    f"{entry!r} takes images of {node.channels} channels, the data has {channels}"
                )
            found.append(node)
        except AutomlcError as error:
            span = loaded.spans(key)
            near = None if "/" in entry or "@" in entry else nearest(entry, catalog())
            fix = None if near == entry else swap(span, entry, near)
            problems.add("E333", error.message, span, hint=error.hint, key=key, fix=fix)
    return Backbones(tuple(found))


def _read(
    entry: str, loaded: LoadedSpec, kind: str, roots: Sequence[Path], whole: bool
) -> BackboneNode:
    name, _, file = entry.partition("@")
    if name in catalog():
        node = _from_catalog(entry, name, file, loaded, kind, roots)
        if not file or not whole:
            return node
        return replace(node, sha256=_sha256(_inside(file, loaded, roots), file))
    folder = _inside(entry, loaded, roots)
    if not (folder / MANIFEST).is_file():
        near = nearest(name, catalog())
        raise AutomlcError(
            f"{entry!r} is neither a network of the catalog nor a folder with {MANIFEST}",
            f"did you mean {near}?" if near else f"the catalog has {', '.join(catalog())}",
        )
    node = read_folder(folder, entry, kind, recorded(folder, loaded))
    weights = folder / Path(node.weights).name
    if whole and _sha256(weights, entry) != node.sha256:
        raise AutomlcError(
            f"{entry}: {weights.name} is not what {MANIFEST} says: its sha256 differs",
            "export the backbone again: automlc export RUN --format backbone",
        )
    return node


@cache
def catalog() -> Mapping[str, Mapping[str, Any]]:
    """Networks by name; see the file for where its numbers come from."""
    file = Path(__file__).parent / "presets" / "backbones.json"
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))["networks"]
    return found


def _from_catalog(
    entry: str, name: str, file: str, loaded: LoadedSpec, kind: str, roots: Sequence[Path]
) -> BackboneNode:
    network = catalog()[name]
    facts = network.get(kind)
    if facts is None:
        able = [other for other in catalog() if kind in catalog()[other]]
        has = f"it has {', '.join(able)}" if able else "it has none: use a folder"
        raise AutomlcError(
            f"the catalog has no {name} for the backend {kind}", f"for {kind}, {has}"
        )
    weights = ""
    if file:
        path = _inside(file, loaded, roots)
        endings = (".safetensors",) if kind == "pytorch" else (".weights.h5", ".h5")
        if not path.is_file() or not path.name.endswith(endings):
            raise AutomlcError(f"{file!r} is no file of weights ({' or '.join(endings)})")
        weights = recorded(path, loaded)
    return BackboneNode(
        name=entry,
        family=network["family"],
        channels=3,
        mean=tuple(facts["mean"]),
        deviation=tuple(facts["deviation"]),
        weights=weights,
        sha256="",  # of weights of one's own: `_read` knows whether to look
        trainable=Name("trainable"),
        hub=Hub(
            name=facts["name"],
            params=facts["params"],
            buffers=facts["buffers"],
            macs=facts["macs"],
            activations=facts["activations"],
            channels=facts["channels"],
            valid=facts.get("valid", False),
            bgr=facts.get("bgr", False),
        ),
    )


def read_folder(folder: Path, name: str, kind: str, where: str) -> BackboneNode:
    """A backbone that `automlc export --format backbone` wrote; `where` is how code names it.

    Raises AutomlcError for what is damaged, or made for another backend.
    """
    file = folder / MANIFEST
    try:
        if file.stat().st_size > _MAX_BYTES:
            raise AutomlcError(f"{name}: {MANIFEST} has more than {_MAX_BYTES:,} bytes")
        text = file.read_text(encoding="utf-8")
        data = json.loads(text)
        if data["schema"] != SCHEMA:
            raise AutomlcError(f"{name}: the schema is {data['schema']!r:.40}, not {SCHEMA!r}")
        if data["backend"] != kind:
            raise AutomlcError(
                f"{name!r} was trained with the backend {data['backend']}, the spec's is {kind}",
                f"write backend: {data['backend']}",
            )
        weights, digest = str(data["weights"]["file"]), str(data["weights"]["sha256"])
        mean = tuple(float(number) for number in data["normalisation"]["mean"])
        deviation = tuple(float(number) for number in data["normalisation"]["deviation"])
        channels, family = int(data["input"]["channels"]), str(data["family"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise AutomlcError(f"{name}: {MANIFEST} is damaged: {error!r:.80}") from None
    path = folder / weights
    if Path(weights).name != weights or path.is_symlink() or not path.is_file():
        raise AutomlcError(f"{name}: there is no file {weights!r:.80} beside {MANIFEST}")
    if family not in FAMILIES:
        raise AutomlcError(f"{name}: its family is {family!r:.40}, not {' or '.join(FAMILIES)}")
    if not len(mean) == len(deviation) == channels or not all(d > 0 for d in deviation):
        raise AutomlcError(f"{name}: normalisation needs a mean and a deviation for each channel")
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise AutomlcError(f"{name}: {MANIFEST} holds no sha256 of the weights")
    body = _body(text, name)
    return BackboneNode(
        name=name,
        family=family,
        channels=channels,
        mean=mean,
        deviation=deviation,
        weights=f"{where}/{weights}",
        sha256=digest,
        trainable=Name("trainable"),
        body=body,
    )


def _body(text: str, name: str) -> tuple[Layer, ...]:
    """The layers of a manifest: operations and residuals, with every value known."""
    root, found = parse_yaml(text, name)
    problems = Problems()
    model = root.get("model") if isinstance(root, MappingNode) else None
    if found or model is None:
        raise AutomlcError(f"{name}: {MANIFEST} is damaged: it holds no model")
    layers = ModelParser(problems).layers(model, {})
    if problems.found:
        raise AutomlcError(f"{name}: {MANIFEST}: {problems.found[0].message}")
    open_ = (ChoiceNode, ConditionNode, RepeatNode, BackboneNode)
    if used_names(layers) or any(isinstance(layer, open_) for layer in walk(layers)):
        raise AutomlcError(f"{name}: the model of {MANIFEST} is not frozen")
    return layers


def _inside(text: str, loaded: LoadedSpec, roots: Sequence[Path]) -> Path:
    """A path of the project or of a data root; AutomlcError for any other."""
    try:
        path = (loaded.source.path.resolve().parent / text).resolve()
    except (OSError, ValueError, RuntimeError):
        raise AutomlcError(f"{text!r} is not a path") from None
    if not is_inside(path, data_roots(loaded.source.path, roots)):
        raise AutomlcError(
            f"{text!r} is outside the project folder and every data root",
            "copy it into the project, or allow its folder: --data-root DIR",
        )
    return path


def recorded(path: Path, loaded: LoadedSpec) -> str:
    """How code names a path: from the spec's folder if it lies there, else in full."""
    folder = loaded.source.path.resolve().parent
    return (path.relative_to(folder) if path.is_relative_to(folder) else path).as_posix()


def _sha256(path: Path, name: str) -> str:
    try:
        return sha256_of_file(path).removeprefix("sha256:")
    except OSError as error:
        raise AutomlcError(f"{name} cannot be read: {error.strerror or error}") from None


__all__ = ["FAMILIES", "MANIFEST", "SCHEMA", "Backbones", "read_backbones", "read_folder"]
