# SPDX-License-Identifier: Apache-2.0
"""What two images say differently about themselves: config, annotations, history, layers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ...oci import Config, History, Image
from .difference import ConfigChange, HistoryChange, LayerPair

if TYPE_CHECKING:
    from difflib import SequenceMatcher

_EACH = {"Labels": "Label", "ExposedPorts": "Port", "Volumes": "Volume"}
"""Fields of the config that are maps, and how one of their entries is called."""


def config_changes(before: Image | None, after: Image, *, times: bool = False) -> tuple[ConfigChange, ...]:
    """Fields that differ, by name; an environment variable, a label, a port are each a field of their own.

    ``times``: also when the image says that it was made.
    """
    old = _fields(before, times) if before is not None else {}
    new = _fields(after, times)
    return tuple(ConfigChange(name, old.get(name), new.get(name)) for name in sorted({*old, *new}, key=_rank)
                 if old.get(name) != new.get(name))


def config_fields(image: Image) -> list[tuple[str, str]]:
    """Every field of an image's config, as :func:`config_changes` names and writes it."""
    return sorted(_fields(image, times=True).items(), key=lambda field: _rank(field[0]))


def history_changes(before: Image | None, after: Image, *, times: bool = False) -> tuple[HistoryChange, ...]:
    """Steps of one history that the other lacks, in order. ``times``: one made at another time is another step."""
    old = before.config.history if before is not None else ()
    new = after.config.history
    out: list[HistoryChange] = []
    for tag, old_start, old_stop, new_start, new_stop in _matcher(
            [_step(one, times) for one in old], [_step(one, times) for one in new]).get_opcodes():
        if tag != "equal":
            out += [_history("-", number, old[number]) for number in range(old_start, old_stop)]
            out += [_history("+", number, new[number]) for number in range(new_start, new_stop)]
    return tuple(out)


def layer_pairs(before: Image | None, after: Image) -> tuple[LayerPair, ...]:
    """The layers of both sides beside each other, lowest first; a layer is the same when its plain tar is."""
    old = before.diff_ids if before is not None else ()
    new = after.diff_ids
    out: list[LayerPair] = []
    for tag, old_start, old_stop, new_start, new_stop in _matcher(old, new).get_opcodes():
        if tag == "equal":
            pairs: Iterator[tuple[int | None, int | None]] = zip(range(old_start, old_stop),
                                                                 range(new_start, new_stop), strict=True)
            out += [_pair(before, after, *pair) for pair in pairs]
            continue
        out += [_pair(before, after, number, None) for number in range(old_start, old_stop)]
        out += [_pair(before, after, None, number) for number in range(new_start, new_stop)]
    return tuple(out)


def _matcher(old: Sequence[Any], new: Sequence[Any]) -> SequenceMatcher[Any]:
    from difflib import SequenceMatcher

    return SequenceMatcher(None, old, new, autojunk=False)


def _pair(before: Image | None, after: Image, old: int | None, new: int | None) -> LayerPair:
    left = before.layers[old] if before is not None and old is not None and old < len(before.layers) else None
    right = after.layers[new] if new is not None and new < len(after.layers) else None
    diff_id = after.diff_ids[new] if new is not None else before.diff_ids[old or 0] if before is not None else ""
    return LayerPair(str(diff_id), old, new, str(left.digest) if left else "", str(right.digest) if right else "",
                     left.size if left else 0, right.size if right else 0)


def _step(step: History, times: bool) -> tuple[object, ...]:
    return step.created_by, step.author, step.comment, step.empty_layer, step.extra, step.created if times else ""


def _history(mark: str, number: int, step: History) -> HistoryChange:
    return HistoryChange(mark, number, step.created_by or step.comment, step.created, step.empty_layer)


def _fields(image: Image, times: bool) -> dict[str, str]:
    config = image.config
    fields = _platform(config)
    if config.author:
        fields["author"] = config.author
    if times and config.created:
        fields["created"] = config.created
    for name, value in json.loads(config.run.to_json()).items():
        fields.update(_field(name, value))
    for name, text in config.extra:
        fields[f"config {name}"] = text
    for name, text in image.annotations:
        fields[f"Annotation {name}"] = text
    return fields


def _platform(config: Config) -> dict[str, str]:
    pairs = (("os", config.os), ("architecture", config.architecture), ("os.version", config.os_version),
             ("os.features", _text(list(config.os_features)) if config.os_features else ""),
             ("variant", config.variant))
    return {name: value for name, value in pairs if value}


def _field(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """A field of the ``config`` part under Docker's name for it; maps and the environment entry by entry."""
    if name == "Env" and isinstance(value, list):
        for variable in value:
            key, _unused, text = str(variable).partition("=")
            yield f"Env {key}", text
    elif name in _EACH and isinstance(value, dict):
        for key, inner in value.items():
            yield f"{_EACH[name]} {key}", inner if isinstance(inner, str) else "" if inner == {} else _text(inner)
    else:
        yield name, value if isinstance(value, str) else _text(value)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


_ORDER = ("os", "os.version", "os.features", "architecture", "variant", "created", "author", "Entrypoint", "Cmd",
          "ArgsEscaped", "Shell", "User", "WorkingDir", "Env", "Port", "Volume", "Label", "Annotation")


def _rank(name: str) -> tuple[int, str]:
    """The platform first, then how a container starts, then what describes the image, then the rest by name."""
    group = name.partition(" ")[0]
    return (_ORDER.index(group) if group in _ORDER else len(_ORDER), name)


__all__ = ["config_changes", "config_fields", "history_changes", "layer_pairs"]
