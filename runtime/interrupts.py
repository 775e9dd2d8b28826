"""Signals of a running study: the first asks it to stop after the epoch, the second at once."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any

# Schedulers send SIGKILL some time after SIGTERM (30 s is common): be done before that.
_GRACE_S = 10.0
_EXIT_BASE = 128


class Interrupts:
    """Counts SIGINT, SIGTERM and SIGHUP while the study runs (a context manager)."""

    def __init__(self) -> None:
        self.count = 0
        self._first: int | None = None
        self._force_at: float | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Interrupts:
        # Only the main thread may handle signals; elsewhere the caller is in charge of them.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.count += 1
        if self._first is None:
            self._first = number
        if number != signal.SIGINT and self._force_at is None:
            self._force_at = time.monotonic() + _GRACE_S

    @property
    def draining(self) -> bool:
        """Whether running trials should end after their present epoch."""
        return self.count > 0

    @property
    def forced(self) -> bool:
        """Whether running trials should be killed now."""
        late = self._force_at is not None and time.monotonic() > self._force_at
        return self.count > 1 or late

    @property
    def name(self) -> str:
        """The signal that came first, such as SIGINT."""
        return signal.Signals(self._first).name if self._first else ""

    @property
    def exit_code(self) -> int:
        """130 for an interrupt, 143 for SIGTERM, 129 for SIGHUP."""
        return _EXIT_BASE + (self._first or signal.SIGINT)
