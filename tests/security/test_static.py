"""Static gates: words that must not be in the sources or the templates, and the emitted code."""

import ast
import functools
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
from emitted_ast import audit

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = (
    "automlc",
    "backends",
    "compiler",
    "grammar",
    "runtime",
    "spec",
    "examples",
    "benchmarks",
)
SUFFIXES = {".py", ".jinja", ".sh", ".lark", ""}
WORDS = {
    "weights_only=False": r"weights_only\s*=\s*False",
    "safe_mode=False": r"safe_mode\s*=\s*False",
    "allow_pickle=True": r"allow_pickle\s*=\s*True",
    "extractall(": r"\.extractall\(",
    "yaml.load(": r"yaml\.(unsafe_|full_)?load(_all)?\(",
    "|safe": r"\|\s*safe\b",
    # Templates of Python say so, with their reason: there, values go through a filter of literals.
    "autoescape=False": r"autoescape\s*=\s*False(?!.*# noqa: S701  # \w)",
    "shell=True": r"shell\s*=\s*True",
    "verify=False": r"verify\s*=\s*False",
    "os.system": r"\bos\.(system|popen)\(",
    "a pickle": r"\b(pickle|cPickle|dill|cloudpickle|joblib|shelve|marshal)\.(load|loads|open)\(",
    "a pickled frame": r"\bread_pickle\(",
    "eval": r"(?<![\w.])(eval|exec)\(",
    "a script from elsewhere": r"<script[^>]+src\s*=|<link[^>]+href\s*=\s*[\"']?https?:",
}
EXAMPLES = sorted((ROOT / "examples").glob("*/*.yaml"))


def sources() -> list[Path]:
    found = [p for folder in FOLDERS for p in (ROOT / folder).rglob("*") if p.is_file()]
    return [p for p in sorted(found) if p.suffix in SUFFIXES and "__pycache__" not in p.parts]


@pytest.mark.parametrize("word", WORDS)
def test_no_source_or_template_says(word: str) -> None:
    pattern = re.compile(WORDS[word])
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found


def test_the_words_are_recognized() -> None:
    """A gate whose patterns match nothing would pass for ever."""
    samples = {
        "|safe": "{{ name | safe }}",
        "yaml.load(": "yaml.load(text)",
        "extractall(": "archive.extractall(path)",
        "os.system": "os.system('x')",
        "a pickle": "pickle.load(f)",
        "a pickled frame": "pd.read_pickle(f)",
        "eval": "x = eval(text)",
        "a script from elsewhere": '<script src="https://x/y.js">',
    }
    for word, pattern in WORDS.items():
        assert re.search(pattern, samples.get(word, word)), word


