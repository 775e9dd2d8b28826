"""Parameters and their domains: what a search may choose, and when.

Pure data for the compiler and the runtime; the second half reads it from a spec with locations.
"""

from __future__ import annotations

import keyword
import math
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field, replace
from functools import lru_cache
from typing import Any, TypeAlias

from automlc.spec import expressions
from automlc.spec.diagnostics import Diagnostic, Edit, Fix, Note, Span, clean, put, quote, swap
from automlc.spec.errors import SpecError
from automlc.spec.expressions import (
    Call,
    Expr,
    ExpressionError,
    Literal,
    Name,
    Scalar,
    Unary,
    describe,
    literal_text,
    same,
)
from automlc.spec.record import record
from automlc.spec.suggest import DOUBTFUL, nearest
from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, kind_of, text_span

Config: TypeAlias = dict[str, Scalar]

# Domains ----------------------------------------------------------------------------------------


@record
class Choice:
    """One of a few values, in the order of the spec; the first is the default."""

    values: tuple[Scalar, ...]

    def contains(self, value: Scalar) -> bool:
        """Whether the value is one of them (true is not 1)."""
        return any(same(value, own) for own in self.values)

    def sample(self, rng: random.Random) -> Scalar:
        """Each value with the same probability."""
        return self.values[rng.randrange(len(self.values))]

    def default(self) -> Scalar:
        """The first value."""
        return self.values[0]

    def cardinality(self) -> int | None:
        """The number of values."""
        return len(self.values)

    def to_json(self) -> dict[str, Any]:
        """`{"kind": "choice", "values": [...]}`."""
        return {"kind": "choice", "values": list(self.values)}

    def __str__(self) -> str:
        return f"choice({', '.join(word_text(v) for v in self.values)})"


@record
class Integer:
    """Whole numbers low, low + step, … up to high; `log` draws them by order of magnitude."""

    low: int
    high: int
    step: int = 1
    log: bool = False

    def contains(self, value: Scalar) -> bool:
        """Whether the value is a whole number of the grid."""
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return self.low <= value <= self.high and (value - self.low) % self.step == 0

    def sample(self, rng: random.Random) -> int:
        """Uniform over the grid, or over its logarithms."""
        if not self.log:
            return self.low + self.step * rng.randrange(self._steps())
        drawn = math.exp(rng.uniform(math.log(self.low - 0.5), math.log(self.high + 0.5)))
        return self._snap(drawn)

    def default(self) -> int:
        """The middle: the mean of the bounds, geometric for log."""
        return self._snap(
            math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        )

    def cardinality(self) -> int | None:
        """The number of values."""
        return self._steps()

    def _steps(self) -> int:
        return (self.high - self.low) // self.step + 1

    def _snap(self, value: float) -> int:
        index = round((value - self.low) / self.step)
        return self.low + self.step * min(max(index, 0), self._steps() - 1)

    def to_json(self) -> dict[str, Any]:
        """`{"kind": "int", "low", "high", "step", "log"}`."""
        return {
            "kind": "int",
            "low": self.low,
            "high": self.high,
            "step": self.step,
            "log": self.log,
        }

    def __str__(self) -> str:
        step = "" if self.step == 1 else f", {self.step}"
        return f"{'log_int' if self.log else 'int'}({self.low}, {self.high}{step})"


