"""A tree of nodes as the data that the models check; domains, expressions and rules are read."""

from __future__ import annotations

import re
from typing import Any

from automlc.spec.declarations import ParameterDecl, is_cut_off, read_declaration, read_expression
from automlc.spec.diagnostics import Diagnostic, put, quote, swap
from automlc.spec.expressions import (
    Compare,
    Expr,
    ExpressionError,
    Literal,
    Logical,
    names,
    to_text,
)
from automlc.spec.identifiers import check_identifier
from automlc.spec.references import check_references
from automlc.spec.rules import EXAMPLE, read_rule
from automlc.spec.yaml_nodes import MappingNode, Node, ScalarNode, SequenceNode, kind_of


class Shape:
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
                data[key.text] = plain(value)
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
                    data[key.text] = plain(value)
        return data

    def rules(self, node: MappingNode) -> dict[str, Any]:
        """The rules section; each rule is parsed."""
        return {
            key.text: self.expressions(value, "rules.when", read_rule)
            if key.text == "when"
            else plain(value)
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


def plain(node: Node) -> Any:
    """Like to_plain, with tuples for lists: the models are strict."""
    match node:
        case ScalarNode(value=value):
            return value
        case SequenceNode(items=items):
            return tuple(plain(item) for item in items)
        case MappingNode(items=pairs):
            return {key.text: plain(value) for key, value in pairs}
