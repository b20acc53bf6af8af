# SPDX-License-Identifier: Apache-2.0
"""Variables of a Windows program, by name in any case."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


class Environ(Mapping[str, str]):
    """Variables of a program by name. A name is found in any case: ``environ["PATH"]`` is that of ``Path``."""

    def __init__(self, pairs: Mapping[str, str]) -> None:
        self._pairs = dict(pairs)
        self._by_name = {name.casefold(): text for name, text in self._pairs.items()}

    @classmethod
    def of_set(cls, text: str) -> Environ:
        """Read what ``set`` prints."""
        lines = (line.rstrip("\r") for line in text.split("\n"))
        return cls(dict(line.partition("=")[::2] for line in lines if "=" in line))

    def __repr__(self) -> str:
        return repr(self._pairs)

    def __getitem__(self, name: str) -> str:
        try:
            return self._by_name[name.casefold()]
        except KeyError:
            raise KeyError(name) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)
