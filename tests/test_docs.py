"""The documents say what is: commands, targets, links, keys, names and examples are checked."""

import ast
import doctest
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from automlc.cli.main import VERBS, cli

ROOT = Path(__file__).resolve().parents[1]
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in [
        *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")),
        *sorted((ROOT / "docs").glob("*.md")),
        *sorted((ROOT / "examples").glob("*/README.md")),
        *sorted((ROOT / "benchmarks").glob("README.md")),
    ]
    if path.exists()
}
EVERYTHING = "\n".join(PAGES.values())
COMMAND = re.compile(r"^(?: {4}|\$ )?(?:`)?automlc ([a-z]+)\b([^\n`]*)", re.MULTILINE)
PUBLIC = (
    "automlc",
    "automlc.backends",
    "automlc.cli",
    "automlc.compiler",
    "automlc.grammar",
    "automlc.runtime",
    "automlc.spec",
)


def blocks(page: str, language: str) -> Iterator[str]:
    yield from re.findall(rf"^```{language}\n(.*?)^```", PAGES[page], re.DOTALL | re.MULTILINE)


def modules() -> list[str]:
    found = []
    for top in PUBLIC[1:]:
        package = importlib.import_module(top)
        found.append(top)
        walk = pkgutil.walk_packages(package.__path__, f"{top}.")
        found += [m.name for m in walk if not m.name.endswith("__main__")]
    return [*found, "automlc.api"]


# --- commands ---------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_a_verb_with_those_options(page: str) -> None:
    wrong = []
    for verb, rest in re.findall(r"\bautomlc ([a-z]+)\b([^\n`;)]*)", code_of(PAGES[page])):
        if verb not in VERBS:
            wrong.append(f"automlc {verb}")
            continue
        text = CliRunner().invoke(cli, [verb, "--help"]).output
        options = re.findall(r"(?<![\w-])--?[a-z][a-z-]*", rest.split("#")[0])
        wrong += [f"automlc {verb} {option}" for option in options if option not in text]
    assert not wrong


def code_of(page: str) -> str:
    """The parts of a page that are commands: indented lines and text between backquotes."""
    outside = re.sub(r"^```.*?^```", "", page, flags=re.DOTALL | re.MULTILINE)
    indented = [line for line in outside.splitlines() if line.startswith("    ")]
    quoted = re.findall(r"`([^`\n]+)`", outside)
    return "\n".join([*indented, *quoted])


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_in_the_readme(verb: str) -> None:
    assert f"`automlc {verb}`" in PAGES["README.md"]


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_a_verb_has_help(verb: str) -> None:
    command = cli.get_command(None, verb)  # type: ignore[arg-type]  # a context is not needed
    assert command is not None
    assert command.help
    silent = [p.name for p in command.params if isinstance(p, click.Option) and not p.help]
    assert not silent


@pytest.mark.parametrize("page", PAGES)
def test_every_make_target_of_a_page_exists(page: str) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", code_of(PAGES[page])))
    assert not named - targets


def test_every_target_of_the_makefile_has_its_line_of_help() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    helped = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    assert set(phony[1].split()) == helped


# --- links and names --------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    folder = (ROOT / page).parent
    links = re.findall(r"\]\(([^)#\s]+)\)", PAGES[page])
    assert not [x for x in links if "://" not in x and not (folder / x).exists()]


def test_every_link_between_the_pages_of_codes_leads_somewhere() -> None:
    folder = ROOT / "docs" / "errors"
    wrong = []
    for page in sorted(folder.glob("*.md")):
        links = re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8"))
        inside = [link for link in links if "://" not in link]
        wrong += [f"{page.name}: {link}" for link in inside if not (folder / link).exists()]
    assert not wrong


@pytest.mark.parametrize("page", PAGES)
def test_every_source_file_that_is_named_exists(page: str) -> None:
    pattern = r"`((?:spec|compiler|backends|runtime|grammar|automlc|tests|examples)/[\w./-]+)`"
    named = [n for n in re.findall(pattern, PAGES[page]) if "tests/bad/specs/x" not in n]
    assert not [name for name in named if not (ROOT / name).exists()]


def test_every_document_is_in_the_index() -> None:
    names = {Path(page).name for page in PAGES if page.startswith("docs/")} - {"index.md"}
    assert not [name for name in names if f"({name})" not in PAGES["docs/index.md"]]


def test_every_dependency_is_justified() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(r for e in project["optional-dependencies"].values() for r in e),
    ]
    names = {re.split(r"[<>=\[]", r)[0] for r in wanted} - {"automlc"}
    text = PAGES["ARCHITECTURE.md"].split("## Dependencies")[1]
    assert not [name for name in sorted(names) if not re.search(rf"\b{re.escape(name)}\b", text)]


# --- the language -----------------------------------------------------------------------------


def schema_keys() -> set[str]:
    """Every key of the sections of a spec."""
    from automlc.spec.schema import json_schema

    schema = json_schema()
    found = set(schema["properties"])
    for name, section in schema.get("$defs", {}).items():
        if name[0].isupper() and name not in {"Expression", "Parameter"}:
            found |= set(section.get("properties", {}))
    return found


def test_every_key_of_the_language_is_described() -> None:
    page = PAGES["docs/language.md"]
    assert not [key for key in sorted(schema_keys()) if not re.search(rf"\b{key}\b", page)]


