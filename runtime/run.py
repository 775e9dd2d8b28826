"""Runs on disk: a folder per run, with a copy of the project, the study and what it found.

    runs/<name>-1/  study.db  lock  plan.json  project/  t0001/ ...  best/  worker.log

The runtime executes only what the emitter wrote: every file of the project must have the digest
that automlc.lock gives it, and no Python file may be there besides, unless it is allowed by name.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from pathlib import Path, PurePosixPath
from typing import Any

from automlc.runtime.backends import BACKENDS, is_installed
from automlc.runtime.executors.local import LocalExecutor
from automlc.runtime.faults import hit
from automlc.runtime.interrupts import Interrupts
from automlc.runtime.lock import RunLock
from automlc.runtime.plan import Plan, load_plan
from automlc.runtime.progress import Closing, Progress, Quiet, Session
from automlc.runtime.searchers import SEARCHERS
from automlc.runtime.settling import COMMIT, STAGE, settle
from automlc.runtime.store import Store, open_reader, open_store
from automlc.runtime.study import Outcome, Study, write_json
from automlc.runtime.switching import differs, settle_switch, switch
from automlc.runtime.trial import sha256_of
from automlc.spec.errors import AutomlcError
from automlc.spec.record import record

RUNS = "runs"
MANIFEST = "automlc.lock"
_MANIFEST_SCHEMA = "automlc.lock/1"
_BUILTIN = "builtin:"
# TensorFlow is installed under one of several names, all of which import as tensorflow.
_BUILDS = (
    "tensorflow",
    "tensorflow-cpu",
    "tensorflow-rocm",
    "tensorflow-intel",
    "tensorflow-macos",
    "tensorflow-cpu-aws",
    "tf-nightly",
    "tf-nightly-cpu",
)
_DISTRIBUTIONS = {"tensorflow": _BUILDS}


@record
class Options:
    """What the command line may say about a run.

    `allow_code`: files of the project, relative to it, that may differ from what was emitted.
    `source`: where the data is, when the caller has resolved it; else it is looked for below the
    current folder, the project's folders and `data_roots`.
    """

    run_dir: Path | None = None
    resume: bool = False
    workers: int = 1
    allow_code: tuple[str, ...] = ()
    data_roots: tuple[Path, ...] = ()
    source: str | None = None
    progress: Progress = field(default_factory=Quiet)


def is_run(folder: Path) -> bool:
    """Whether a folder is a run directory, begun at least."""
    return os.path.exists(folder / "study.db")  # also for names that are too long


def execute(target: Path, options: Options) -> Outcome:
    """Run an emitted project, or resume a run; `target` is the folder of either.

    Raises AutomlcError where that cannot be done; a run that exists is never started afresh.
    """
    if is_run(target):
        return _resume_run(target, options)
    settle(target)
    plan = load_plan(target / "plan.json")
    folder = _choose_folder(plan, options)
    if _is_started(folder):
        if not options.resume:
            raise AutomlcError(
                f"{folder} is a run already; it is never started over",
                f"continue it: automlc run {folder} --resume; or name another --run-dir",
            )
        return _resume(folder, options, target)
    if options.resume:
        options.progress.say(f"nothing to resume in {folder}: starting")
    return _start(target, folder, plan, options)


# ---- a new run ----


def _choose_folder(plan: Plan, options: Options) -> Path:
    """The folder that was asked for, or the next free one below runs/ (the latest, to resume)."""
    if options.run_dir is not None:
        return options.run_dir
    runs = Path(RUNS)
    number = max(_numbers(runs, plan.name), default=0)
    if options.resume and number:
        return runs / f"{plan.name}-{number}"
    return runs / f"{plan.name}-{number + 1}"


def _numbers(runs: Path, name: str) -> Iterable[int]:
    """The numbers of the runs of that name."""
    if not runs.is_dir():
        return
    for path in runs.iterdir():
        prefix, _, number = path.name.rpartition("-")
        if prefix == name and number.isascii() and number.isdigit():
            yield int(number)


def _start(project: Path, folder: Path, plan: Plan, options: Options) -> Outcome:
    check_packages(plan)
    files = verify_project(project, options.allow_code)
    source = options.source or find_data(plan, project, options.data_roots)
    for hub in plan.hubs:
        if hub.download:
            options.progress.say(f"the first trial with {hub.name} downloads its weights")
    _make_folder(folder)
    with RunLock(folder):
        if _is_started(folder):
            raise AutomlcError(f"{folder} was started by another process a moment ago")
        _copy_project(project, folder / "project", files)
        write_json(folder / "plan.json", plan.to_json())
        hit("driver.folder.made")
        store = open_store(folder / "study.db", plan.task.goal)
        try:
            store.start_study(_meta(plan, folder, source, options))
            _write_latest(folder)
            return _session(folder, plan, store, source, options, resumed=False)
        finally:
            store.close()


def _make_folder(folder: Path) -> None:
    """Create the run directory; refuses links, and folders with contents that are not ours."""
    if folder.is_symlink():
        raise AutomlcError(f"{folder} is a symbolic link", "name a plain folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        strangers = {path.name for path in folder.iterdir()} - _BEGINNINGS
    except OSError as error:
        raise AutomlcError(f"{folder} cannot be made: {error}") from error
    if strangers:
        raise AutomlcError(
            f"{folder} is neither empty nor a run: it holds {sorted(strangers)[0]!r}",
            "name a new folder with --run-dir",
        )


# What a start that was killed early may have left behind.
_BEGINNINGS = {
    "lock",
    "plan.json",
    "plan.json.tmp",
    "project",
    "project.tmp",
    "study.db",
    "study.db-wal",
    "study.db-shm",
    "worker.log",
}


def _meta(plan: Plan, folder: Path, source: str, options: Options) -> dict[str, Any]:
    return {
        "run_id": folder.resolve().name,
        "plan": plan.sha256(),
        "seed": plan.seed,
        "data": source,
        "allow_code": list(options.allow_code),
        "versions": _versions(plan),
    }


def _versions(plan: Plan) -> dict[str, str]:
    """What this run was made with; asked of the installed packages, none is imported."""
    from importlib.metadata import PackageNotFoundError, version

    found = {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "system": f"{platform.system()} {platform.machine()}",
    }
    backend = BACKENDS.get(plan.backend.kind).modules(plan.backend.engine)
    for module in dict.fromkeys(("automlc", "numpy", *_searcher_needs(plan), *backend)):
        for name in _DISTRIBUTIONS.get(module, (module,)):
            with contextlib.suppress(PackageNotFoundError):
                found[name] = version(name)
                break
    return found


def _write_latest(folder: Path) -> None:
    """Name the newest run in runs/latest, which `status` and others look at."""
    if folder.parent.name != RUNS:
        return
    temporary = folder.parent / "latest.tmp"
    temporary.write_text(folder.name + "\n", encoding="utf-8")
    temporary.replace(folder.parent / "latest")


# ---- a run that exists ----


def _is_started(folder: Path) -> bool:
    """Whether the study of a run was begun; a start that was killed before that counts for none."""
    path = folder / "study.db"
    if not path.exists() or path.stat().st_size == 0:
        return False
    database = open_reader(path)
    try:
        return bool(database.execute("SELECT 1 FROM meta WHERE key = 'state'").fetchone())
    except sqlite3.OperationalError:
        return False  # Not even the tables are there.
    except sqlite3.DatabaseError:
        return True  # Damaged: opening it for writing says so by name.
    finally:
        database.close()


def _resume_run(folder: Path, options: Options) -> Outcome:
    if options.run_dir is not None and options.run_dir.resolve() != folder.resolve():
        raise AutomlcError(f"{folder} is a run; --run-dir names another folder")
    if not options.resume:
        raise AutomlcError(
            f"{folder} is a run already; it is never started over",
            f"continue it: automlc run {folder} --resume",
        )
    if not _is_started(folder):
        raise AutomlcError(
            f"{folder} was interrupted before its study began",
            f"run the spec or the project again with --run-dir {folder}",
        )
    return _resume(folder, options)


def _resume(folder: Path, options: Options, project: Path | None = None) -> Outcome:
    """Continue a run, under the plan of another project where one is given that differs."""
    with RunLock(folder):
        store = open_store(folder / "study.db", load_plan(folder / "plan.json").task.goal)
        try:
            settle_switch(folder, store, _copy_whole)
            plan = load_plan(folder / "plan.json")
            if store.meta().get("plan") != plan.sha256():
                raise AutomlcError(
                    f"{folder / 'plan.json'} was changed since the run started",
                    "restore the file; a study cannot change its plan half-way",
                )
            if project is not None and differs(folder, project):
                plan = _switch(folder, project, store, options)
            meta = store.meta()
            if meta["state"] == "finished":
                return _say_finished(folder, plan, store, options)
            verify_project(folder / "project", [*options.allow_code, *meta["allow_code"]])
            store.resume_study()
            source = options.source or str(meta["data"])
            return _session(folder, plan, store, source, options, resumed=True)
        finally:
            store.close()


def _switch(folder: Path, project: Path, store: Store, options: Options) -> Plan:
    """Put a run under another plan; its trials stay where they can be compared."""
    if options.allow_code:
        raise AutomlcError("--allow-code cannot be given where the plan of a run changes")
    new = load_plan(project / "plan.json")
    check_packages(new)
    verify_project(project)
    verify_project(folder / "project", store.meta()["allow_code"])
    source = options.source or find_data(new, project, options.data_roots)
    check_data(new, source)
    done = switch(folder, project, store, source, _copy_whole)
    for line in done.lines:
        options.progress.say(line)
    return done.plan


def _copy_whole(project: Path, target: Path) -> None:
    """Copy a project that is what its manifest says."""
    _copy_project(project, target, verify_project(project))


def _say_finished(folder: Path, plan: Plan, store: Store, options: Options) -> Outcome:
    meta, best = store.meta(), store.incumbent()
    session = Session(plan, folder, options.workers, resumed=True, done=_done(store))
    options.progress.begin(session)
    options.progress.say("the study is finished: nothing to resume")
    failed_test = "error" in (meta.get("test") or {})
    code = 1 if best is None or failed_test else 0  # as the session that ended the study
    number = best.number if best else None
    outcome = Outcome(code, "finished", str(meta["reason"]), number)
    options.progress.end(_closing(store, outcome))
    return outcome


def _session(
    folder: Path, plan: Plan, store: Store, source: str, options: Options, *, resumed: bool
) -> Outcome:
    """Work on a study until it ends or is interrupted; the caller holds the lock."""
    check_packages(plan)
    check_data(plan, source)
    progress = options.progress
    best = store.incumbent()
    known = (best.number, best.value) if best is not None and best.value is not None else None
    progress.begin(Session(plan, folder, options.workers, resumed, _done(store), known))
    with Interrupts() as interrupts:

        def idle() -> None:
            progress.tick({})
            if interrupts.draining:
                raise AutomlcError(
                    "interrupted while the project was loading",
                    f"continue: automlc run {folder} --resume",
                    exit_code=interrupts.exit_code,
                )

        backend = BACKENDS.get(plan.backend.kind)
        executor = LocalExecutor(
            (folder / "project").resolve(),
            source,
            folder.resolve() / "worker.log",
            environment=backend.environment(plan.backend.engine),
            idle=idle,
        )
        if not executor.fork:
            progress.say("trials are not forked on this system: each loads the data itself")
        try:
            study = Study(
                plan,
                store,
                executor,
                folder.resolve(),
                progress=progress,
                interrupts=interrupts,
                workers=options.workers,
            )
            outcome = study.run()
        finally:
            executor.close()
        progress.end(_closing(store, outcome, study.elapsed()))
        return outcome


def _done(store: Store) -> int:
    return sum(count for state, count in store.counts().items() if state != "running")


def _closing(store: Store, outcome: Outcome, seconds: float | None = None) -> Closing:
    meta = store.meta()
    return Closing(
        state=outcome.state,
        reason=outcome.reason,
        seconds=float(meta.get("elapsed", 0.0)) if seconds is None else seconds,
        best=store.incumbent(),
        test=meta.get("test"),
        closest=meta.get("closest"),
    )


# ---- the project ----


def verify_project(project: Path, allow_code: Sequence[str] = ()) -> dict[str, str]:
    """Check a project against its manifest; returns {file: sha256} of what is to be copied.

    Raises AutomlcError for a file that is missing or changed, for a Python file that the emitter
    did not write, and for links; `allow_code` lifts this for the files it names.
    """
    listed = _manifest(project)
    allowed = {PurePosixPath(name).as_posix() for name in allow_code}
    unknown = allowed - set(listed) - {name for name, _ in _python_files(project)}
    if unknown:
        raise AutomlcError(f"--allow-code: {project} has no file {sorted(unknown)[0]!r}")
    for name, digest in listed.items():
        path = project / name
        if path.is_symlink():
            raise AutomlcError(f"{path} is a symbolic link; a project consists of plain files")
        found = sha256_of(path)
        if found is None:
            raise AutomlcError(f"{path} is missing", "compile the project again")
        if found != digest and name not in allowed:
            raise AutomlcError(
                f"{path} is not what was compiled: its digest differs from {MANIFEST}",
                f"compile again, or accept the change: --allow-code {name}",
            )
    for name, path in _python_files(project):
        if name not in listed and name not in allowed:
            raise AutomlcError(
                f"{path} was not written by automlc",
                f"remove it, or allow it to run: --allow-code {name}",
            )
    return {**listed, **dict.fromkeys(allowed, "")}


def _manifest(project: Path) -> dict[str, str]:
    path = project / MANIFEST
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        files = data["files"]
        if data["schema"] != _MANIFEST_SCHEMA:
            raise AutomlcError(f"{path} has the unknown schema {data['schema']!r:.40}")
        found = {str(name): str(digest) for name, digest in files.items()}
    except FileNotFoundError:
        raise AutomlcError(
            f"{project} is not a compiled project: it has no {MANIFEST}",
            "compile a spec first: automlc compile task.yaml",
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise AutomlcError(f"{path} cannot be read: {error}", "compile the project again") from None
    for name in found:
        pure = PurePosixPath(name)
        if pure.is_absolute() or ".." in pure.parts or "\\" in name:
            raise AutomlcError(f"{path} names a file outside the project: {name!r:.80}")
    for needed in ("train.py", "plan.json"):
        if needed not in found:
            raise AutomlcError(f"{path} does not list {needed}", "compile the project again")
    return found


_NO_CODE = ("__pycache__", STAGE, COMMIT)  # nothing is imported from there


def _python_files(project: Path) -> list[tuple[str, Path]]:
    """All files that Python could import, by their name relative to the project."""
    found = []
    for root, folders, files in os.walk(project, followlinks=False):
        folders[:] = [f for f in folders if f not in _NO_CODE and not (Path(root) / f).is_symlink()]
        for file in files:
            if file.endswith((".py", ".pyc", ".so", ".pyd", ".pth")):
                path = Path(root) / file
                found.append((path.relative_to(project).as_posix(), path))
    return sorted(found)


def _copy_project(project: Path, target: Path, files: Mapping[str, str]) -> None:
    """Copy the manifest's files; the copy appears at once or not at all."""
    temporary = target.with_name("project.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    if target.exists():
        shutil.rmtree(target)
    temporary.mkdir()
    for name in [*files, MANIFEST]:
        path = temporary / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(project / name, path, follow_symlinks=False)
    temporary.rename(target)


# ---- the data ----


def check_packages(plan: Plan) -> None:
    """Say what must be installed before a run begins, not in its middle. Imports nothing."""
    engine = plan.backend.engine
    backend = BACKENDS.get(plan.backend.kind)
    if engine not in (backend.engines or (None,)):
        raise AutomlcError(
            f"plan.json: the backend {backend.name} has no engine {engine!r}",
            "the project was compiled by another version of automlc; compile it again",
        )
    on = f"{backend.name} on {engine}" if engine else backend.name
    _require(f"the backend {on}", backend.modules(engine), backend.install(engine))
    if plan.hubs and backend.name == "pytorch":
        _require(f"the pretrained network {plan.hubs[0].name}", ("timm",), "pip install timm")
    for name in _searcher_needs(plan):
        extra = "pytorch" if name == "torch" else "run"
        who = f"the search strategy {plan.search.name}"
        _require(who, (name,), f"pip install 'automlc[{extra}]'")


def _searcher_needs(plan: Plan) -> tuple[str, ...]:
    return tuple(getattr(SEARCHERS.get(plan.search.name), "needs", ()))


def _require(who: str, modules: Sequence[str], command: str) -> None:
    missing = [name for name in modules if not is_installed(name)]
    if missing:
        *most, last = missing
        names = f"packages {', '.join(most)} and {last}" if most else f"package {last}"
        raise AutomlcError(f"{who} needs the {names}", f"install with: {command}")


def check_data(plan: Plan, source: str) -> None:
    """Refuse data that changed since the plan was made: a study compares trials on one data set.

    Files are checked by their bytes. The images of a folder are checked when a spec is compiled.
    """
    path = Path(source)
    if source.startswith(_BUILTIN) or not path.is_file():
        return
    expected = plan.data.fingerprint.removeprefix("sha256:")
    if sha256_of(path) != expected:
        raise AutomlcError(
            f"{source} is not the data that this plan was made for: its sha256 differs",
            "compile the spec again and start a new run, or bring the old data back",
        )


def find_data(plan: Plan, project: Path, roots: Sequence[Path] = ()) -> str:
    """The data of a project as a path (or a builtin name), found below an allowed folder.

    A relative path is tried below the current folder, the folders above the project and the data
    roots, in that order. Raises AutomlcError if nothing is there, or only outside all of these.
    """
    source = plan.data.source
    if source.startswith(_BUILTIN):
        return source
    project = project.resolve()
    bases = [Path.cwd(), project.parent, project.parent.parent, *map(Path.resolve, roots)]
    for base in bases:
        path = (base / source).resolve()
        if path.exists():
            if any(path.is_relative_to(root) for root in bases):
                return str(path)
            raise AutomlcError(
                f"the data {source} lies outside the project",
                f"allow its folder: --data-root {path.parent}",
            )
    raise AutomlcError(
        f"the data {source} is not there", "name the folder it is in: --data-root DIR"
    )
