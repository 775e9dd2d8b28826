import base64
import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import html5lib
import pytest
from made_run import make_run

from automlc.runtime.report import build, build_report, write_report
from automlc.runtime.report.build import collect, policy, script_json
from automlc.runtime.view import RunView

HOSTILE = "</script><img src=x onerror=alert(1)>\"'`{{7*7}}<!--\u2028\x1b[2J\u202e&lt;%{x}"
BENIGN = "benign"


@pytest.fixture(autouse=True, scope="module")
def plotly() -> Iterator[str]:
    """The real plotly.js is left out: html5lib needs half a minute for its 5 MB."""
    with pytest.MonkeyPatch.context() as patch:
        real = build._plotly()
        patch.setattr(build, "_plotly", lambda: "/* plotly */")
        yield real


def page_of(folder: Path) -> str:
    with RunView.open(folder) as view:
        return build_report(view)


def parsed(text: str) -> Any:
    return html5lib.parse(text, treebuilder="etree", namespaceHTMLElements=False)


def shape(element: Any) -> Any:
    """The element tree with its attribute names, without any text or value."""
    if not isinstance(element.tag, str):
        return "comment"
    return element.tag, sorted(element.attrib), [shape(child) for child in element]


def elements(tree: Any) -> Iterator[Any]:
    return (e for e in tree.iter() if isinstance(e.tag, str))


