"""Runs commands of automlc in a child process and reports what they touched of the frameworks.

    python tests/security/frameworks.py < jobs.json > results.jsonl

jobs.json is a list of {"label", "folder", "arguments" or "code"}; one result line for each job:
{"label", "exit", "touched", "imported", "stdout", "stderr"}. `touched` are the files and folders
that were opened or listed inside a framework's packages or its metadata, `imported` what stands in
sys.modules at the end. Asking whether a file exists (what `importlib.util.find_spec` does) raises
no audit event.

Every job has a process of its own, because a second import of a module touches nothing.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

NAMES = (
    "jax",
    "jaxlib",
    "keras",
    "libtpu",
    "ray",
    "safetensors",
    "tensorboard",
    "tensorflow",
    "tf_keras",
    "tf_nightly",
    "torch",
    "torchgen",
    "torchvision",
)
FRAMEWORKS = {"jax", "jaxlib", "keras", "ray", "tensorflow", "torch"}


def is_theirs(path: str) -> bool:
    """Whether a path lies in a package of a framework, or in its metadata."""
    for folder in sys.path:
        root = os.path.realpath(folder) + os.sep
        if folder and path.startswith(root):
            # torch-2.13.0.dist-info, tensorflow_cpu-2.21.0.dist-info, torch.libs, keras.py
            top = path[len(root) :].split(os.sep)[0].lower()
            return any(top == n or top.startswith((f"{n}-", f"{n}_", f"{n}.")) for n in NAMES)
    return False


class Gate:
    def __init__(self) -> None:
        self.touched: list[str] = []

    def hook(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event in ("open", "os.listdir", "os.scandir", "ctypes.dlopen"):
            path = arguments[0]
            if isinstance(path, str | bytes | os.PathLike):
                real = os.path.realpath(os.fsdecode(path))
                if is_theirs(real):
                    self.touched.append(f"{event} {real}")
        elif event == "import" and arguments[0].split(".")[0] in FRAMEWORKS:
            self.touched.append(f"import {arguments[0]}")


def run(job: dict[str, Any]) -> dict[str, Any]:
    """One command, in a fork of this process, which has imported nothing of automlc."""
    import contextlib
    import io

    gate = Gate()
    out, err = io.StringIO(), io.StringIO()
    sys.dont_write_bytecode = True
    os.chdir(job["folder"])
    sys.addaudithook(gate.hook)
    code: object = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            if "code" in job:
                exec(job["code"], {})
            else:
                from automlc.cli.main import main

                sys.argv = ["automlc", *job["arguments"]]
                os._exit = sys.exit  # which `validate` ends by
                main()
        except SystemExit as end:
            code = end.code or 0
    return {
        "label": job["label"],
        "exit": code,
        "touched": list(gate.touched),
        "imported": sorted(FRAMEWORKS & {name.split(".")[0] for name in sys.modules}),
        "stdout": out.getvalue(),
        "stderr": err.getvalue(),
    }


def serve() -> None:
    leave = os._exit
    for job in json.load(sys.stdin):
        reader, writer = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(reader)
            code = 1
            try:
                text = json.dumps(run(job))
                with os.fdopen(writer, "w", encoding="utf-8") as stream:
                    stream.write(text)
                code = 0
            finally:
                leave(code)
        os.close(writer)
        text = Path(f"/dev/fd/{reader}").read_text(encoding="utf-8")
        os.close(reader)
        _, status = os.waitpid(pid, 0)
        assert status == 0, f"the process of {job['label']} died"
        print(text, flush=True)


if __name__ == "__main__":
    serve()