@pytest.mark.parametrize(
    ("module", "registry", "page"),
    [
        ("automlc.compiler.ops", "OPS", "docs/language.md"),
        ("automlc.runtime.metrics", "METRICS", "docs/language.md"),
        ("automlc.runtime.searchers", "SEARCHERS", "docs/runtime.md"),
        ("automlc.runtime.stopping", "POLICIES", "docs/runtime.md"),
    ],
)
def test_every_registered_name_is_described(module: str, registry: str, page: str) -> None:
    names = getattr(importlib.import_module(module), registry).names()
    assert names
    assert not [name for name in names if f"`{name}`" not in PAGES[page]]


@pytest.mark.parametrize(
    ("module", "registry"),
    [("automlc.runtime.searchers", "SEARCHERS"), ("automlc.runtime.stopping", "POLICIES")],
)
def test_every_option_of_a_strategy_or_policy_is_described(module: str, registry: str) -> None:
    things = getattr(importlib.import_module(module), registry)
    options = {
        f"`{option}`" for name in things.names() for option in things.get(name).Options.model_fields
    }
    assert not [option for option in sorted(options) if option not in PAGES["docs/runtime.md"]]


def test_every_preset_is_described() -> None:
    presets = list((ROOT / "compiler" / "presets").glob("*/*.yaml"))
    assert presets
    names = [f"{p.parent.name}/{p.stem}" for p in presets]
    assert not [name for name in names if f"`{name}`" not in PAGES["docs/language.md"]]


SPECS = [(page, i) for page in PAGES for i, _ in enumerate(blocks(page, "yaml"))]


@pytest.mark.parametrize(("page", "number"), SPECS)
def test_every_yaml_example_is_valid(page: str, number: int) -> None:
    """A fragment is completed by the sections that every spec needs."""
    from automlc.spec.load import load_text

    text = list(blocks(page, "yaml"))[number]
    if text.startswith("tasks:"):
        text = "space:\n" + "".join(f"  {x}\n" for x in text.splitlines()[1:])
    for key, lines in {
        "automlc": "automlc: 1\n",
        "task": "task: {kind: tabular_classification}\n",
        "data": "data: {source: 'builtin:digits'}\n",
    }.items():
        if not re.search(rf"^{key}:", text, re.MULTILINE):
            text = lines + text
    load_text(text, f"{page}-{number}.yaml")


def test_the_readme_example_is_short() -> None:
    (spec,) = blocks("README.md", "yaml")
    assert len(spec.splitlines()) <= 27


# --- examples in Python -----------------------------------------------------------------------


def test_the_examples_of_extending_make_a_working_plug_in(tmp_path: Path) -> None:
    from test_plugins import install, python

    code = {}
    for block in blocks("docs/extending.md", "python"):
        name = re.match(r"# my_package/(\w+)\.py\n", block)
        assert name, "each example begins with the name of its file"
        code[name[1]] = block
    install(tmp_path, code)
    out = python(
        tmp_path,
        "import random\n"
        "from automlc.runtime.searchers import SEARCHERS, Past, make_searcher\n"
        "from automlc.runtime.stopping import make_policy\n"
        "from automlc.runtime.metrics import METRICS\n"
        "from automlc.compiler.ops import OPS, Image\n"
        "from automlc.spec.domains import Choice, Float, Parameter, Space\n"
        "space = Space((Parameter('lr', Float(0.0, 1.0), 0.5, None, None),\n"
        "               Parameter('kind', Choice(('a', 'b')), 'a', None, None)), ())\n"
        "searcher = make_searcher('near_best', {'startup': 2}, space, 'maximize')\n"
        "past = []\n"
        "for n in range(1, 8):\n"
        "    proposal = searcher.ask(n, past, n)\n"
        "    assert not space.problems(proposal.config)\n"
        "    assert proposal == searcher.ask(n, past, n)\n"
        "    past.append(Past(n, proposal.config, 'complete', proposal.config['lr']))\n"
        "print(proposal.why['rule'])\n"
        "class History:\n"
        "    def best_by(self, epoch): return iter([(1, 0.9), (2, 0.1)])\n"
        "policy = make_policy('floor', {'value': 0.5}, 'maximize', 9)\n"
        "for trial, value in ((2, 0.1), (1, 0.9)):\n"
        "    print(policy.decide(trial, 3, value, History()).stop)\n"
        "print(METRICS.get('top_3_accuracy').goal)\n"
        "shape = OPS.get('upsample').shape(Image(3, 8, 8), {'factor': 2})\n"
        "print(shape.channels, shape.height)\n",
    )
    assert out.split("\n") == ["near best", "True", "False", "maximize", "3 16"]


@pytest.mark.parametrize("name", modules())
def test_docstring_examples_run(name: str, request: pytest.FixtureRequest) -> None:
    """An example may ask for a folder of its own: getfixture("tmp_path"), as pytest has it."""
    module = importlib.import_module(name)
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    given = {"getfixture": request.getfixturevalue}
    assert doctest.testmod(module, optionflags=flags, extraglobs=given).failed == 0


@pytest.mark.parametrize("name", modules())
def test_every_module_and_public_class_says_what_it_is(name: str) -> None:
    file = importlib.import_module(name).__file__
    assert file
    tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), f"{name} has no docstring"
    silent = [
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not silent
