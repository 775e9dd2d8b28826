"""The report as a browser shows it: every chart drawn, nothing fetched, no policy broken."""

import re
import shutil
import subprocess
from pathlib import Path

import html5lib
import pytest
from made_run import make_run

from automlc.runtime.report import write_report
from automlc.runtime.view import RunView

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason="needs Chromium: apt-get install -y chromium (since 2026-11-22)"
)
CHARTS = (
    "progress-order",
    "progress-time",
    "curves",
    "parallel",
    "importance",
    "costs",
    "layers-gradient",
    "layers-weight",
)
LINK = '<a href="https://example.org/x">y</a><b>z</b>'


# What Chromium asks for by itself, whatever the page is; no address resolves in this test.
BROWSERS_OWN = re.compile(r"https?://([a-z0-9-]+\.)*(google|googleapis|gstatic)\.com/")


def opened(page: Path, folder: Path) -> tuple[str, str, list[str]]:
    """The DOM after scripts ran, the browser's log, and the addresses that it asked for."""
    net_log = folder / "net.json"
    done = subprocess.run(
        [
            str(BROWSER),
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            f"--user-data-dir={folder / 'profile'}",
            "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--log-net-log={net_log}",
            "--enable-logging=stderr",
            "--v=0",
            "--virtual-time-budget=8000",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    asked = re.findall(r'"url":"([^"]+)"', net_log.read_text())
    return done.stdout, done.stderr, asked


def written(folder: Path, suffix: str = "") -> Path:
    run = make_run(folder / "runs" / "digits-1", name=lambda text: text + suffix, steered=True)
    with RunView.open(run) as view:
        return write_report(view, folder / "report.html")


@pytest.mark.parametrize("suffix", ["", LINK])
def test_every_chart_is_drawn_and_nothing_is_fetched(tmp_path: Path, suffix: str) -> None:
    dom, log, asked = opened(written(tmp_path, suffix), tmp_path)
    assert [url for url in asked if not BROWSERS_OWN.match(url)] == []
    assert "CONSOLE" not in log, [line for line in log.splitlines() if "CONSOLE" in line]
    body = re.sub(r"<script.*?</script>", "", dom, flags=re.DOTALL)
    tree = html5lib.parse(body, treebuilder="etree", namespaceHTMLElements=False)
    by_id = {e.attrib["id"]: e for e in tree.iter() if "id" in e.attrib}
    for name in CHARTS:
        drawn = [e for e in by_id[name].iter() if str(e.tag).endswith("path")]
        assert drawn, f"{name} drew nothing"
    anchors = [e for e in tree.iter() if str(e.tag).rsplit("}")[-1] == "a"]
    assert anchors
    assert all(e.attrib["href"].startswith("#") for e in anchors)
