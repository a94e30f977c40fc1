"""A state of tensors and numbers in one file: safetensors, with JSON in its header.

The file is replaced in one step, so that there is always a whole one. Reading it
executes nothing.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from benchsuite.core import InputError

_TENSOR, _PAIRS = "tensor:", "pairs:"


def save(path: Path, state: Mapping[str, Any], setting: Mapping[str, Any]) -> None:
    """Write a state.

    Args:
        path: Of the file.
        state: Nested dicts and lists of tensors, numbers, words and None.
        setting: What the state belongs to; see `load`.

    Raises:
        InputError: The file cannot be written; an earlier one is untouched.
        TypeError: Something else is in `state`.
    """
    tensors: dict[str, Tensor] = {}
    tree = _strip(state, tensors)
    texts = {"state": json.dumps(tree), "setting": json.dumps(dict(setting))}
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            save_file(tensors, part, texts)
            with part.open("rb") as file:
                os.fsync(file.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, SafetensorError) as error:
        raise InputError(f"cannot write {path}: {error}") from error


def load(path: Path, setting: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Read a state that `save` wrote.

    Args:
        path: Of the file.
        setting: What the state must belong to; None takes any.

    Raises:
        InputError: The file is damaged, or belongs to another setting: the first
            difference is named.
    """
    try:
        with safe_open(path, framework="pt") as file:
            texts = file.metadata() or {}
            if setting is not None:
                _compare(path, json.loads(texts["setting"]), dict(setting))
            tree = json.loads(texts["state"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        state = _fill(tree, tensors)
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise InputError(
            f"{path} is damaged ({type(error).__name__}: {error}): delete it to begin"
            " anew"
        ) from error
    if not isinstance(state, dict):
        raise InputError(f"{path} is no checkpoint: delete it to begin anew")
    return state


def setting_of(path: Path) -> dict[str, Any]:
    """Read what a state belongs to.

    Raises:
        InputError: The file is damaged.
    """
    try:
        with safe_open(path, framework="pt") as file:
            found = json.loads((file.metadata() or {})["setting"])
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise InputError(f"{path} is damaged: {error}") from error
    return dict(found)


def _compare(path: Path, found: Mapping[str, Any], wanted: dict[str, Any]) -> None:
    wanted = json.loads(json.dumps(wanted))  # a tuple is a list there
    for name in sorted({*found, *wanted}):
        if found.get(name) != wanted.get(name):
            raise InputError(
                f"{path} is of a search with {name} {found.get(name)}, not"
                f" {wanted.get(name)}: go on with that, or delete it, or name another"
                " --results"
            )


def _strip(tree: Any, tensors: dict[str, Tensor]) -> Any:
    """Put tensors aside, and a name in place of each; keys may be numbers."""
    if isinstance(tree, Tensor):
        name = f"{len(tensors):06d}"
        tensors[name] = tree.detach().to("cpu", copy=True).contiguous()
        return f"{_TENSOR}{name}@{tree.device}"
    if isinstance(tree, Mapping):
        pairs = [[key, _strip(value, tensors)] for key, value in tree.items()]
        return {_PAIRS: pairs}
    if isinstance(tree, list | tuple):
        return [_strip(value, tensors) for value in tree]
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    raise TypeError(f"a checkpoint holds tensors and numbers, not {type(tree)}")


def _fill(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    """Invert `_strip`; tensors go back to where they were, or to the host."""
    if isinstance(tree, str) and tree.startswith(_TENSOR):
        name, _, device = tree.removeprefix(_TENSOR).partition("@")
        there = not device.startswith("cuda") or torch.cuda.is_available()
        return tensors[name].to(device if device and there else "cpu")
    if isinstance(tree, dict):
        return {key: _fill(value, tensors) for key, value in tree[_PAIRS]}
    if isinstance(tree, list):
        return [_fill(value, tensors) for value in tree]
    return tree