@record
class Float:
    """Real numbers between two bounds, both included; `log` draws them by order of magnitude."""

    low: float
    high: float
    log: bool = False

    def contains(self, value: Scalar) -> bool:
        """Whether the value is a number within the bounds."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high

    def sample(self, rng: random.Random) -> float:
        """Uniform, or uniform in the logarithm; never outside by rounding."""
        if not self.log:
            return self._clip(rng.uniform(self.low, self.high))
        return self._clip(math.exp(rng.uniform(math.log(self.low), math.log(self.high))))

    def default(self) -> float:
        """The middle: the mean of the bounds, geometric for log."""
        if self.log:
            return self._clip(math.exp((math.log(self.low) + math.log(self.high)) / 2))
        return self._clip(self.low + (self.high - self.low) / 2)

    def cardinality(self) -> int | None:
        """None: a continuum; 1 when both bounds are the same."""
        return 1 if self.low == self.high else None

    def _clip(self, value: float) -> float:
        return min(max(value, self.low), self.high)

    def to_json(self) -> dict[str, Any]:
        """`{"kind": "float", "low", "high", "log"}`."""
        return {"kind": "float", "low": self.low, "high": self.high, "log": self.log}

    def __str__(self) -> str:
        return f"{'log_uniform' if self.log else 'float'}({self.low!r}, {self.high!r})"


@record
class Fixed:
    """A single value: nothing to search."""

    value: Scalar

    def contains(self, value: Scalar) -> bool:
        """Whether it is the value."""
        return same(value, self.value)

    def sample(self, rng: random.Random) -> Scalar:
        """The value; draws nothing."""
        return self.value

    def default(self) -> Scalar:
        """The value."""
        return self.value

    def cardinality(self) -> int | None:
        """One."""
        return 1

    def to_json(self) -> dict[str, Any]:
        """`{"kind": "fixed", "value"}`."""
        return {"kind": "fixed", "value": self.value}

    def __str__(self) -> str:
        return f"fixed({word_text(self.value)})"


Domain: TypeAlias = Choice | Integer | Float | Fixed


def domain_from_json(data: Mapping[str, Any]) -> Domain:
    """The inverse of `to_json`; raises ValueError or KeyError on anything else."""
    match data["kind"]:
        case "choice":
            return Choice(tuple(data["values"]))
        case "int":
            return Integer(data["low"], data["high"], data.get("step", 1), data.get("log", False))
        case "float":
            return Float(float(data["low"]), float(data["high"]), data.get("log", False))
        case "fixed":
            return Fixed(data["value"])
        case kind:
            raise ValueError(f"no kind of domain is called {kind!r}")


_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*")
_RESERVED = frozenset(("and", "or", "not", "in", "true", "false", "null"))


def word_text(value: Scalar) -> str:
    """A value as it stands in `choice(...)`: words need no quotes."""
    if isinstance(value, str) and _WORD.fullmatch(value) and value not in _RESERVED:
        return value
    return literal_text(value)


# Space ------------------------------------------------------------------------------------------


@record
class Parameter:
    """A name, its domain, its default, and the condition under which it exists."""

    name: str
    domain: Domain
    default: Scalar
    when: Expr | None = None
    span: Span | None = field(default=None, compare=False, repr=False)


class Space:
    """Parameters in an order in which every condition's names come first, and what is forbidden.

    A condition that names an inactive parameter is false; a forbidden combination that names one
    does not apply.
    """

    def __init__(self, parameters: Iterable[Parameter], forbidden: Iterable[Expr] = ()):
        self.parameters = order(tuple(parameters))
        self.forbidden = tuple(forbidden)
        self._by_name = {p.name: p for p in self.parameters}
        self._needs = {
            p.name: expressions.names(p.when) for p in self.parameters if p.when is not None
        }
        self._forbidden_names = tuple(expressions.names(expr) for expr in self.forbidden)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Space):
            return NotImplemented
        return (self.parameters, self.forbidden) == (other.parameters, other.forbidden)

    def __hash__(self) -> int:
        return hash((self.parameters, self.forbidden))

    def __repr__(self) -> str:
        return f"Space({len(self.parameters)} parameters, {len(self.forbidden)} forbidden)"

    def __len__(self) -> int:
        return len(self.parameters)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> Parameter:
        return self._by_name[name]

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in order."""
        return tuple(self._by_name)

    def is_active(self, parameter: Parameter, config: Mapping[str, Scalar]) -> bool:
        """Whether the parameter exists, given the values of the active ones before it."""
        if parameter.when is None:
            return True
        if any(name not in config for name in self._needs[parameter.name]):
            return False
        return expressions.evaluate(parameter.when, config) is True

    def active(self, config: Mapping[str, Scalar]) -> tuple[str, ...]:
        """The names that exist under a configuration, in order; other keys are ignored."""
        seen: Config = {}
        out: list[str] = []
        for parameter in self.parameters:
            if not self.is_active(parameter, seen):
                continue
            out.append(parameter.name)
            if parameter.name in config:
                seen[parameter.name] = config[parameter.name]
        return tuple(out)

    def build(self, value: Callable[[Parameter], Scalar]) -> Config:
        """A configuration made in order by asking `value` for each active parameter."""
        config: Config = {}
        for parameter in self.parameters:
            if self.is_active(parameter, config):
                config[parameter.name] = value(parameter)
        return config

    def sample(self, rng: random.Random) -> Config:
        """A random configuration; only active parameters are keys. Forbidden ones may be drawn."""
        return self.build(lambda parameter: parameter.domain.sample(rng))

    def default_config(self) -> Config:
        """The defaults of what is active under the defaults."""
        return self.build(lambda parameter: parameter.default)

    def with_defaults(self, config: Mapping[str, Scalar]) -> Space:
        """The same space with the values of a configuration as defaults; others keep theirs."""
        changed = (
            replace(p, default=config[p.name]) if p.name in config else p for p in self.parameters
        )
        return Space(changed, self.forbidden)

    def problems(self, config: Mapping[str, Scalar]) -> list[str]:
        """What is wrong with a configuration, in words; empty when it may be tried."""
        active = dict.fromkeys(self.active(config))
        out = [self._stray(name) for name in config if name not in active]
        for name in active:
            if name not in config:
                out.append(f"{name} has no value")
            elif not self._by_name[name].domain.contains(config[name]):
                domain = self._by_name[name].domain
                out.append(f"{name} = {literal_text(config[name])} is not in {domain}")
        return out or self.violated(config)

    def _stray(self, name: str) -> str:
        if name in self._by_name:
            return f"{name} is not active in this configuration"
        near = nearest(name, self._by_name)
        return f"{clean(name)} is not a parameter" + (f"; did you mean {near}?" if near else "")

    def violated(self, config: Mapping[str, Scalar]) -> list[str]:
        """The forbidden combinations that a configuration hits."""
        out = []
        for expr, needed in zip(self.forbidden, self._forbidden_names, strict=True):
            if needed <= config.keys() and expressions.evaluate(expr, config) is True:
                out.append(f"forbidden: {expressions.to_text(expr)}")
        return out

    def cardinality(self) -> int | None:
        """The number of configurations when nothing is conditional or forbidden; None when there
        are infinitely many, or when conditions or forbidden combinations make it unknown here."""
        if self._needs or self.forbidden:
            return None
        total = 1
        for parameter in self.parameters:
            count = parameter.domain.cardinality()
            if count is None:
                return None
            total *= count
        return total

    def to_json(self) -> dict[str, Any]:
        """`{"parameters": [{"name", "domain", "default", "when"}], "forbidden": [text]}`."""
        return {
            "parameters": [
                {
                    "name": p.name,
                    "domain": p.domain.to_json(),
                    "default": p.default,
                    "when": None if p.when is None else expressions.to_text(p.when),
                }
                for p in self.parameters
            ],
            "forbidden": [expressions.to_text(expr) for expr in self.forbidden],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Space:
        """The inverse of `to_json`."""
        return cls(
            (
                Parameter(
                    p["name"],
                    domain_from_json(p["domain"]),
                    p["default"],
                    None if p.get("when") is None else expressions.parse(p["when"]),
                )
                for p in data["parameters"]
            ),
            (expressions.parse(text) for text in data.get("forbidden", ())),
        )


def order(parameters: Sequence[Parameter]) -> tuple[Parameter, ...]:
    """The same parameters, each after those its condition names; else in the given order.

    Raises SpecError (E308) when conditions go in a circle. Names that are no parameters are left
    to `check_references`.
    """
    by_name = {p.name: p for p in parameters}
    done: dict[str, Parameter] = {}
    for parameter in parameters:
        _place_after(parameter, by_name, done)
    return tuple(done.values())


def _place_after(
    start: Parameter, by_name: Mapping[str, Parameter], done: dict[str, Parameter]
) -> None:
    """Depth-first without recursion: chains of conditions may be thousands long."""
    path: dict[str, None] = {}
    stack = [start]
    while stack:
        parameter = stack[-1]
        if parameter.name in done:
            stack.pop()
            continue
        path[parameter.name] = None
        needed = expressions.names(parameter.when) if parameter.when is not None else frozenset()
        waiting = [n for n in sorted(needed) if n in by_name and n not in done]
        if not waiting:
            done[parameter.name] = parameter
            path.pop(parameter.name)
            stack.pop()
        elif waiting[0] in path:
            raise SpecError([_cycle(waiting[0], list(path), by_name)])
        else:
            stack.append(by_name[waiting[0]])


def _cycle(name: str, path: list[str], by_name: Mapping[str, Parameter]) -> Diagnostic:
    circle = [*path[path.index(name) :], name]
    parameter = by_name[circle[-2]]
    span = parameter.when.span if parameter.when is not None else None
    if len(circle) == 2:
        message = f"the condition of {name} names {name} itself"
    else:
        message = f"conditions go in a circle: {' needs '.join(circle)}"
    others = [by_name[name] for name in circle[:-2]]
    notes = tuple(
        Note(f"the condition of {p.name} names {needed}", p.when.span)
        for p, needed in zip(others, circle[1:], strict=False)
        if p.when is not None and p.when.span is not None
    )
    return Diagnostic(
        "E308",
        message,
        span or parameter.span,
        "remove one of the conditions",
        f"space.parameters.{parameter.name}",
        notes,
    )


# Reading a space from a spec --------------------------------------------------------------------


@record
class ParameterDecl:
    """A parameter as the spec declares it; presets may add others to it."""

    domain: Domain
    default: Scalar
    when: Expr | None = None
    span: Span | None = field(default=None, compare=False, repr=False)

    def parameter(self, name: str) -> Parameter:
        """The same under its name."""
        return Parameter(name, self.domain, self.default, self.when, self.span)


class _Problem(Exception):
    """One mistake inside one declaration."""

    def __init__(
        self,
        code: str,
        message: str,
        span: Span | None,
        hint: str | None = None,
        fix: Fix | None = None,
        notes: tuple[Note, ...] = (),
    ):
        super().__init__(message)
        self.code, self.message, self.span, self.hint = code, message, span, hint
        self.fix, self.notes = fix, notes


def parse_domain(node: Node | Scalar, key: str = "") -> tuple[Domain, Scalar, Expr | None]:
    """Domain, default and condition of a declaration: a node of a spec, or a text or number.

    Raises SpecError with located diagnostics.
    """
    decl, problems = read_declaration(_as_node(node), key)
    if decl is None or problems:
        raise SpecError(problems)
    return decl.domain, decl.default, decl.when


def _as_node(value: Node | Scalar) -> Node:
    if isinstance(value, ScalarNode | SequenceNode | MappingNode):
        return value
    text = value if isinstance(value, str) else literal_text(value)
    return ScalarNode(value, text, Span("<text>", 1, 1, 1, len(text) + 1))


def read_declaration(node: Node, key: str = "") -> tuple[ParameterDecl | None, list[Diagnostic]]:
    """A declaration and every mistake in it.

    With mistakes, the declaration only serves to check what else refers to what; its domain may
    be a stand-in. None when there is nothing to check.
    """
    problems: list[Diagnostic] = []

    def attempt(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except _Problem as p:
            problems.append(Diagnostic(p.code, p.message, p.span, p.hint, key, p.notes, p.fix))
        except ExpressionError as error:
            problems.append(error.diagnostic(key))
        return None

    if isinstance(node, MappingNode):
        decl = _read_mapping(node, attempt)
    else:
        domain = attempt(lambda: _short_domain(node))
        decl = ParameterDecl(domain, domain.default(), None, node.span) if domain else None
    return decl, problems


_CALL = re.compile(r"\s*([A-Za-z_][\w.\-]*)\s*\(")


_BRACKETS = re.compile(r"\s*([A-Za-z_]\w*)\s*[\[{]([^\[\]{}]*)[\]}]\s*")


# One bracket of each kind.
_UNLIKE = re.compile(r"\s*([A-Za-z_]\w*)\s*(?:\(([^()\[\]{}]*)[\]}]|[\[{]([^()\[\]{}]*)\))\s*")


def _short_domain(node: Node) -> Domain:
    """`lr: log_uniform(1e-4, 1e-1)`, or a bare value that stays fixed."""
    if isinstance(node, SequenceNode):
        choice = _choice_of(node)
        hint, fix = f"write {choice} for one of several values", _as_choice(node)
        ends = [item.value for item in node.items if isinstance(item, ScalarNode)]
        if len(node.items) == 2 and all(type(end) in (int, float) for end in ends):
            kind = "int" if all(type(end) is int for end in ends) else "log_uniform"
            numbers = [item for item in node.items if isinstance(item, ScalarNode)]
            numbers.sort(key=lambda item: float(item.text))
            texts = ", ".join(item.text for item in numbers)
            hint, fix = f"{hint}, or {kind}({texts}) for all between them", None
        raise _Problem("E301", "a list is not a domain", node.span, hint, fix)
    assert isinstance(node, ScalarNode), "mappings are read by _read_mapping"
    if isinstance(node.value, str) and (match := _UNLIKE.fullmatch(node.value)):
        meant = f"{match[1]}({match[2] or match[3]})"
        if match[1] in DOMAINS:
            fix = put(node.span, meant) if not node.style else None
            message = "a domain's values stand in parentheses"
            raise _Problem("E301", message, node.span, f"write {meant}", fix)
    if isinstance(node.value, str) and (match := _CALL.match(node.value)):
        return _call_domain(node, match[1])
    if isinstance(node.value, str) and (match := _BRACKETS.fullmatch(node.value)):
        meant = f"{match[1]}({match[2]})"
        if match[1] in DOMAINS:
            fix = put(node.span, meant) if not node.style else None
            message = "a domain's values stand in parentheses"
            raise _Problem("E301", message, node.span, f"write {meant}", fix)
    if node.value is None and node.text == "":
        raise _Problem(
            "E301", "the parameter has no domain", node.span, "write a domain, such as float(0, 1)"
        )
    if isinstance(node.value, str) and not node.style:
        _refuse_other_words(node, node.value)
    _finite(node)
    return Fixed(node.value)


# `1e-3..1e-1` and `sgd | adam`.
_RANGE = re.compile(r"([-+\d.e]+?)\s*(?:\.\.+|\bto\b|\u2026|\u2013)\s*([-+\d.e]+)")
_SEVERAL = re.compile(r"[\w.-]+(?:\s*(?:\||,|\bor\b)\s*[\w.-]+)+")


def _refuse_other_words(node: ScalarNode, text: str) -> None:
    """Ranges and alternatives as other languages write them; a fixed text is none of them."""
    if match := _RANGE.fullmatch(text):
        kind = "int" if match[1].isdigit() and match[2].isdigit() else "log_uniform"
        meant = f"{kind}({match[1]}, {match[2]})"
        hint = f"write {meant}"
        if kind != "int":
            hint += f" or float({match[1]}, {match[2]})"
        message = "a range is a domain with two bounds"
        raise _Problem("E301", message, node.span, hint, put(node.span, meant, safe=False))
    if _SEVERAL.fullmatch(text):
        meant = f"choice({', '.join(re.split(r' *(?:[|,]|or(?= )) *', text))})"
        fix = put(node.span, meant, safe=False)
        raise _Problem(
            "E301", "one of several values is a choice", node.span, f"write {meant}", fix
        )


def _as_choice(node: SequenceNode) -> Fix | None:
    """`[a, b]` as `{choice: [a, b]}`, which may stand anywhere a list may."""
    span = node.span
    if not node.items or span.line != span.end_line:
        return None
    if not all(isinstance(item, ScalarNode) for item in node.items):
        return None
    begin = Span(span.file, span.line, span.column, span.line, span.column)
    end = Span(span.file, span.line, span.end_column, span.line, span.end_column)
    return Fix((Edit(begin, "{choice: "), Edit(end, "}")), safe=False)


def _left_out(before: Span | None, span: Span | None) -> Fix | None:
    """A value of a list taken away with the comma before it."""
    if before is None or span is None or before.end_line != span.line:
        return None
    place = Span(span.file, span.line, before.end_column, span.line, span.end_column)
    return put(place, "")


def _swapped(first: Span | None, second: Span | None, low: Any, high: Any) -> Fix | None:
    """Two bounds in the other order."""
    if first is None or second is None:
        return None
    return Fix((Edit(first, str(high)), Edit(second, str(low))), safe=False)


def _quoted(node: Name, expr: Expr) -> Fix | None:
    """A bare word that is compared with a parameter, between quotes."""
    for part in expressions.walk(expr):
        if isinstance(part, expressions.Compare) and part.right is node and node.span:
            exact = node.span.end_column - node.span.column == len(node.name)
            return put(node.span, f'"{node.name}"', safe=False) if exact else None
    return None


def _choice_of(node: SequenceNode) -> str:
    """The choice that a list was meant to be."""
    values = [item.value for item in node.items if isinstance(item, ScalarNode)]
    if not 0 < len(values) == len(node.items) <= 6:
        return "choice(a, b)"
    return str(Choice(tuple(values)))


def is_cut_off(key: ScalarNode, value: Node) -> bool:
    """`{lr: float(0, 1)}` is read as `lr: float(0` and the key `1)`: said once, at lr."""
    return ")" in key.text and isinstance(value, ScalarNode) and value.text == ""


def _call_domain(node: ScalarNode, name: str) -> Domain:
    assert isinstance(node.value, str)
    text, place = node.value, text_span(node)
    if text.count("(") > text.count(")") and node.style == "" and name in DOMAINS:
        hint = 'add `)`; inside { } put the domain between quotes: "float(0, 1)"'
        raise _Problem("E110", "a parenthesis is not closed", node.span, hint)
    try:
        return _read_domain(text, name)
    except _Problem as p:
        span = expressions.place(p.span, text, place)
        fix = p.fix and expressions.moved_fix(p.fix, text, place)
        notes = tuple(
            Note(note.message, expressions.place(note.span, text, place)) for note in p.notes
        )
        raise _Problem(p.code, p.message, span, p.hint, fix, notes) from None
    except ExpressionError as error:
        moved = error.moved(text, place)
        if "=" in error.message or re.search(r"\)\s*\w+|,\s*(step|default)\b", text):
            bounds = "choice: [a, b]" if name == "choice" else f"{name}: [1, 8]"
            logged = {"int": "log_int", "float": "log_uniform", "uniform": "log_uniform"}.get(name)
            if logged and re.search(r"\blog\s*=", text):
                inside = re.split(r",\s*log\s*=", text.partition("(")[2])[0]
                meant = f"{logged}({inside})"
                sure = not node.style and re.search(r"\blog\s*=\s*[Tt]rue\s*\)$", text)
                moved = ExpressionError(
                    f"{name} has no log", f"write {meant}", code=moved.code, span=moved.span,
                    fix=put(node.span, meant) if sure else None,
                )  # fmt: skip
            elif name in DOMAINS and (whole := _with_clauses(text, name)) is not None:
                moved = ExpressionError(
                    "a domain takes values only", f"write {whole}", code=moved.code,
                    span=moved.span, fix=put(node.span, whole),
                )  # fmt: skip
            elif name in DOMAINS:
                hint = f"a default, a step and a condition have keys: {{{bounds}, default: 3}}"
                moved = ExpressionError(
                    "a domain takes values only", hint, code=moved.code, span=moved.span
                )
        raise moved from None


def _with_clauses(text: str, name: str) -> str | None:
    """`int(1, 9, step=2)` as `{int: [1, 9], step: 2}`."""
    pattern = r"\w+\s*\(([^()=]*?)((?:,\s*(?:default|step)\s*=\s*[\w.+-]+)+)\s*\)"
    match = re.fullmatch(pattern, text.strip())
    if match is None:
        return None
    clauses = re.sub(r"\s*=\s*", ": ", match[2].strip(", "))
    return f"{{{name}: [{match[1].strip()}], {clauses}}}"


@lru_cache(maxsize=4096)
def _read_domain(text: str, name: str) -> Domain:
    """The domain of a text; spans of errors are relative to it. Specs repeat their domains."""
    _check_domain_name(name, text)
    tree = expressions.parse_relative(text)
    if not isinstance(tree, Call):
        raise _Problem(
            "E301", f"{quote(text)} is not a domain", tree.span, "put text between quotes"
        )
    values = [_argument(arg, tree.name) for arg in tree.args]
    spans = [arg.span for arg in tree.args]
    return DOMAINS[tree.name].build(_Arguments(tree.name, values, spans, tree.span))


def _check_domain_name(name: str, text: str) -> None:
    if name in DOMAINS:
        return
    near = nearest(name, DOMAINS)
    from automlc.spec.foreign import of_domain

    hint = f"did you mean {near}?" if near else f"the domains are {', '.join(DOMAINS)}"
    if (foreign := of_domain(name)) is not None:
        near, hint = None, foreign
    start = len(text) - len(text.lstrip()) + 1
    span = Span("", 1, start, 1, start + len(name))
    fix = swap(span, name, near, safe=name.lower() not in DOUBTFUL)
    raise _Problem("E301", f"there is no domain {quote(name)}", span, hint, fix)


def _argument(expr: Expr, call: str) -> Scalar:
    """A constant: a number, a text, true, false, null, or a bare word."""
    if isinstance(expr, Literal):
        return expr.value
    if isinstance(expr, Name):
        if call == "choice" or call == "fixed":
            return expr.name
        usage = DOMAINS[call].usage if call in DOMAINS else "float(0, 0.5)"
        hint = f"write {usage}"
        if expr.name.startswith("log"):
            hint = "write log_uniform(1e-4, 1e-1) or log_int(16, 512)"
        raise _Problem("E302", f"{call} takes numbers, got {quote(expr.name)}", expr.span, hint)
    if isinstance(expr, Unary) and expr.op == "-" and isinstance(expr.operand, Literal):
        value = expr.operand.value
        if isinstance(value, int | float) and not isinstance(value, bool):
            return -value
    if isinstance(expr, expressions.List) and expr.span is not None:
        inner = ", ".join(expressions.to_text(item) for item in expr.items)
        raise _Problem(
            "E301",
            "the values stand in parentheses alone",
            expr.span,
            f"write {call}({', '.join(_bare(item) for item in expr.items)})",
            put(expr.span, inner),
        )
    raise _Problem(
        "E301",
        f"{quote(expressions.to_text(expr))} is not a plain value",
        expr.span,
        "write a number or a word; put other text between quotes",
    )


def _bare(expr: Expr) -> str:
    return word_text(expr.value) if isinstance(expr, Literal) else expressions.to_text(expr)


@record
class _Arguments:
    """Values for a domain, with the places to point at."""

    name: str
    values: list[Scalar]
    spans: list[Span | None]
    span: Span | None
    step: ScalarNode | None = None


def _counted(values: Sequence[Any]) -> str:
    return "1 value" if len(values) == 1 else f"{len(values)} values"


def _bounds(args: _Arguments, kind: str) -> tuple[Any, Any]:
    """Two numbers in order."""
    usage = DOMAINS[args.name].usage
    if len(args.values) < 2 or len(args.values) > (3 if kind == "int" else 2):
        raise _Problem(
            "E302",
            f"{args.name} takes two bounds, got {_counted(args.values)}",
            args.span,
            f"write {usage}",
        )
    for value, span in zip(args.values, args.spans, strict=True):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _Problem(
                "E302", f"{args.name} takes numbers, got {describe(value)}", span, f"write {usage}"
            )
        if kind == "int" and not isinstance(value, int):
            hint = "write whole numbers, or use float"
            raise _Problem("E302", f"{args.name} takes whole numbers, got {value}", span, hint)
        if not math.isfinite(value):
            raise _Problem("E302", f"{args.name} takes finite numbers", span, f"write {usage}")
    low, high = args.values[:2]
    assert isinstance(low, int | float)
    assert isinstance(high, int | float)
    if low > high:
        raise _Problem(
            "E302",
            f"the lower bound {low} is above the upper bound {high}",
            args.span,
            f"write {args.name}({high}, {low})",
            _swapped(args.spans[0], args.spans[1], low, high),
        )
    if DOMAINS[args.name].log and low <= 0:
        raise _Problem(
            "E303",
            f"{args.name} needs bounds above 0, got {low}",
            args.spans[0],
            "a logarithm has no 0: begin at a small number such as "
            + ("1" if kind == "int" else "1e-6"),
        )
    return low, high


def _integer(args: _Arguments) -> Domain:
    low, high = _bounds(args, "int")
    step: Any = args.values[2] if len(args.values) > 2 else 1
    span = args.spans[2] if len(args.values) > 2 else args.span
    if args.step is not None:
        step, span = args.step.value, args.step.span
    if isinstance(step, bool) or not isinstance(step, int) or step < 1:
        raise _Problem("E310", "a step is a whole number of at least 1", span, "write step: 2")
    if step > high - low and step != 1:
        raise _Problem(
            "E310",
            f"the step {step} is larger than the range {low} to {high}",
            span,
            f"use a step of at most {max(high - low, 1)}",
        )
    return Integer(low, high, step, DOMAINS[args.name].log)


def _float(args: _Arguments) -> Domain:
    low, high = _bounds(args, "float")
    if args.step is not None:
        raise _Problem(
            "E310", "a float domain has no step", args.step.span, "use int, or choice for a grid"
        )
    return Float(float(low), float(high), DOMAINS[args.name].log)


def _choice(args: _Arguments) -> Domain:
    if not args.values:
        raise _Problem("E305", "the choice is empty", args.span, "write choice(a, b)")
    seen: dict[tuple[type, Scalar], Span | None] = {}
    for index, (value, span) in enumerate(zip(args.values, args.spans, strict=True)):
        kind = type(value) if isinstance(value, bool | str) else float
        if (kind, value) in seen:
            message = f"{word_text(value)} is in the choice twice"
            first = Note("it stands here first", seen[kind, value])
            fix = _left_out(args.spans[index - 1], span)
            raise _Problem("E306", message, span, "remove one", fix, (first,))
        seen[kind, value] = span
    _no_step(args)
    return Choice(tuple(args.values))


def _fixed(args: _Arguments) -> Domain:
    if len(args.values) != 1:
        raise _Problem("E302", "fixed takes one value", args.span, "write fixed(3)")
    _no_step(args)
    return Fixed(args.values[0])


def _no_step(args: _Arguments) -> None:
    if args.step is not None:
        raise _Problem(
            "E310", f"{args.name} has no step", args.step.span, "a step belongs to int and log_int"
        )


@record
class _Kind:
    """How a kind of domain is built and written."""

    build: Callable[[_Arguments], Domain]
    usage: str
    log: bool = False


DOMAINS: dict[str, _Kind] = {
    "choice": _Kind(_choice, "choice(a, b)"),
    "int": _Kind(_integer, "int(1, 8)"),
    "log_int": _Kind(_integer, "log_int(16, 512)", log=True),
    "float": _Kind(_float, "float(0, 0.5)"),
    "uniform": _Kind(_float, "uniform(0, 0.5)"),
    "log_uniform": _Kind(_float, "log_uniform(1e-4, 1e-1)", log=True),
    "log": _Kind(_float, "log(1e-4, 1e-1)", log=True),
    "fixed": _Kind(_fixed, "fixed(3)"),
}
_EXTRAS = ("step", "default", "when")


def _read_mapping(node: MappingNode, attempt: Callable[..., Any]) -> ParameterDecl | None:
    """`{choice: [a, b], default: a, when: optimizer == "sgd"}`."""
    attempt(lambda: _check_keys(node))
    domain: Domain | None = attempt(lambda: _mapping_domain(node))
    default = attempt(lambda: _read_default(node, domain)) if domain else None
    when: Expr | None = attempt(lambda: _read_when(node))
    if domain is None:
        return ParameterDecl(Fixed(None), None, when, node.span) if when is not None else None
    if node.key("default") is None:
        default = domain.default()
    return ParameterDecl(domain, default, when, node.span)


def _check_keys(node: MappingNode) -> None:
    known = (*DOMAINS, *_EXTRAS)
    for key, value in node.items:
        if key.text not in known and not is_cut_off(key, value):
            near = nearest(key.text, known) if "(" not in key.text else None
            hint = f"did you mean {near}?" if near else f"the keys are {', '.join(known)}"
            from automlc.spec.foreign import of_parameter_key

            if (foreign := of_parameter_key(key.text)) is not None:
                near, hint = None, foreign
            if "(" in key.text:
                hint = 'write the domain without { }, such as lr: "float(0, 1)"'
            fix = swap(key.span, key.text, near, safe=key.text.lower() not in DOUBTFUL)
            raise _Problem("E201", f"a parameter has no key {quote(key.text)}", key.span, hint, fix)


def _mapping_domain(node: MappingNode) -> Domain | None:
    given = [(key, value) for key, value in node.items if key.text in DOMAINS]
    if not given and any(key.text not in _EXTRAS for key, _ in node.items):
        return None  # the unknown key was meant to be the domain, and is reported
    if len(given) != 1:
        kinds = " and ".join(key.text for key, _ in given)
        message = f"a parameter has one domain, got {kinds}" if given else "the domain is missing"
        span = given[1][0].span if given else node.span
        notes = (Note("the first domain is here", given[0][0].span),) if given else ()
        hint = "keep one of them" if given else "write one of " + ", ".join(DOMAINS)
        raise _Problem("E301", message, span, hint, notes=notes)
    key, value = given[0]
    step = node.get("step")
    if step is not None and not isinstance(step, ScalarNode):
        raise _Problem("E310", "a step is a whole number of at least 1", step.span, "write step: 2")
    items = _mapping_values(key, value)
    for item in items:
        _finite(item)
    values = [item.value for item in items]
    spans: list[Span | None] = [item.span for item in items]
    return DOMAINS[key.text].build(_Arguments(key.text, values, spans, value.span, step))


def _mapping_values(key: ScalarNode, value: Node) -> list[ScalarNode]:
    if key.text == "fixed" and isinstance(value, ScalarNode):
        return [value]
    example = "[a, b]" if key.text == "choice" else "[1, 8]"
    if not isinstance(value, SequenceNode):
        hint = f"write {key.text}: {example}"
        raise _Problem("E302", f"{key.text} takes a list, got {kind_of(value)}", value.span, hint)
    for item in value.items:
        if not isinstance(item, ScalarNode):
            hint = "write numbers, words or texts"
            raise _Problem("E302", f"{kind_of(item)} cannot be a value here", item.span, hint)
    return [item for item in value.items if isinstance(item, ScalarNode)]


def _finite(node: ScalarNode) -> None:
    if isinstance(node.value, float) and not math.isfinite(node.value):
        message = f"{quote(node.text)} is not a value a parameter can have"
        raise _Problem("E302", message, node.span, "write a finite number")


def _read_default(node: MappingNode, domain: Domain) -> Scalar:
    value = node.get("default")
    if value is None:
        return None
    if not isinstance(value, ScalarNode):
        instead = f"write one of them, such as {word_text(domain.default())}"
        raise _Problem("E304", f"a default is one value, got {kind_of(value)}", value.span, instead)
    if not domain.contains(value.value):
        hint, near = None, None
        if isinstance(domain, Choice) and isinstance(value.value, str):
            near = nearest(value.value, [v for v in domain.values if isinstance(v, str)])
            hint = f"did you mean {near}?" if near else None
        hint = hint or f"choose a value of the domain, such as {word_text(domain.default())}"
        key = next((k for k, _ in node.items if k.text in DOMAINS), None)
        raise _Problem(
            "E304",
            f"the default {quote(value.text)} is not in {domain}",
            value.span,
            hint,
            swap(value.span, value.text, near),
            (Note("the domain is here", key.span),) if key else (),
        )
    return float(value.value) if isinstance(domain, Float) else value.value  # type: ignore[arg-type]  # contains() lets only numbers pass


def _read_when(node: MappingNode) -> Expr | None:
    value = node.get("when")
    return None if value is None else read_expression(value)


def read_expression(node: Node, *, metric_calls: bool = False) -> Expr:
    """An expression of a spec; raises ExpressionError at its place."""
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        example = "a metric and its bound, such as model.size <= 5MB"
        hint = f"write {example if metric_calls else _condition_of(node)}"
        if isinstance(node, ScalarNode) and isinstance(node.value, bool):
            return Literal(node.value, node.text, node.span)
        fix = None
        if (
            isinstance(node, MappingNode)
            and not metric_calls
            and node.span.line == node.span.end_line
        ):
            fix = put(node.span, f"'{_condition_of(node)}'", safe=False)
            fix = None if hint.startswith("write a condition") else fix
        raise ExpressionError(
            f"an expression is expected, got {kind_of(node)}", hint, code="E110", span=node.span,
            fix=fix,
        )  # fmt: skip
    tree = expressions.parse(node.value, text_span(node))
    for error in expressions.check(tree, metric_calls=metric_calls):
        raise error
    return tree


def _condition_of(node: Node) -> str:
    """The condition that `{optimizer: sgd}` was meant to be."""
    if isinstance(node, MappingNode) and 0 < len(node.items) <= 3:
        pairs = [(k.text, v.value) for k, v in node.items if isinstance(v, ScalarNode)]
        if len(pairs) == len(node.items) and all(_WORD.fullmatch(name) for name, _ in pairs):
            return " and ".join(f"{name} == {literal_text(value)}" for name, value in pairs)
    return 'a condition, such as optimizer == "sgd"'


# References between parameters ------------------------------------------------------------------


def check_references(
    parameters: Iterable[Parameter],
    forbidden: Iterable[Expr],
    *,
    also: frozenset[str] = frozenset(),
) -> list[Diagnostic]:
    """Names that are no parameters, values that no choice has, circles, and conditions that do not
    yield true or false. For a whole space: preset and spec together.

    `also` are names whose domains could not be read; values compared with them are not judged.
    """
    by_name: dict[str, Parameter] = {p.name: p for p in parameters}
    found: list[Diagnostic] = []
    for parameter in by_name.values():
        if parameter.when is not None:
            key = f"space.parameters.{parameter.name}.when"
            found += _check_condition(parameter.when, by_name, also, key)
    for index, expr in enumerate(forbidden):
        found += _check_condition(expr, by_name, also, f"space.forbid[{index}]")
    try:
        order(tuple(by_name.values()))
    except SpecError as error:
        found += error.diagnostics
    return found


def _check_condition(
    expr: Expr, by_name: Mapping[str, Parameter], also: frozenset[str], key: str
) -> list[Diagnostic]:
    found = _unknown_names(expr, by_name, also, key)
    whole = {name: p for name, p in by_name.items() if name not in also} if also else by_name
    found += [d for node in expressions.walk(expr) for d in _check_values(node, whole, key)]
    if found or expressions.names(expr) & also:
        return found
    env = {name: by_name[name].default for name in expressions.names(expr)}
    try:
        value = expressions.evaluate(expr, env)
    except ExpressionError as error:
        return [error.diagnostic(key)]
    if isinstance(value, bool):
        return []
    message = f"a condition is true or false, but this is {describe(value)}"
    hint = "compare it, such as width > 3"
    return [Diagnostic("E309", message, expr.span, hint, key)]


def _unknown_names(
    expr: Expr, by_name: Mapping[str, Parameter], also: frozenset[str], key: str
) -> list[Diagnostic]:
    found = []
    for node in expressions.walk(expr):
        if isinstance(node, Name) and node.name not in by_name and node.name not in also:
            near = nearest(node.name, [*by_name, *sorted(also)])
            text = f'put text between quotes: "{clean(node.name)}"'
            hint = f"did you mean {near}?" if near else text
            message = f"there is no parameter {quote(node.name)}"
            fix = swap(node.span, node.name, near, safe=False)
            if near is None and _WORD.fullmatch(node.name):
                fix = _quoted(node, expr)
            found.append(Diagnostic("E307", message, node.span, hint, key, fix=fix))
    return found


def _check_values(node: Expr, by_name: Mapping[str, Parameter], key: str) -> list[Diagnostic]:
    """`optimizer == "sdg"` where the choice has only "sgd"."""
    pairs: list[tuple[Expr, Expr]] = []
    if isinstance(node, expressions.Compare) and node.op in ("==", "!="):
        pairs = [(node.left, node.right), (node.right, node.left)]
    elif isinstance(node, expressions.In):
        pairs = [(node.item, item) for item in node.items]
    found = []
    for name, value in pairs:
        if not isinstance(name, Name) or not isinstance(value, Literal):
            continue
        parameter = by_name.get(name.name)
        domain = parameter.domain if parameter else None
        if isinstance(domain, Choice | Fixed) and not domain.contains(value.value):
            span = parameter.span if parameter else None
            found.append(_never(name.name, domain, value, key, span))
    return found


def _never(
    name: str, domain: Choice | Fixed, value: Literal, key: str, declared: Span | None
) -> Diagnostic:
    values = domain.values if isinstance(domain, Choice) else (domain.value,)
    near = nearest(str(value.value), [str(v) for v in values])
    known = ", ".join(literal_text(v) for v in values[:8])
    match = next((v for v in values if str(v) == near), None)
    hint = f"did you mean {literal_text(match)}?" if near else f"its values are {known}"
    message = f"{name} is never {literal_text(value.value)}"
    notes = (Note(f"{name} is declared here", declared),) if declared else ()
    old, new = value.text, literal_text(match)
    fix = None
    if near and value.span and value.span.end_column - value.span.column == len(old):
        quotes = f"{old[:1]}{match}{old[:1]}"
        fix = put(value.span, quotes if isinstance(match, str) else new, safe=False)
    return Diagnostic("E312", message, value.span, hint, key, notes, fix)


# Names ------------------------------------------------------------------------------------------

_IDENTIFIER = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_DEVICES = frozenset(
    ("con", "prn", "aux", "nul", *(f"com{i}" for i in range(10)), *(f"lpt{i}" for i in range(10)))
)
# Names that emitted code uses itself.
_TAKEN = frozenset(("os", "sys", "math", "json", "np", "nn", "torch", "numpy", "self", "cls"))


def check_identifier(name: str) -> str | None:
    """Why a name cannot be that of a parameter or a block; None when it can."""
    if not _IDENTIFIER.fullmatch(name):
        return "a name begins with a letter and has lower-case letters, digits and _, at most 64"
    import builtins

    if keyword.iskeyword(name) or name in _RESERVED or hasattr(builtins, name):
        return "the word has a meaning in Python or in expressions"
    if name in _DEVICES or name in _TAKEN:
        return "the word is reserved"
    return None


def is_device_name(name: str) -> bool:
    """Whether Windows would take the name for a device."""
    return name.lower() in _DEVICES
