"""Makes run directories for the tests: the store's schema, filled with a believable search."""

import json
import math
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

DDL = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE events(seq INTEGER PRIMARY KEY, time REAL, kind TEXT, trial INTEGER,
    attempt INTEGER, payload TEXT);
CREATE TABLE trials(number INTEGER PRIMARY KEY, state TEXT, config TEXT, seed INTEGER,
    attempt INTEGER, epochs INTEGER, value REAL, best_epoch INTEGER, reason TEXT, failure TEXT,
    feasible INTEGER, costs TEXT, why TEXT, started REAL, ended REAL, checkpoint TEXT,
    weights TEXT);
CREATE TABLE epochs(trial INTEGER, epoch INTEGER, value REAL, seconds REAL, learning_rate REAL,
    metrics TEXT, PRIMARY KEY(trial, epoch)) WITHOUT ROWID;
CREATE TABLE feedback(trial INTEGER, epoch INTEGER, payload TEXT,
    PRIMARY KEY(trial, epoch)) WITHOUT ROWID;
"""
START = 1_790_000_000.0
LAYERS = ("stem.conv", "blocks.0.conv", "blocks.1.conv", "blocks.2.conv", "head.hidden", "head.out")
Name = Callable[[str], str]


def plan(name: Name, trials: int, epochs: int) -> dict[str, Any]:
    return {
        "schema": "automlc.plan/1",
        "name": name("digits"),
        "task": {
            "kind": "image_classification",
            "metric": name("accuracy"),
            "goal": "maximize",
            "target": 0.99,
        },
        "space": {
            "parameters": [
                _parameter(name("lr"), {"kind": "float", "low": 1e-4, "high": 0.1, "log": True}),
                _parameter(name("width"), {"kind": "int", "low": 16, "high": 128, "log": True}),
                _parameter(name("depth"), {"kind": "int", "low": 1, "high": 5, "log": False}),
                _parameter(
                    name("optimizer"),
                    {"kind": "choice", "values": [name("sgd"), name("adam"), name("adamw")]},
                ),
                _parameter(
                    name("momentum"),
                    {"kind": "float", "low": 0.0, "high": 0.99, "log": False},
                    when=name('optimizer == "sgd"'),
                ),
                _parameter(name("dropout"), {"kind": "float", "low": 0.0, "high": 0.5}),
                _parameter(name("batch"), {"kind": "fixed", "value": 64}),
            ],
            "forbidden": [name("depth > 4 and width > 96")],
        },
        "constraints": [
            {
                "text": name("model.size <= 250kB"),
                "metric": "model.size",
                "op": "<=",
                "bound": 250_000,
                "stage": "static",
            }
        ],
        "costs": {"code": [], "outputs": {}},
        "search": {"strategy": name("tpe"), "options": {name("startup"): 8}},
        "stopping": {"policy": name("median"), "options": {"grace": 3}},
        "budget": {
            "trials": trials,
            "epochs": epochs,
            "wall": 600,
            "epoch_wall": 60,
            "memory": None,
        },
        "backend": {
            "kind": name("pytorch"),
            "device": "cpu",
            "precision": "float32",
            "threads": 1,
        },
        "data": {"source": name("builtin:digits"), "fingerprint": name("sha256:" + "1f" * 32)},
        "seed": 7,
    }


def _parameter(name: str, domain: dict[str, Any], when: str | None = None) -> dict[str, Any]:
    return {"name": name, "domain": domain, "default": None, "when": when}


def make_run(
    folder: Path,
    *,
    trials: int = 26,
    epochs: int = 12,
    name: Name = lambda text: text,
    state: str = "finished",
    with_feedback: bool = True,
    steered: bool = False,
) -> Path:
    """A run directory as the runtime leaves it; `name` rewrites every foreign text.

    `steered`: by a searcher that takes actions, with a probe in its feedback.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = plan(name, trials, epochs)
    if steered:
        written["search"] = {"strategy": "feedback", "options": {}}
        written["rules"] = {"table": {"name": name("builtin/t")}, "written": [], "digest": ""}
    (folder / "plan.json").write_text(json.dumps(written))
    (folder / "lock").write_text("1234\n")
    database = sqlite3.connect(folder / "study.db")
    database.execute("PRAGMA journal_mode = WAL")
    database.executescript(DDL)
    _Writer(database, folder, name, epochs, with_feedback, steered).study(trials, state)
    database.commit()
    database.close()
    return folder


