"""Small models that show each operation by itself, with its arguments known and searched."""

from __future__ import annotations

from collections.abc import Mapping

from automlc.compiler.ops.normalize import ACTIVATIONS

# Images of 27 x 19 x 3, so that every stride and pool meets an odd size.
_IMAGE = {
    "conv2d": "{conv2d: {filters: 5, kernel: K, stride: S, bias: B}}",
    "depthwise_conv2d": "{depthwise_conv2d: {kernel: K, stride: S, bias: B}}",
    "separable_conv2d": "{separable_conv2d: {filters: 4, kernel: K, stride: S, bias: B}}",
    "squeeze_excite": "{conv2d: {filters: 9}} ; {squeeze_excite: {ratio: R}}",
    "max_pool2d": "{max_pool2d: {size: P}} ; {max_pool2d: {size: P}}",
    "avg_pool2d": "{avg_pool2d: {size: P}} ; {avg_pool2d: {size: P}}",
    "global_avg_pool2d": "{conv2d: {filters: 6}} ; global_avg_pool2d",
    "global_max_pool2d": "{conv2d: {filters: 6}} ; global_max_pool2d",
    "batch_norm": "batch_norm ; global_avg_pool2d ; batch_norm",
    "layer_norm": "global_avg_pool2d ; {dense: {units: 9}} ; layer_norm",
    "dropout": "{dropout: {rate: 0.5}} ; {spatial_dropout: {rate: 0.5}}",
    "augmentation": "random_flip ; random_shift ; {random_erase: {share: 0.5}}",
    "factors": "random_translate ; random_rotate ; {random_zoom: {factor: 0.2}} ; random_contrast",
    "dense": "global_avg_pool2d ; {dense: {units: U, bias: B}}",
    "residual": "{residual: [{conv2d: {filters: F, stride: S}}, batch_norm], stride: S}",
    "no_projection": "{residual: [{conv2d: {filters: F, stride: S}}], stride: S, project: false}",
    "nested": "{residual: [{conv2d: {filters: F}}, {residual: [{conv2d: {filters: 4}}]}]}",
    "rows": "global_avg_pool2d ; {residual: [{dense: {units: U}}, layer_norm]}",
}
# Texts of 21 tokens, of which 90 are different.
_TEXT = {
    "crop_tokens": "{crop_tokens: {length: L, vocabulary: V}} ; {embedding: {features: 5}}",
    "conv1d": "{embedding: {features: 5}} ; {conv1d: {filters: 4, kernel: K, bias: B}}",
    "separable_conv1d": "{embedding: {features: 5}} ; "
    "{separable_conv1d: {filters: 4, kernel: K, bias: B}}",
    "max_pool1d": "{embedding: {features: 3}} ; {max_pool1d: {size: P}} ; {max_pool1d: {size: P}}",
    "position_embedding": "{embedding: {features: 3}} ; max_pool1d ; position_embedding",
    "text_norms": "{embedding: {features: 5}} ; batch_norm ; layer_norm",
    "text_dropout": "{embedding: {features: 5}} ; {dropout: {rate: 0.5}} ; activation",
    "global_avg_pool1d": "{embedding: {features: 5}} ; global_avg_pool1d",
    "global_max_pool1d": "{embedding: {features: 5}} ; global_max_pool1d",
    "transformer_encoder": "{embedding: {features: 5}} ; "
    "{transformer_encoder: {heads: H, hidden: U, dropout: 0.1}} ; global_avg_pool1d",
    "bag_of_tokens": "{crop_tokens: {length: L, vocabulary: V}} ; {bag_of_tokens: {ngrams: N}}",
}
_KNOWN = {
    "L": ("8", "30"),
    "V": ("20", "1000"),
    "H": ("1", "2", "3"),
    "N": ("1", "2"),
    "K": ("1", "3", "7"),
    "S": ("1", "2", "3"),
    "B": ("true", "false"),
    "P": ("2", "3"),
    "R": ("2",),
    "U": ("3", "8"),
    "F": ("3", "6"),
}
_SEARCHED = {
    "L": "length: {choice: [5, 30]}",
    "V": "vocabulary: {choice: [20, 100]}",
    "H": "heads: {choice: [1, 3]}",
    "N": "ngrams: {choice: [1, 2]}",
    "K": "kernel: {choice: [1, 3, 5]}",
    "S": "step: {choice: [1, 2, 3]}",
    "B": "bias: {choice: [true, false]}",
    "P": "size: {choice: [2, 3]}",
    "R": "ratio: {choice: [1, 2, 4]}",
    "U": "units: {choice: [3, 7]}",
    "F": "filters: {choice: [3, 5]}",
}
_NAMES = {"K": "kernel", "S": "step", "B": "bias", "P": "size", "R": "ratio", "U": "units"}
_NAMES |= {"F": "filters", "L": "length", "V": "vocabulary", "H": "heads", "N": "ngrams"}


def operations() -> dict[str, tuple[str, str]]:
    """Name -> parameters and layers, as tests.compiler.test_odd_models.spec takes them."""
    made = _by_turns(_IMAGE)
    for kind in ACTIVATIONS:
        made[kind] = ("k: 'int(1, 2)'", f"{{activation: {{kind: {kind}}}}}")
    kinds = ", ".join(ACTIVATIONS)
    made["activations"] = (f"kind: {{choice: [{kinds}]}}", "{activation: {kind: kind}}")
    return made


def text_operations() -> dict[str, tuple[str, str]]:
    """Name -> parameters and layers, as `text_spec` takes them."""
    return _by_turns(_TEXT)


def text_spec(parameters: str, model: str) -> str:
    """A spec over texts with these parameters and layers (all in flow style)."""
    return (
        "automlc: 1\nname: odd\ntask: {kind: text_classification}\ndata: {source: made.csv}\n"
        f"space:\n  parameters: {{{parameters}}}\n  model:\n"
        f"{''.join(f'    - {layer}{chr(10)}' for layer in model.split(' ; '))}"
        "    - flatten\n    - dense: {units: outputs}\n"
    )


def _by_turns(models: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Each model with each of the known values, and with all of them searched."""
    made: dict[str, tuple[str, str]] = {}
    for name, model in models.items():
        letters = [letter for letter in _KNOWN if f" {letter}" in model]
        for turn in range(max((len(_KNOWN[letter]) for letter in letters), default=1)):
            text = model
            for letter in letters:
                values = _KNOWN[letter]
                text = _put(text, letter, values[turn % len(values)])
            made[f"{name}_{turn}"] = ("k: 'int(1, 2)'", text)
        if letters:
            text = model
            for letter in letters:
                text = _put(text, letter, _NAMES[letter])
            parameters = ", ".join(_SEARCHED[letter] for letter in letters)
            made[f"{name}_searched"] = (parameters, text)
    return made


def _put(model: str, letter: str, value: str) -> str:
    for end in (",", "}"):
        model = model.replace(f" {letter}{end}", f" {value}{end}")
    return model
