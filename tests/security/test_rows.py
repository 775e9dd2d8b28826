"""The threats we know, and for each the tests that hold it, or why it does not arise yet.

A row names tests as `file::function`, or cases of tests/bad by their path. Every name must exist.
docs/security.md says the same for readers.
"""

import ast
import functools
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
INPUTS = "security/test_inputs.py"
STATIC = "security/test_static.py"
GATE = "security/test_audit_gate.py"
REPORT = "report/test_report.py"
NOT_TOUCHED = "not touched: "

ROWS: dict[str, tuple[str, ...]] = {
    "S1 YAML tags": (f"{INPUTS}::test_yaml",),
    "S2 alias and merge bombs": (f"{INPUTS}::test_yaml",),
    "S3 nesting and size": (
        f"{INPUTS}::test_yaml",
        f"{INPUTS}::test_many_values_are_refused_soon",
    ),
    "S4 wrong values": (
        f"{INPUTS}::test_yaml",
        f"{INPUTS}::test_numbers_are_those_of_yaml_1_2",
    ),
    "S5 code injection": (
        "security/test_emission.py::test_a_payload_stays_one_constant",
        "security/test_emission.py::test_any_text_is_one_ascii_constant_with_its_value",
        "security/test_emission.py::test_any_plain_value_comes_back",
    ),
    "S6 identifier injection": (
        f"{INPUTS}::test_names_of_parameters",
        "security/test_emission.py::test_what_is_no_identifier_is_refused",
    ),
    "S7 audit of emitted code": (
        f"{STATIC}::test_the_audit_of_emitted_code_finds",
        f"{STATIC}::test_emitted_code_passes_the_audit",
        f"{STATIC}::test_emitted_code_passes_the_security_rules_of_the_linter",
    ),
    "S8 class paths": (f"{INPUTS}::test_a_path_to_code_is_only_an_unknown_word",),
    "S9 expressions": (
        f"{INPUTS}::test_expressions",
        f"{INPUTS}::test_expressions_that_are_refused",
        f"{STATIC}::test_no_module_of_ours_builds_code_from_text",
    ),
    "S10 pickle": (
        f"{STATIC}::test_no_source_or_template_says",
        f"{STATIC}::test_emitted_code_says_none_of_the_words",
        "bad/data/npz_objects.yaml",
    ),
    "S11 scanners": (NOT_TOUCHED + "no format that needs scanning is read",),
    # HDF5 and pickled Keras files are never read; a .keras file only in safe mode.
    "S12 Keras": (
        f"{STATIC}::test_no_source_or_template_says",
        f"{STATIC}::test_the_audit_of_emitted_code_finds",
        f"{STATIC}::test_emitted_code_passes_the_audit",
        "security/test_frameworks.py::test_no_backend_makes_a_command_import_a_framework_or_open_a_file_of_one",
    ),
    "S13 safetensors": (f"{STATIC}::test_emitted_code_passes_the_audit",),
    "S14 scikit-learn objects": (f"{STATIC}::test_no_source_or_template_says",),
    "S15 archives": (
        "security/test_paths.py::test_an_archive_is_not_unpacked",
        "bad/data/source_is_an_archive.yaml",
        "bad/data/npz_lies_about_its_size.yaml",
    ),
    "S16 image bombs": (
        "bad/data/folder_bomb.yaml",
        "bad/data/folder_broken_images.yaml",
        "bad/data/folder_cut_jpeg.yaml",
    ),
    "S17 tables": (
        "bad/data/table_million_columns.yaml",
        "bad/data/table_long_cell.yaml",
        "bad/data/table_long_line.yaml",
        "bad/data/table_nul.yaml",
        "bad/data/table_mixed_encodings.yaml",
    ),
    "S18 formulas in CSV": (
        "report/test_csv.py::test_a_formula_gets_an_apostrophe",
        "report/test_csv.py::test_numbers_and_words_stay_as_they_are",
    ),
    "S19 XSS in the report": (
        f"{REPORT}::test_hostile_names_leave_the_element_tree_as_benign_ones_do",
        f"{REPORT}::test_hostile_names_bring_no_handler_and_no_address",
        f"{REPORT}::test_only_our_scripts_may_run_and_nothing_may_be_fetched",
        f"{REPORT}::test_data_cannot_end_its_element",
    ),
    "S20 graph labels": (f"{INPUTS}::test_graph_labels_are_text",),
    "S21 terminal": (
        f"{INPUTS}::test_a_terminal_gets_no_control_characters",
        f"{INPUTS}::test_markup_in_a_name_is_text",
        "report/test_status_why.py::test_foreign_text_cannot_drive_the_terminal",
        "test_cli_main.py::test_control_characters_of_an_error_do_not_reach_the_terminal",
    ),
    "S22 CI annotations": (NOT_TOUCHED + "the github and sarif formats come later",),
    "S23 local server": (NOT_TOUCHED + "nothing is served; the report is a file",),
    "S24 Ray": (NOT_TOUCHED + "there is no Ray executor yet",),
    "S25 MLflow": (NOT_TOUCHED + "nothing is exported to a tracker yet",),
    "S26 paths": (
        "security/test_paths.py::test_a_path_outside_is_refused",
        "security/test_paths.py::test_a_link_that_leads_outside_is_refused",
        f"{INPUTS}::test_names_of_folders",
        "bad/data/source_climbs_out.yaml",
        "bad/data/folder_links_out.yaml",
        "report/test_view.py::test_links_in_a_run_directory_are_not_followed",
        f"{GATE}::test_no_spec_makes_a_command_touch_anything_else",
        "spec/test_spec_layers.py::test_a_base_outside_the_project_is_never_opened",
        "spec/test_spec_layers.py::test_a_link_that_leads_outside_is_refused",
        "spec/test_spec_layers.py::test_files_that_fan_out_are_bounded",
    ),
    "S27 secrets": (f"{INPUTS}::test_names_of_folders",),
    "S28 ONNX": (NOT_TOUCHED + "ONNX is written, never read from elsewhere",),
    "S29 XML": (NOT_TOUCHED + "no XML is read",),
    "S30 regular expressions": (NOT_TOUCHED + "the language has none",),
    "S31 limits of workers": ("runtime/test_study_kill.py",),
    "S32 supply chain": (f"{STATIC}::test_emitted_requirements_are_names_with_floors",),
    "S33 downloads": ("security/test_paths.py::test_an_address_is_not_fetched",),
}


@functools.cache
def functions_of(file: str) -> frozenset[str]:
    tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
    return frozenset(n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))


def test_every_row_is_here() -> None:
    assert [f"S{i}" for i in range(1, 34)] == [row.split()[0] for row in ROWS]


@pytest.mark.parametrize("row", ROWS)
def test_every_name_of_a_row_exists(row: str) -> None:
    for name in ROWS[row]:
        if name.startswith(NOT_TOUCHED):
            assert ROWS[row] == (name,)
            continue
        file, _, function = name.partition("::")
        assert (TESTS / file).exists(), name
        assert not function or function in functions_of(file), name
