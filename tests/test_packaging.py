"""The wheel holds every module and data file, each module has one name, and imports stay cheap."""

import ast
import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = {
    "automlc": "automlc",
    "backends": "automlc/backends",
    "compiler": "automlc/compiler",
    "grammar": "automlc/grammar",
    "runtime": "automlc/runtime",
    "spec": "automlc/spec",
}
# Import names of what `validate` and `--help` must not pay for (see ARCHITECTURE.md, dependencies).
HEAVY = {
    "jax",
    "jinja2",
    "keras",
    "networkx",
    "numpy",
    "optuna",
    "pandas",
    "plotly",
    "pyarrow",
    "ray",
    "rich",
    "scipy",
    "sklearn",
    "sqlite3",
    "tensorflow",
    "torch",
}
FRAMEWORKS = {"jax", "keras", "ray", "tensorflow", "torch"}
DIGITS = ROOT / "examples" / "digits" / "task.yaml"


def shipped_files() -> set[str]:
    """Paths inside the wheel that the source folders ask for."""
    found = set()
    for folder, inside in FOLDERS.items():
        for path in (ROOT / folder).rglob("*"):
            relative = path.relative_to(ROOT / folder)
            if path.is_file() and "__pycache__" not in relative.parts:
                found.add(f"{inside}/{relative.as_posix()}")
    return {name for name in found if not name.endswith((".pyc", ".md"))}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """File names of a wheel built without the network from a copy of the sources.

    A copy, because setuptools leaves build/lib behind and would pack deleted files from it.
    """
    source = tmp_path_factory.mktemp("source")
    for folder in FOLDERS:
        shutil.copytree(ROOT / folder, source / folder, ignore=shutil.ignore_patterns("*.pyc"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    command += ["--no-index", "--quiet", "--wheel-dir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (file,) = out.glob("automlc-*.whl")
    return set(zipfile.ZipFile(file).namelist())


def test_wheel_holds_every_module_and_data_file(wheel: set[str]) -> None:
    missing = sorted(shipped_files() - wheel)
    assert not missing, (
        "not in the wheel; name the package in [tool.setuptools] packages or the data file in "
        f"package-data: {missing}"
    )


def test_wheel_holds_nothing_else(wheel: set[str]) -> None:
    extra = {name for name in wheel if ".dist-info/" not in name} - shipped_files()
    assert not extra


def test_package_list_equals_the_folders_with_an_init_file() -> None:
    expected = {
        Path(name).parent.as_posix().replace("/", ".")
        for name in shipped_files()
        if name.endswith("/__init__.py")
    }
    assert expected == set(CONFIG["tool"]["setuptools"]["packages"])


def test_every_folder_of_modules_is_a_package() -> None:
    folders = {Path(name).parent for name in shipped_files() if name.endswith(".py")}
    names = shipped_files()
    assert not [str(f) for f in sorted(folders) if f"{f.as_posix()}/__init__.py" not in names]


def test_package_data_stays_in_the_folders_that_may_hold_it() -> None:
    """Data lives in grammar, the presets, the templates, the schemas, the report and the rules."""
    allowed = (
        "automlc/grammar/",
        "automlc/compiler/presets/",
        "automlc/compiler/schemas/",
        "automlc/backends/",
        "automlc/runtime/report/",
        "automlc/runtime/rules/builtin/",
        "automlc/runtime/schemas/",
    )
    data = {n for n in shipped_files() if not n.endswith((".py", "py.typed"))}
    assert not [name for name in sorted(data) if not name.startswith(allowed)]


def test_every_top_package_is_typed(wheel: set[str]) -> None:
    assert {f"{inside}/py.typed" for inside in FOLDERS.values()} <= wheel


def test_no_module_is_imported_under_a_bare_name() -> None:
    """`import spec` from the checkout would make a second copy of every class."""
    code = (
        "import json, pkgutil, sys, automlc.spec, automlc.runtime, automlc.compiler\n"
        "import importlib, pathlib\n"
        "for top in ('spec', 'runtime', 'compiler', 'backends', 'grammar'):\n"
        "    package = importlib.import_module('automlc.' + top)\n"
        "    walk = pkgutil.walk_packages(package.__path__, package.__name__ + '.')\n"
        "    [importlib.import_module(m.name) for m in walk if not m.name.endswith('__main__')]\n"
        "print(json.dumps(sorted(sys.modules)))\n"
    )
    modules = set(json.loads(run_python(code)))
    assert not modules & {"spec", "runtime", "compiler", "backends", "grammar"}
    assert "automlc.spec" in modules
    assert not modules & FRAMEWORKS, "a module of ours imports a framework when it is imported"


def test_no_source_file_imports_relatively_or_by_a_bare_name() -> None:
    wrong = []
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom):
                    names = [node.module or "."] if node.level == 0 else ["."]
                elif isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                else:
                    continue
                bare = set(FOLDERS) - {"automlc"}
                if any(name == "." or name.split(".")[0] in bare for name in names):
                    wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert not wrong


def test_import_automlc_is_cheap() -> None:
    modules = modules_after("import automlc")
    assert not modules & (HEAVY | {"click", "email", "lark", "pydantic", "yaml"})


def test_help_imports_nothing_heavy() -> None:
    assert not modules_of_command("--help") & HEAVY


def test_validate_imports_nothing_heavy(tmp_path: Path) -> None:
    spec = tmp_path / "task.yaml"
    spec.write_text(
        "automlc: 1\n"
        "task: {kind: tabular_classification, metric: accuracy}\n"
        "data: {source: 'builtin:breast_cancer'}\n"
        "space: {preset: tabular/mlp, parameters: {lr: 'log_uniform(1e-4, 1e-1)'}}\n"
        "constraints: [model.size <= 5MB]\n"
        "search: tpe\n"
        "stopping: asha\n"
        "budget: {trials: 3, epochs: 2}\n"
        "backend: pytorch\n",
        encoding="utf-8",
    )
    modules = modules_of_command("validate", str(spec), cwd=tmp_path)
    assert not modules & HEAVY


@pytest.mark.parametrize(
    "verb", ["validate", "plan", "graph", "compile", "report", "status", "run"]
)
def test_help_of_a_verb_imports_no_framework(verb: str) -> None:
    assert not modules_of_command(verb, "--help") & FRAMEWORKS


@pytest.mark.parametrize("verb", ["plan", "graph", "compile"])
def test_compiling_imports_no_framework(verb: str, tmp_path: Path) -> None:
    folder = tmp_path / "digits"
    shutil.copytree(DIGITS.parent, folder)
    output = ["-o", str(tmp_path / "out")] if verb == "compile" else []
    modules = modules_of_command(verb, str(folder / "task.yaml"), *output, cwd=tmp_path)
    assert not modules & FRAMEWORKS


def test_core_dependencies_are_what_the_core_imports() -> None:
    """Nothing is declared that is not used, nothing is used that is not declared."""
    declared = {
        requirement.split(">")[0].strip().lower()
        for requirement in CONFIG["project"]["dependencies"]
    }
    # Two are the other half of a declared package and always come with it.
    distribution = {"yaml": "pyyaml", "markupsafe": "jinja2", "pydantic_core": "pydantic"}
    used = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    used |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    used.add(node.module.split(".")[0])
    third_party = {
        distribution.get(name, name).lower()
        for name in used
        if name not in sys.stdlib_module_names and name != "automlc"
    }
    extras = {"optuna", "pandas", "pil", "plotly", "pyarrow", "safetensors", "scipy", "sklearn"}
    extras |= {"keras", "onnx", "onnxruntime", "onnxscript", "tensorflow", "torch"}
    assert third_party <= declared | extras
    assert declared <= third_party


def run_python(code: str, cwd: Path = ROOT) -> str:
    """Standard output of a fresh interpreter that runs `code`."""
    # A stable hash seed and no user site: only what is installed in this environment counts.
    environment = {**os.environ, "PYTHONNOUSERSITE": "1"}
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def modules_after(code: str, cwd: Path = ROOT) -> set[str]:
    """Top-level names in sys.modules after `code`."""
    out = run_python(f"import json, sys\n{code}\nprint('\\n' + json.dumps(list(sys.modules)))", cwd)
    return {name.split(".")[0] for name in json.loads(out.splitlines()[-1])}


def modules_of_command(*arguments: str, cwd: Path = ROOT) -> set[str]:
    """Top-level modules that one call of the command line imports; the call must succeed."""
    code = (
        "import os\n"
        "from automlc.cli.main import main\n"
        "os._exit = sys.exit  # which `validate` ends by\n"
        f"sys.argv = ['automlc', *{list(arguments)!r}]\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    assert not end.code, end.code\n"
    )
    return modules_after(code, cwd)
