"""Checkpoints as text: their structure and plain values, and of each tensor the dtype and shape alone.

The text is a Python literal. A tensor is `"!F32 16 3 3 3"`, its dtype as safetensors names it and its shape; one of few
elements, such as a count of steps, is `"!F32=6.0"`, with its values. A float that is no number is `"!nan"`, and an
OrderedDict `("!OrderedDict", {...})`. Whatever else is in a checkpoint is refused: Lightning could not read it with
plain values alone. Left out is `_metadata` of a state dict, the versions of torch's modules.
"""

import ast
import math
from collections import OrderedDict
from collections.abc import Iterator
from textwrap import wrap
from typing import Any

import numpy as np
import torch
from torch import Tensor

FEW = 4
"""Elements of a tensor whose values are kept: counts, scores, and means and deviations of the channels."""
WIDTH = 118
DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64, "BOOL": torch.bool}
TAGS = {dtype: tag for tag, dtype in DTYPES.items()}
POSITIVE = ("running_var", "exp_avg_sq", "thresholds")
"""Ends of the names of tensors that are squares or probabilities."""


def skeleton(state: Any) -> str:
    """The text of a checkpoint."""
    return "\n".join(_lines(_plain(state), "")) + "\n"


def filled(text: str, seed: int = 0) -> Any:
    """A checkpoint of the text's structure, with values that a training could have come to.

    They follow from the seed alone, since NumPy keeps the numbers of this generator as they are for ever.
    """
    return _full(ast.literal_eval(text), "", np.random.RandomState(seed))


def _plain(value: Any) -> Any:
    if type(value) is Tensor:
        tag, few = f"!{TAGS[value.dtype]}", value.numel() <= FEW
        return f"{tag}={value.tolist()}" if few else " ".join(map(str, (tag, *value.shape)))
    if type(value) is OrderedDict:
        return "!OrderedDict", _plain(dict(value))
    if type(value) is dict:
        return {key: _plain(one) for key, one in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    if type(value) is float and not math.isfinite(value):
        return f"!{value}"
    if value is None or type(value) in (bool, int, float) or (type(value) is str and not value.startswith("!")):
        return value
    raise TypeError(f"expected plain values and tensors in a checkpoint, got {value!r}, a {type(value)}.")


def _lines(value: Any, indent: str, key: str = "", end: str = "") -> Iterator[str]:
    """The literal: a container on one line if it fits, else with a line for each element."""
    whole = f"{indent}{key}{value!r}{end}"
    if len(whole) <= WIDTH or not isinstance(value, (dict, list, tuple)) or not value:
        yield whole
        return
    if isinstance(value, list) and all(type(one) is int for one in value):
        yield from wrap(whole.strip(), WIDTH, initial_indent=indent, subsequent_indent=f"{indent} ")
        return
    opening, closing = {dict: "{}", list: "[]", tuple: "()"}[type(value)]
    yield f"{indent}{key}{opening}"
    for one in value:
        name, element = (f"{one!r}: ", value[one]) if isinstance(value, dict) else ("", one)
        yield from _lines(element, f"{indent} ", name, ",")
    yield f"{indent}{closing}{end}"


def _full(value: Any, name: str, random: np.random.RandomState) -> Any:
    if isinstance(value, dict):
        return {key: _full(one, str(key), random) for key, one in value.items()}
    if isinstance(value, tuple) and value[:1] == ("!OrderedDict",):
        return OrderedDict(_full(value[1], name, random))
    if isinstance(value, (list, tuple)):
        return type(value)(_full(one, name, random) for one in value)
    if not isinstance(value, str) or not value.startswith("!"):
        return value
    tag, is_kept, values = value[1:].partition("=")
    if is_kept:
        return torch.tensor(ast.literal_eval(values), dtype=DTYPES[tag])
    tag, *sides = tag.split()
    return _drawn(name, [int(side) for side in sides], random).to(DTYPES[tag]) if tag in DTYPES else float(tag)


def _drawn(name: str, shape: list[int], random: np.random.RandomState) -> Tensor:
    """Small values around 0 for weights, around 1 for the factors of a normalisation."""
    if name.endswith(POSITIVE):
        return torch.from_numpy(0.6 + 0.4 * random.random_sample(shape))
    around = 1.0 if name.endswith(".weight") and len(shape) == 1 else 0.0
    spread = 0.1 if len(shape) == 1 else 1 / math.sqrt(math.prod(shape[1:]))
    return torch.from_numpy(around + spread * random.standard_normal(shape))
