# SPDX-License-Identifier: Apache-2.0
"""What the engine and a process that builds for it tell each other: JSON documents, one a line, on a socket.

The engine begins with ``{"build": …}``. Then the process asks and the engine answers, one at a time:

=========== ======================================= ==========================================
it sends    meaning                                 answer
=========== ======================================= ==========================================
``say``     a message for the client                none
``find``    the image behind a name, pulled if need `id`, ``descriptor``
``blob``    a blob that a layout only promises      ``{}``, once the layout has it
``run``     a command over an image in the layout   ``layers`` that it added
``built``   the image, in the layout but unnamed    ``check``: numbers of layers to check
``sizes``   those layers are what the config says   ``id``: the image is kept, the process ends
``fault``   the build failed                        none
=========== ======================================= ==========================================

An answer may be ``fault`` instead, but for ``run``: a command that fails ends the build, with moby's words. The engine
alone has a sandbox and networks: it executes the command in a container, and its output goes to the client at once.
"""

from __future__ import annotations

import json
import socket
from typing import Any

from ...dockerapi import faults
from ...errors import StoreError

MAX_LINE = 16 << 20
"""No document is longer: the longest holds an image's labels."""


class Ended(StoreError):
    """The other side closed the channel."""


class Channel:
    """One end. Used by one thread at a time; closing the socket from another ends a wait."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._file = end.makefile("rb")

    def send(self, **document: Any) -> None:
        """Send a document. Ended when nobody reads any more."""
        try:
            self._socket.sendall(json.dumps(document).encode() + b"\n")
        except OSError as error:
            raise _ended(error) from error

    def receive(self) -> dict[str, Any]:
        """The next document. Ended when there is none."""
        try:
            line = self._file.readline(MAX_LINE)
        except OSError as error:
            raise _ended(error) from error
        if not line.endswith(b"\n"):
            raise _ended(None)
        document = json.loads(line)
        assert isinstance(document, dict)
        return document

    def ask(self, **document: Any) -> dict[str, Any]:
        """Send, and wait for the answer; the fault in it is raised."""
        self.send(**document)
        answer = self.receive()
        if "fault" in answer:
            raise fault_of(answer["fault"])
        return answer

    def close(self) -> None:
        """End it for both sides."""
        self._file.close()
        self._socket.close()


def fault_of(told: Any) -> faults.Fault:
    """The fault that the other side told of."""
    return faults.of_status(int(told[0]), str(told[1]))


def told(error: BaseException) -> tuple[int, str]:
    """An error, to be told to the other side."""
    fault = faults.of_error(error)
    return fault.status, fault.message


def _ended(error: OSError | None) -> Ended:
    return Ended("the build's process cannot be reached", why=str(error) if error else "it ended")


__all__ = ["Channel", "Ended", "fault_of", "told"]
