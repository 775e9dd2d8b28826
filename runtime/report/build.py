"""Puts a run into one HTML file that opens without a network and trusts none of its data.

Every foreign text is escaped by the template; the charts' data is JSON in a script element that
never runs; the page's policy lets only our own three scripts run, by their hashes, and lets
nothing be fetched.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from automlc.runtime.report import charts, page
from automlc.runtime.report.importance import estimate
from automlc.runtime.report.training import training
from automlc.runtime.wording import plain
from automlc.spec.errors import AutomlcError

if TYPE_CHECKING:
    from markupsafe import Markup

    from automlc.runtime.view import RunView

_ESCAPES = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}


def write_report(view: RunView, path: Path) -> Path:
    """Write the report to `path`, whole or not at all.

    Raises:
        AutomlcError: plotly is not installed, or the file cannot be written.
    """
    text = build_report(view)
    try:
        handle, partial = tempfile.mkstemp(prefix=".report-", suffix=".html", dir=path.parent)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(partial, 0o644)
        os.replace(partial, path)  # a link at `path` is replaced, never followed
    except OSError as error:
        raise AutomlcError(f"{path} cannot be written: {error.strerror}", "use -o FILE") from error
    return path


def build_report(view: RunView) -> str:
    """The report of a run as one HTML text."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        loader=PackageLoader("automlc.runtime", "report"),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    with view.snapshot():
        content = collect(view)
    return environment.get_template("report.html.jinja").render(content | _inlined())


def collect(view: RunView) -> dict[str, Any]:
    """Everything about the run that the template prints."""
    summary, trials, best = view.summary(), view.trials(), view.best()
    importance = estimate(view)
    drawn = {
        "progress": charts.progress(view, trials),
        "curves": charts.curves(view, trials, best),
        "parallel": charts.parallel(view, trials, importance, best),
        "importance": charts.importances(importance),
        "costs": charts.costs(view, trials),
        "layers": charts.layers(view, best),
    }
    return {
        "header": page.header(view, summary, best),
        "caution": page.caution(view, summary, len(charts.ranked(view, trials))),
        "charts": drawn,
        "importance_note": importance.note,
        "data": script_json(drawn),
        "trials": page.trial_rows(view, trials, best),
        "failures": page.failures(view, trials),
        "best": page.best_model(view, best),
        "training": training(view, trials, best),
        "plan": page.plan_tables(view),
        "provenance": page.provenance(view),
        "metric": plain(view.metric),
    }


def _inlined() -> dict[str, Any]:
    script, plotly = _own("report.js"), _plotly()
    return {
        "css": _trusted(_own("report.css")),
        "plotly": _trusted(plotly),
        "script": _trusted(script),
        "policy": policy(plotly, script),
    }


def policy(*scripts: str) -> str:
    """The page's content security policy: these scripts and nothing else.

    Styles are open because plotly writes a style element and style attributes while it draws,
    whose text differs between its versions. With every source of images, fonts and connections
    closed, a style has nowhere to send anything.
    """
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def script_json(value: Mapping[str, Any]) -> Markup:
    """JSON for a `<script type="application/json">`: no character in it can end the element."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for character, escape in _ESCAPES.items():
        text = text.replace(character, escape)
    return _trusted(text)


def _trusted(text: str) -> Markup:
    """Text that goes into the page as it is: our own files, plotly, and escaped JSON. No more."""
    from markupsafe import Markup

    return Markup(text)  # noqa: S704 - never called with text from a run


def _own(name: str) -> str:
    return resources.files("automlc.runtime.report").joinpath(name).read_text("utf-8")


def _plotly() -> str:
    """plotly.js from the installed package, safe inside a script element."""
    try:
        folder = resources.files("plotly")
    except ModuleNotFoundError as error:
        raise AutomlcError(
            "the report draws with plotly, which is not installed",
            "pip install 'automlc[run]'",
        ) from error
    text = folder.joinpath("package_data", "plotly.min.js").read_text("utf-8")
    # HTML would end or comment the script at these; in JavaScript strings both mean the same.
    return text.replace("</script", "<\\/script").replace("<!--", "<\\!--").replace("\r\n", "\n")
