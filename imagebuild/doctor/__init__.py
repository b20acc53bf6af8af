# SPDX-License-Identifier: Apache-2.0
"""What is wrong with this host, or what does this error text mean? Pure: values and text in, findings out.

Each name comes from its submodule when it is first asked for, so that importing the room costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .explain import Cause, Explanation, explain, explain_stream
    from .scan import Match

_HOME = {"Cause": "explain", "Explanation": "explain", "explain": "explain", "explain_stream": "explain",
         "Match": "scan"}

__all__ = ["Cause", "Explanation", "Match", "explain", "explain_stream"]


def __getattr__(name: str) -> object:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{home}", __name__), name)
    globals()[name] = value  # over the submodule of the same name, which importing it put there
    return value
