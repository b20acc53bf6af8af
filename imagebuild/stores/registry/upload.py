# SPDX-License-Identifier: Apache-2.0
"""A blob on its way into a registry (distribution-spec "Pushing blobs"): in one piece when small, else in chunks.

Each chunk is kept until the registry has it, so a cut connection costs at most one: the registry is asked how far
it came (``GET`` of the upload) and the rest is sent again. When the registry has lost the upload itself, the error is
``lost``: the blob has to be sent from its first byte (see ``transfer``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import BinaryIO
from urllib.parse import quote

from ...errors import NotFoundError, RegistryError, StoreError, WcowError
from ...oci import Digest
from ..layout.files import check_size
from ..pieces import pieces
from ..port import Progress
from .wire.answers import TEMPORARY, retry_after
from .wire.endpoint import Endpoint, Single
from .wire.pages import is_called_page
from .wire.tokens import push
from .wire.transport import Answer, RequestBody

CHUNK = 8 << 20
_OCTETS = {"Content-Type": "application/octet-stream"}


class Outgoing:
    """The bytes of a blob from one on, as the body of a request that can be sent more than once (after a 401 or a
    redirect). ``failed`` tells trouble of the source from that of the registry."""

    def __init__(self, source: Callable[[int], BinaryIO], begin: int, end: int, progress: Progress) -> None:
        self._source = source
        self._begin = begin
        self._end = end
        self._progress = progress
        self.failed = False

    def __len__(self) -> int:
        return self._end - self._begin

    def __iter__(self) -> Iterator[memoryview]:
        at = self._begin
        self.failed = True
        with self._source(at) as stream:
            for piece in pieces(stream):
                self.failed = False
                yield piece
                self.failed = True
                at += len(piece)
                self._progress(at)
        if at != self._end:
            raise StoreError("a blob ended early", why=f"{at} bytes of {self._end}")
        self.failed = False


class Upload:
    """The BlobWriter of RegistryStore. Holds at most one chunk in memory."""

    def __init__(self, endpoint: Endpoint, repository: str, *, chunk: int = CHUNK) -> None:
        self._endpoint = endpoint
        self._repository = repository
        self._scopes = push(repository)
        self._what = f"cannot push a blob to {endpoint.host}/{repository}"
        self._chunk = chunk
        self._pending = bytearray()
        self._filled = 0
        self._sent = 0
        self._location = ""
        self._mended = False
        self._retrier = endpoint.retrier()
        self._done = False

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        """Append bytes; sends them when there are enough."""
        view = memoryview(data).cast("B")
        total = len(view)
        while view:
            if self._filled >= self._chunk:
                self._flush()
            count = min(len(view), self._chunk - self._filled)
            end = self._filled + count
            if end > len(self._pending):  # it grows to the size of a chunk once, and stays
                del self._pending[self._filled:]
                self._pending += view[:count]
            else:
                with memoryview(self._pending) as pending:
                    pending[self._filled:end] = view[:count]
            self._filled = end
            view = view[count:]
        return total

    def commit(self, digest: Digest, size: int) -> None:
        """Finish the upload under its digest."""
        check_size(self._sent + self._filled, digest, size)
        if not self._location:
            self._start()
            body = bytes(memoryview(self._pending)[:self._filled])
        else:
            if self._filled:
                self._flush()
            body = b""
        self._finish(digest, body)
        self._pending = bytearray()
        self._filled = 0
        self._done = True

    def send(self, source: Callable[[int], BinaryIO], size: int, progress: Progress) -> None:
        """All bytes of a blob that can be opened at any of them (``source``), instead of :meth:`write`: a large one
        goes in one request. Registries wait for their disk at the end of each, so chunks take half again as long."""
        if size > self._chunk:
            try:
                self._patch(size, lambda at: Outgoing(source, at, size, progress))
            except RegistryError as error:
                if error.status != 413:
                    raise
                self._ask_progress(0, size)  # too large at once for a proxy on the way: in chunks, then
        at = self._sent
        if at == size > 0:
            return
        with source(at) as stream:
            for piece in pieces(stream):
                self.write(piece)
                at += len(piece)
                progress(at)

    def __enter__(self) -> Upload:
        return self

    def __exit__(self, *exc: object) -> None:
        if self._location and not self._done:
            self._give_up(self._location)
        self._pending = bytearray()
        self._filled = 0
        self._done = True

    # --- the protocol ---------------------------------------------------------------------------------------------

    def _request(self, method: str, path: str, *, headers: dict[str, str] | None = None,
                 body: RequestBody | None = None, retrier: Single | None = None) -> Answer:
        return self._endpoint.request(method, path, scopes=self._scopes, what=self._what, headers=headers, body=body,
                                      retrier=retrier or self._retrier)

    def _lost(self, why: str) -> RegistryError:
        return RegistryError(f"{self._what}: the upload broke and cannot be continued", temporary=True, why=why,
                             hint="try again", lost=True)

    def _error(self, answer: Answer) -> WcowError:
        """The error for an answer to a request of this upload; 404 says that there is no such upload any more."""
        error = self._endpoint.error(answer, self._what)
        return self._lost(error.why) if isinstance(error, NotFoundError) else error

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
        begin = self._sent
        with memoryview(self._pending) as pending:
            self._patch(begin + self._filled, lambda at: pending[at - begin:self._filled])
        self._filled = 0

    def _patch(self, end: int, body: Callable[[int], RequestBody]) -> None:
        """Send the bytes from where the registry is to ``end``, the end of the blob or of a chunk. ``body`` gives
        those from a byte on."""
        if not self._location:
            self._start()
        begin = self._sent
        once = Single()
        while self._sent < end:
            headers = {**_OCTETS, "Content-Range": f"{self._sent}-{end - 1}"}
            outgoing = body(self._sent)
            try:
                answer = self._request("PATCH", self._location, headers=headers, retrier=once, body=outgoing)
            except RegistryError as error:
                if getattr(outgoing, "failed", False) or not error.temporary or not self._retrier.pause():
                    raise
                self._ask_progress(begin, end)
                continue
            if answer.status in (201, 202, 204):
                self._moved(answer)
                self._sent = end
            elif (answer.status == 416 or answer.status in TEMPORARY) and self._retrier.pause(retry_after(answer)):
                answer.drop()
                self._ask_progress(begin, end)
            else:
                raise self._error(answer)
        self._retrier.progressed()

    def _ask_progress(self, begin: int, end: int) -> None:
        """How far the registry came. ``Range: 0-N`` counts the last byte; without one it has none of the chunk."""
        self._mended = True
        answer = self._request("GET", self._location)
        if answer.status not in (200, 202, 204):
            raise self._error(answer)
        had = answer.header("range").removeprefix("bytes=")
        self._moved(answer)
        found = re.fullmatch(r"0-([1-9]\d{0,18})", had)  # 0-0 is what registries say of nothing, too
        reached = int(found[1]) + 1 if found else 0
        if not begin <= reached <= end:
            raise self._lost(f"{self._endpoint.host} has {reached} bytes of it, where {begin} to {end} were sent")
        if reached > self._sent:
            self._retrier.progressed()
        self._sent = reached

    def _finish(self, digest: Digest, body: bytes) -> None:
        once = Single()
        while True:
            trouble: WcowError
            asked: float | None = None
            mark = "&" if "?" in self._location else "?"
            try:
                answer = self._request("PUT", f"{self._location}{mark}digest={quote(digest, safe='')}",
                                       headers=_OCTETS, body=body, retrier=once)
            except RegistryError as error:
                if not error.temporary:
                    raise
                trouble = error
            else:
                if answer.status in (201, 202, 204):
                    answer.drop()
                    return
                asked = retry_after(answer)
                trouble = self._error(answer)
            # The answer may have been lost after the work was done.
            if self._there(digest):
                return
            if self._mended and "DIGEST_INVALID" in getattr(trouble, "codes", ()):
                trouble = self._lost(trouble.why)  # what was mended did not fit together
            if not getattr(trouble, "temporary", False) or getattr(trouble, "lost", False) \
                    or not self._retrier.pause(asked):
                raise trouble
            if body:
                # Some of it may have arrived, and would be counted in: begin anew.
                self._location, before = "", self._location
                self._give_up(before)
                self._start()

    def _give_up(self, location: str) -> None:
        # Politeness only: a registry forgets unfinished uploads by itself.
        with suppress(WcowError):
            self._request("DELETE", location, retrier=Single()).drop()

    def _there(self, digest: Digest) -> bool:
        try:
            answer = self._request("HEAD", f"/v2/{self._repository}/blobs/{digest}")
        except RegistryError:  # then it is sent; a registry that fails says so there
            return False
        answer.drop()
        return answer.status == 200 and not is_called_page(answer)
