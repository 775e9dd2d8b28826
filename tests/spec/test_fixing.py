"""What `validate --fix` may do to a file: put findings right, and nothing else."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from automlc.cli.fixing import check_text
from automlc.spec.aml_tokens import Tok, tokens
from automlc.spec.diagnostics import Diagnostic, Edit, Fix, Severity, Span
from automlc.spec.edits import Positions, apply, preview
from automlc.spec.fixing import Checked, fix_text
from automlc.spec.yaml_nodes import decode

FOLDER = Path(__file__).parent.parent / "bad" / "specs"
SPECS = sorted([*FOLDER.glob("*.yaml"), *FOLDER.glob("*.aml")])


def text_of(path: Path) -> str | None:
    text, refused = decode(path.read_bytes(), path.name)
    return None if refused else text


def what(d: Diagnostic) -> tuple[str, str, str]:
    return d.code, d.message, d.key


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_every_fix_removes_its_finding(path: Path) -> None:
    text = text_of(path)
    found = check_text(text, path.name).found if text is not None else ()
    for fixed in (d for d in found if d.fix):
        assert text is not None
        assert fixed.fix is not None
        after = check_text(apply(text, fixed.fix.edits), path.name)
        same = [d for d in after.found if what(d) == what(fixed)]
        was = [what(d) for d in found].count(what(fixed))
        moved_on = all(d.span and fixed.span and d.span.line > fixed.span.line for d in same)
        assert len(same) < was or moved_on


@pytest.mark.parametrize("path", SPECS, ids=lambda p: p.stem)
def test_a_file_is_never_worse_for_being_fixed(path: Path) -> None:
    text = text_of(path)
    if text is None:
        return
    before = check_text(text, path.name)

    def check(t: str) -> Checked:
        return check_text(t, path.name)

    for unsafe in (False, True):
        fixed = fix_text(text, path.name, check, unsafe=unsafe)
        after = check(fixed.text)
        assert after.found == fixed.remaining
        assert fix_text(fixed.text, path.name, check, unsafe=unsafe).text == fixed.text
        if not fixed.applied:
            assert fixed.text == text
        elif before.complete:
            assert not fresh_errors(before, after, fixed.applied)
            assert len(errors(after)) < len(errors(before)) or len(after.found) < len(before.found)
        else:
            assert before.found != after.found


@pytest.mark.parametrize("path", [p for p in SPECS if p.suffix == ".aml"], ids=lambda p: p.stem)
def test_safe_fixes_of_statements_lose_no_comment(path: Path) -> None:
    """A comment behind each line: the same is found and fixed, and all comments stay comments."""
    plain = text_of(path)
    if plain is None:
        return
    lines = plain.split("\n")
    marked = [f"{line}  # c{n}." if line.strip() else line for n, line in enumerate(lines)]

    def check(t: str) -> Checked:
        return check_text(t, path.name)

    fixed = fix_text("\n".join(marked), path.name, check)
    found: list[Tok] = []
    list(tokens(fixed.text, found))
    comments = " ".join(token.text for token in found)
    assert all(comments.count(f"# c{n}.") == 1 for n, line in enumerate(lines) if line.strip())
    assert len(fixed.applied) == len(fix_text(plain, path.name, check).applied)


@pytest.mark.parametrize("path", [p for p in SPECS if p.suffix == ".aml"], ids=lambda p: p.stem)
def test_safe_fixes_of_statements_touch_no_other_line(path: Path) -> None:
    """Statements that no fix is about stay byte for byte, in their order."""
    text = text_of(path)
    if text is None:
        return
    fixed = fix_text(text, path.name, lambda t: check_text(t, path.name))
    edits = [e for d in check_text(text, path.name).found if d.fix for e in d.fix.edits]
    touched = {n for e in edits for n in range(e.span.line, e.span.end_line + 1)}
    kept = [line for n, line in enumerate(text.split("\n"), 1) if n not in touched]
    rest = iter(fixed.text.split("\n"))
    assert all(any(line == other for other in rest) for line in kept)


def errors(checked: Checked) -> list[Diagnostic]:
    return [d for d in checked.found if d.severity is Severity.ERROR]


def fresh_errors(
    before: Checked, after: Checked, applied: tuple[Diagnostic, ...]
) -> list[Diagnostic]:
    """New errors, but for those in a section that nobody had read under its wrong name."""
    was, now = Counter(map(what, before.found)), Counter(map(what, after.found))
    renamed = {d.fix.edits[0].text for d in applied if d.fix and d.code == "E201"}
    return [
        d
        for d in errors(after)
        if now[what(d)] > was[what(d)] and not set(d.key.split(".")) & renamed
    ]


LETTERS = st.text(st.sampled_from("ab\n\r\u2028é🙂:"), max_size=30)


@given(LETTERS, st.data())
def test_an_edit_changes_its_stretch_alone(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    places = Positions(text)

    def place(offset: int) -> tuple[int, int]:
        line = places.line_of(offset)
        return line, offset - places.starts[line - 1] + 1

    span = Span("f", *place(start), *place(end))
    assert apply(text, [Edit(span, "X")]) == text[:start] + "X" + text[end:]


def test_columns_do_not_count_a_byte_order_mark() -> None:
    edit = Edit(Span("f", 1, 1, 1, 2), "b")
    assert apply("\ufeffa", [edit]) == "\ufeffb"


def test_new_lines_end_as_those_of_the_file() -> None:
    edit = Edit(Span("f", 1, 1, 1, 1), "x\n")
    assert apply("a\r\nb\r\n", [edit]) == "x\r\na\r\nb\r\n"


def test_an_edit_that_makes_a_new_mistake_is_not_applied() -> None:
    one = Diagnostic("E201", "a", None, fix=Fix((Edit(Span("f", 1, 1, 1, 2), "b"),)))

    def check(text: str) -> Checked:
        return Checked((one,) if text == "a" else (Diagnostic("E204", "b", None),))

    fixed = fix_text("a", "f", check)
    assert (fixed.text, fixed.applied, fixed.remaining) == ("a", (), (one,))


def test_a_fix_that_another_undoes_ends() -> None:
    """a -> b -> a -> …"""

    def check(text: str) -> Checked:
        other = "b" if text == "a" else "a"
        fix = Fix((Edit(Span("f", 1, 1, 1, 2), other),))
        return Checked((Diagnostic("E204", f"not {text}", None, fix=fix),))

    assert fix_text("a", "f", check).text == "a"


@pytest.mark.parametrize(
    ("edits", "shown"),
    [
        ([Edit(Span("f", 2, 1, 2, 3), "name")], ["2 ~ name: x", "    ~~~~"]),
        ([Edit(Span("f", 1, 1, 1, 1), "new: 1\n")], ["1 + new: 1"]),
        ([Edit(Span("f", 2, 1, 3, 1), "")], ["2 - nm: x"]),
        ([Edit(Span("f", 1, 4, 1, 4), "[")], ["1 ~ a: [1", "       +"]),
    ],
)
def test_a_preview_shows_the_lines_that_come_out(edits: list[Edit], shown: list[str]) -> None:
    assert preview(Fix(tuple(edits)), {"f": "a: 1\nnm: x\nb: 2\n"}, 1, str) == shown
