"""Settle the backend and its engine; `auto` asks which packages are installed, imports none."""

from __future__ import annotations

from dataclasses import replace

from automlc.compiler.draft import Draft
from automlc.runtime.backends import BACKENDS, Backend, is_installed
from automlc.runtime.plan import Backend as Chosen
from automlc.spec.diagnostics import Note, swap
from automlc.spec.suggest import DOUBTFUL, nearest

AUTO = "auto"


def choose_backend(draft: Draft) -> Draft:
    """The kind and the engine that the plan carries, and why they were chosen."""
    spec = draft.loaded.spec.backend
    if spec.kind == AUTO:
        backend, engine, because = _installed(spec.engine, spec.device)
        because = f"{AUTO}: {because}"
    else:
        found = _named(draft)
        if found is None:
            return draft
        backend, engine, because = found, None, draft.origin("backend.kind")
        if found.engines:
            engine = spec.engine or found.engines[0]
    if (engine, spec.device) in backend.engine_lacks:
        able = [e for e in backend.engines if (e, spec.device) not in backend.engine_lacks]
        draft.problems.add(
            "E348", f"{backend.name} on {engine} has no device {spec.device}",
            draft.loaded.spans("backend.device"), key="backend.device",
            hint=f"with engine: {' or '.join(able)} it has one; else write device: auto",
            fix=swap(draft.loaded.spans("backend.device"), spec.device, AUTO, safe=False),
            notes=_engine_note(draft),
        )  # fmt: skip
        return draft
    draft = draft.noted("choose_backend", "backend.kind", backend.name, because)
    if engine is not None:
        if spec.engine or spec.kind != AUTO:
            because = draft.origin("backend.engine")
        draft = draft.noted("choose_backend", "backend.engine", engine, because)
    chosen = Chosen(backend.name, spec.device, spec.precision, spec.threads, engine)
    return replace(draft, backend=chosen)


def _engine_note(draft: Draft) -> tuple[Note, ...]:
    span = draft.loaded.spans("backend.engine")
    return (Note("the engine is chosen here", span),) if span is not None else ()


def _named(draft: Draft) -> Backend | None:
    """The backend that the spec names, if there is one and it has the engine."""
    spec = draft.loaded.spec.backend
    span = draft.loaded.spans("backend.kind") or draft.loaded.spans("backend")
    if spec.kind not in BACKENDS:
        draft.problems.add(
            "E340", f"no backend is called {spec.kind!r}", span, hint=_hint(spec.kind),
            key="backend.kind", fix=swap(
                span, spec.kind, nearest(spec.kind, _words()), safe=spec.kind not in DOUBTFUL
            ),
        )  # fmt: skip
        return None
    backend = BACKENDS.get(spec.kind)
    if spec.engine is not None and spec.engine not in backend.engines:
        having = [name for name in BACKENDS.names() if spec.engine in BACKENDS.get(name).engines]
        hint = f"{spec.engine} is an engine of {' and '.join(having)}; else leave engine out"
        draft.problems.add(
            "E347", f"the backend {backend.name} has no engine {spec.engine}",
            draft.loaded.spans("backend.engine"), hint=hint, key="backend.engine",
        )  # fmt: skip
        return None
    return backend


def _words() -> tuple[str, ...]:
    """Asked when a name was wrong: by then the plug-ins have been looked through."""
    return (*BACKENDS.names(), AUTO)


def _hint(name: str) -> str:
    words = _words()
    if name == "torch":
        return "did you mean pytorch? Keras on torch is {kind: keras, engine: torch}"
    for backend in map(BACKENDS.get, BACKENDS.names()):
        if name in backend.engines and name not in words:
            return f"write {{kind: {backend.name}, engine: {name}}}; known: {', '.join(words)}"
    near, known = nearest(name, words), f"known: {', '.join(words)}"
    return f"did you mean {near}? ({known})" if near else known


def _installed(engine: str | None, device: str) -> tuple[Backend, str | None, str]:
    """The first backend that could run here, its engine, and what speaks for it.

    `engine` leaves only backends that have it, `device` passes over engines that lack it. Where
    nothing is installed the first one is taken: compiling needs none, and a run says what to
    install.
    """
    backends = [BACKENDS.get(name) for name in BACKENDS.names()]
    pairs = [
        (backend, one)
        for backend in backends
        for one in backend.engines or (None,)
        if engine == one or (engine is None and (one, device) not in backend.engine_lacks)
    ]
    for backend, one in pairs:
        if all(map(is_installed, backend.modules(one))):
            names = [backend.needs[0], *([one] if one else [])]
            return backend, one, f"{' and '.join(names)} {'are' if one else 'is'} installed"
    backend, one = pairs[0]
    with_engine = f" with {engine}" if engine else ""
    return backend, one, f"no backend{with_engine} is installed, so the first one"
