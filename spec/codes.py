"""The one table of diagnostic codes. A code never changes its meaning.

E1xx syntax, E2xx schema, E3xx meaning (E35x the data), E4xx infeasible, W5xx risk.
`automlc explain E201` prints an entry; docs list them all; a test holds every code that is used
to an entry here.
"""

from __future__ import annotations

from automlc.spec.record import record


@record
class Code:
    """What a code means: one line, why it happens, a wrong text, and the text put right.

    `place` is where example and fix stand in a spec, so that tests can hold them to what they say:
    a dotted key, TOP, or FILE for a whole file. None marks what needs more than a spec, such as
    files of data; its fix may be words.
    """

    code: str
    title: str
    cause: str
    example: str
    fix: str
    place: str | None = None


# Where an example stands; AML is TOP of an .aml file, DATA is TOP for what is only known with the
# data at hand.
TOP, FILE, DATA, AML = "", "file", "data!", "aml"
PARAMETERS, MODEL, SPACE = "space.parameters", "space.model", "space"


_TABLE = (
    # Syntax
    Code(
        "E101",
        "the file is not YAML",
        "The YAML reader met something it cannot read; everything after it is unknown.",
        "name: a: b",
        'name: "a: b"',
        place=TOP,
    ),
    Code(
        "E102",
        "a tab indents a line",
        "YAML indents with spaces only.",
        "task:\n\tkind: tabular_regression",
        "task:\n  kind: tabular_regression",
        place=TOP,
    ),
    Code(
        "E103",
        "a key is given twice",
        "Most readers keep the last one silently; here a key says one thing.",
        "seed: 1\nseed: 2",
        "seed: 2",
        place=TOP,
    ),
    Code(
        "E104",
        "a tag",
        "Tags such as !!python/object make other readers build objects. A spec has values only.",
        "seed: !!int 3",
        "seed: 3",
        place=TOP,
    ),
    Code(
        "E105",
        "an alias or a merge key",
        "Aliases can make a small file unfold into a huge one, and hide where a value comes from.",
        "budget: {trials: &n 5, epochs: *n}",
        "budget: {trials: 5, epochs: 5}",
        place=TOP,
    ),
    Code(
        "E106",
        "the file is too large or too deep",
        "A spec has at most 4 MiB, 400,000 YAML events and 64 levels.",
        "classes: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
        "classes: [cat, dog]",
        place=TOP,
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
        "automlc: 1\n---\nautomlc: 1",
        "automlc: 1",
        place=FILE,
    ),
    Code(
        "E109",
        "the file holds no mapping",
        "A spec is a mapping of sections; this file is empty, a list, or a single value.",
        "- automlc: 1",
        "automlc: 1",
        place=FILE,
    ),
    Code(
        "E110",
        "an expression cannot be read",
        "Conditions, forbidden combinations and constraints share one small language.",
        'momentum: {float: [0, 1], when: optimizer = "sgd"}',
        'momentum: {float: [0, 1], when: optimizer == "sgd"}',
        place=PARAMETERS,
    ),
    Code(
        "E111",
        "a number is too long or too large",
        "No quantity of a spec needs more than 40 characters.",
        "seed: 1e999",
        "seed: 1",
        place=TOP,
    ),
    Code(
        "E112",
        "a key is not a word",
        "YAML allows lists and mappings as keys; a spec does not.",
        "? [seed, name]\n: 1",
        "seed: 1",
        place=TOP,
    ),
    # Schema
    Code(
        "E113",
        "a statement that cannot be read (.aml)",
        "A statement of an .aml file is key value, key { statements }, key [items] or lr ~ domain.",
        "task = image_classification",
        "task image_classification",
        place=AML,
    ),
    Code(
        "E114",
        "a bracket without its partner (.aml)",
        "Every { has its }, every [ its ].",
        "budget { trials 3",
        "budget { trials 3 }",
        place=AML,
    ),
    Code(
        "E115",
        "a text that is not closed, or an unknown escape (.aml)",
        'A text between quotes ends on its line; \\n, \\t, \\\\, \\" and \\uXXXX are its escapes.',
        'name "digits',
        'name "digits"',
        place=AML,
    ),
    Code(
        "E116",
        "words where a block or arguments belong (.aml)",
        "Only sections with a main key have a word before the block, and layers have arguments as "
        "name=value.",
        "space { model { conv2d(8); global_avg_pool2d; dense(units=outputs) } }",
        "space { model { conv2d(filters=8); global_avg_pool2d; dense(units=outputs) } }",
        place=AML,
    ),
    Code(
        "E117",
        "`~` outside of the space (.aml)",
        "Parameters are declared in the block of `space`.",
        "budget { lr ~ float(0.1, 1) }",
        "space { lr ~ float(0.1, 1) }",
        place=AML,
    ),
    Code(
        "E118",
        "what the other surface cannot say",
        "`automlc fmt --to` converts specs that can be read; some mistakes exist on one side only.",
        "automlc fmt --to dsl task.yaml   # with `task:` as a text",
        "automlc validate task.yaml",
    ),
    Code(
        "E119",
        "a file written on the other surface",
        "What a file is read as is told by its name: .aml for statements, anything else for YAML.",
        "automlc 1\ntask image_classification\ndata builtin:digits",
        "automlc: 1\ntask: {kind: image_classification}\ndata: {source: builtin:digits}",
        place=FILE,
    ),
    Code(
        "E120",
        "a character that only looks like the right one",
        "Word processors, chats and web pages write curly quotes, long dashes, hard blanks and "
        "full-width marks; none of them is the character on the keyboard.",
        "space:\n  forbid: [optimizer == \u201csgd\u201d]",
        'space:\n  forbid: [optimizer == "sgd"]',
        place=TOP,
    ),
    Code(
        "E201",
        "an unknown key",
        "Unknown keys are errors, so that a typo cannot silently fall back to a default.",
        "budgett: {trials: 5}",
        "budget: {trials: 5}",
        place=TOP,
    ),
    Code(
        "E202",
        "a required key is missing",
        "A spec needs automlc, task.kind and data.source; all else has defaults.",
        "automlc: 1\ntask: {kind: tabular_regression}",
        "automlc: 1\ntask: {kind: tabular_regression}\ndata: {source: builtin:diabetes}",
        place=FILE,
    ),
    Code(
        "E203",
        "a value of the wrong type",
        "The key takes another type; texts are not turned into numbers.",
        'seed: "7"',
        "seed: 7",
        place=TOP,
    ),
    Code(
        "E204",
        "a word that is not among the allowed ones",
        "The key takes one of a few words.",
        "task: {kind: image_classificaton}",
        "task: {kind: image_classification}",
        place=TOP,
    ),
    Code(
        "E205",
        "a number out of range",
        "The value has the right type but makes no sense here.",
        "budget: {trials: 0}",
        "budget: {trials: 1}",
        place=TOP,
    ),
    Code(
        "E206",
        "a quantity without its unit, or with a wrong one",
        "Sizes and durations are written with a unit: kB MB GB, KiB MiB GiB, ms s min h d.",
        "budget: {wall: 2}",
        "budget: {wall: 2h}",
        place=TOP,
    ),
    Code(
        "E207",
        "a truth value that is not true or false",
        "In YAML 1.2 the words yes, no, on and off are texts.",
        "split: {stratify: no}",
        "split: {stratify: false}",
        place="data",
    ),
    Code(
        "E208",
        "a name that cannot be used",
        "Names become folders and identifiers, so they are short, ASCII and lower-case.",
        "name: ../My Task",
        "name: my-task",
        place=TOP,
    ),
    Code(
        "E209",
        "another version of the language",
        "The number after automlc: says which version of the language the file is written in.",
        "automlc: 2",
        "automlc: 1",
        place=TOP,
    ),
    # Meaning
    Code(
        "E301",
        "not a domain",
        "A parameter is a domain such as choice(…), int(…), float(…), or a single fixed value.",
        "lr: loguniform(1e-4, 1e-1)",
        "lr: log_uniform(1e-4, 1e-1)",
        place=PARAMETERS,
    ),
    Code(
        "E302",
        "a domain with wrong arguments",
        "int and float take a lower and an upper bound, in this order.",
        "depth: int(8, 1)",
        "depth: int(1, 8)",
        place=PARAMETERS,
    ),
    Code(
        "E303",
        "a logarithmic domain that reaches 0",
        "A logarithm has no 0 and no negative numbers.",
        "lr: log_uniform(0, 0.1)",
        "lr: log_uniform(1e-6, 0.1)",
        place=PARAMETERS,
    ),
    Code(
        "E304",
        "a default outside its domain",
        "The default is the first value tried, so it must be one of the domain.",
        "depth: {int: [1, 8], default: 9}",
        "depth: {int: [1, 8], default: 8}",
        place=PARAMETERS,
    ),
    Code(
        "E305",
        "an empty choice",
        "There is nothing to choose from.",
        "optimizer: {choice: []}",
        "optimizer: {choice: [sgd, adam]}",
        place=PARAMETERS,
    ),
    Code(
        "E306",
        "a value is twice in a choice",
        "1 and 1.0 are the same value; duplicates would be tried more often.",
        "optimizer: choice(sgd, adam, sgd)",
        "optimizer: choice(sgd, adam)",
        place=PARAMETERS,
    ),
    Code(
        "E307",
        "an unknown parameter in an expression",
        "Conditions and forbidden combinations name parameters of the same space.",
        'momentum: {float: [0, 1], when: optimizr == "sgd"}',
        'momentum: {float: [0, 1], when: optimizer == "sgd"}',
        place=PARAMETERS,
    ),
    Code(
        "E308",
        "conditions go in a circle",
        "A parameter cannot depend on itself, not even through others.",
        "a: {int: [1, 2], when: b > 1}\nb: {int: [1, 2], when: a > 1}",
        "a: int(1, 2)\nb: {int: [1, 2], when: a > 1}",
        place=PARAMETERS,
    ),
    Code(
        "E309",
        "an expression has no value",
        "Types do not fit, a function does not exist, or a number gets too large.",
        "momentum: {float: [0, 1], when: optimizer > 3}",
        'momentum: {float: [0, 1], when: optimizer == "sgd"}',
        place=PARAMETERS,
    ),
    Code(
        "E310",
        "a step that does not fit",
        "A step is a whole number of at least 1, and belongs to int and log_int.",
        "depth: {int: [1, 8], step: 0}",
        "depth: {int: [1, 8], step: 2}",
        place=PARAMETERS,
    ),
    Code(
        "E311",
        "not a constraint",
        "A constraint compares a metric with a bound.",
        "constraints: [model.size]",
        "constraints: [model.size <= 5MB]",
        place=TOP,
    ),
    Code(
        "E312",
        "a comparison with a value that never occurs",
        "The choice does not have this value, so the comparison always has the same result.",
        'optimizer: choice(sgd, adam)\nmomentum: {float: [0, 1], when: optimizer == "sdg"}',
        'optimizer: choice(sgd, adam)\nmomentum: {float: [0, 1], when: optimizer == "sgd"}',
        place=PARAMETERS,
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
        "Images need an image task, tables a tabular or a text one; labels must fit the goal.",
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
        "E385",
        "which column holds the text is not clear",
        "A text task reads one or more text columns. Without data.columns exactly one column must"
        " look like text: several words in most cells, and mostly different cells.",
        "columns title, body, topic and no word of which to read",
        "columns: {title: text, body: text}",
    ),
    Code(
        "E380",
        "a column that makes no groups",
        "A fairness constraint compares groups of rows: the 2 to 100 different values of one column"
        " of a table, which is neither the target nor the split column.",
        "constraints: [fairness.equalized_odds_difference(income) <= 0.1]  # a number of each row",
        "constraints: [fairness.equalized_odds_difference(income_group) <= 0.1]",
    ),
    Code(
        "E381",
        "a fairness metric for another task",
        "Fairness metrics compare how often the positive class is predicted: the last of two"
        " classes. Regressions and tasks of more classes have none.",
        "task: {kind: tabular_regression}\n"
        "constraints: [fairness.demographic_parity_difference(sex) <= 0.1]",
        "task: {kind: tabular_regression}",
        place=TOP,
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
    Code(
        "W515",
        "texts without a token",
        "Cells that are empty or hold nothing but blanks: a model sees only padding there.",
        "a row whose text is empty",
        "take the row out",
    ),
    Code(
        "W516",
        "rows of one part in another",
        "The same features stand in two parts of the data, so a score does not only say how the "
        "model does on what it has not seen.",
        "x_test[3] is x_train[17]",
        "take such rows out of one part",
    ),
    Code(
        "W517",
        "repeated rows that a random split divides",
        "At least one row in a hundred repeats another; the split puts copies on both sides.",
        "a table that was written twice",
        "split: {column: part}",
    ),
    Code(
        "W518",
        "the same row with different labels",
        "Equal features have different labels, which no model can fit.",
        "line 5 is `spam`, line 9 with the same text is `ham`",
        "correct the labels, or take the rows out",
    ),
    Code(
        "W519",
        "a target that never changes",
        "The number to predict is the same in every row.",
        "a column `price` that is 0 throughout",
        "target: price_per_night",
    ),
    Code(
        "W560",
        "groups too small for a fairness claim",
        "A rate in a small group scatters. Of two groups of n and m rows that a model treats alike,"
        " the rates differ by up to 0.98 * sqrt(1/n + 1/m) in 95 of 100 samples (the 95 % interval"
        " of a difference of two proportions, at rates of one half). A bound below that is broken"
        " by fair models, and met by chance.",
        "constraints: [fairness.equalized_odds_difference(sex) <= 0.1]  # 20 women in validation",
        "data: {split: {validation: 0.4}}, larger groups, or a bound that the rows can decide",
    ),
    Code(
        "W561",
        "a fairness metric that is not defined",
        "A group has no row, or none of a class that the metric needs, in a part where models are"
        " judged: there is nothing to take a rate of.",
        "no row of the positive class with sex `f` in the validation part",
        "data: {split: {validation: 0.4}}, or join the group with another",
    ),
    Code(
        "W562",
        "rows without a group",
        "The column of a fairness constraint has missing cells. Such rows belong to no group.",
        "sex\nf\n\nm",
        "sex\nf\nunknown\nm",
    ),
    Code(
        "W563",
        "groups that are not counted",
        "A recorded contract stands in for the data, and does not hold the rows of each group.",
        "data: {contract: contract.json} and no data",
        "automlc plan task.yaml  # where the data is",
    ),
)

_COMPILER = (
    # Architectures, presets, strategies, constraints: found by the compiler's passes
    Code(
        "E313",
        "word vectors that cannot be used",
        "`space.embeddings` names text files of the project: each line is a word and its numbers, "
        "as GloVe, word2vec and fastText write them, with the same count in every line.",
        "embeddings: {glove: vectors/glove.bin}",
        "embeddings: {glove: vectors/glove.txt}",
    ),
    Code(
        "E320",
        "not a layer",
        "A model is a list; each item is an operation's name, or one `operation: {arguments}`.",
        "- conv2d: {filters: 8}\n  batch_norm: {}",
        "- conv2d: {filters: 8}\n- batch_norm",
        place=MODEL,
    ),
    Code(
        "E321",
        "blocks are nested too deep",
        "A block uses itself, directly or through others.",
        "blocks: {unit: [unit]}\nmodel: [unit, global_avg_pool2d, dense: {units: outputs}]",
        "blocks: {unit: [batch_norm]}\nmodel: [unit, global_avg_pool2d, dense: {units: outputs}]",
        place=SPACE,
    ),
    Code(
        "E322",
        "an unknown operation",
        "The name is neither an operation nor a block of this spec.",
        "- covn2d: {filters: 8}",
        "- conv2d: {filters: 8}",
        place=MODEL,
    ),
    Code(
        "E323",
        "an argument is missing or unknown",
        "Each operation has its own arguments; some have no default.",
        "- conv2d: {filter: 8}",
        "- conv2d: {filters: 8}",
        place=MODEL,
    ),
    Code(
        "E324",
        "an argument out of its bounds",
        "A value, or one of the values of the parameter that stands there, is not allowed.",
        "- conv2d: {filters: 8, kernel: 4}",
        "- conv2d: {filters: 8, kernel: 3}",
        place=MODEL,
    ),
    Code(
        "E325",
        "a malformed choice, repeat or residual",
        "A choice needs a branch for every value of its parameter; a repeat needs a body.",
        "parameters: {k: 'choice(a, b)'}\nmodel:\n- choice: k\n  of: {a: []}\n"
        "- global_avg_pool2d\n- dense: {units: outputs}",
        "parameters: {k: 'choice(a, b)'}\nmodel:\n- choice: k\n"
        "  of: {a: [], b: [batch_norm]}\n- global_avg_pool2d\n- dense: {units: outputs}",
        place=SPACE,
    ),
    Code(
        "E326",
        "a repeat without a bound",
        "The number of times must be a number, and known to stay small, before anything is built.",
        "parameters: {depth: 'int(1, 900)'}\nmodel:\n- repeat: depth\n"
        "  body: [batch_norm]\n- global_avg_pool2d\n- dense: {units: outputs}",
        "parameters: {depth: 'int(1, 9)'}\nmodel:\n- repeat: depth\n  body: [batch_norm]\n"
        "- global_avg_pool2d\n- dense: {units: outputs}",
        place=SPACE,
    ),
    Code(
        "E327",
        "an operation gets the wrong kind of input",
        "Some operations work on images, others on vectors; branches must end alike.",
        "- conv2d: {filters: 8}\n- dense: {units: outputs}",
        "- conv2d: {filters: 8}\n- global_avg_pool2d\n- dense: {units: outputs}",
        place=MODEL,
    ),
    Code(
        "E328",
        "shapes that do not fit",
        "The model must end in one output for each class; a residual's stride is that of its body.",
        "- residual:\n  - conv2d: {filters: 8, stride: 2}",
        "- residual:\n  - conv2d: {filters: 8, stride: 2}\n  stride: 2",
        place=MODEL,
    ),
    Code(
        "E329",
        "a malformed block",
        "A block is a list of layers, or `{args: [names], body: [layers]}`, with its own name.",
        "blocks: {dense: [flatten]}",
        "blocks: {my_dense: [flatten]}",
        place=SPACE,
    ),
    Code(
        "E330",
        "an unknown preset",
        "No search space of that name is shipped.",
        "preset: image/block",
        "preset: image/blocks",
        place=SPACE,
    ),
    Code(
        "E331",
        "a preset for another task",
        "A preset is made for certain kinds of task.",
        "task: {kind: tabular_regression}\nspace: {preset: image/blocks}",
        "task: {kind: tabular_regression}\nspace: {preset: tabular/mlp}",
        place=TOP,
    ),
    Code(
        "E332",
        "a training parameter with a wrong value",
        "The training loop knows certain optimizers and schedules, and numbers have bounds.",
        "optimizer: choice(adam, sdg)",
        "optimizer: choice(adam, sgd)",
        place=PARAMETERS,
    ),
    Code(
        "E333",
        "a backbone that cannot be used",
        "`space.backbones` names networks of the catalog, or folders that `automlc export "
        "--format backbone` wrote, for the spec's backend and for images of as many channels.",
        "backbones: [resnet5]",
        "backbones: [resnet50]",
        place=SPACE,
    ),
    Code(
        "E334",
        "a parameter is read where it is not active",
        "A layer uses a parameter whose condition can be false there.",
        'parameters:\n  k: choice(a, b)\n  r: {float: [0.0, 0.5], when: k == "a"}\nmodel:\n'
        "- dropout: {rate: r}\n- global_avg_pool2d\n- dense: {units: outputs}",
        'parameters:\n  k: choice(a, b)\n  r: {float: [0.0, 0.5], when: k == "a"}\nmodel:\n'
        '- dropout: {rate: r}\n  when: k == "a"\n- global_avg_pool2d\n'
        "- dense: {units: outputs}",
        place=SPACE,
    ),
    Code(
        "E335",
        "the default configuration is forbidden",
        "The defaults together make a combination that `forbid` rules out.",
        "forbid: [depth == 2]   # depth has the default 2",
        "parameters: {depth: {int: [1, 3], default: 1}}\nforbid: [depth == 2]",
        place=SPACE,
    ),
    Code(
        "E336",
        "no such group to expand",
        "`space.expand` names groups of the preset and of training; `automlc plan` lists them.",
        "expand: [optimisers]",
        "expand: [optimizers]",
        place=SPACE,
    ),
    Code(
        "E337",
        "a rule about something that is not there",
        "Conditions read architecture, convergence, gradient, weights and parameters; "
        "actions set parameters of the space.",
        "search: feedback\nrules:\n  when: [gradient == dead => lr = lr / 10]",
        "search: feedback\nrules:\n  when: [gradient == dying => lr = lr / 10]",
        place=TOP,
    ),
    Code(
        "E338",
        "a table of rules that cannot be read",
        "`rules.use` names a built-in table or a file inside the project, of the schema "
        "automlc.rules/1.",
        "search: feedback\nrules: builtin/dreams",
        "search: feedback\nrules: builtin/dream",
        place=TOP,
    ),
    Code(
        "E339",
        "an action that can never be taken",
        "Its value is outside the domain of the parameter.",
        "search: feedback\nrules:\n  when: [gradient == dying => optimizer = lion]",
        "search: feedback\nrules:\n  when: [gradient == dying => optimizer = sgd]",
        place=TOP,
    ),
    Code(
        "E340",
        "an unknown search strategy, stopping policy or backend",
        "Nothing of that name is registered.",
        "search: tpa",
        "search: tpe",
        place=TOP,
    ),
    Code(
        "E341",
        "an unknown metric",
        "No metric of that name is registered.",
        "task: {kind: image_classification, metric: acuracy}",
        "task: {kind: image_classification, metric: accuracy}",
        place=TOP,
    ),
    Code(
        "E342",
        "a metric of another task",
        "Classification and regression have different metrics.",
        "task: {kind: tabular_regression, metric: accuracy}",
        "task: {kind: tabular_regression, metric: rmse}",
        place=TOP,
    ),
    Code(
        "E343",
        "a goal against the metric",
        "The metric is better in the other direction.",
        "task: {kind: image_classification, metric: accuracy, goal: minimize}",
        "task: {kind: image_classification, metric: accuracy}",
        place=TOP,
    ),
    Code(
        "E344",
        "a target that cannot be reached",
        "The metric never takes that value.",
        "task: {kind: image_classification, target: 97}   # accuracy goes from 0 to 1",
        "task: {kind: image_classification, target: 0.97}",
        place=TOP,
    ),
    Code(
        "E345",
        "a malformed constraint",
        "A constraint compares one cost with a number.",
        "constraints: [model.size <= model.params]",
        "constraints: [model.size <= 5MB]",
        place=TOP,
    ),
    Code(
        "E346",
        "nothing of that name can be constrained",
        "The costs of a model have fixed names. So have fairness metrics, which this version weighs"
        " with the data and does not enforce: nothing measures them while a model trains.",
        "constraints: [model.bytes <= 5MB]",
        "constraints: [model.size <= 5MB]",
        place=TOP,
    ),
    Code(
        "E347",
        "an engine that the backend does not have",
        "Keras computes with TensorFlow, PyTorch or JAX; other backends compute by themselves.",
        "backend: {kind: pytorch, engine: torch}",
        "backend: {kind: keras, engine: torch}",
        place=TOP,
    ),
    Code(
        "E348",
        "a device that the engine does not have",
        "TensorFlow and JAX compute on cpu and cuda; mps is PyTorch's word for Apple's GPUs.",
        "backend: {kind: keras, engine: tensorflow, device: mps}",
        "backend: {kind: keras, engine: torch, device: mps}",
        place=TOP,
    ),
    Code(
        "E349",
        "a start that the search cannot begin from",
        "It is no trial that can be read, or nothing of it fits the space.",
        "search: {strategy: feedback, start: {widht: 64}}",
        "search: {strategy: feedback, start: default}",
        place=TOP,
    ),
    Code(
        "E401",
        "a constraint that no configuration can meet",
        "Even the smallest model of the space is outside the bound.",
        "constraints: [model.params <= 5]",
        "constraints: [model.params <= 100k]",
        place=DATA,
    ),
    Code(
        "E402",
        "forbidden combinations that leave nothing",
        "Every configuration of the space hits one of them.",
        "space:\n  parameters: {width: 'choice(8, 16)'}\n  forbid: [width >= 8]",
        "space:\n  parameters: {width: 'choice(8, 16)'}\n  forbid: [width >= 16]",
        place=DATA,
    ),
    Code(
        "W530",
        "a condition that is always true",
        "The parameter exists in every configuration, so its condition decides nothing.",
        "width: int(8, 64)\nlr: {log_uniform: [0.001, 0.1], when: width >= 8}",
        "width: int(8, 64)\nlr: log_uniform(0.001, 0.1)",
        place=PARAMETERS,
    ),
    Code(
        "W531",
        "a parameter that is never active",
        "Its condition is true in no configuration that is allowed.",
        "width: int(8, 64)\nextra: {int: [1, 4], when: width > 64}",
        "width: int(8, 64)\nextra: {int: [1, 4], when: width > 32}",
        place=PARAMETERS,
    ),
    Code(
        "W532",
        "a forbidden combination that nothing hits",
        "No configuration of the space has it, or it names parameters that never exist together.",
        "parameters: {width: 'int(8, 64)'}\nforbid: [width > 64]",
        "parameters: {width: 'int(8, 64)'}\nforbid: [width > 48]",
        place=SPACE,
    ),
    Code(
        "W533",
        "layers that are in no model",
        "The condition of these layers is true in no configuration, or no value chooses them.",
        "parameters: {width: 'int(8, 64)'}\nmodel:\n  - flatten\n  - dense: {units: width}\n"
        "    when: width > 64\n  - dense: {units: outputs}",
        "parameters: {width: 'int(8, 64)'}\nmodel:\n  - flatten\n  - dense: {units: width}\n"
        "    when: width > 32\n  - dense: {units: outputs}",
        place=SPACE,
    ),
    Code(
        "W534",
        "a rule sets a value that the constraints rule out",
        "The value was removed from the space: no configuration has it that meets the constraints.",
        "constraints: [model.params <= 20k]\nsearch: feedback\nspace:\n"
        "  parameters: {width: 'choice(8, 4096)'}\n  model:\n    - flatten\n"
        "    - dense: {units: width}\n    - dense: {units: outputs}\n"
        "rules: {when: [gradient == vanishing => width = 4096]}",
        "constraints: [model.params <= 20k]\nsearch: feedback\nspace:\n"
        "  parameters: {width: 'choice(8, 16, 4096)'}\n  model:\n    - flatten\n"
        "    - dense: {units: width}\n    - dense: {units: outputs}\n"
        "rules: {when: [gradient == vanishing => width = 16]}",
        place=DATA,
    ),
    # Budgets: what they cannot do, before they are spent
    Code(
        "W540",
        "a stopping policy that can stop no trial",
        "It compares nothing before the last epoch, or lets as many trials go on as the budget "
        "has.",
        "stopping: {policy: asha, min_epochs: 10}\nbudget: {trials: 20, epochs: 10}",
        "stopping: {policy: asha, min_epochs: 3}\nbudget: {trials: 20, epochs: 10}",
        place=TOP,
    ),
    Code(
        "W541",
        "a search that stays random",
        "The first `startup` trials are drawn at random, and the budget has no more of them: the "
        "model of earlier trials never proposes anything.",
        "search: {strategy: tpe, startup: 10}\nbudget: {trials: 8}",
        "search: {strategy: tpe, startup: 3}\nbudget: {trials: 8}",
        place=TOP,
    ),
    Code(
        "W542",
        "more trials than configurations",
        "A configuration is trained once, so the search ends when none is left.",
        "budget: {trials: 50}\nsearch: random\nspace:\n  parameters: {width: 'choice(8, 16)'}\n"
        "  model:\n    - flatten\n    - dense: {units: width}\n    - dense: {units: outputs}",
        "budget: {trials: 50}\nsearch: random\nspace:\n"
        "  parameters: {width: 'choice(8, 16)', lr: 'log_uniform(1e-4, 1e-1)'}\n"
        "  model:\n    - flatten\n    - dense: {units: width}\n    - dense: {units: outputs}",
        place=DATA,
    ),
    Code(
        "W543",
        "a limit of time that not one epoch keeps to",
        "At the rate that was given with --rate an epoch of the default model takes longer than "
        "budget.wall or budget.epoch_wall.",
        "automlc plan task.yaml --rate 20/s  # of 50,000 rows, with epoch_wall: 10min",
        "budget: {epoch_wall: 90min}",
    ),
    Code(
        "W544",
        "less room than checkpoints may take",
        "The disk on which the run would lie has less room than its checkpoints and weights may "
        "take at most; `automlc plan` says how much that is. A run that finds the disk full stops "
        "and can be resumed.",
        "automlc run task.yaml  # 3 GB are needed at most, 1 GB is free",
        "automlc run task.yaml --run-dir /mnt/large/run-1",
    ),
    Code(
        "W521",
        "a parameter without use",
        "Neither the model nor the training reads it, so searching it changes nothing.",
        "dropp: float(0, 0.5)",
        "dropout: float(0, 0.5)",
        place=PARAMETERS,
    ),
    Code(
        "W522",
        "constraints that hardly any configuration meets",
        "Proposals outside the constraints are thrown away; here these are nearly all.",
        "parameters: {width: int(8, 4096)}\nconstraints: [model.params <= 5k]",
        "parameters: {width: int(8, 64)}\nconstraints: [model.params <= 5k]",
    ),
    Code(
        "W523",
        "rules that nobody uses",
        "Rules steer a feedback search; other strategies do not look at them.",
        "search: tpe\nrules: builtin/dream",
        "search: feedback\nrules: builtin/dream",
        place=TOP,
    ),
    Code(
        "W524",
        "a table with hardly any action for this space",
        "Its actions set parameters that the space does not have.",
        "search: feedback\nrules: builtin/dream  # with a model of one's own",
        "search: feedback\nrules: {use: builtin/none, when: [...]}",
    ),
    Code(
        "W525",
        "a start of which hardly anything fits",
        "The other study had other parameters; the rest of the start is the space's default.",
        "search: {strategy: feedback, start: tuner/trial_07}  # into a space of one's own",
        "search: {strategy: feedback, start: default}",
    ),
)

# Several specs from one: extends, profiles, --set
_LAYERS = (
    Code(
        "E210",
        "a base that may not be read",
        "A spec extends specs of its own project, named by relative paths; links count as what "
        "they lead to.",
        "extends: /home/me/base.yaml",
        "extends: base.yaml",
    ),
    Code(
        "E211",
        "a base that is not there",
        "The path is seen from the file that names it, not from where the command is run.",
        "extends: bsae.yaml",
        "extends: base.yaml",
    ),
    Code(
        "E212",
        "specs that extend one another in a circle",
        "Each would need the other to be read before it.",
        "extends: b.yaml  # and in b.yaml: extends: a.yaml",
        "extends: common.yaml  # in both, with what they share",
    ),
    Code(
        "E213",
        "a spec of too many files",
        "The files of one spec may be 32, extend one another 8 deep, and hold 4 MiB and 400,000 "
        "values together.",
        "extends: [1.yaml, 2.yaml, 3.yaml]  # and so on, more than 32",
        "extends: base.yaml  # what they have in common, in one file",
    ),
    Code(
        "E214",
        "a profile that the spec does not have",
        "--profile names one of the keys of `profiles`, of the spec or of a base.",
        "automlc run task.yaml --profile smok",
        "automlc run task.yaml --profile smoke",
    ),
    Code(
        "E215",
        "a key that a profile or --set cannot have",
        "A profile changes values of its spec; which files it is made of is the same for all.",
        "profiles: {smoke: {extends: small.yaml}}",
        "profiles: {smoke: {budget: {trials: 2}}}",
    ),
    Code(
        "E216",
        "a --set that is not key=value",
        "Keys are joined by dots, items of lists have an index between [ and ], keys with other "
        "characters stand between quotes.",
        "automlc run task.yaml --set budget.epochs 3",
        "automlc run task.yaml --set budget.epochs=3",
    ),
    Code(
        "E217",
        "a --set of a place that is not there",
        "Only items that a list has can be set one by one, and only keys of what has keys.",
        "--set 'constraints[3]=model.size <= 1MB'  # of a spec with one constraint",
        "--set 'constraints[0]=model.size <= 1MB'",
    ),
)

CODES: dict[str, Code] = {entry.code: entry for entry in (*_TABLE, *_LAYERS, *_COMPILER, *_DATA)}
assert len(CODES) == len(_TABLE) + len(_LAYERS) + len(_COMPILER) + len(_DATA), (
    "a code is given twice"
)
