"""The one table of diagnostic codes. A code never changes its meaning.

E1xx syntax, E2xx schema, E3xx meaning (E35x the data), E4xx infeasible, W5xx risk.
`automlc explain E201` prints an entry; docs list them all; a test holds every code that is used
to an entry here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """What a code means: one line, why it happens, a wrong text, and the text put right."""

    code: str
    title: str
    cause: str
    example: str
    fix: str


_TABLE = (
    # Syntax
    Code(
        "E101",
        "the file is not YAML",
        "The YAML reader met something it cannot read; everything after it is unknown.",
        "name: a: b",
        'name: "a: b"',
    ),
    Code(
        "E102",
        "a tab indents a line",
        "YAML indents with spaces only.",
        "task:\n\tkind: tabular_regression",
        "task:\n  kind: tabular_regression",
    ),
    Code(
        "E103",
        "a key is given twice",
        "Most readers keep the last one silently; here a key says one thing.",
        "seed: 1\nseed: 2",
        "seed: 2",
    ),
    Code(
        "E104",
        "a tag",
        "Tags such as !!python/object make other readers build objects. A spec has values only.",
        "seed: !!int 3",
        "seed: 3",
    ),
    Code(
        "E105",
        "an alias or a merge key",
        "Aliases can make a small file unfold into a huge one, and hide where a value comes from.",
        "a: &a {x: 1}\nb: *a",
        "a: {x: 1}\nb: {x: 1}",
    ),
    Code(
        "E106",
        "the file is too large or too deep",
        "A spec has at most 4 MiB, 400,000 YAML events and 64 levels.",
        "a: [[[[ … ]]]]",
        "put data into a file and name it in data.source",
    ),
    Code(
        "E107",
        "the file is not clean UTF-8 text",
        "The file has another encoding, or control characters such as NUL.",
        "a file saved as UTF-16",
        "save it as UTF-8",
    ),
    Code(
        "E108",
        "more than one document",
        "One file holds one spec.",
        "automlc: 1\n---\nautoml: 1",
        "automlc: 1",
    ),
    Code(
        "E109",
        "the file holds no mapping",
        "A spec is a mapping of sections; this file is empty, a list, or a single value.",
        "- automlc: 1",
        "automlc: 1",
    ),
    Code(
        "E110",
        "an expression cannot be read",
        "Conditions, forbidden combinations and constraints share one small language.",
        "when: optimizer = sgd",
        'when: optimizer == "sgd"',
    ),
    Code(
        "E111",
        "a number is too long or too large",
        "No quantity of a spec needs more than 40 characters.",
        "seed: 1e999",
        "seed: 1",
    ),
    Code(
        "E112",
        "a key is not a word",
        "YAML allows lists and mappings as keys; a spec does not.",
        "? [a, b]\n: 1",
        "a: 1",
    ),
    # Schema
    Code(
        "E201",
        "an unknown key",
        "Unknown keys are errors, so that a typo cannot silently fall back to a default.",
        "budgett: {trials: 5}",
        "budget: {trials: 5}",
    ),
    Code(
        "E202",
        "a required key is missing",
        "A spec needs automlc, task.kind and data.source; all else has defaults.",
        "automlc: 1\ntask: {kind: tabular_regression}",
        "automlc: 1\ntask: {kind: tabular_regression}\ndata: {source: builtin:diabetes}",
    ),
    Code(
        "E203",
        "a value of the wrong type",
        "The key takes another type; texts are not turned into numbers.",
        'seed: "7"',
        "seed: 7",
    ),
    Code(
        "E204",
        "a word that is not among the allowed ones",
        "The key takes one of a few words.",
        "task: {kind: image_classificaton}",
        "task: {kind: image_classification}",
    ),
    Code(
        "E205",
        "a number out of range",
        "The value has the right type but makes no sense here.",
        "budget: {trials: 0}",
        "budget: {trials: 1}",
    ),
    Code(
        "E206",
        "a quantity without its unit, or with a wrong one",
        "Sizes and durations are written with a unit: kB MB GB, KiB MiB GiB, ms s min h d.",
        "budget: {wall: 2}",
        "budget: {wall: 2h}",
    ),
    Code(
        "E207",
        "a truth value that is not true or false",
        "In YAML 1.2 the words yes, no, on and off are texts.",
        "split: {stratify: no}",
        "split: {stratify: false}",
    ),
    Code(
        "E208",
        "a name that cannot be used",
        "Names become folders and identifiers, so they are short, ASCII and lower-case.",
        "name: ../My Task",
        "name: my-task",
    ),
    Code(
        "E209",
        "another version of the language",
        "The number after automlc: says which version of the language the file is written in.",
        "automlc: 2",
        "automlc: 1",
    ),
    # Meaning
    Code(
        "E301",
        "not a domain",
        "A parameter is a domain such as choice(…), int(…), float(…), or a single fixed value.",
        "lr: loguniform(1e-4, 1e-1)",
        "lr: log_uniform(1e-4, 1e-1)",
    ),
    Code(
        "E302",
        "a domain with wrong arguments",
        "int and float take a lower and an upper bound, in this order.",
        "depth: int(8, 1)",
        "depth: int(1, 8)",
    ),
    Code(
        "E303",
        "a logarithmic domain that reaches 0",
        "A logarithm has no 0 and no negative numbers.",
        "lr: log_uniform(0, 0.1)",
        "lr: log_uniform(1e-6, 0.1)",
    ),
    Code(
        "E304",
        "a default outside its domain",
        "The default is the first value tried, so it must be one of the domain.",
        "depth: {int: [1, 8], default: 9}",
        "depth: {int: [1, 8], default: 8}",
    ),
    Code(
        "E305",
        "an empty choice",
        "There is nothing to choose from.",
        "optimizer: {choice: []}",
        "optimizer: {choice: [sgd, adam]}",
    ),
    Code(
        "E306",
        "a value is twice in a choice",
        "1 and 1.0 are the same value; duplicates would be tried more often.",
        "optimizer: choice(sgd, adam, sgd)",
        "optimizer: choice(sgd, adam)",
    ),
    Code(
        "E307",
        "an unknown parameter in an expression",
        "Conditions and forbidden combinations name parameters of the same space.",
        'when: optimizr == "sgd"',
        'when: optimizer == "sgd"',
    ),
    Code(
        "E308",
        "conditions go in a circle",
        "A parameter cannot depend on itself, not even through others.",
        "a: {int: [1, 2], when: b > 1}\nb: {int: [1, 2], when: a > 1}",
        "a: int(1, 2)\nb: {int: [1, 2], when: a > 1}",
    ),
    Code(
        "E309",
        "an expression has no value",
        "Types do not fit, a function does not exist, or a number gets too large.",
        "when: optimizer > 3",
        'when: optimizer == "sgd"',
    ),
    Code(
        "E310",
        "a step that does not fit",
        "A step is a whole number of at least 1, and belongs to int and log_int.",
        "depth: {int: [1, 8], step: 0}",
        "depth: {int: [1, 8], step: 2}",
    ),
    Code(
        "E311",
        "not a constraint",
        "A constraint compares a metric with a bound.",
        "constraints: [model.size]",
        "constraints: [model.size <= 5MB]",
    ),
    Code(
        "E312",
        "a comparison with a value that never occurs",
        "The choice does not have this value, so the comparison always has the same result.",
        'optimizer: choice(sgd, adam)\nmomentum: {float: [0, 1], when: optimizer == "sdg"}',
        'optimizer: choice(sgd, adam)\nmomentum: {float: [0, 1], when: optimizer == "sgd"}',
    ),
)

# What is wrong with a data set: E350 to E379 and W510 to W519, from compiler/contracts.
_DATA = (
    Code(
        "E350",
        "the data is not there",
        "Paths are relative to the spec's own folder.",
        "source: digits.npz",
        "source: data/digits.npz, or a recorded data.contract where the data cannot be",
    ),
    Code(
        "E351",
        "the data is outside the folders that may be read",
        "Only the project folder and the data roots are read, links followed.",
        "source: /data/cars.npz",
        "automlc compile task.yaml --data-root /data",
    ),
    Code(
        "E352",
        "a kind of source that is not known",
        "npz, csv, tsv, parquet, folders of images and built-in data sets are read.",
        "source: data.xlsx",
        "source: data.csv",
    ),
    Code(
        "E353",
        "a file that cannot be read",
        "It is damaged, cut off, or no file of the kind that its name says.",
        "source: half-downloaded.npz",
        "download or write it again",
    ),
    Code(
        "E354",
        "a package is missing that reads this kind of file",
        "parquet needs pyarrow and images need Pillow.",
        "source: data.parquet",
        "pip install 'automlc[run]'",
    ),
    Code(
        "E355",
        "an array is missing in an npz file",
        "The arrays are called x_train, y_train, x_test, y_test, or x and y.",
        "np.savez('d.npz', images=x, labels=y)",
        "np.savez('d.npz', x=x, y=y)",
    ),
    Code(
        "E356",
        "an array of Python objects",
        "Reading it means unpickling, which can run any code; nothing is ever unpickled.",
        "y = np.array(['cat', None], dtype=object)",
        "y = np.array(['cat', 'dog'])",
    ),
    Code(
        "E357",
        "an array of the wrong type",
        "Images are uint8 or floating point, tables numbers, classes whole numbers or text.",
        "x.astype(complex)",
        "x.astype('float32')",
    ),
    Code(
        "E358",
        "an array of the wrong shape",
        "Images are [rows, height, width] or [rows, height, width, channels]; tables are"
        " [rows, columns], labels [rows].",
        "y of shape (100, 10)",
        "y.argmax(axis=1)",
    ),
    Code(
        "E359",
        "features and labels differ in length",
        "Each row needs one label.",
        "x_train of 100 rows, y_train of 99",
        "save both from the same rows",
    ),
    Code(
        "E360",
        "a feature is not finite",
        "Training would turn into NaN. An empty cell of a table is missing; infinity is not.",
        "x[0] = inf",
        "x = x[np.isfinite(x).all(axis=1)]",
    ),
    Code(
        "E361",
        "a target is missing or not finite",
        "A target cannot be filled in.",
        "price: 1.5, , 2.5",
        "take the row out",
    ),
    Code(
        "E362",
        "only one class",
        "There is nothing to tell apart.",
        "y = [1, 1, 1]",
        "y = [0, 1, 1]",
    ),
    Code(
        "E363",
        "too few rows for the split",
        "Each part needs at least one row, of each class if the split is stratified.",
        "one row of the class `lynx`",
        "split: {stratify: false}",
    ),
    Code(
        "E364",
        "a label without a class",
        "A label is not in data.classes, or occurs only in held-out parts.",
        "classes: [cat, dog] and a label `lynx`",
        "classes: [cat, dog, lynx]",
    ),
    Code(
        "E365",
        "a column is missing",
        "The spec names a column that the table does not have, or a table has no target.",
        "target: prize",
        "target: price",
    ),
    Code(
        "E366",
        "text where numbers are expected",
        "A column that is declared a number, or the target of a regression, holds text.",
        "columns: {color: number}",
        "columns: {color: category}",
    ),
    Code(
        "E367",
        "no data",
        "There are no rows, no columns or no images.",
        "a csv file with nothing but its header",
        "put data into it",
    ),
    Code(
        "E368",
        "a malformed table",
        "A row has too many or too few cells, a name is used twice, or the file is no UTF-8 text.",
        "a,b\n1,2,3",
        'a,b\n1,"2,3"',
    ),
    Code(
        "E369",
        "the data goes over a limit",
        "10,000 columns, 10,000 classes or categories, 131,072 characters a cell, 16 MiB a line,"
        " 100 million rows.",
        "a table with a million columns",
        "ignore or combine columns",
    ),
    Code(
        "E370",
        "a split column that does not say the part",
        "It holds train, validation and test, or 0, 1 and 2, one word for a part.",
        "split: {column: split} with a row `trian`",
        "correct the row",
    ),
    Code(
        "E371",
        "missing values that the spec does not allow",
        "data.missing says error, and cells are empty.",
        "missing: {number: error}",
        "missing: {number: median}",
    ),
    Code(
        "E372",
        "an image that cannot be read",
        "It is empty, cut off, of another format, or has more than 8 bits a channel.",
        "a GIF named cat.png",
        "save it as PNG, JPEG, WebP or BMP",
    ),
    Code(
        "E373",
        "an image with too many pixels",
        "A small file can unfold into gigabytes; data.image.max_pixels is the limit.",
        "a PNG of 12000 x 12000 pixels",
        "image: {max_pixels: 200000000}",
    ),
    Code(
        "E374",
        "the size or the channels of images do not fit",
        "All images must have one size, or data.image.size must say which.",
        "a folder of photographs",
        "image: {size: [64, 64]}",
    ),
    Code(
        "E375",
        "a folder that is no image folder",
        "Each class has its own folder, at the top or inside train, validation (val) and test.",
        "photos/1.png",
        "photos/cat/1.png, photos/dog/2.png",
    ),
    Code(
        "E376",
        "the task does not fit the data",
        "Images need an image task, tables a tabular one; labels must fit the goal.",
        "kind: image_classification with a csv file",
        "kind: tabular_classification",
    ),
    Code(
        "E377",
        "a recorded contract that cannot be read",
        "The file of data.contract is no data contract of this version.",
        "contract: notes.json",
        "contract: digits.contract.json",
    ),
    Code(
        "E378",
        "the data or the spec differs from the recorded contract",
        "What was recorded is not what is there now.",
        "a row was added after the contract was recorded",
        "record the contract again",
    ),
    Code(
        "E379",
        "a setting that this kind of source does not have",
        "Only tables have target columns and categories.",
        "source: digits.npz\ntarget: y",
        "source: digits.npz",
    ),
    Code(
        "W510",
        "a column is ignored",
        "It tells rows apart rather than kinds of rows (ids, free text), or is empty.",
        "a column `ID` that counts the rows",
        "columns: {ID: ignore}",
    ),
    Code(
        "W511",
        "a column has one value",
        "It says nothing.",
        "a column `country` with nothing but `DK`",
        "columns: {country: ignore}",
    ),
    Code(
        "W512",
        "a class without rows",
        "A class of data.classes does not occur, or one part has none of it.",
        "classes: [cat, dog, lynx] and no lynx",
        "classes: [cat, dog]",
    ),
    Code(
        "W513",
        "files that are left out",
        "Only images with known endings are read.",
        "photos/cat/notes.txt",
        "remove the file",
    ),
    Code(
        "W514",
        "a column that looks like a split",
        "It holds train and test, and is used as a feature.",
        "columns a, b, split",
        "split: {column: split}",
    ),
)

CODES: dict[str, Code] = {entry.code: entry for entry in (*_TABLE, *_DATA)}
assert len(CODES) == len(_TABLE) + len(_DATA), "a code is given twice"