@pytest.fixture(scope="module")
def benign(plotly: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("benign") / "digits-1"
    return page_of(make_run(folder, name=lambda text: text + BENIGN, steered=True))


@pytest.fixture(scope="module")
def hostile(plotly: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("hostile") / "digits-1"
    return page_of(make_run(folder, name=lambda text: text + HOSTILE, steered=True))


def test_hostile_names_leave_the_element_tree_as_benign_ones_do(benign: str, hostile: str) -> None:
    assert shape(parsed(benign)) == shape(parsed(hostile))


def test_hostile_names_bring_no_handler_and_no_address(hostile: str) -> None:
    for element in elements(parsed(hostile)):
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            if name in ("src", "href", "action", "data", "srcset", "xlink:href"):
                assert value.startswith("#"), f"{element.tag} {name}={value}"
    assert "<img" not in hostile.split("<script", maxsplit=1)[0]
    assert "{{" in hostile  # printed as text, never run as a template
    assert "49" not in re.findall(r"<h1>(.*?)<span", hostile)[0]


def test_hostile_names_survive_as_data(hostile: str) -> None:
    data = json.loads(_data_of(hostile))
    axes = [axis["name"] for axis in data["parallel"]["axes"]]
    assert "lr" + HOSTILE in axes


def _data_of(text: str) -> str:
    (found,) = re.findall(r'<script type="application/json" id="report-data">(.*?)</script>', text)
    return str(found)


def test_only_our_scripts_may_run_and_nothing_may_be_fetched(benign: str) -> None:
    tree = parsed(benign)
    (meta,) = [e for e in elements(tree) if e.attrib.get("http-equiv")]
    content = meta.attrib["content"]
    assert content.startswith("default-src 'none'; script-src 'sha256-")
    scripts = [e for e in elements(tree) if e.tag == "script" and "type" not in e.attrib]
    assert len(scripts) == 2
    for script in scripts:
        digest = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in content
    assert "unsafe-inline" not in content.split("style-src")[0]
    assert "unsafe-eval" not in content
    assert "http" not in content


def test_the_policy_names_the_hash_of_each_script() -> None:
    assert "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='" in policy("")


def test_plotly_cannot_end_its_element(plotly: str) -> None:
    assert plotly.startswith("/**\n* plotly.js")
    assert "</script" not in plotly.lower()
    assert "<!--" not in plotly


def test_data_cannot_end_its_element() -> None:
    text = str(script_json({"a": "</script><!--&\u2028\u2029"}))
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {"a": "</script><!--&\u2028\u2029"}


def test_each_chart_has_a_title_and_a_sentence(benign: str) -> None:
    tree = parsed(benign)
    ids = {e.attrib["id"] for e in elements(tree) if "id" in e.attrib}
    charts = [e for e in elements(tree) if e.attrib.get("role") == "img"]
    assert len(charts) == 8
    for chart in charts:
        assert chart.attrib["aria-labelledby"] in ids
        assert chart.attrib["aria-describedby"] in ids
    for table in (e for e in elements(tree) if e.tag == "table"):
        assert table.find("caption") is not None
    levels = [int(e.tag[1]) for e in elements(tree) if re.fullmatch(r"h[1-6]", e.tag)]
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_page_states_test_interval_comparisons_and_failures(benign: str) -> None:
    text = "".join(parsed(benign).find("body").itertext())
    assert "0.953 to 0.987, 360 rows" not in text  # the metric is not called accuracy here
    assert "were compared on the validation data" in text
    assert "1 \u00d7 nan" in text
    assert f"FloatingPointError: loss{BENIGN}" in text


def test_accuracy_gets_a_wilson_interval_where_the_rows_are_known(run: Path) -> None:
    assert "95% interval 0.953 to 0.987, 360 rows" in page_of(run)
    database = sqlite3.connect(run / "study.db")
    test = '{"metrics": {"accuracy": 0.975}}'
    database.execute("UPDATE meta SET value = ? WHERE key = 'test'", (test,))
    database.commit()
    database.close()
    assert "the number of rows is unknown" in page_of(run)
    (run / "project").mkdir()
    (run / "project" / "contract.json").write_text('{"rows": {"test": 360}}')
    assert "0.953 to 0.987" in page_of(run)


def test_a_failed_test_says_so(run: Path) -> None:
    database = sqlite3.connect(run / "study.db")
    database.execute("""UPDATE meta SET value = '{"error": "lost"}' WHERE key = 'test'""")
    database.commit()
    database.close()
    text = "".join(parsed(page_of(run)).find("body").itertext())
    assert "failed lost" in text


@pytest.mark.parametrize("trials", [0, 1, 3])
def test_a_young_study_gives_a_page_that_says_what_is_missing(tmp_path: Path, trials: int) -> None:
    folder = make_run(tmp_path / "young-1", trials=trials, state="running", with_feedback=False)
    text = "".join(parsed(page_of(folder)).find("body").itertext())
    assert f"needs 10 finished trials; there are {max(0, trials - 1)} so far" in text
    assert "interrupted" in text


def test_importance_ranks_the_learning_rate_first_and_states_its_method(run: Path) -> None:
    with RunView.open(run) as view:
        found = view.importance()
    assert found.names[0] == "lr"
    assert sum(found.shares) == pytest.approx(1)
    assert "random forest" in found.note
    assert "batch" not in found.names  # it never varied


def test_minimized_metrics_turn_the_order_around(run: Path) -> None:
    plan = json.loads((run / "plan.json").read_text())
    plan["task"] |= {"goal": "minimize", "target": None}
    (run / "plan.json").write_text(json.dumps(plan))
    with RunView.open(run) as view:
        content, best = collect(view), view.best()
        values = [t.value for t in view.trials() if t.state in ("complete", "stopped")]
    assert best is not None
    assert best.value == min(v for v in values if v is not None)
    assert content["charts"]["progress"]["best"]["value"][-1] == best.value
    assert content["charts"]["parallel"]["lines"][-1]["step"] == 6


def test_ten_thousand_trials_make_a_page_of_bounded_size(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "big-1", trials=10_000, epochs=2, with_feedback=False)
    text = page_of(folder)
    assert len(text) < 4_000_000
    charts = json.loads(_data_of(text))
    assert charts["curves"]["shown"] == 300
    assert "300 learning curves of 10,000 trials" in charts["curves"]["says"]
    assert len(charts["parallel"]["lines"]) == 300
    assert len(charts["progress"]["points"]["value"]) <= 2000
    assert "1,000 of 10,000 trials" in text


def test_the_file_is_written_whole_and_replaces_a_link(run: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.html"
    other.write_text("mine")
    target = run / "report.html"
    target.symlink_to(other)
    with RunView.open(run) as view:
        write_report(view, target)
    assert other.read_text() == "mine"
    assert target.read_text().startswith("<!doctype html>")
    assert [p.name for p in run.glob(".report-*")] == []
