"""The plan for people: what will be searched, trained and spent. Sorted and stable, for diffs."""

from __future__ import annotations

from collections.abc import Iterator

from automlc.compiler.architecture import BackboneNode, ChoiceNode, OpNode, ResidualNode, walk
from automlc.compiler.contracts.base import plural
from automlc.compiler.contracts.contract import ClassTarget, ImageInput, NumberTarget, TextInput
from automlc.compiler.disk import bytes_above, disk, largest_files
from automlc.compiler.graph import SearchGraph
from automlc.compiler.preview import Rate, cohorts, duration_of, preview
from automlc.compiler.resolution import FEWEST, half_width, least_difference
from automlc.spec.domains import Fixed
from automlc.spec.expressions import literal_text, to_text

GROUP = "space.expand."  # keys of the records of expand_space


def plan_text(graph: SearchGraph, rate: Rate | None = None, workers: int = 1) -> str:
    """The plan as text, one section each for task, data, space, model, search and budget.

    With a rate the budget says how long training takes; `workers` trials run at a time.
    """
    sections = (_task, _data, _space, _model, _constraints, _search)
    told = [*(section(graph) for section in sections), _budget(graph, rate, workers)]
    return "\n".join("\n".join(section) + "\n" for section in told)


def _task(graph: SearchGraph) -> Iterator[str]:
    task = graph.task
    yield f"plan of {graph.name}"
    yield from (
        f"  spec      {record.decision}" for record in graph.records if record.key == "spec"
    )
    yield f"  task      {task.kind}"
    target = "" if task.target is None else f", until {task.target:g}"
    yield f"  metric    {task.goal} validation {task.metric}{target}"
    yield f"  seed      {graph.seed}"


def _data(graph: SearchGraph) -> Iterator[str]:
    contract = graph.contract
    yield "data"
    yield f"  source    {contract.source}"
    rows = contract.rows
    parts = f"{rows.train:,} train, {rows.validation:,} validation, {rows.test:,} test"
    yield f"  rows      {parts} (looked at once, at the end)"
    if graph.task.metric == "accuracy":
        yield _resolved(contract.rows.validation)
    data = contract.input
    if isinstance(data, ImageInput):
        yield f"  input     images, {data.channels} x {data.height} x {data.width} ({data.dtype})"
    elif isinstance(data, TextInput):
        yield (
            f"  input     texts of up to {data.length} tokens ({data.tokens}s),"
            f" {data.vocabulary:,} different ones"
        )
    else:
        counts = f"{len(data.numeric)} of numbers, {len(data.categorical)} of categories"
        missing = plural(sum(data.missing.values()), "missing value")
        yield f"  input     columns: {counts}; {missing}"
    target = contract.target
    if isinstance(target, ClassTarget):
        smallest = plural(min(target.counts, default=0), "row")
        yield f"  target    {len(target.classes)} classes, the rarest with {smallest}"
        told = [r.decision for r in graph.records if r.key.startswith("data.classes[")]
        yield from (f"    {text}" for text in told)
    else:
        assert isinstance(target, NumberTarget)
        yield f"  target    a number from {target.minimum:g} to {target.maximum:g}"


def _resolved(rows: int) -> str:
    """What the validation part can tell of an accuracy."""
    width, least = 100 * half_width(rows), 100 * least_difference(rows)
    apart = f"two trials less than {least:.1f} points ({FEWEST} rows) apart may differ by chance"
    if least > 100:
        apart = "no two trials can be told apart"
    return f"  resolves  an accuracy to within {width:.1f} points (95 %, at worst); {apart}"