def test_security_rules_of_the_linter_are_on() -> None:
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lint = config["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    assert [rule for rule in lint["ignore"] if re.fullmatch(r"S\d*", rule)] == ["S101"]
    waived = {
        k for k, v in lint["per-file-ignores"].items() if any(re.fullmatch(r"S\d*", r) for r in v)
    }
    assert waived <= {"tests/**", "benchmarks/**"}


def test_every_waiver_of_a_security_rule_has_its_reason() -> None:
    """`# noqa: S603` alone tells the next reader nothing; behind it, or above, stands why.

    S608 (SQL put together from text) is waived where the parts are constants of the same file.
    """
    waiver = re.compile(r"#\s*noqa(:\s*[A-Z0-9, ]*\bS\d+[A-Z0-9, ]*)?\s*$")
    bare = []
    for path in sources():
        if path.suffix != ".py" or path.is_relative_to(ROOT / "benchmarks"):
            continue
        above = ""
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            explained = "noqa: S608" in line or above.lstrip().startswith("# ")
            if waiver.search(line) and not explained:
                bare.append(f"{path.relative_to(ROOT)}:{number}")
            above = line
    assert not bare


# --- emitted code -----------------------------------------------------------------------------

FOUND = {
    "eval": "eval('1')",
    "exec": "exec('1')",
    "compile": "compile('1', '', 'eval')",
    "__import__": "__import__('os').system('x')",
    "os.system": "import os\nos.system('x')",
    "a shell by another name": "from os import system",
    "subprocess": "import subprocess",
    "pickle": "import pickle",
    "a socket": "import socket",
    "ctypes": "from ctypes import CDLL",
    "importlib": "import importlib",
    "joblib": "import joblib",
    "writing a file": "open('x', 'w')",
    "a computed mode": "mode = 'w'\nopen('x', mode)",
    "writing by path": "from pathlib import Path\nPath('x').write_text('y')",
    "opening by path": "from pathlib import Path\nPath('x').open('w')",
    "an unsafe load": "import torch\ntorch.load('x')",
    "an unsafe load, said openly": "import torch\ntorch.load('x', weights_only=False)",
    "a pickled array": "import numpy as np\nnp.load('x', allow_pickle=True)",
    "saving in place": "import torch\ntorch.save({}, 'x')",
    "a dunder": "().__class__.__bases__",
    "a computed attribute": "name = 'x'\ngetattr(name, name)",
    "an unsafe Keras file": "from engine import keras\nkeras.saving.load_model('x.keras')",
    "Keras past its engine": "import keras",
    "automlc in the model": "import automlc",
    "the compiler": "from automlc.compiler import driver",
    "an archive": "import zipfile\nzipfile.ZipFile('x').extractall()",
}
PASSED = {
    "reading": "open('x')",
    "saving into memory": (
        "import io, torch\ndef f(x):\n    buffer = io.BytesIO()\n    torch.save(x, buffer)\n"
    ),
    "reading bytes": "open('x', 'rb')",
    "an image": "from PIL import Image\nImage.open('x', formats=['PNG'])",
    "a safe load": "import torch\ntorch.load('x', weights_only=True)",
    "an array": "import numpy as np\nnp.load('x', allow_pickle=False)",
    "an atomic writer": (
        "import os\ndef write(path, data):\n"
        "    with open(path + '.tmp', 'wb') as file:\n        file.write(data)\n"
        "    os.replace(path + '.tmp', path)\n"
    ),
}


@pytest.mark.parametrize("what", FOUND)
def test_the_audit_of_emitted_code_finds(what: str) -> None:
    assert audit(FOUND[what], "model.py")


@pytest.mark.parametrize("what", PASSED)
def test_the_audit_of_emitted_code_lets_pass(what: str) -> None:
    assert audit(PASSED[what], "model.py") == []


@pytest.mark.parametrize(
    "line",
    [
        "subprocess.run(['sh', '-c', 'x'])",
        "subprocess.run([sys.executable, *sys.argv], shell=True)",
        "subprocess.run(command)",
        "subprocess.Popen([sys.executable, *sys.argv])",
    ],
)
def test_export_py_may_start_itself_and_nothing_else(line: str) -> None:
    head = "import subprocess\nimport sys\n"
    assert audit(head + "subprocess.run([sys.executable, *sys.argv, '--more'])", "export.py") == []
    assert audit(head + line, "export.py") != []


def test_only_search_may_import_the_runtime() -> None:
    line = "from automlc.runtime.run import main"
    assert audit(line, "search.py") == []
    assert audit(line, "train.py") != []


@functools.cache
def project(example: str) -> Path:
    """The project that an example compiles to."""
    import tempfile

    base = Path(tempfile.mkdtemp(prefix="automlc-emitted-"))
    folder = base / "example"
    shutil.copytree(Path(example).parent, folder, ignore=shutil.ignore_patterns("build", "runs"))
    done = subprocess.run(
        [sys.executable, "-m", "automlc", "compile", Path(example).name, "-o", str(base / "out")],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return base / "out"


def test_there_are_examples() -> None:
    assert EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.parent.name)
def test_emitted_code_passes_the_audit(example: Path) -> None:
    files = sorted(project(str(example)).rglob("*.py"))
    assert {"data.py", "model.py", "train.py", "search.py"} <= {f.name for f in files}
    local = frozenset(file.stem for file in files)
    findings = [f for x in files for f in audit(x.read_text(encoding="utf-8"), x.name, local)]
    assert not findings


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.parent.name)
def test_emitted_code_says_none_of_the_words(example: Path) -> None:
    text = "\n".join(f.read_text(encoding="utf-8") for f in project(str(example)).rglob("*.py"))
    assert not [word for word, pattern in WORDS.items() if re.search(pattern, text)]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.parent.name)
def test_emitted_code_passes_the_security_rules_of_the_linter(example: Path) -> None:
    ruff = str(Path(sys.executable).with_name("ruff"))
    # S603 sees every process as a danger; the audit above knows which one export.py may start.
    # Waived in the emitted file itself, it would be an unused waiver under ruff's default rules.
    command = [ruff, "check", "--isolated", "--select", "S", "--ignore", "S101,S603", "--no-cache"]
    done = subprocess.run(
        [*command, str(project(str(example)))], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.parent.name)
def test_emitted_requirements_are_names_with_floors(example: Path) -> None:
    """No index, no address, no option: nothing that could send pip to another place.

    Exact versions stand in automlc.lock of a run; the file itself must install anywhere.
    """
    lines = (project(str(example)) / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line.strip() and not line.startswith("#")]
    assert wanted
    assert not [
        x for x in wanted if not re.fullmatch(r"[a-z-]+(\[[a-z,]+\])?[>=]=[\d.]+(,<[\d.]+)?", x)
    ]


def test_no_module_of_ours_builds_code_from_text() -> None:
    """compile(), eval() and exec() as names anywhere in our packages, however they are written."""
    found = []
    for path in sources():
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = node.func if isinstance(node, ast.Call) else None
            if isinstance(name, ast.Name) and name.id in {"eval", "exec", "__import__"}:
                found.append(f"{path.relative_to(ROOT)}:{name.lineno}")
    assert not found
