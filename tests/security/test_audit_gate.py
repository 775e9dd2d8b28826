"""The first row of the trust model: commands that read an untrusted spec touch nothing else."""

import functools
import importlib.util
import json
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
AUDIT = HERE / "audit.py"
VERBS = ("validate", "plan", "compile", "graph", "explain")
# Modules that must not run just because they lie in the folder of a spec.
CANARIES = ("numpy", "yaml", "pydantic", "jinja2", "networkx", "sitecustomize", "json", "data")
# `backend: auto` asks whether these are installed; a file in the folder of a spec is no answer.
CANARIES += ("torch", "keras", "tensorflow", "jax")


def specs(*folders: str) -> list[Path]:
    found: list[Path] = []
    for folder in folders:
        found += sorted((ROOT / folder).rglob("*.y*ml"))
    return found


GOOD = specs("examples", "tests/good", "tests/data/specs/good")
BAD = specs("tests/bad")


def arguments(verb: str, spec: Path, output: Path) -> list[str]:
    if verb == "compile":
        return [verb, str(spec), "-o", str(output)]
    if verb == "explain":
        return [verb, "budget.trials", str(spec)]
    return [verb, str(spec)]


def run_jobs(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One child runs all jobs; a crash names the job that was running."""
    done = subprocess.run(
        [sys.executable, str(AUDIT)],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    results = [json.loads(line) for line in done.stdout.splitlines()]
    at = jobs[len(results)]["label"] if len(results) < len(jobs) else "the end"
    assert done.returncode == 0, f"the child died at {at}: {done.stderr[-2000:]}"
    return results


@functools.cache
def broken_data() -> dict[str, Callable[[Path], None]]:
    """The generators of broken data sets, by the name of their spec."""
    found = importlib.util.spec_from_file_location(
        "bad_data", ROOT / "tests" / "bad" / "data" / "generate.py"
    )
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return dict(module.CASES)


def lay_out(spec: Path, root: Path) -> None:
    """A project folder with the spec and its data: copied for a good one, made for a broken one."""
    if spec in GOOD or "layers" in spec.parts:  # a spec of several files
        shutil.copytree(spec.parent, root, ignore=shutil.ignore_patterns("build", "runs"))
        return
    root.mkdir(parents=True)
    shutil.copy(spec, root)
    if spec.parent.name == "data" and spec.stem in broken_data():
        broken_data()[spec.stem](root)


@functools.cache
def results_of(verb: str) -> list[dict[str, Any]]:
    """Results of one verb over every spec of the repository, good and bad.

    Each folder of specs is copied first, beside files that have the names of libraries.
    """
    import tempfile

    base = Path(tempfile.mkdtemp(prefix="automlc-audit-"))
    try:
        jobs = []
        for number, spec in enumerate([*GOOD, *BAD]):
            root = base / f"{number}"
            lay_out(spec, root)
            for name in CANARIES:
                (root / f"{name}.py").write_text("raise SystemExit('a canary was imported')\n")
            output = base / "out" / f"{number}"
            jobs.append(
                {
                    "label": str(spec.relative_to(ROOT)),
                    "arguments": arguments(verb, root / spec.name, output),
                    "root": str(root),
                    "output": str(output) if verb == "compile" else "",
                }
            )
        return run_jobs(jobs)
    finally:
        shutil.rmtree(base, ignore_errors=True)


@pytest.mark.parametrize("verb", VERBS)
def test_no_spec_makes_a_command_touch_anything_else(verb: str) -> None:
    touched = {r["label"]: r["violations"] for r in results_of(verb) if r["violations"]}
    assert not touched


@pytest.mark.parametrize("verb", VERBS)
def test_no_spec_gives_a_traceback_or_an_internal_error(verb: str) -> None:
    wrong = {
        r["label"]: (r["exit"], r["stderr"][-800:])
        for r in results_of(verb)
        if r["exit"] not in (0, 1, 2)
        or "Traceback" in r["stderr"] + r["stdout"]
        or "internal error" in r["stderr"] + r["stdout"]
    }
    assert not wrong


def test_every_good_spec_is_valid() -> None:
    good = {str(p.relative_to(ROOT)) for p in GOOD}
    refused = {
        r["label"]: r["stderr"] for r in results_of("validate") if r["label"] in good and r["exit"]
    }
    assert not refused


def test_there_are_specs_to_test() -> None:
    assert GOOD
    assert len(BAD) >= 30
    backends = {"keras", "auto"}
    assert not backends - {p.parent.name.removeprefix("backend_") for p in GOOD}


@pytest.mark.parametrize("verb", VERBS)
def test_no_command_imports_a_framework(verb: str) -> None:
    assert not set(results_of(verb)[-1]["modules"]) & {"torch", "tensorflow", "keras", "jax", "ray"}


@functools.cache
def report_results() -> list[dict[str, Any]]:
    """`report` on a good run, on one whose every name is hostile, and on what is not a run."""
    import tempfile

    sys.path.insert(0, str(ROOT / "tests" / "report"))
    from made_run import make_run

    base = Path(tempfile.mkdtemp(prefix="automlc-audit-"))
    try:
        make_run(base / "good")
        make_run(base / "hostile", name=lambda text: f"</script>../{text}\x1b[2J{{{{7*7}}}}")
        (base / "empty").mkdir()
        (base / "broken").mkdir()
        (base / "broken" / "study.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
        jobs = []
        for name in ("good", "hostile", "empty", "broken"):
            for canary in CANARIES:
                (base / name / f"{canary}.py").write_text("raise SystemExit('canary')\n")
            root = str(base / name)
            jobs.append(
                {"label": name, "arguments": ["report", root], "root": root, "output": root}
            )
        return run_jobs(jobs)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def test_no_run_makes_report_touch_anything_else() -> None:
    touched = {r["label"]: r["violations"] for r in report_results() if r["violations"]}
    assert not touched


def test_report_says_what_is_wrong_without_a_traceback() -> None:
    codes = {r["label"]: r["exit"] for r in report_results()}
    assert codes == {"good": 0, "hostile": 0, "empty": 2, "broken": 2}
    text = "".join(r["stderr"] + r["stdout"] for r in report_results())
    assert "Traceback" not in text
    assert "internal error" not in text
    assert "\x1b" not in text


# --- the gate itself can fail -----------------------------------------------------------------

CAUGHT = {
    "a shell": "import os; os.system('true')",
    "a child process": "import subprocess; subprocess.run(['true'])",
    "exec": "import os; os.execv('/bin/true', ['true'])",
    "a spawned process": "import os; os.posix_spawn('/bin/true', ['true'], {})",
    "a fork": "import os; os.fork()",
    "a connection": "import socket; socket.create_connection(('127.0.0.1', 9))",
    "a name lookup": "import socket; socket.getaddrinfo('localhost', 80)",
    "a pickle": "import pickle; pickle.loads(b'cos\\nsystem\\n(S\"true\"\\ntR.')",
    "marshal": "import marshal; marshal.loads(marshal.dumps(1))",
    "a shared library": "import ctypes; ctypes.CDLL('libm.so.6')",
    "an environment variable": "import os; os.environ['LD_PRELOAD'] = 'x.so'",
    "reading outside": "open('/etc/hostname')",
    "reading through a link": "import os; open('link')",
    "reading the parent": "open('../beside.txt')",
    "listing outside": "import os; os.listdir('/etc')",
    "writing into the root": "open('new.txt', 'w')",
    "writing by descriptor": "import os; os.open('new.txt', os.O_CREAT | os.O_WRONLY)",
    "writing outside": "open('/tmp/automlc-gate-canary', 'w')",
    "removing": "import os; os.remove('inside.txt')",
    "renaming into the root": "import os; os.rename('out/a.txt', 'inside.txt')",
    "a folder in the root": "import os; os.mkdir('new')",
    "a database outside": "import sqlite3; sqlite3.connect('/tmp/automlc-gate-canary.db')",
}
ALLOWED = {
    "reading inside": "open('inside.txt').read()",
    "writing the output": "open('out/new.txt', 'w').write('x')",
    "replacing in the output": "import os; os.replace('out/a.txt', 'out/b.txt')",
    "importing the standard library": "import ctypes, http.client, sqlite3, decimal",
    "importing numpy": "import numpy",
    "a dataclass": "import dataclasses; dataclasses.make_dataclass('A', ['x'])(1)",
    "a template": "import jinja2; jinja2.Template('{{ x }}').render(x=1)",
    "parsing code": "import ast; ast.parse('1 + 1')",
}


def violations_of(code: str, folder: Path) -> list[str]:
    root = folder / "root"
    (root / "out").mkdir(parents=True)
    (root / "inside.txt").write_text("inside")
    (root / "out" / "a.txt").write_text("a")
    (folder / "beside.txt").write_text("beside")
    (root / "link").symlink_to(folder / "beside.txt")
    program = textwrap.dedent(f"""
        import contextlib, json, os, sys
        sys.path.insert(0, {str(HERE)!r})
        import audit
        gate = audit.Gate()
        os.chdir({str(root)!r})
        sys.addaudithook(gate.hook)
        gate.output, gate.root = {str(root / "out")!r}, {str(root)!r}
        with contextlib.suppress(audit.Refused):
            exec(compile({code!r}, {str(root / "code.py")!r}, "exec"), {{}})
        gate.root = None
        print(json.dumps(gate.violations))
    """)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


@pytest.mark.parametrize("what", CAUGHT)
def test_the_gate_catches(what: str, tmp_path: Path) -> None:
    assert len(violations_of(CAUGHT[what], tmp_path)) == 1


@pytest.mark.parametrize("what", ALLOWED)
def test_the_gate_lets_pass(what: str, tmp_path: Path) -> None:
    assert violations_of(ALLOWED[what], tmp_path) == []


def test_the_gate_catches_code_that_our_own_functions_run(tmp_path: Path) -> None:
    """eval in a file of ours is a finding even when nothing bad follows from it."""
    code = (
        "code = compile('def f(t): return eval(t)', "
        f"{str(ROOT / 'spec' / 'imagined.py')!r}, 'exec')\n"
        "space = {}; exec(code, space); space['f']('1 + 1')"
    )
    assert len(violations_of(code, tmp_path)) == 1