def _space(graph: SearchGraph) -> Iterator[str]:
    searched = [p for p in graph.space.parameters if not isinstance(p.domain, Fixed)]
    fixed = [p for p in graph.space.parameters if isinstance(p.domain, Fixed)]
    yield f"space: {plural(len(searched), 'parameter')} to search, {len(fixed)} fixed"
    width = max((len(p.name) for p in graph.space.parameters), default=0)
    for parameter in searched:
        when = "" if parameter.when is None else f"  when {to_text(parameter.when)}"
        yield f"  {parameter.name:<{width}}  {parameter.domain}{when}"
    for parameter in fixed:
        yield f"  {parameter.name:<{width}}  {parameter.domain}"
    for record in graph.records:
        group = record.key.removeprefix(GROUP)
        if group != record.key:
            yield f"  group {group}: {record.decision}"
    for node in walk(graph.model):
        if isinstance(node, BackboneNode):
            weights = node.weights or "downloaded when training begins"
            yield f"  backbone {node.name}: {node.family}, weights {weights}"
    for one in graph.vectors:
        yield f"  vectors {one.name}: {one.file}, {one.words:,} words of {one.width} numbers"
    for expr in graph.space.forbidden:
        yield f"  forbidden: {to_text(expr)}"
    for record in graph.records:
        if record.pass_name == "count_space":  # noqa: S105 - of the compiler
            yield f"  {record.key.removeprefix('space.'):<{width}}  {record.decision}"


def _model(graph: SearchGraph) -> Iterator[str]:
    nodes = list(walk(graph.model))
    operations = sum(isinstance(n, OpNode) for n in nodes)
    choices = sum(isinstance(n, ChoiceNode) for n in nodes)
    residuals = sum(isinstance(n, ResidualNode) for n in nodes)
    counts = ((operations, "operation"), (choices, "choice"), (residuals, "residual"))
    yield f"model: {', '.join(plural(*one) for one in counts)} in the text"
    costs = graph.costs.evaluate(graph.space.default_config())
    yield (
        f"  default   {costs['model.params']:,} parameters, {_bytes(costs['model.size'])}, "
        f"{costs['model.macs']:,} multiply-accumulates for one example"
    )


def _constraints(graph: SearchGraph) -> Iterator[str]:
    yield f"constraints: {len(graph.constraints) or 'none'}"
    proofs = {r.key: r.decision for r in graph.records}
    otherwise = "checked for each proposal, before training"
    for index, constraint in enumerate(graph.constraints):
        proof = proofs.get(f"constraints[{index}].proof", otherwise)
        yield f"  {constraint.text}  ({proof})"
    for record in graph.records:
        if record.pass_name != "prove_constraints":  # noqa: S105 - of the compiler
            continue
        if record.key.startswith("space.pruned"):
            yield f"  {record.decision}  ({record.because})"


def _search(graph: SearchGraph) -> Iterator[str]:
    search, stopping = graph.search, graph.stopping
    start = list(_start(graph))
    options = {**search.options, "start": "as below"} if start else search.options
    yield f"search: {search.name}{_options(options)}"
    yield from start
    yield f"stopping: {stopping.name}{_options(stopping.options)}"
    yield from _rungs(graph)


def _start(graph: SearchGraph) -> Iterator[str]:
    """Where a search starts that takes over from another study: what became of each value."""
    records = [r for r in graph.records if r.pass_name == "resolve_start"]  # noqa: S105 - of the compiler
    if not records:
        return
    summary, *values = records
    yield f"  start     {summary.decision}"
    named = [(r.key.removeprefix(f"{summary.key}."), r) for r in values]
    width = max((len(name) for name, _ in named), default=0)
    for name, record in named:
        yield f"    {name:<{width}}  {record.decision}  ({record.because})"


def _rungs(graph: SearchGraph) -> Iterator[str]:
    """How many trials can reach their last epoch, if none fails."""
    budget = graph.budget
    found = cohorts(graph)
    if found is None or all(not one.epochs for one in found):
        return
    said = preview(found, budget.epochs)
    for one in found:
        group = plural(one.trials, "trial")
        if one.epochs:
            at = ", ".join(map(str, one.epochs[:6])) + (", ..." if len(one.epochs) > 6 else "")
            yield f"  compare   {group} with each other after epoch {at}"
        else:
            yield f"  compare   {group} with none: they run all epochs"
    who = "1 trial runs" if said.full[1] == 1 else f"{_span(*said.full)} trials run"
    yield f"  full      {who} all {plural(budget.epochs, 'epoch')}"
    yield f"  epochs    {_span(*said.epochs)} in all, if no trial fails"


