"""`automlc ls`: every list of names, for people and for programs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from test_plugins import install

from automlc.cli.main import cli
from automlc.compiler.catalog.topics import TOPICS
from automlc.compiler.catalog.values import in_words
from automlc.spec.errors import AutomlcError


def ls(*args: str) -> str:
    done = CliRunner().invoke(cli, ["ls", *args], catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def listed(*args: str) -> Any:
    return json.loads(ls(*args, "--json"))


def test_without_a_topic_the_topics_are_listed() -> None:
    assert [line.split()[0] for line in ls().splitlines()] == list(TOPICS)
    assert [topic["name"] for topic in listed()["topics"]] == list(TOPICS)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_list_is_the_same_for_people_and_programs_and_every_name_says_what_it_is(
    topic: str,
) -> None:
    value = listed(topic)
    assert value["schema"] == "automlc.ls/1"
    names = [entry["name"] for entry in value["entries"]]
    lines = ls(topic).splitlines()
    assert len(lines) == len(names) > 0
    assert all(line.startswith(name) for line, name in zip(lines, names, strict=True))
    assert all(entry["summary"] for entry in value["entries"])
    assert all(len(line.split("  ")) > 1 for line in lines), "a name and its text"


@pytest.mark.parametrize("topic", TOPICS)
def test_every_name_of_a_list_can_be_asked_for(topic: str) -> None:
    for entry in TOPICS[topic].list():
        assert ls(topic, entry.name).startswith(entry.name)


@pytest.mark.parametrize(
    ("topic", "module", "registry"),
    [
        ("ops", "automlc.compiler.ops", "OPS"),
        ("searchers", "automlc.runtime.searchers", "SEARCHERS"),
        ("stopping", "automlc.runtime.stopping", "POLICIES"),
        ("metrics", "automlc.runtime.metrics", "METRICS"),
        ("backends", "automlc.runtime.backends", "BACKENDS"),
    ],
)
def test_a_list_has_every_name_of_its_registry(topic: str, module: str, registry: str) -> None:
    from importlib import import_module

    names = getattr(import_module(module), registry).names()
    assert {entry.name for entry in TOPICS[topic].list()} == set(names)


def test_an_operation_shows_its_arguments_with_bounds_and_defaults() -> None:
    (op,) = listed("ops", "conv2d")["entries"]
    arguments = {option["name"]: option for option in op["options"]}
    assert arguments["filters"]["default"] is None
    assert arguments["kernel"]["values"] == "odd whole number, 1 to 31"
    assert arguments["kernel"]["default"] == "3"
    assert "filters  whole number, 1 to 65,536  required" in ls("ops", "conv2d")


def test_a_preset_shows_the_groups_of_its_parameters() -> None:
    (preset,) = listed("presets", "image/blocks")["entries"]
    separable = next(o for o in preset["options"] if o["name"] == "separable")
    assert separable["only"] == 'expand: [layers], when block == "vanilla"'


def test_a_searcher_shows_its_options_with_defaults_and_meanings() -> None:
    (tpe,) = listed("searchers", "tpe")["entries"]
    options = {option["name"]: option for option in tpe["options"]}
    assert options["startup"]["default"] == "10"
    assert options["startup"]["values"] == "whole number, at least 0"


@pytest.mark.parametrize("topic", ["searchers", "stopping", "sections"])
def test_every_option_says_what_it_means(topic: str) -> None:
    silent = [
        f"{entry.name}.{option.name}"
        for entry in TOPICS[topic].list()
        for option in entry.options
        if not option.meaning
    ]
    assert not silent


def test_fractions_have_their_bounds_and_may_be_percentages() -> None:
    (monitor,) = listed("sections", "monitor")["entries"]
    slow = next(option for option in monitor["options"] if option["name"] == "slow")
    assert slow["values"] == "fraction, above 0, below 1, or a percentage"


@pytest.mark.parametrize(
    ("args", "hint"),
    [
        (("serchers",), "did you mean 'searchers'?"),
        (("ops", "conv2"), "did you mean 'conv2d'?"),
        (("zzzzzz",), "there are: sections, presets"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one(args: tuple[str, ...], hint: str) -> None:
    done = CliRunner().invoke(cli, ["ls", *args])
    assert isinstance(done.exception, AutomlcError)
    assert hint in (done.exception.hint or "")


def test_what_a_plug_in_brings_is_listed_with_its_package(tmp_path: Path) -> None:
    from test_plugins import POLICY

    install(tmp_path, {"stopping": POLICY})
    out = run(tmp_path, "ls", "stopping")
    assert "(from my-package)" in next(x for x in out.splitlines() if x.startswith("patient"))
    (entry,) = json.loads(run(tmp_path, "ls", "stopping", "patient", "--json"))["entries"]
    assert entry["package"] == "my-package"


def run(folder: Path, *args: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "automlc", *args],
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_lists_need_no_framework_and_no_searcher_package() -> None:
    code = (
        "import sys; from automlc.compiler.catalog.topics import TOPICS\n"
        "[topic.list() for topic in TOPICS.values()]\n"
        "print(sorted({'torch','tensorflow','keras','optuna','pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        (
            {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
            "whole number, at least 1",
        ),
        ({"type": "array", "items": {"type": "string"}}, "list of texts"),
        ({"type": ["string", "boolean"]}, "text or true or false"),
        ({"$ref": "#/$defs/Expression"}, "condition"),
        ({}, ""),
    ],
)
def test_schemas_in_words(schema: dict[str, Any], words: str) -> None:
    assert in_words(schema, {}) == words
