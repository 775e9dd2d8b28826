"""SearchGraph, the compiler's intermediate representation: typed, pure data.

It holds everything that a backend or the runtime may need and nothing of a framework. JSON is its
outer form ("automlc.graph/1"): nodes with stable ids, edges with kinds, sorted. networkx serves
analysis and pictures (`to_networkx`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, field, replace
from typing import TYPE_CHECKING, Any

from automlc.compiler.architecture import (
    BackboneNode,
    ChoiceNode,
    ConditionNode,
    Hub,
    Layer,
    OpNode,
    RepeatNode,
    ResidualNode,
    walk,
)
from automlc.compiler.contracts.contract import ClassTarget, DataContract, ImageInput, TextInput
from automlc.compiler.embeddings import WordVectors
from automlc.compiler.ops import Image, Shape, Table, Tokens
from automlc.runtime.costs import CostProgram
from automlc.runtime.monitor.definitions import DEFINITIONS, Monitor
from automlc.runtime.plan import (
    Backend,
    Budget,
    Choice,
    Constraint,
    DataSource,
    Plan,
    Rows,
    Task,
    read_monitor,
    read_rules,
)
from automlc.runtime.plan import Hub as PlannedHub
from automlc.spec.domains import Fixed, Parameter, Space
from automlc.spec.errors import AutomlcError
from automlc.spec.expressions import Scalar, names, parse, to_text
from automlc.spec.record import record

if TYPE_CHECKING:
    import networkx

    from automlc.runtime.rules.table import Rules

SCHEMA = "automlc.graph/1"


@record
class Record:
    """What a pass decided, about which key, and because of which line, default or rule."""

    pass_name: str
    key: str
    decision: str
    because: str


@record
class SearchGraph:
    """One task, resolved. `records` grow from pass to pass."""

    name: str
    task: Task
    contract: DataContract
    space: Space
    model: tuple[Layer, ...]
    constraints: tuple[Constraint, ...]
    costs: CostProgram
    search: Choice
    stopping: Choice
    budget: Budget
    backend: Backend
    seed: int
    monitor: Monitor = DEFINITIONS["automlc"]
    rules: Rules | None = None
    starts: tuple[Mapping[str, Scalar], ...] = ()
    """Small models that are known to learn well, the larger first, for a search with a wall."""
    vectors: tuple[WordVectors, ...] = ()
    """Files of word vectors that the parameter `pretraining` may name."""
    records: tuple[Record, ...] = field(default=(), compare=False)

    def noted(self, pass_name: str, key: str, decision: str, because: str) -> SearchGraph:
        """The graph with one more record."""
        return replace(self, records=(*self.records, Record(pass_name, key, decision, because)))

    @property
    def input_shape(self) -> Shape:
        """The shape of one example, as the data contract has it."""
        return shape_of(self.contract)

    @property
    def outputs(self) -> int:
        """Numbers the model gives for one example: one for each class, or one."""
        target = self.contract.target
        return len(target.classes) if isinstance(target, ClassTarget) else 1

    @property
    def frozen(self) -> bool:
        """Whether nothing is left to search."""
        return all(isinstance(p.domain, Fixed) for p in self.space.parameters)

    def freeze(self, config: Mapping[str, Scalar]) -> SearchGraph:
        """The graph of one configuration: active parameters fixed, the others gone.

        Raises AutomlcError when the configuration is not of this space.
        """
        problems = self.space.problems(config)
        if problems:
            raise AutomlcError(f"this configuration is not of the space: {problems[0]}")
        parameters = tuple(
            Parameter(p.name, Fixed(config[p.name]), config[p.name], None, p.span)
            for p in self.space.parameters
            if p.name in config
        )
        return replace(self, space=Space(parameters, ()), starts=())

    def plan(self) -> Plan:
        """What the runtime needs of the graph."""
        return Plan(
            name=self.name,
            task=self.task,
            space=self.space,
            constraints=self.constraints,
            costs=self.costs,
            search=self.search,
            stopping=self.stopping,
            budget=self.budget,
            backend=self.backend,
            data=DataSource(self.contract.source, self.contract.fingerprint, self._rows()),
            seed=self.seed,
            monitor=self.monitor,
            rules=self.rules,
            hubs=tuple(
                PlannedHub(node.hub.name, not node.weights)
                for node in walk(self.model)
                if isinstance(node, BackboneNode) and node.hub is not None
            ),
            starts=self.starts,
        )

    def _rows(self) -> Rows | None:
        """The numbers of rows, which only estimates against a wall need."""
        rows = self.contract.rows
        return None if self.budget.wall is None else Rows(rows.train, rows.validation)

    def nodes(self) -> list[dict[str, Any]]:
        """Every node as {id, kind, …}, in the order of the text."""
        found: list[dict[str, Any]] = [
            {"id": "data", "kind": "data", "label": self.contract.source}
        ]
        for parameter in self.space.parameters:
            found.append(
                {
                    "id": f"parameter:{parameter.name}",
                    "kind": "parameter",
                    "name": parameter.name,
                    "domain": parameter.domain.to_json(),
                    "default": parameter.default,
                    "when": None if parameter.when is None else to_text(parameter.when),
                }
            )
        for index, expr in enumerate(self.space.forbidden):
            found.append({"id": f"forbid:{index}", "kind": "forbidden", "text": to_text(expr)})
        found += _layer_nodes(self.model, "model")
        for index, constraint in enumerate(self.constraints):
            found.append({"id": f"constraint:{index}", "kind": "constraint", **asdict(constraint)})
        found.append(
            {"id": "search", "kind": "search", "strategy": self.search.name}
            | {"options": dict(self.search.options)}
        )
        found.append(
            {"id": "stopping", "kind": "stopping", "policy": self.stopping.name}
            | {"options": dict(self.stopping.options)}
        )
        found.append({"id": "monitor", "kind": "monitor", **self.monitor.to_json()})
        if self.rules is not None:
            found.append({"id": "rules", "kind": "rules", **self.rules.to_json()})
        task = self.task
        found.append(
            {"id": "metric", "kind": "metric", "task": task.kind, "metric": task.metric}
            | {"goal": task.goal, "target": task.target}
        )
        return found

    def edges(self) -> list[dict[str, str]]:
        """Edges {source, target, kind}: condition, uses, contains, next, bounds, feeds."""
        edges: list[tuple[str, str, str]] = []
        for parameter in self.space.parameters:
            for name in sorted(names(parameter.when)) if parameter.when is not None else ():
                edges.append((f"parameter:{name}", f"parameter:{parameter.name}", "condition"))
        for index, expr in enumerate(self.space.forbidden):
            for name in sorted(names(expr)):
                edges.append((f"parameter:{name}", f"forbid:{index}", "uses"))
        edges += _layer_edges(self.model, "model", set(self.space.names))
        if self.model:
            edges.append(("data", "model.0", "feeds"))
            edges.append((f"model.{len(self.model) - 1}", "metric", "feeds"))
        for index, _ in enumerate(self.constraints):
            edges.append((f"constraint:{index}", "search", "bounds"))
        edges.append(("metric", "search", "feeds"))
        edges.append(("metric", "stopping", "feeds"))
        if self.rules is not None:
            edges += [("monitor", "rules", "feeds"), ("rules", "search", "feeds")]
        return [{"source": s, "target": t, "kind": k} for s, t, k in sorted(set(edges))]

    def to_json(self) -> dict[str, Any]:
        """The whole graph as JSON data; `from_json` reads it back."""
        plan = self.plan().to_json()
        return {
            "schema": SCHEMA,
            "name": self.name,
            "task": plan["task"],
            "contract": self.contract.to_json(),
            "budget": plan["budget"],
            "backend": plan["backend"],
            "seed": self.seed,
            "costs": plan["costs"],
            **({"starts": plan["starts"]} if self.starts else {}),
            **({"vectors": [asdict(one) for one in self.vectors]} if self.vectors else {}),
            "nodes": self.nodes(),
            "edges": self.edges(),
            "records": [
                {"pass": r.pass_name, "key": r.key, "decision": r.decision, "because": r.because}
                for r in self.records
            ],
        }

    def dumps(self) -> str:
        """The text of graph.json: sorted, ASCII, ends with a newline."""
        return json.dumps(self.to_json(), indent=1, sort_keys=True, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SearchGraph:
        """Read graph.json back; raises AutomlcError for another schema or broken content."""
        if not isinstance(data, Mapping):
            raise AutomlcError("graph.json is damaged: it holds no object")
        if data.get("schema") != SCHEMA:
            raise AutomlcError(
                f"graph.json: the schema is {data.get('schema')!r}, this version reads {SCHEMA!r}",
                "compile the project again with this version of automlc",
            )
        try:
            graph = _from_json(data)
            graph._check_edges()
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            raise AutomlcError(f"graph.json is damaged: {error!r}") from error
        return graph

    def _check_edges(self) -> None:
        """Raises ValueError where an expression names what the graph does not hold."""
        ids = {node["id"] for node in self.nodes()}
        for edge in self.edges():
            if edge["source"] not in ids or edge["target"] not in ids:
                raise ValueError(f"no node for the edge {edge['source']} to {edge['target']}")

    def to_networkx(self) -> networkx.DiGraph:
        """The graph for analysis: node attributes as in `nodes()`, edge attribute `kind`."""
        import networkx

        graph = networkx.DiGraph(name=self.name)
        for node in self.nodes():
            graph.add_node(node["id"], **{k: v for k, v in node.items() if k != "id"})
        for edge in self.edges():
            graph.add_edge(edge["source"], edge["target"], kind=edge["kind"])
        return graph


def shape_of(contract: DataContract) -> Shape:
    """The input of the model: an image, a table row, or the tokens of a text."""
    data = contract.input
    if isinstance(data, ImageInput):
        return Image(data.channels, data.height, data.width)
    if isinstance(data, TextInput):
        return Tokens(data.length, data.vocabulary)
    return Table(len(data.numeric), tuple(len(c.values) for c in data.categorical))


def _layer_nodes(layers: tuple[Layer, ...], prefix: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for position, layer in enumerate(layers):
        node_id = f"{prefix}.{position}"
        match layer:
            case OpNode():
                args = {name: to_text(expr) for name, expr in layer.args}
                found.append({"id": node_id, "kind": "operation", "op": layer.op, "args": args})
            case ConditionNode():
                found.append({"id": node_id, "kind": "when", "when": to_text(layer.when)})
                found += _layer_nodes(layer.body, f"{node_id}.body")
            case RepeatNode():
                found.append(
                    {"id": node_id, "kind": "repeat", "times": to_text(layer.times)}
                    | {"index": layer.index}
                )
                found += _layer_nodes(layer.body, f"{node_id}.body")
            case ResidualNode():
                found.append(
                    {"id": node_id, "kind": "residual", "stride": to_text(layer.stride)}
                    | {"project": layer.project}
                )
                found += _layer_nodes(layer.body, f"{node_id}.body")
            case BackboneNode():
                found.append(
                    {"id": node_id, "kind": "backbone", "name": layer.name, "family": layer.family}
                    | {"channels": layer.channels, "mean": list(layer.mean)}
                    | {"deviation": list(layer.deviation), "weights": layer.weights}
                    | {"sha256": layer.sha256, "trainable": to_text(layer.trainable)}
                    | {"hub": None if layer.hub is None else asdict(layer.hub)}
                )
                found += _layer_nodes(layer.body, f"{node_id}.body")
            case ChoiceNode():
                values = [value for value, _ in layer.branches]
                found.append(
                    {"id": node_id, "kind": "choice", "parameter": layer.parameter}
                    | {"values": values}
                )
                for index, (_, body) in enumerate(layer.branches):
                    found += _layer_nodes(body, f"{node_id}.of{index}")
    return found


def _layer_edges(
    layers: tuple[Layer, ...], prefix: str, parameters: set[str]
) -> list[tuple[str, str, str]]:
    from automlc.compiler.architecture import bodies, expressions

    edges: list[tuple[str, str, str]] = []
    for position, layer in enumerate(layers):
        node_id = f"{prefix}.{position}"
        if position:
            edges.append((f"{prefix}.{position - 1}", node_id, "next"))
        for expr in expressions(layer):
            for name in names(expr) & parameters:
                edges.append((f"parameter:{name}", node_id, "uses"))
        for index, body in enumerate(bodies(layer)):
            slot = f"{node_id}.of{index}" if isinstance(layer, ChoiceNode) else f"{node_id}.body"
            if body:
                edges.append((node_id, f"{slot}.0", "contains"))
            edges += _layer_edges(body, slot, parameters)
    return edges


_MARKS = ("id", "kind")


def _from_json(data: Mapping[str, Any]) -> SearchGraph:
    by_id = {node["id"]: node for node in data["nodes"]}
    parameters = [n for n in data["nodes"] if n["kind"] == "parameter"]
    constraints = [n for n in data["nodes"] if n["kind"] == "constraint"]
    space = Space.from_json(
        {
            "parameters": [
                {key: n[key] for key in ("name", "domain", "default", "when")} for n in parameters
            ],
            "forbidden": [n["text"] for n in data["nodes"] if n["kind"] == "forbidden"],
        }
    )
    search, stopping = by_id["search"], by_id["stopping"]
    return SearchGraph(
        name=data["name"],
        task=Task.read(data["task"]),
        contract=DataContract.from_json(data["contract"]),
        space=space,
        model=_layers_from(by_id, "model"),
        constraints=tuple(
            Constraint.read({k: v for k, v in n.items() if k not in ("id", "kind")}, i)
            for i, n in enumerate(constraints)
        ),
        costs=CostProgram.from_json(data["costs"]),
        search=Choice(search["strategy"], search["options"]),
        stopping=Choice(stopping["policy"], stopping["options"]),
        budget=Budget.read(data["budget"]),
        backend=Backend.read(data["backend"]),
        seed=data["seed"],
        monitor=read_monitor({k: v for k, v in by_id["monitor"].items() if k not in _MARKS}),
        rules=read_rules(by_id["rules"]) if "rules" in by_id else None,
        starts=tuple(data.get("starts", ())),
        vectors=tuple(WordVectors(**one) for one in data.get("vectors", ())),
        records=tuple(
            Record(r["pass"], r["key"], r["decision"], r["because"]) for r in data["records"]
        ),
    )


def _layers_from(by_id: Mapping[str, Any], prefix: str) -> tuple[Layer, ...]:
    layers: list[Layer] = []
    while (node := by_id.get(f"{prefix}.{len(layers)}")) is not None:
        layers.append(_layer_from(by_id, node))
    return tuple(layers)


def _layer_from(by_id: Mapping[str, Any], node: Mapping[str, Any]) -> Layer:
    body = _layers_from(by_id, f"{node['id']}.body")
    match node["kind"]:
        case "operation":
            # The order of arguments is the operation's own; JSON sorted them.
            from automlc.compiler.ops import OPS

            order = OPS.get(node["op"]).args
            return OpNode(node["op"], tuple((a, parse(node["args"][a])) for a in order))
        case "when":
            return ConditionNode(parse(node["when"]), body)
        case "backbone":
            return BackboneNode(
                name=node["name"],
                family=node["family"],
                channels=node["channels"],
                mean=tuple(node["mean"]),
                deviation=tuple(node["deviation"]),
                weights=node["weights"],
                sha256=node["sha256"],
                trainable=parse(node["trainable"]),
                body=body,
                hub=None if node["hub"] is None else Hub(**node["hub"]),
            )
        case "repeat":
            return RepeatNode(parse(node["times"]), node["index"], body)
        case "residual":
            return ResidualNode(body, parse(node["stride"]), node["project"])
        case "choice":
            branches = tuple(
                (value, _layers_from(by_id, f"{node['id']}.of{index}"))
                for index, value in enumerate(node["values"])
            )
            return ChoiceNode(node["parameter"], branches)
    raise ValueError(f"a node of kind {node['kind']!r} where a layer must stand")