def _span(least: int, most: int) -> str:
    return f"{least:,} to {most:,}" if least < most else f"{most:,}"


def _budget(graph: SearchGraph, rate: Rate | None, workers: int) -> Iterator[str]:
    budget, rows = graph.budget, graph.contract.rows
    found = cohorts(graph)
    most = budget.trials * budget.epochs
    least = most if found is None else preview(found, budget.epochs).epochs[0]
    yield "budget"
    each = f"{budget.trials:,}, of at most {plural(budget.epochs, 'epoch')}"
    yield f"  trials    {each}: {plural(most, 'epoch')} in all"
    ends = [count * rows.train for count in ((least, most) if least < most else (most,))]
    samples = " to ".join(f"{end:,}" for end in ends)
    yield f"  samples   {samples if least < most else f'at most {samples}'} training examples"
    if rate is not None:
        ends_of_time = duration_of(graph, found, rate, workers)
        times = " to ".join(dict.fromkeys(map(_duration, ends_of_time)))
        who = "one worker" if workers == 1 else f"{workers} workers"
        yield (
            f"  time      {'at most ' if found is None else ''}{times} of training at"
            f" {rate.samples:g} samples a second, {who}: the rate as stated for the default"
            " model; other models differ"
        )
        yield f"  epoch     {_duration(rate.seconds(rows.train))} at that rate"
    yield from _disk(graph, workers)
    wall = "no limit" if budget.wall is None else f"{budget.wall:g} s"
    yield f"  wall      {wall}; an epoch may take {budget.epoch_wall:g} s"
    if budget.wall is not None:
        first = f"{budget.first * budget.wall:g} s of {budget.wall:g} s (budget.first)"
        yield (
            f"  first     the first trial may take {first}; sized by a probe of the device"
            " when the run starts"
        )
    if budget.memory is not None:
        yield f"  memory    {_bytes(budget.memory)} for each trial"
    threads = budget_threads(graph)
    backend = graph.backend
    name = backend_text(graph)
    yield f"  backend   {name}, device {backend.device}, precision {backend.precision}, {threads}"


def _disk(graph: SearchGraph, workers: int) -> Iterator[str]:
    """The most that checkpoints and weights take."""
    files = largest_files(graph)
    found = disk(graph, files, workers)
    trials = "a trial runs" if workers == 1 else f"{workers} trials run"
    of = "" if files.proven else ", were no model larger than the default"
    yield (
        f"  disk      at most {bytes_above(found.running)} while {trials}, at most"
        f" {bytes_above(found.ended)} at the end{of} (checkpoints and weights)"
    )


def backend_text(graph: SearchGraph) -> str:
    """The backend in words, such as `keras on tensorflow`, and why `auto` chose it."""
    backend, reason = graph.backend, auto_reason(graph)
    name = f"{backend.kind} on {backend.engine}" if backend.engine else backend.kind
    return f"{name} ({reason})" if reason else name


def auto_reason(graph: SearchGraph) -> str | None:
    """Why `backend: auto` chose as it did; None where the spec names a backend."""
    reasons = (r.because for r in graph.records if r.key == "backend.kind")
    return next((text for text in reasons if text.startswith("auto: ")), None)


def budget_threads(graph: SearchGraph) -> str:
    """The threads of a trial, in words."""
    count = graph.backend.threads
    return "cores shared among workers" if count is None else f"{plural(count, 'thread')} a trial"


def _options(options: object) -> str:
    assert isinstance(options, dict)
    given = {key: value for key, value in options.items() if value is not None}
    inner = ", ".join(f"{key} {_option(value)}" for key, value in sorted(given.items()))
    return f" ({inner})" if inner else ""


def _option(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, dict):
        return str(value)
    return f"[{', '.join(f'{name} = {literal_text(one)}' for name, one in value.items())}]"


def _duration(seconds: float) -> str:
    for unit, factor in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * factor:
            return f"{seconds / factor:,.1f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 1 else "less than 1 s"


def _bytes(size: float) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.2f} {unit}"
    return f"{size:.0f} B"
