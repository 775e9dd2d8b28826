"""The same spec gives the same bytes, whatever the process, hash seed, locale, zone and place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image

from automlc.spec.record import record

EXAMPLES = Path(__file__).parents[1] / "examples"
COMMAND = "from automlc.cli.main import main; main()"


@record
class Surroundings:
    """What must not matter."""

    seed: str
    locale: str
    zone: str
    umask: int
    options: tuple[str, ...] = ()
    inside: bool = True  # the command runs in the spec's folder, with a relative path


ONE = Surroundings("1", "C", "UTC", 0o022)
OTHER = Surroundings("77", "C.UTF-8", "Asia/Tokyo", 0o077, ("-O",), inside=False)


def command(spec: Path, around: Surroundings, *verb: str, options: Sequence[str] = ()) -> bytes:
    """What the command prints in a fresh process."""
    env = {**os.environ, "PYTHONHASHSEED": around.seed}
    env |= {"LC_ALL": around.locale, "TZ": around.zone}
    path = spec.name if around.inside else str(spec)
    done = subprocess.run(
        [sys.executable, *around.options, "-c", COMMAND, *verb, path, *options],
        cwd=spec.parent if around.inside else "/",
        env=env,
        umask=around.umask,
        capture_output=True,
        check=True,
    )
    return done.stdout


def project(spec: Path, around: Surroundings) -> dict[str, bytes]:
    """The files that compiling writes; beside the spec, because code names data relative to it."""
    out = spec.parent / "out"
    command(spec, around, "compile", options=("-o", str(out)))
    return {path.name: path.read_bytes() for path in out.iterdir()}


def copy_of(example: str, folder: Path) -> Path:
    """An example of its own, so that nothing in the tree around it is found."""
    shutil.copytree(EXAMPLES / example, folder)
    return folder / "task.yaml"


@pytest.mark.parametrize(
    "example",
    [
        "digits",
        *(
            pytest.param(name, marks=pytest.mark.slow)
            for name in ("architecture", "cancer", "feedback", "keras", "text")
        ),
    ],
)
def test_a_project_is_the_same_bytes(example: str, tmp_path: Path) -> None:
    one = project(copy_of(example, tmp_path / "a"), ONE)
    other = project(copy_of(example, tmp_path / "b"), OTHER)
    assert sorted(one) == sorted(other)
    assert [name for name in one if one[name] != other[name]] == []


@pytest.mark.slow
@pytest.mark.parametrize("verb", [("plan",), ("plan", "--json"), ("graph", "--format", "json")])
def test_what_is_printed_is_the_same_bytes(verb: tuple[str, ...], tmp_path: Path) -> None:
    spec = copy_of("text", tmp_path / "a")
    assert command(spec, ONE, *verb) == command(spec, OTHER, *verb)


def images(folder: Path, names: Sequence[str]) -> Path:
    """A spec and its images, written in the order of `names`."""
    for name in names:
        path = folder / "pets" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (4, 4), sum(map(ord, name)) % 256).save(path)
    spec = folder / "task.yaml"
    spec.write_text("automlc: 1\ntask: {kind: image_classification}\ndata: {source: pets}\n")
    return spec


def test_the_order_in_which_images_were_written_does_not_matter(tmp_path: Path) -> None:
    names = [f"{kind}/{i}.png" for kind in ("cat", "dog", "owl") for i in range(12)]
    one = project(images(tmp_path / "a", names), ONE)
    other = project(images(tmp_path / "b", names[::-1]), OTHER)
    assert [name for name in one if one[name] != other[name]] == []