class _Writer:
    def __init__(
        self,
        database: sqlite3.Connection,
        folder: Path,
        name: Name,
        epochs: int,
        feedback: bool,
        steered: bool,
    ):
        self.database, self.folder, self.name = database, folder, name
        self.epochs, self.with_feedback, self.steered = epochs, feedback, steered
        self.top: tuple[float, int] = (-1.0, 0)  # value and number of the best trial so far
        self.clock, self.rng, self.best = START, random.Random(3), -1.0

    def study(self, trials: int, state: str) -> None:
        self.event("study_started")
        for number in range(trials):
            self.trial(number, running=state == "running" and number == trials - 1)
        self.meta(state)

    def meta(self, state: str) -> None:
        versions = {
            self.name("automlc"): "0.1.0",
            self.name("python"): self.name("3.11.7"),
            self.name("torch"): self.name("2.13.0"),
        }
        found: dict[str, Any] = {
            "schema_version": 1,
            "run_id": self.folder.name,
            "state": state,
            "seed": 7,
            "plan_sha256": "ab" * 32,
            "data_path": self.name("builtin:digits"),
            "started": START,
            "versions": json.dumps(versions),
        }
        if state == "finished":
            self.event("test_done", payload={"metrics": {self.name("accuracy"): 0.975}})
            self.event("study_ended", payload={"reason": "budget"})
            found["reason"] = self.name("budget: all trials are done")
            found["ended"] = self.clock
            found["test"] = json.dumps(
                {"metrics": {self.name("accuracy"): 0.975, "loss": 0.11}, "samples": 360}
            )
        rows = [(key, str(value)) for key, value in found.items()]
        self.database.executemany("INSERT INTO meta VALUES (?, ?)", rows)

    def event(self, kind: str, trial: int | None = None, payload: Any = None) -> None:
        self.clock += 0.01
        self.database.execute(
            "INSERT INTO events(time, kind, trial, attempt, payload) VALUES (?, ?, ?, ?, ?)",
            (self.clock, kind, trial, 1, json.dumps(payload or {})),
        )

    def config(self) -> dict[str, Any]:
        rng, name = self.rng, self.name
        chosen: dict[str, Any] = {
            "lr": 10 ** rng.uniform(-4, -1),
            "width": round(16 * 8 ** rng.random()),
            "depth": rng.randint(1, 5),
            "optimizer": rng.choice(["sgd", "adam", "adamw"]),
        }
        if chosen["optimizer"] == "sgd":
            chosen["momentum"] = round(rng.uniform(0, 0.99), 3)
        chosen |= {"dropout": round(rng.uniform(0, 0.5), 3), "batch": 64}
        chosen["optimizer"] = name(chosen["optimizer"])
        return {name(key): value for key, value in chosen.items()}

    def trial(self, number: int, *, running: bool) -> None:
        config, name = self.config(), self.name
        lr, width, depth = config[name("lr")], config[name("width")], config[name("depth")]
        reach = 0.985 - 0.09 * abs(math.log10(lr) + 2.4) ** 1.4 - 0.25 / width - 0.01 / depth
        fate = _fate(number, reach, running)
        started = self.clock
        self.event("trial_started", number, {"config": config})
        if self.steered and number % 2:
            self.event("weights_lent", number, {"parent": self.top[1], "sha256": "ab" * 32})
        done = self.steps(number, reach, fate, lr)
        values = [value for _, value in done if value is not None]
        best = max(values, default=None)
        params = 64 * width + depth * width * width + 10 * width
        text = self.name
        reason, failure = {
            "complete": ("all epochs done", None),
            "stopped": ("median: below the median of 9 trials at this epoch", None),
            "failed": (("the loss is not finite", "nan") if number % 2 else ("memory", "oom")),
            "running": (None, None),
        }[fate]
        row = (
            number,
            fate,
            json.dumps(config),
            1000 + number,
            1,
            len(done),
            best,
            None if best is None else 1 + [v for _, v in done].index(best),
            text(reason) if reason else None,
            text(failure) if failure else None,
            int(params * 4 <= 250_000),
            json.dumps(
                {"model.params": params, "model.size": params * 4, "model.macs": params * 9}
            ),
            json.dumps(self.why(number, fate)),
            started,
            None if running else self.clock,
            None,
            None,
        )
        self.database.execute(f"INSERT INTO trials VALUES ({', '.join('?' * 17)})", row)
        self.folder_of(number, config, fate)
        if best is not None and fate in ("complete", "stopped"):
            self.top = max(self.top, (best, number))
        if not running:
            self.event("trial_ended", number, {"state": fate})

    def steps(
        self, number: int, reach: float, fate: str, lr: float
    ) -> list[tuple[int, float | None]]:
        until = {"complete": self.epochs, "stopped": 4, "failed": 2, "running": 3}[fate]
        done: list[tuple[int, float | None]] = []
        for epoch in range(1, until + 1):
            self.clock += 0.35
            value: float | None = reach - 0.5 * math.exp(-epoch / 2.2) + self.rng.gauss(0, 0.004)
            if fate == "failed" and epoch == until:
                value = None
            self.report(number, epoch, value, lr)
            done.append((epoch, value))
        return done

    def report(self, number: int, epoch: int, value: float | None, lr: float) -> None:
        loss = None if value is None else 2.3 * (1.02 - value)
        metrics = {"loss": loss, "validation_loss": loss and loss * 1.1, self.name("recall"): value}
        self.database.execute(
            "INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?)",
            (number, epoch, value, 0.35, lr, json.dumps(metrics)),
        )
        self.event("epoch", number, {"epoch": epoch})
        if self.with_feedback:
            layers = [self.layer(depth, epoch) for depth in range(len(LAYERS))]
            payload: dict[str, Any] = {"layers": layers, "gradient_norm": 1.0 / epoch}
            if self.steered:
                payload |= {"probe": probe(number, epoch), "weights_nonfinite": 0}
            self.database.execute(
                "INSERT INTO feedback VALUES (?, ?, ?)", (number, epoch, json.dumps(payload))
            )

    def layer(self, depth: int, epoch: int) -> dict[str, Any]:
        noise = math.exp(self.rng.gauss(0, 0.08))
        return {
            "name": self.name(LAYERS[depth] + ".weight"),
            "gradient_norm": noise * (0.2 + depth * 0.3) / (1 + epoch * 0.6),
            "gradient_mean": 0.0,
            "gradient_std": 0.01 * noise,
            "gradient_zeros": 0.02 * depth,
            "weight_norm": 3 + depth * 0.8 + 0.15 * epoch**0.5 * noise,
            "weight_mean": 0.0,
            "weight_std": 0.1,
            "nonfinite": 0,
        }

    def action(self, number: int) -> dict[str, Any]:
        """The why-record of a searcher that takes actions (docs/runtime.md)."""
        text = self.name
        if number == 0:
            return {"rule": "start"}
        actions = ["lr = lr / 10", 'optimizer = "adam"', "width = width * 2"]
        written = {"found": "written", "line": text("task.yaml:31")}
        return {
            "rule": "action",
            "parent": self.top[1],
            "action": text(actions[number % 3]),
            "condition": {
                "architecture": text("other"),
                "convergence": "slow",
                "gradient": "dying",
                "weights": "normal",
            },
            "evidence": {"largest_gain": 0.002, "gradient_ratio": 0.81, "zero_share": 0.9},
            "score": 0.125,
            "alternatives": [
                {"action": text("depth = depth - 1"), "score": 0.1, "found": "exact"},
                {"action": text("depth = depth + 1"), "found": "none", "parent": 0},
            ],
            "skipped": [{"action": text("dropout = 0.5"), "why": text("it was tried")}] * 7,
            "variant": text("adaptive"),
            "posterior": {"mean": 0.02, "deviation": 0.01, "n": 3, "draw": 0.025},
            "warm_start": {"trial": self.top[1]},
        } | (written if number % 2 else {"found": "exact"})

    def why(self, number: int, fate: str) -> dict[str, Any]:
        text = self.name
        model = {text("kind"): text("below/above ratio"), "score": 1.37, "parent": number // 2}
        startup = {text("kind"): text("startup"), "drawn": text("at random")}
        record: dict[str, Any] = {
            "searcher": text("tpe"),
            "proposal": model if number >= 8 else startup,
            "refused": [],
        }
        if self.steered:
            record |= {"searcher": "feedback", "proposal": self.action(number)}
        if number % 5 == 2:
            record["refused"] = [
                {"config": {text("width"): 128}, "reason": text("model.size 311 kB > 250 kB")}
            ]
        if fate == "stopped":
            evidence = {text("value"): 0.61, text("median"): 0.83, "trials": 9, "epoch": 4}
            record["stop"] = {
                "policy": text("median"),
                "reason": text("0.61 is below the median 0.83 of 9 trials at epoch 4"),
                "evidence": evidence,
            }
        return record

    def folder_of(self, number: int, config: dict[str, Any], fate: str) -> None:
        folder = self.folder / f"t{number:04d}"
        folder.mkdir(exist_ok=True)
        (folder / "config.json").write_text(json.dumps(config))
        lines = [f"epoch {n}" for n in range(30)]
        if fate == "failed":
            lines += ["Traceback (most recent call last):", self.name("FloatingPointError: loss")]
        (folder / "log.txt").write_text("\n".join(lines) + "\n")


def probe(number: int, epoch: int) -> dict[str, Any]:
    """What the probe found: every fourth trial dies, vanishes or explodes from epoch 2 on."""
    found = {"gradient_first": 0.5, "gradient_last": 1.0, "zero_units": 0.1, "zero_entries": 0.1}
    odd = [{}, {"zero_units": 0.9}, {"gradient_first": 1e-5}, {"gradient_first": 99.0}]
    found |= odd[number % 4] if epoch > 1 else {}
    return {"rows": 32, "loss": 1.0, "gradient_nonfinite": 0, "output_nonfinite": 0} | found


def _fate(number: int, reach: float, running: bool) -> str:
    if running:
        return "running"
    if number % 11 == 4:
        return "failed"
    return "stopped" if number > 7 and reach < 0.93 else "complete"
