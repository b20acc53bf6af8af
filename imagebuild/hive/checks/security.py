# SPDX-License-Identifier: Apache-2.0
"""The security cells of a hive, examined: their ring, their descriptors, and how many keys use each."""

from __future__ import annotations

from collections.abc import Iterator
from struct import unpack_from

from ...errors import FormatError, quoted
from ...windows.security import SecurityDescriptor
from ..layout import PAGE, SECURITY_SIZE
from .cells import Cells, Found
from .damage import Damage, found


class Securities:
    """The security cells that were met, and who has met them."""

    def __init__(self, cells: Cells) -> None:
        self._cells = cells
        self._uses: dict[int, int] = {}
        self._links: dict[int, tuple[int, int, int]] = {}
        self._descriptors: dict[bytes, int] = {}

    def use(self, at: int, holder: int, path: str) -> Iterator[Damage]:
        """A key has this security."""
        if at == 0xFFFFFFFF:
            yield found("security-missing", PAGE + holder, path, "a key has no security descriptor")
            return
        if at not in self._uses:
            self._uses[at] = 0
            yield from self._examine(at, holder, path)
        self._uses[at] += 1

    def _examine(self, at: int, holder: int, path: str) -> Found[bool]:
        """Read a security cell that was not met before; whether it is one."""
        content = yield from self._cells.claim(at, SECURITY_SIZE, "a security descriptor", holder, path)
        if content is None:
            return False
        if content[:2] != b"sk":
            yield found("security-signature", PAGE + at, path,
                        f"a security cell begins with {quoted(content[:2])}, not 'sk'")
            return False
        after, before, count, size = unpack_from("<4I", content, 4)
        self._links[at] = after, before, count
        if size > len(content) - SECURITY_SIZE:
            yield found("security-descriptor", PAGE + at, path, f"a security descriptor claims {size} bytes, its cell "
                                                                f"has room for {len(content) - SECURITY_SIZE}")
            return True
        descriptor = content[SECURITY_SIZE : SECURITY_SIZE + size]
        try:
            SecurityDescriptor.from_bytes(descriptor)
        except FormatError as error:
            yield found("security-descriptor", PAGE + at, path, f"a security descriptor is broken: {error.why}")
        first = self._descriptors.setdefault(descriptor, at)
        if first != at:
            yield found("security-twice", PAGE + at, path, f"the security descriptor at byte {PAGE + first} again")
        return True

    def examine_ring(self) -> Iterator[Damage]:
        """Follow the ring, and compare the counts with the uses."""
        start = at = next(iter(self._links), None)
        ring: set[int] = set()
        while at is not None and at not in ring:
            ring.add(at)
            after = self._links[at][0]
            if after not in self._links and not (yield from self._examine(after, at, "")):
                yield found("security-ring", PAGE + at, "", "the next security cell is none, so the ring is open")
                break
            if self._links[after][1] != at:
                yield found("security-ring", PAGE + after, "", f"a security cell says that {self._links[after][1]} is "
                                                               f"before it, and {at} is")
            at = after
        else:
            if at != start and at is not None:
                yield found("security-ring", PAGE + at, "", "the ring of security cells comes back before its end")
        for at, (_unused, _unused, count) in self._links.items():
            uses = self._uses.get(at, 0)
            if at not in ring:
                yield found("security-ring", PAGE + at, "", "a security cell is not in the ring")
            if count != uses:
                yield found("security-count", PAGE + at, "", f"a security cell counts {count} keys, {uses} have it")
            elif not uses:
                yield found("security-unused", PAGE + at, "", "a security cell is in the ring, and no key has it")
