"""Feed both parsers what nobody would write, and watch time and memory.

    python benchmarks/fuzz_parsers.py [--surface yaml|dsl] [--engine all] [--seconds 60]

Every input must give a spec or a SpecError, within ten seconds and 500 MB. The engine `seeds` reads
large and deep texts once, `hypothesis` mixes pieces of the language, `atheris` follows coverage
(`pip install atheris`); each of the latter two runs for `--seconds`. Exit code 0: nothing found.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

LIMIT_S = 10
LIMIT_MB = 500
EXAMPLES = sorted((Path(__file__).parents[1] / "examples").glob("*/task.*"))
SUFFIX = {"yaml": ".yaml", "dsl": ".aml"}
PIECES = [
    *"{}[]()<>:;,-*&!|>%@`\"'#?~= \n\t\0\r\x01\x85\u2028\u202e\ufeffé",
    *(": ", "- ", "---\n", "null", "1e999", ".nan", "9" * 60, "**9**9**9", '"a"*10**10'),
    *("choice(", "int(", " when ", " and ", "5MB", "&a ", "*a", "<<: ", "!!python/name:x ", " => "),
    *("space {", "model {", "block b(", "forbid ", "lr ~ ", "extends ", "profiles {", " as "),
]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--surface", choices=sorted(SUFFIX), default="dsl")
    engines = ("all", "seeds", "hypothesis", "atheris")
    parser.add_argument("--engine", choices=engines, default="all")
    parser.add_argument("--seconds", type=int, default=60)
    args = parser.parse_args()
    if args.engine == "all":
        own = [sys.executable, __file__, "--surface", args.surface, "--seconds", str(args.seconds)]
        return max([subprocess.call([*own, "--engine", name]) for name in engines[1:]], key=abs)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # `extends` finds nothing here
        return {"seeds": seeds, "hypothesis": mixed, "atheris": guided}[args.engine](
            args.surface, args.seconds
        )


def check(text: str, surface: str) -> None:
    """Load a text, print what is wrong, format it; anything but a SpecError is a find."""
    from automlc.spec.diagnostics import render
    from automlc.spec.errors import SpecError
    from automlc.spec.formatting import formatted
    from automlc.spec.load import load_text

    name = f"task{SUFFIX[surface]}"
    try:
        load_text(text, name)
    except SpecError as error:
        for form in ("full", "json"):
            shown = render(error.diagnostics, format=form, sources=error.sources, color=False)
            shown.encode("utf-8")
    with contextlib.suppress(SpecError):
        formatted(text, name)
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if used > LIMIT_MB:
        raise MemoryError(f"{used} MB")


def timed(text: str, surface: str) -> float:
    """The seconds that an input takes; a find is printed with its input."""

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TimeoutError(f"more than {LIMIT_S} s")

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LIMIT_S)  # of its own time: a busy machine is no hang
    start = time.process_time()
    try:
        check(text, surface)
    except BaseException:
        print(f"FOUND with {len(text)} characters: {text[:2000]!r}", file=sys.stderr)
        raise
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return time.process_time() - start


def hard() -> Iterator[tuple[str, str]]:
    """Names and texts that have broken parsers of other languages; each for both surfaces."""
    bomb = "a0: &a0 [x, x]\n" + "".join(
        f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(20)
    )
    yield "alias bomb", bomb
    for name, piece in (("line", "seed 1\n"), ("word", "x"), ("comment", "# x\n"), ("end", ";")):
        yield f"10 MB of {name}", piece * (10_000_000 // len(piece))
    for piece in ("[", "{", "(", "a {", "a: [", "- ", "a:\n ", "((", "not ", "-", '"', "'"):
        yield f"200,000 of {piece!r}", piece * 200_000
        yield f"900,000 of {piece!r} in one value", "automlc: 1\nname " + piece * 900_000
    yield "huge number", "seed " + "9" * 900_000
    yield "huge number of yaml", "seed: " + "9" * 900_000
    yield "huge exponent", "seed: 1e" + "9" * 900_000
    yield "control characters", "".join(map(chr, range(32))) * 1000
    yield "keys", "\n".join(f"k{n}: {n}" for n in range(60_000))
    yield "statements", "\n".join(f"k{n} {n}" for n in range(60_000))
    yield "the same key", "seed 1\n" * 60_000
    yield "closing", "}" * 500_000
    yield "parameters", "space {\n" + "\n".join(f"p{n} ~ int(1, 3)" for n in range(20_000)) + "\n}"


def seeds(surface: str, _seconds: int) -> int:
    slowest = max((timed(text, surface), name) for name, text in hard())
    print(f"{surface}, seeds: nothing found; slowest {slowest[0]:.1f} s ({slowest[1]}); {memory()}")
    return 0


def corpus(surface: str) -> list[str]:
    """The examples in a surface."""
    from automlc.spec.formatting import formatted

    texts = [(p.read_text(encoding="utf-8"), p.name) for p in EXAMPLES]
    return [formatted(text, name, "yaml" if surface == "yaml" else "dsl") for text, name in texts]


def mixed(surface: str, seconds: int) -> int:
    from hypothesis import HealthCheck, Phase, given, settings
    from hypothesis import strategies as st

    known, end = corpus(surface), time.monotonic() + seconds
    count, slowest = 0, 0.0

    @settings(
        max_examples=2000, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )  # fmt: skip
    @given(st.sampled_from(known), st.randoms(use_true_random=True), st.text(max_size=80))
    def one(text: str, rng: random.Random, noise: str) -> None:
        nonlocal count, slowest
        if time.monotonic() > end:
            return
        count, slowest = count + 1, max(slowest, timed(mutated(text, noise, rng), surface))

    while time.monotonic() < end:
        one()
    print(
        f"{surface}, hypothesis: {count} inputs, nothing found; slowest {slowest:.2f} s; {memory()}"
    )
    return 0


def mutated(text: str, noise: str, rng: random.Random) -> str:
    for _ in range(rng.randrange(7)):
        at = rng.randrange(len(text) + 1)
        match rng.randrange(5):
            case 0:
                text = text[:at] + rng.choice(PIECES) * rng.choice((1, 1, 3, 200)) + text[at:]
            case 1:
                text = text[:at] + text[at + rng.randrange(1, 9) :]
            case 2:
                start = rng.randrange(len(text) + 1)
                text = text[:at] + text[start : start + rng.randrange(60)] + text[at:]
            case 3:
                text = text[:at] + noise + text[at:]
            case _:
                lines = text.split("\n")
                rng.shuffle(lines)
                text = "\n".join(lines)
    return text


def guided(surface: str, seconds: int) -> int:
    try:
        import atheris
    except ImportError:
        print("atheris is not installed: pip install atheris", file=sys.stderr)
        return 2
    with atheris.instrument_imports(include=["automlc", "yaml"]):
        check("", surface)
    for number, text in enumerate(corpus(surface)):
        Path(f"{number}.txt").write_text(text, encoding="utf-8")

    def one(data: bytes) -> None:
        check(data.decode("utf-8", "replace"), surface)

    limits = [f"-max_total_time={seconds}", f"-timeout={LIMIT_S}", f"-rss_limit_mb={LIMIT_MB}"]
    atheris.Setup([sys.argv[0], *limits, "-max_len=8000", "-print_final_stats=1", "."], one)
    atheris.Fuzz()  # ends the process
    return 0


def memory() -> str:
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024} MB at most"


if __name__ == "__main__":
    raise SystemExit(main())
