# SPDX-License-Identifier: Apache-2.0
"""A blob on its way into a registry (distribution-spec "Pushing blobs"): in one piece when small, else in chunks.

Each chunk is kept until the registry has it, so a cut connection costs at most one: the registry is asked how far
it came (``GET`` of the upload) and the rest is sent again.
"""

from __future__ import annotations

from contextlib import suppress
from urllib.parse import quote

from ..errors import RegistryError, WcowError
from ..oci import Digest
from .endpoint import Endpoint, Single
from .files import check_size
from .tokens import push
from .transport import Answer

CHUNK = 8 << 20
_OCTETS = {"Content-Type": "application/octet-stream"}


class Upload:
    """The BlobWriter of RegistryStore. Holds at most one chunk in memory."""

    def __init__(self, endpoint: Endpoint, repository: str, *, chunk: int = CHUNK) -> None:
        self._endpoint = endpoint
        self._repository = repository
        self._scopes = push(repository)
        self._what = f"cannot push a blob to {endpoint.host}/{repository}"
        self._chunk = chunk
        self._pending = bytearray()
        self._sent = 0
        self._location = ""
        self._done = False

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Append bytes; sends them when there are enough."""
        view = memoryview(data).cast("B")
        total = len(view)
        while view:
            room = self._chunk - len(self._pending)
            self._pending += view[:room]
            view = view[room:]
            if len(self._pending) >= self._chunk:
                self._flush()
        return total

    def commit(self, digest: Digest, size: int) -> None:
        """Finish the upload under its digest."""
        check_size(self._sent + len(self._pending), digest, size)
        if not self._location:
            self._start()
            body = bytes(self._pending)
        else:
            if self._pending:
                self._flush()
            body = b""
        self._finish(digest, body)
        self._pending = bytearray()
        self._done = True

    def __enter__(self) -> Upload:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._location and not self._done:
            # Politeness only: a registry forgets unfinished uploads by itself.
            with suppress(WcowError):
                self._request("DELETE", self._location, retrier=Single()).drop()
        self._pending = bytearray()
        self._done = True

    # --- the protocol ---------------------------------------------------------------------------------------------

    def _request(self, method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes | None = None,
                 retrier: Single | None = None) -> Answer:
        return self._endpoint.request(method, path, scopes=self._scopes, what=self._what, headers=headers, body=body,
                                      retrier=retrier)

    def _start(self) -> None:
        answer = self._request("POST", f"/v2/{self._repository}/blobs/uploads/", body=b"")
        if answer.status != 202:
            raise self._endpoint.error(answer, self._what)
        self._moved(answer)
        if not self._location:
            raise RegistryError(self._what, why=f"{self._endpoint.host} gave no place to upload to")
        least = answer.header("oci-chunk-min-length")
        if least.isdigit():
            self._chunk = max(self._chunk, min(int(least[:9]), 64 << 20))

    def _moved(self, answer: Answer) -> None:
        """Note where to go on; the answer's body is done with."""
        target = answer.header("location")
        if target:
            self._location = self._endpoint.join(answer.url, target, self._what)
        answer.drop()

    def _flush(self) -> None:
        if not self._location:
            self._start()
        retrier = self._endpoint.retrier()
        begin = self._sent
        end = begin + len(self._pending)
        once = Single()
        while self._sent < end:
            body = bytes(memoryview(self._pending)[self._sent - begin:])
            headers = {**_OCTETS, "Content-Range": f"{self._sent}-{end - 1}"}
            try:
                answer = self._request("PATCH", self._location, headers=headers, body=body, retrier=once)
            except RegistryError as error:
                if not error.temporary or not retrier.pause():
                    raise
                self._ask_progress(begin, end)
                continue
            if answer.status in (201, 202, 204):
                self._moved(answer)
                self._sent = end
            elif (answer.status == 416 or answer.status >= 500 or answer.status in (408, 429)) and retrier.pause():
                answer.drop()
                self._ask_progress(begin, end)
            else:
                raise self._endpoint.error(answer, self._what)
        self._pending = bytearray()

    def _ask_progress(self, begin: int, end: int) -> None:
        """How far the registry came. ``Range: 0-N`` counts the last byte; without one it has none of the chunk."""
        answer = self._request("GET", self._location)
        if answer.status not in (202, 204):
            raise self._endpoint.error(answer, f"{self._what}: the upload broke and cannot be continued")
        had = answer.header("range").removeprefix("bytes=")
        self._moved(answer)
        first, _, last = had.partition("-")
        reached = int(last) + 1 if first == "0" and last.isdigit() and int(last) > 0 else 0
        if not begin <= reached <= end:
            if reached < begin:
                raise RegistryError(f"{self._what}: the upload broke and cannot be continued", temporary=True,
                                    why=f"{self._endpoint.host} lost bytes it had accepted ({reached} of {begin})")
            reached = end
        self._sent = reached

    def _finish(self, digest: Digest, body: bytes) -> None:
        retrier = self._endpoint.retrier()
        once = Single()
        mark = "&" if "?" in self._location else "?"
        url = f"{self._location}{mark}digest={quote(digest, safe='')}"
        while True:
            trouble: WcowError
            try:
                answer = self._request("PUT", url, headers=_OCTETS, body=body, retrier=once)
            except RegistryError as error:
                if not error.temporary:
                    raise
                trouble = error
            else:
                if answer.status in (201, 202, 204):
                    answer.drop()
                    return
                trouble = self._endpoint.error(answer, self._what)
            # The answer may have been lost after the work was done.
            if self._there(digest):
                return
            if not getattr(trouble, "temporary", False) or not retrier.pause():
                raise trouble

    def _there(self, digest: Digest) -> bool:
        try:
            answer = self._request("HEAD", f"/v2/{self._repository}/blobs/{digest}")
        except RegistryError:
            return False
        answer.drop()
        return answer.status == 200
