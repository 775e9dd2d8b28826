"""An allow-list for emitted code: what a generated project may import, call and touch.

`audit(source, filename)` walks the syntax tree and returns every finding. It is a gate for our
own emitter: text of a spec that became code, or a template that grew a dangerous call, is found
here even if the code looks right. It does not judge code that other people wrote.
"""

import ast
from collections.abc import Iterator
from typing import Final

STDLIB: Final = frozenset(
    """__future__ argparse bisect collections contextlib copy csv dataclasses datetime enum
    functools gc gzip hashlib io itertools json locale math numbers operator os pathlib platform
    random resource signal statistics string struct sys textwrap time types typing unittest warnings
    zipfile zlib""".split()
)
LIBRARIES: Final = frozenset("numpy torch pandas pyarrow PIL safetensors sklearn pytest".split())
# What single files may import besides. Only search.py talks to us; every other file must run where
# automlc is not installed. export.py asks with find_spec what is there, and may start itself again
# under another engine of Keras. All files of a Keras project take Keras from engine.py.
MORE: Final = {
    "texts.py": ("re", "unicodedata"),
    "search.py": ("automlc.runtime", "automlc.spec.errors"),
    "engine.py": ("keras", "tensorflow", "jax"),
    "export.py": (
        "importlib.util", "onnx", "onnxruntime", "subprocess", "tensorflow", "tf2onnx",
    ),
}  # fmt: skip

FORBIDDEN_NAMES: Final = frozenset(
    "__import__ breakpoint compile delattr eval exec execfile globals input locals vars".split()
)
FORBIDDEN_CALLS: Final = frozenset(
    """os.abort os.execl os.execle os.execlp os.execv os.execve os.execvp os.fork os.forkpty os.kill
    os.popen os.posix_spawn os.putenv os.spawnl os.spawnv os.startfile os.system os.chmod os.chown
    os.symlink os.link os.removedirs sys.settrace sys.setprofile
    torch.hub.load torch.jit.load torch.ops.load_library torch.classes.load_library torch.package
    torch.compiler.load_cache_artifacts pandas.read_pickle pd.read_pickle np.fromregex
    numpy.save np.save shutil.rmtree""".split()
)
FORBIDDEN_METHODS: Final = frozenset(
    "extract extractall read_pickle to_pickle loads_pickle".split()
)
ALLOWED_DUNDERS: Final = frozenset(
    "__init__ __name__ __file__ __len__ __call__ __post_init__".split()
)


def audit(source: str, filename: str, local: frozenset[str] = frozenset()) -> list[str]:
    """Every finding in one emitted file, as "file:line: what"; `local`: modules of the project."""
    return list(Auditor(filename, local).check(ast.parse(source, filename)))


class Auditor:
    def __init__(self, filename: str, local: frozenset[str]):
        self.filename, self.local = filename, local
        self.name = filename.rsplit("/", 1)[-1]

    def check(self, tree: ast.Module) -> Iterator[str]:
        for function, node in walk_with_function(tree):
            for finding in self.of_node(node, function):
                yield f"{self.filename}:{getattr(node, 'lineno', 0)}: {finding}"

    def of_node(self, node: ast.AST, function: ast.AST | None) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (f for a in node.names for f in self.of_import(a.name))
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                yield "relative import"
            else:
                yield from self.of_import(node.module or "")
                for alias in node.names:
                    if f"{node.module}.{alias.name}" in FORBIDDEN_CALLS:
                        yield f"imports {node.module}.{alias.name}"
        elif isinstance(node, ast.Name) and node.id in FORBIDDEN_NAMES:
            yield f"uses {node.id}"
        elif isinstance(node, ast.Attribute):
            yield from self.of_attribute(node)
        elif isinstance(node, ast.Call):
            yield from self.of_call(node, function)

    def of_import(self, module: str) -> Iterator[str]:
        top = module.split(".")[0]
        if top in STDLIB | LIBRARIES | self.local:
            return
        if module.startswith(MORE.get(self.name, ())):
            return
        yield f"imports {module}"

    def of_attribute(self, node: ast.Attribute) -> Iterator[str]:
        if node.attr.startswith("__") and node.attr not in ALLOWED_DUNDERS:
            yield f"reaches for {node.attr}"
        if dotted(node) in FORBIDDEN_CALLS:
            yield f"uses {dotted(node)}"
        if node.attr in FORBIDDEN_METHODS:
            yield f"calls .{node.attr}"

    def of_call(self, node: ast.Call, function: ast.AST | None) -> Iterator[str]:
        name = dotted(node.func)
        keywords = {k.arg: k.value for k in node.keywords}
        if name == "torch.load" and not is_constant(keywords.get("weights_only"), True):
            yield "torch.load without weights_only=True"
        if name in {"np.load", "numpy.load"} and not is_constant(
            keywords.get("allow_pickle"), False
        ):
            yield "np.load without allow_pickle=False"
        if name.startswith("subprocess.") and not runs_itself(name, node, keywords):
            yield f"{name} starts something else than this file"
        if name.endswith("load_model") and not is_constant(keywords.get("safe_mode"), True):
            yield "load_model without safe_mode=True"
        if name in {"setattr", "getattr"} and not isinstance(node.args[1], ast.Constant):
            yield f"{name} with a computed name"
        if (
            writes(name, node, keywords)
            and not renames_into_place(function)
            and not into_memory(node, function)
        ):
            yield f"{name} writes a file outside an atomic writer"


