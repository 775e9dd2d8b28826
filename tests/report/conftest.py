from pathlib import Path

import pytest
from made_run import make_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run of 26 trials."""
    return make_run(tmp_path / "runs" / "digits-1")
