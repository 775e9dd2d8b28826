"""Write a study as version 1 of the store's schema did: `make_schema1.py PATH`.

The file that is kept beside this script stands for the runs of an old release; tests open it with
today's code. The statements are frozen: they must not be changed when the schema changes.
"""

import json
import sqlite3
import sys

SCHEMA = """
CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT);
CREATE TABLE events(seq INTEGER PRIMARY KEY, time REAL, kind TEXT, trial INTEGER, attempt INTEGER,
    payload TEXT);
CREATE TABLE trials(number INTEGER PRIMARY KEY, state TEXT, config TEXT, seed INTEGER,
    attempt INTEGER, epochs INTEGER, value REAL, best_epoch INTEGER, reason TEXT, failure TEXT,
    feasible INTEGER, costs TEXT, why TEXT, started REAL, ended REAL, checkpoint TEXT,
    weights TEXT);
CREATE TABLE epochs(trial INTEGER, epoch INTEGER, value REAL, seconds REAL, learning_rate REAL,
    metrics TEXT, PRIMARY KEY(trial, epoch)) WITHOUT ROWID;
CREATE TABLE feedback(trial INTEGER, epoch INTEGER, payload TEXT, PRIMARY KEY(trial, epoch))
    WITHOUT ROWID;
"""


def text(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


class Writer:
    def __init__(self, path: str):
        self.db = sqlite3.connect(path)
        self.db.executescript(SCHEMA)
        self.time = 1_700_000_000.0

    def event(self, kind: str, trial: int | None, attempt: int | None, payload: object) -> None:
        self.time += 1
        self.db.execute(
            "INSERT INTO events(time, kind, trial, attempt, payload) VALUES (?, ?, ?, ?, ?)",
            (self.time, kind, trial, attempt, text(payload)),
        )

    def meta(self, **values: object) -> None:
        self.db.executemany(
            "INSERT INTO meta VALUES (?, ?)", [(key, text(value)) for key, value in values.items()]
        )

    def trial(self, number: int, values: list[float], ended: bool) -> None:
        config, why, costs = {"x": number / 10}, {"searcher": "random"}, {"model.size": 1}
        started = {"config": config, "seed": number, "why": why, "costs": costs}
        self.event("trial_started", number, 1, started)
        begun = self.time
        self.event("attempt_started", number, 1, {"cause": "new", "epoch": 0})
        for epoch, value in enumerate(values, start=1):
            payload = {
                "epoch": epoch,
                "value": value,
                "metrics": {},
                "learning_rate": 0.1,
                "seconds": 1.0,
                "samples": 10,
            }
            self.event("epoch", number, 1, payload)
            row = (number, epoch, value, 1.0, 0.1, text({}))
            self.db.execute("INSERT INTO epochs VALUES (?, ?, ?, ?, ?, ?)", row)
        state, reason, end = "running", "", None
        if ended:
            state, reason = "complete", "all epochs done"
            payload = {"state": state, "reason": reason, "failure": None, "stop": None}
            self.event("trial_ended", number, 1, payload)
            end = self.time
        best = max(values)
        row_of_trial = (
            number,
            state,
            text(config),
            number,
            1,
            len(values),
            best,
            values.index(best) + 1,
            reason,
            "",
            1,
            text(costs),
            text(why),
            begun,
            end,
            None,
            None,
        )
        marks = ", ".join("?" * len(row_of_trial))
        self.db.execute(f"INSERT INTO trials VALUES ({marks})", row_of_trial)


def main(path: str) -> None:
    writer = Writer(path)
    meta = {"run_id": "old-1", "seed": 0, "plan": "p"}
    writer.event("study_started", None, None, {"meta": meta})
    writer.meta(schema_version=1, **meta, state="running", reason="", started=writer.time)
    writer.trial(1, [0.5, 0.7, 0.6], ended=True)
    writer.trial(2, [0.4, 0.8, 0.9], ended=True)
    writer.trial(3, [0.3], ended=False)
    writer.db.commit()
    writer.db.close()


main(sys.argv[1])
