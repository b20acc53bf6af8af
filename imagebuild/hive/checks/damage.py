# SPDX-License-Identifier: Apache-2.0
"""What can be wrong with a hive: one line of a table for each kind, and the finding itself.

How bad a kind is follows what Windows' loader is known to do: what it refuses, repairs by dropping, or would look up
wrongly is an error; what it tolerates or puts right is a warning; what merely was left behind is a note. Sources:
msuhanov/regf; Project Zero, "The Windows Registry Adventure" 6 to 8; hives made by Windows.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import quoted

ERROR, WARNING, NOTE = "error", "warning", "note"

KINDS = {
    # the base block
    "block-signature": ERROR, "block-checksum": ERROR, "block-dirty": ERROR, "block-kind": ERROR,
    "block-version": ERROR, "block-format": ERROR, "block-size": ERROR, "block-sector": WARNING, "block-rest": NOTE,
    # bins and cells
    "bin-signature": ERROR, "bin-offset": ERROR, "bin-size": ERROR, "cell-size": ERROR,
    # what points to a cell
    "cell-outside": ERROR, "cell-missing": ERROR, "cell-free": ERROR, "cell-small": ERROR, "cell-shared": ERROR,
    "cell-unused": NOTE,
    # keys
    "key-signature": ERROR, "key-name": ERROR, "key-name-wide": NOTE, "key-parent": ERROR, "key-flags": WARNING,
    "key-depth": ERROR, "key-volatile": NOTE, "key-class": WARNING, "key-max-small": WARNING, "key-max-large": NOTE,
    "symlink": WARNING,
    # lists of subkeys
    "list-kind": ERROR, "list-nested": ERROR, "list-count": ERROR, "list-order": ERROR, "list-duplicate": ERROR,
    "list-hash": ERROR, "list-hint": ERROR, "list-version": WARNING, "list-empty": WARNING,
    # values
    "value-signature": ERROR, "value-name": ERROR, "value-name-wide": NOTE, "value-duplicate": WARNING,
    "value-flags": WARNING, "value-data": ERROR, "value-not-inline": NOTE, "value-not-segmented": ERROR,
    "big-data": ERROR,
    # security
    "security-missing": ERROR, "security-signature": ERROR, "security-descriptor": ERROR, "security-ring": ERROR,
    "security-count": WARNING, "security-unused": NOTE, "security-twice": NOTE,
    # layers
    "layer-tombstone": ERROR, "layer-tree": ERROR, "layer-root": ERROR, "layer-bits": WARNING, "layer-class": WARNING,
    "value-tombstone": ERROR, "layer-unsupported": WARNING,
}
"""Every kind of damage with how bad it is."""


@dataclass(frozen=True, slots=True)
class Damage:
    """One thing that is wrong: its kind (``id``), ``severity``, ``offset`` in the file, the ``path`` of the key it
    belongs to (empty for the root and for what belongs to none), and a sentence."""

    id: str
    severity: str
    offset: int
    path: str
    sentence: str

    def __str__(self) -> str:
        where = f" of {quoted(self.path)}" if self.path else ""
        return f"{self.severity} {self.id} at byte {self.offset}{where}: {self.sentence}"


def found(id: str, offset: int, path: str, sentence: str) -> Damage:
    """A finding of a kind of the table."""
    return Damage(id, KINDS[id], offset, path, sentence)
