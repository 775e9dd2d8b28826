"""Several specs from one: what holds, where it was said, and what is refused."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest

from automlc.spec import extends
from automlc.spec.errors import SpecError
from automlc.spec.extends import MAX_DEPTH, MAX_FILES
from automlc.spec.load import LoadedSpec, Variant, load, load_text
from automlc.spec.yaml_nodes import MAX_BYTES

HEAD = "automlc: 1\ntask: {kind: tabular_regression}\ndata: {source: builtin:diabetes}\n"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The project root is the spec's folder unless the current folder lies above the spec.
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")


def write(root: Path, **files: str) -> Path:
    """Files of a project, `__` in a name for a folder; the path of task.yaml."""
    for name, text in files.items():
        path = root / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root / "task.yaml"


def codes(path: Path, variant: Variant | None = None) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load(path, variant or Variant())
    return [d.code for d in caught.value.diagnostics]


# --- what holds -------------------------------------------------------------------------------

LAYERS = ("base", "file", "profile", "set")


@pytest.mark.parametrize(
    "speaking", [s for n in range(5) for s in itertools.combinations(LAYERS, n)]
)
def test_the_highest_layer_that_says_something_holds(
    tmp_path: Path, speaking: tuple[str, ...]
) -> None:
    seeds = {name: number for number, name in enumerate(LAYERS, 1)}
    line = {name: f"seed: {seeds[name]}" if name in speaking else "" for name in LAYERS}
    path = write(
        tmp_path,
        base=f"{HEAD}{line['base']}\n",
        task=f"extends: base.yaml\n{line['file']}\nprofiles: {{p: {{{line['profile']}}}}}\n",
    )
    overrides = (f"seed={seeds['set']}",) if "set" in speaking else ()
    loaded = load(path, Variant("p", overrides))
    assert loaded.spec.seed == max((seeds[name] for name in speaking), default=0)
    origin = {
        "base": "base.yaml:4",
        "file": "task.yaml:2",
        "profile": "profile p (task.yaml:3)",
        "set": "--set seed=4",
    }
    assert loaded.origin("seed") == (origin[speaking[-1]] if speaking else "default")
    assert loaded.layers is not None
    told = loaded.layers.history(("seed",))
    assert [place for place, _ in told] == [origin[name] for name in speaking]


def test_without_a_profile_the_spec_itself_holds(tmp_path: Path) -> None:
    path = write(tmp_path, task=f"{HEAD}seed: 3\nprofiles: {{p: {{seed: 4}}}}\n")
    assert load(path).spec.seed == 3
    assert load(path, Variant("p")).spec.seed == 4


def test_later_bases_and_later_overrides_win(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        a=f"{HEAD}seed: 1\nbudget: {{trials: 1}}\n",
        b="seed: 2\n",
        task="extends: [a.yaml, b.yaml]\n",
    )
    assert load(path).spec.seed == 2
    assert load(path).spec.budget.trials == 1
    assert load(path, Variant(None, ("seed=5", "seed=6"))).spec.seed == 6


def test_a_base_of_two_bases_is_no_circle(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        task="extends: [left.yaml, right.yaml]\n",
        left="extends: base.yaml\nseed: 1\n",
        right="extends: base.yaml\nbudget: {trials: 3}\n",
        base=f"{HEAD}budget: {{trials: 2}}\n",
    )
    loaded = load(path)
    assert loaded.spec.budget.trials == 3
    assert [file.path.name for file in loaded.files] == [
        "task.yaml",
        "base.yaml",
        "left.yaml",
        "right.yaml",
    ]


def test_profiles_of_a_base_merge_with_those_of_the_file(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        base=f"{HEAD}profiles: {{p: {{seed: 1, budget: {{trials: 2}}}}, q: {{seed: 9}}}}\n",
        task="extends: base.yaml\nseed: 5\nprofiles: {p: {seed: null, budget: {epochs: 3}}}\n",
    )
    spec = load(path, Variant("p")).spec
    assert (spec.seed, spec.budget.trials, spec.budget.epochs) == (0, 2, 3)
    assert load(path, Variant("q")).spec.seed == 9


def test_null_takes_away_what_was_said_below(tmp_path: Path) -> None:
    base = f"{HEAD}budget: {{trials: 7, wall: 2h}}\nsearch: {{strategy: random}}\n"
    path = write(tmp_path, base=base, task="extends: base.yaml\nbudget: {wall: null}\n")
    loaded = load(path, Variant(None, ("search=null",)))
    assert loaded.spec.budget.wall is None
    assert loaded.spec.budget.trials == 7
    assert loaded.spec.search.strategy == "tpe"
    assert loaded.origin("budget.wall") == "default"
    assert loaded.layers is not None
    (_, first), (place, last) = loaded.layers.history(("budget", "wall"))
    assert first is not None
    assert (place, last) == ("task.yaml", None)


def test_in_a_single_file_null_is_what_it_was(tmp_path: Path) -> None:
    path = write(tmp_path, task=f"{HEAD}budget: {{trials: null}}\nprofiles: {{p: {{seed: 3}}}}\n")
    assert codes(path) == ["E203"]


@pytest.mark.parametrize(
    ("argument", "key", "value"),
    [
        ("seed=0x10", "seed", 16),
        ("budget.wall=10min", "budget.wall", 600.0),
        ("data.classes=[cat, 3]", "data.classes", ("cat", 3)),
        ("data={classes: [a], split: {seed: 4}}", "data.split.seed", 4),
        ('data.columns."a.b"=number', "data.columns", {"a.b": "number"}),
        ("data.columns.'a b'=number", "data.columns", {"a b": "number"}),
        ("task.metric=r2", "task.metric", "r2"),
        ('task.metric="r2"', "task.metric", "r2"),
        ("task.metric=", "task.metric", None),
        ("search=gp", "search.strategy", "gp"),
        ("search.startup=3", "search.options", {"startup": 3}),
        ("space.parameters.lr.default=0.5", "space.parameters", None),
    ],
)
def test_an_override_is_read_like_yaml(
    tmp_path: Path, argument: str, key: str, value: object
) -> None:
    text = f"{HEAD}space:\n  parameters:\n    lr: {{float: [0, 1]}}\n"
    found: object = load(write(tmp_path, task=text), Variant(None, (argument,))).spec
    for part in key.split("."):
        found = getattr(found, part)
    if isinstance(found, dict) and key == "space.parameters":
        found, value = found["lr"].default, 0.5
    assert found == value


def test_an_item_of_a_list_is_set_by_its_index(tmp_path: Path) -> None:
    path = write(
        tmp_path, task=f"{HEAD}constraints:\n  - model.size <= 5MB\n  - model.params <= 1M\n"
    )
    loaded = load(path, Variant(None, ("constraints[1]=model.params <= 2M",)))
    assert [loaded.origin(("constraints", i)) for i in (0, 1)] == [
        "task.yaml:5",
        "--set constraints[1]=model.params <= 2M",
    ]
    assert len(loaded.spec.constraints) == 2


def test_expressions_in_overrides_know_their_columns() -> None:
    loaded = load_text(HEAD, "t.yaml", Variant(None, ("space.forbid=[lr > 1]",)))
    span = loaded.spec.space.forbid[0].span
    assert span is not None
    assert (span.file, span.column) == ("<--set 1>", len("space.forbid=[") + 1)


def test_paths_of_a_base_are_seen_from_the_base(tmp_path: Path) -> None:
    base = (
        "data: {source: rows.csv, contract: ../contract.json}\n"
        "rules: {use: rules.json}\n"
        "search: {strategy: feedback, start: ../runs/a/7}\n"
        "space: {embeddings: {glove: v/glove.txt}, backbones: [resnet@w.pt, ./own, catalog]}\n"
    )
    path = write(
        tmp_path,
        common__base=base,
        task="automlc: 1\ntask: {kind: text_classification}\nextends: common/base.yaml\n",
    )
    spec = load(path).spec
    assert spec.data.source == "common/rows.csv"
    assert spec.data.contract == "contract.json"
    assert spec.rules.use == "common/rules.json"
    assert spec.search.options == {"start": "runs/a/7"}
    assert spec.space.embeddings == {"glove": "common/v/glove.txt"}
    assert spec.space.backbones == ("resnet@common/w.pt", "common/own", "catalog")
    assert load(path).origin("data.source") == "common/base.yaml:1"


def test_words_of_a_base_are_no_paths(tmp_path: Path) -> None:
    base = f"{HEAD}rules: builtin/dream\nsearch: {{strategy: feedback, start: default}}\n"
    path = write(tmp_path, common__base=base, task="extends: common/base.yaml\n")
    spec = load(path).spec
    assert spec.data.source == "builtin:diabetes"
    assert spec.rules.use == "builtin/dream"
    assert spec.search.options == {"start": "default"}


def test_yaml_bases_are_named_by_their_suffix(tmp_path: Path) -> None:
    write(tmp_path, base=HEAD, task="extends: base.yml\n")
    (tmp_path / "base.yaml").rename(tmp_path / "base.yml")
    assert load(tmp_path / "task.yaml").spec.task.kind == "tabular_regression"


# --- what is one spec of several ---------------------------------------------------------------


def project(root: Path) -> Path:
    return write(
        root,
        base=f"{HEAD}seed: 1  # a seed\n",
        task="extends: base.yaml\nbudget: {trials: 4}\nprofiles: {p: {seed: 2}, q: {seed: 3}}\n",
    )


def same(left: LoadedSpec, right: LoadedSpec) -> bool:
    return left.resolved_text() == right.resolved_text()


def test_the_resolved_text_is_the_spec(tmp_path: Path) -> None:
    loaded = load(project(tmp_path), Variant("p", ("budget.epochs=3",)))
    again = load_text(loaded.resolved_text(), "task.yaml")
    assert again.layers is None
    assert again.spec == loaded.spec


def test_the_resolved_text_tells_variants_apart(tmp_path: Path) -> None:
    path = project(tmp_path)
    plain = load(path)
    assert same(plain, load(path))
    assert not same(plain, load(path, Variant("p")))
    assert not same(load(path, Variant("p")), load(path, Variant("q")))
    assert not same(plain, load(path, Variant(None, ("seed=2",))))
    assert same(load(path, Variant("p")), load(path, Variant(None, ("seed=2",))))


def test_the_resolved_text_sees_a_change_of_a_base_but_not_of_its_comments(tmp_path: Path) -> None:
    path = project(tmp_path)
    before = load(path)
    (tmp_path / "base.yaml").write_text(f"# moved\n{HEAD}seed: 1\n")
    assert same(load(path), before)
    (tmp_path / "base.yaml").write_text(f"{HEAD}seed: 7\n")
    assert not same(load(path), before)


def test_a_spec_of_one_file_is_its_own_text(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, task=f"# mine\n{HEAD}"))
    assert loaded.resolved_text() == loaded.source.text
    assert loaded.files == (loaded.source,)
    assert loaded.layers is None


def test_a_spec_of_one_file_does_not_load_what_merges(tmp_path: Path) -> None:
    path = write(tmp_path, task=HEAD)
    modules = ["layers", "extends", "overrides", "merge", "rebase", "resolved", "yaml_text"]
    code = (
        "import sys\nfrom automlc.cli.validate import check_file\nfrom pathlib import Path\n"
        f"assert check_file(Path({str(path)!r}))[0] == []\n"
        f"print([m for m in {modules!r} if f'automlc.spec.{{m}}' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# --- what is refused --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [
        "../outside.yaml",
        "/etc/passwd",
        "a/../../outside.yaml",
        "..",
        "/",
        "~/x.yaml/../../../outside.yaml",
        "C:/x.yaml",
        "\\\\host\\share\\x.yaml",
        "//host/x.yaml",
        "task.json",
        ".",
        "x" * 5000 + ".yaml",
        'a"\\0".yaml',
    ],
)
def test_a_base_outside_the_project_is_never_opened(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "project"
    (tmp_path / "outside.yaml").parent.mkdir(exist_ok=True)
    (tmp_path / "outside.yaml").write_text(f"{HEAD}seed: 1\n")
    path = write(root, task="")
    path.write_text(f"{HEAD}extends: '{name}'\n")
    opened: list[str] = []
    real = Path.open

    def watched(self: Path, *args: object, **kwargs: object) -> object:
        opened.append(str(self))
        return real(self, *args, **kwargs)  # type: ignore[call-overload]  # as it was called

    monkeypatch.setattr(Path, "open", watched)
    found = codes(path)
    assert found in (["E210"], ["E211"])
    assert found == ["E210"] or len(name) > 1000 or '"' in name
    assert opened == [str(path)]


def test_a_link_that_leads_outside_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "project"
    path = write(root, task=f"{HEAD}extends: link.yaml\n")
    (tmp_path / "outside.yaml").write_text("seed: 1\n")
    (root / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    assert codes(path) == ["E210"]


def test_a_folder_that_is_a_link_to_outside_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "project"
    path = write(root, task=f"{HEAD}extends: linked/base.yaml\n")
    write(tmp_path / "beside", base="seed: 1\n")
    (root / "linked").symlink_to(tmp_path / "beside")
    assert codes(path) == ["E210"]


def test_a_link_inside_the_project_is_followed_and_counts_as_its_target(tmp_path: Path) -> None:
    path = write(tmp_path, task=f"{HEAD}extends: link.yaml\n", base="extends: task.yaml\n")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "base.yaml")
    assert codes(path) == ["E212"]


def test_links_that_lead_to_one_another_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, task=f"{HEAD}extends: a.yaml\n")
    (tmp_path / "a.yaml").symlink_to(tmp_path / "b.yaml")
    (tmp_path / "b.yaml").symlink_to(tmp_path / "a.yaml")
    assert codes(path) in (["E210"], ["E211"])


def test_what_is_no_file_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    path = write(tmp_path, task=f"{HEAD}extends: [folder.yaml, pipe.yaml]\n")
    (tmp_path / "folder.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    assert codes(path) == ["E211", "E211"]


def test_the_project_is_the_current_folder_where_the_spec_lies_below_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path, tasks__task="extends: ../base.yaml\n", base=HEAD).parent
    path = path / "tasks" / "task.yaml"
    assert codes(path) == ["E210"]
    monkeypatch.chdir(tmp_path)
    assert load("tasks/task.yaml").origin("automlc") == "../base.yaml:1"
    assert [file.path.name for file in load("tasks/task.yaml").files] == ["task.yaml", "base.yaml"]


def test_a_data_root_is_no_place_for_bases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "project", task=f"{HEAD}extends: ../base.yaml\n")
    write(tmp_path, base="seed: 1\n")
    monkeypatch.setenv("AUTOMLC_DATA_ROOT", str(tmp_path))
    assert codes(path) == ["E210"]


def test_depth_is_bounded(tmp_path: Path) -> None:
    links = {f"b{n}": f"extends: b{n + 1}.yaml\n" for n in range(MAX_DEPTH + 2)}
    links[f"b{MAX_DEPTH - 1}"] = "seed: 3\n"
    path = write(tmp_path, task=f"extends: b0.yaml\n{HEAD}", **links)
    assert load(path).spec.seed == 3
    write(tmp_path, **{f"b{MAX_DEPTH - 1}": f"extends: b{MAX_DEPTH}.yaml\n"})
    assert codes(path) == ["E213"]


def test_files_that_fan_out_are_bounded(tmp_path: Path) -> None:
    """Each file extends the next twice: 2 to the 8th readings of the last one."""
    links = {f"b{n}": f"extends: [b{n + 1}.yaml, b{n + 1}.yaml]\n" for n in range(7)}
    path = write(tmp_path, task=f"extends: b0.yaml\n{HEAD}", b7="seed: 3\n", **links)
    found = codes(path)
    assert set(found) == {"E213"}
    assert len(found) < 2 * MAX_FILES


def test_bytes_of_all_files_are_bounded_together(tmp_path: Path) -> None:
    part = "#" * (MAX_BYTES // 2) + "\nseed: 1\n"
    path = write(tmp_path, task=f"extends: [a.yaml, b.yaml]\n{HEAD}", a=part, b=part)
    assert codes(path) == ["E213"]
    write(tmp_path, b="seed: 2\n")
    assert load(path).spec.seed == 2


def test_values_of_all_files_are_bounded_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extends, "MAX_EVENTS", 400)
    part = "data: {classes: [" + "1, " * 150 + "1]}\n"
    names = ("a", "b", "c")
    text = f"extends: [{', '.join(f'{n}.yaml' for n in names)}]\n{HEAD}"
    path = write(tmp_path, task=text, **dict.fromkeys(names, part))
    assert codes(path) == ["E213"]


def test_a_hostile_override_is_a_diagnostic() -> None:
    for text in ("a" * 10_000, "[" * 5000, "seed=" + "[" * 5000, "a.\x1b[2J=3", "=", "", "a=\x00"):
        with pytest.raises(SpecError) as caught:
            load_text(HEAD, "t.yaml", Variant(None, (text,)))
        assert "\x1b" not in caught.value.rendered()
