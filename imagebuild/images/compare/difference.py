# SPDX-License-Identifier: Apache-2.0
"""What two images (or two layers) do not have in common, as values.

:func:`~imagebuild.images.compare.compare.compare` makes them. The first of the two is *before*, the second *after*; a
page that shows one image alone has no *before*. :meth:`Difference.facts` is what ``wcow diff --format json`` prints.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from ...windows.filetime import to_iso
from ..inspect.listing import Item
from .acls import AclChange
from .hive_change import HiveChange


class Aspect(Enum):
    """In what a path that both sides have differs."""

    CASE = "case"
    KIND = "kind"
    SIZE = "size"
    CONTENT = "content"
    LINK = "link"
    ACL = "acl"
    ATTRIBUTES = "attributes"
    EAS = "extended attributes"
    TIMES = "times"


@dataclass(frozen=True, slots=True)
class FileChange:
    """One path. ``before`` is ``None`` for one that came, ``after`` for one that went; ``aspects`` says, for one that
    both have, what changed of it. ``hive`` marks a registry hive; where its keys were compared, its bytes are no
    aspect."""

    before: Item | None
    after: Item | None
    aspects: tuple[Aspect, ...] = ()
    hive: bool = False

    @property
    def mark(self) -> str:
        """``+`` came, ``-`` went, ``~`` changed."""
        return "+" if self.before is None else "-" if self.after is None else "~"

    @property
    def item(self) -> Item:
        """The newer of the two."""
        item = self.after or self.before
        assert item is not None
        return item

    @property
    def path(self) -> str:
        """The path as the newer side writes it."""
        return self.item.path

    def acl(self, *, sddl: bool = False) -> AclChange | None:
        """Which entries of the ACL came and went, in words or SDDL; ``None`` when it did not change."""
        if Aspect.ACL not in self.aspects or self.before is None or self.after is None:
            return None
        return AclChange.between(self.before.entry.security, self.after.entry.security, sddl=sddl)

    def facts(self) -> dict[str, Any]:
        """For JSON: both sides, and the ACL's entries that came and went."""
        facts: dict[str, Any] = {"path": self.path, "mark": self.mark, "changed": [one.value for one in self.aspects],
                                 "hive": self.hive,
                                 "before": self.before.facts() if self.before else None,
                                 "after": self.after.facts() if self.after else None}
        acl = self.acl()
        if acl is not None:
            facts["acl"] = acl.facts()
        return facts


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """A field of the config: ``Env PATH``, ``Cmd``, ``Label maintainer``, ``os.version`` … Values are texts as a person
    would write them (lists as JSON); ``None`` where a side does not have it."""

    field: str
    before: str | None
    after: str | None

    @property
    def mark(self) -> str:
        """``+`` came, ``-`` went, ``~`` changed."""
        return "+" if self.before is None else "-" if self.after is None else "~"

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"field": self.field, "mark": self.mark, "before": self.before, "after": self.after}


@dataclass(frozen=True, slots=True)
class HistoryChange:
    """A step of the history that one side lacks."""

    mark: str
    number: int
    created_by: str
    created: str
    empty_layer: bool

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"mark": self.mark, "number": self.number, "created_by": self.created_by, "created": self.created,
                "empty_layer": self.empty_layer}


@dataclass(frozen=True, slots=True)
class LayerPair:
    """A layer of either side, or the same one in both: numbers count from 0, the lowest. Sizes are those stored."""

    diff_id: str
    before: int | None
    after: int | None
    digest_before: str = ""
    digest_after: str = ""
    size_before: int = 0
    size_after: int = 0

    @property
    def mark(self) -> str:
        """``=`` the same bytes, ``≈`` the same tar compressed otherwise, ``-`` and ``+`` of one side only."""
        if self.before is None:
            return "+"
        if self.after is None:
            return "-"
        return "=" if self.digest_before == self.digest_after else "≈"

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"mark": self.mark, "diff_id": self.diff_id, "before": self.before, "after": self.after,
                "digest_before": self.digest_before, "digest_after": self.digest_after,
                "size_before": self.size_before, "size_after": self.size_after}


@dataclass(frozen=True, slots=True)
class Subject:
    """One of the two: its name, the digest of its manifest, the number of the layer that was looked at alone."""

    name: str
    digest: str
    layer: int | None = None

    def __str__(self) -> str:
        return self.name if self.layer is None else f"{self.name} layer {self.layer}"

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"name": self.name, "digest": self.digest, "layer": self.layer}


@dataclass(frozen=True, slots=True)
class Difference:
    """All that differs. ``compared`` counts the paths that were looked at in one side or the other; what both take from
    layers they share is not looked at."""

    before: Subject | None
    after: Subject
    files: tuple[FileChange, ...] = ()
    registry: tuple[HiveChange, ...] = ()
    config: tuple[ConfigChange, ...] = ()
    history: tuple[HistoryChange, ...] = ()
    layers: tuple[LayerPair, ...] = ()
    compared: int = 0

    @property
    def equal(self) -> bool:
        """Whether a container of either would see and do the same.

        How the files are cut into layers and compressed does not matter to it; times matter only if they were asked
        for. So equal images may have different digests: see :attr:`identical`.
        """
        return not (self.files or self.registry or self.config or self.history)

    @property
    def identical(self) -> bool:
        """Whether both are one and the same manifest (or layer)."""
        if self.before is None or self.before.layer is None or self.after.layer is None:
            return self.before is not None and self.before.digest == self.after.digest
        return all(pair.mark == "=" for pair in self.layers)

    def counts(self) -> dict[str, int]:
        """How many paths came, went and changed, and by how many bytes the files grew."""
        marks = [change.mark for change in self.files]
        grown = sum((change.after.size if change.after else 0) - (change.before.size if change.before else 0)
                    for change in self.files)
        return {"added": marks.count("+"), "removed": marks.count("-"), "changed": marks.count("~"), "bytes": grown}

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "before": self.before.facts() if self.before else None, "after": self.after.facts(), "equal": self.equal,
            "identical": self.identical, "counts": self.counts(),
            "files": [change.facts() for change in self.files],
            "registry": [change.facts() for change in self.registry],
            "config": [change.facts() for change in self.config],
            "history": [change.facts() for change in self.history],
            "layers": [pair.facts() for pair in self.layers],
        }


def moments(item: Item) -> tuple[tuple[str, str], ...]:
    """The four times of an entry with their names, as ISO 8601; none when the layer does not say."""
    times = item.entry.times
    if times is None:
        return ()
    return (("created", to_iso(times.created)), ("modified", to_iso(times.modified)),
            ("accessed", to_iso(times.accessed)), ("changed", to_iso(times.changed)))


__all__ = ["Aspect", "ConfigChange", "Difference", "FileChange", "HistoryChange", "HiveChange", "LayerPair", "Subject",
           "moments"]
