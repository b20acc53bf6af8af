# SPDX-License-Identifier: Apache-2.0
"""The one table: bases and their configs, values of ARGs, what made-up archives hold, causes. ``table.toml`` has it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

PLACE = Path(__file__).with_name("table.toml")


@dataclass(frozen=True, slots=True)
class ImageRow:
    """What stands in for images of these ``names``. ``like`` is a flavour of ``wcow base create``, or ``linux`` for an
    image whose config says so; ``lines`` go on in Dockerfile syntax with the backtick as escape; ``files`` are made."""

    names: tuple[str, ...]
    like: str
    source: str
    lines: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a build stops: the first row whose pattern is found in what the build said."""

    pattern: re.Pattern[str]
    text: str


class Table:
    """The table, read."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.images = tuple(ImageRow(tuple(row["names"]), row["like"], row["source"], tuple(row.get("lines", ())),
                                     tuple(row.get("files", ()))) for row in document["image"])
        self._builds: dict[str, int] = document["builds"]
        self._arguments: list[dict[str, Any]] = document["arguments"]
        self._contents: list[dict[str, Any]] = document["content"]
        self.causes = tuple(Cause(re.compile(row["said"], re.IGNORECASE | re.DOTALL), row["cause"])
                            for row in document.get("cause", ()))

    @classmethod
    def load(cls, place: Path = PLACE) -> Table:
        """Read the table."""
        return cls(tomllib.loads(place.read_text("utf-8")))

    def image(self, name: str, *, linux: bool = False) -> ImageRow | None:
        """The row for an image, by the name that the Dockerfile has; the first that fits."""
        for row in self.images:
            if (row.like == "linux") == linux and any(fnmatchcase(name, pattern) for pattern in row.names):
                return row
        return None

    def os_version(self, name: str) -> str:
        """The version of Windows that an image stands for, by words of its tag; else of the newest LTSC but one."""
        tag = name.rpartition("/")[2].partition(":")[2].lower()
        build = next((build for word, build in self._builds.items() if word in tag), self._builds["default"])
        return f"10.0.{build}.1"

    @property
    def newest(self) -> int:
        """The newest build that an image stands for."""
        return max(self._builds.values())

    def arguments(self, dockerfile: str) -> dict[str, str]:
        """Values for the ARGs of a Dockerfile, by its ``OWNER/NAME/PATH``; later rows win."""
        values: dict[str, str] = {}
        for row in self._arguments:
            if any(fnmatchcase(dockerfile, pattern) for pattern in row["of"]):
                values.update(row["values"])
        return values

    def extra(self, dockerfile: str) -> list[str]:
        """More files of a context, which a Dockerfile takes with its folder and names only in a RUN."""
        return [name for row in self._arguments if any(fnmatchcase(dockerfile, one) for one in row["of"])
                for name in row.get("context", ())]

    def inside(self, name: str) -> list[str]:
        """What an archive or a folder of this name holds; nothing where no row says."""
        return self._filled(name, "entries")

    def sums(self, name: str) -> list[str]:
        """The files whose digests a list of digests has."""
        return self._filled(name, "sums")

    def _filled(self, name: str, key: str) -> list[str]:
        path = PurePosixPath(name.replace("\\", "/"))
        found = re.search(r"\d+(?:\.\d+)+(?:-(?:preview|rc|beta)[.\w]*)?", path.stem)
        words = {"stem": path.stem, "version": found[0] if found else "1.0"}
        for row in self._contents:
            if key in row and any(fnmatchcase(str(path).lower(), pattern) for pattern in row["of"]):
                return [entry.format_map(words) for entry in row[key]]
        return []

    def cause(self, said: str) -> str:
        """The cause that the table has for what a build said; empty where it has none."""
        return next((cause.text for cause in self.causes if cause.pattern.search(said)), "")


def names(rows: Iterable[ImageRow]) -> list[str]:
    """Every pattern of some rows."""
    return [name for row in rows for name in row.names]
