# SPDX-License-Identifier: Apache-2.0
"""The keys that let go of a terminal without ending its program: ``ctrl-p,ctrl-q`` unless the client says others.

Source: moby ``pkg/term/ascii.go`` and ``proxy.go``.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...dockerapi import faults

DEFAULT = b"\x10\x11"
_NAMES = {f"ctrl-{chr(letter)}": letter - 96 for letter in range(97, 123)} | {
    "ctrl-@": 0, "ctrl-[": 27, "ctrl-\\": 28, "ctrl-]": 29, "ctrl-^": 30, "ctrl-_": 31}


class Detached(Exception):
    """The keys were typed; ``before`` is what came before them and belongs to the program."""

    def __init__(self, before: bytes) -> None:
        super().__init__("detached")
        self.before = before


@dataclass(slots=True)
class DetachKeys:
    """Looks for the keys in what is typed. A beginning of them is held back until it is clear what it is."""

    keys: bytes = DEFAULT
    held: int = 0

    @classmethod
    def parse(cls, text: str) -> DetachKeys:
        """``ctrl-p,ctrl-q``, ``ctrl-x,x``; nothing is the default. BadRequest for what is no key."""
        if not text:
            return cls()
        out = bytearray()
        for name in text.split(","):
            if len(name) == 1 and name.isascii():
                out += name.encode()
            elif name.lower() in _NAMES:
                out.append(_NAMES[name.lower()])
            else:
                raise faults.BadRequest(f"Invalid detach keys ({text}) provided")
        return cls(bytes(out))

    def pass_on(self, data: bytes) -> bytes:
        """What goes to the program. Detached when the keys are complete."""
        out = bytearray()
        for byte in data:
            if byte == self.keys[self.held]:
                self.held += 1
                if self.held == len(self.keys):
                    self.held = 0
                    raise Detached(bytes(out))
                continue
            out += self.keys[:self.held]
            self.held = 0
            if byte == self.keys[0]:
                self.held = 1
                continue
            out.append(byte)
        return bytes(out)