def runs_itself(name: str, node: ast.Call, keywords: dict[str | None, ast.expr]) -> bool:
    """Whether a process is this interpreter with this file again, and no shell."""
    command = node.args[0] if node.args else None
    return (
        name == "subprocess.run"
        and "shell" not in keywords
        and isinstance(command, ast.List)
        and [ast.unparse(part) for part in command.elts[:2]] == ["sys.executable", "*sys.argv"]
    )


def writes(name: str, node: ast.Call, keywords: dict[str | None, ast.expr]) -> bool:
    """Whether the call writes a file: an `open` not plainly for reading, or a known saver."""
    if name in {"open", "io.open", "os.fdopen", "gzip.open"} or name.endswith(".open"):
        if name in {"Image.open", "PIL.Image.open", "os.open"}:
            return False
        position = 0 if name not in {"open", "io.open", "os.fdopen", "gzip.open"} else 1
        mode = keywords.get("mode") or (
            node.args[position] if len(node.args) > position else ast.Constant("r")
        )
        if not (isinstance(mode, ast.Constant) and isinstance(mode.value, str)):
            return True
        return bool(set(mode.value) & set("wax+"))
    return name.split(".")[-1] in {
        "save_file", "savez", "savez_compressed", "to_csv", "to_parquet", "tofile", "write_bytes",
        "write_text",
    } or name in {"torch.save", "numpy.save", "np.save"}  # fmt: skip


def renames_into_place(function: ast.AST | None) -> bool:
    """Whether the function that writes also renames: a temporary file, then os.replace."""
    if function is None:
        return False
    return any(
        isinstance(n, ast.Call) and dotted(n.func).split(".")[-1] in {"replace", "rename"}
        for n in ast.walk(function)
    )


def into_memory(node: ast.Call, function: ast.AST | None) -> bool:
    """Whether the call saves into a name that the same function bound to io.BytesIO()."""
    if function is None or len(node.args) < 2 or not isinstance(node.args[1], ast.Name):
        return False
    bound = [n for n in ast.walk(function) if isinstance(n, ast.Assign)]
    return any(
        isinstance(n.value, ast.Call)
        and dotted(n.value.func) == "io.BytesIO"
        and any(isinstance(t, ast.Name) and t.id == node.args[1].id for t in n.targets)
        for n in bound
    )


def dotted(node: ast.expr) -> str:
    """`a.b.c` of a chain of names; "?" stands for anything else at its root."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return "?"


def is_constant(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value is value


def walk_with_function(
    node: ast.AST, function: ast.AST | None = None
) -> Iterator[tuple[ast.AST | None, ast.AST]]:
    """Every node with the innermost function around it."""
    yield function, node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        function = node
    for child in ast.iter_child_nodes(node):
        yield from walk_with_function(child, function)
