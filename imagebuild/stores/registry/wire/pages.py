# SPDX-License-Identifier: Apache-2.0
"""A web page where a registry's answer should be: from a captive portal, a proxy, or the web server of that address.

It comes with status 200, so that only its content tells. The media type alone does not: there are registries (Quay
for one) that call short answers ``text/html``.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ....errors import RegistryError
from ...redact import printable, redact
from .transport import Answer

HINT = "something else answers in its place: check its name and port, log in to the network if that asks for it, " \
    "and look at HTTPS_PROXY and NO_PROXY"
_READ = 16 << 10
_KINDS = ("text/html", "application/xhtml+xml")
_TITLE = re.compile(r"(?is)<title[^<>]*>(.{1,400}?)</title")


def is_page(data: bytes) -> bool:
    """Whether a document that should be JSON, or nothing, is a web page. JSON never begins with ``<``."""
    return data[:256].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def is_called_page(answer: Answer) -> bool:
    """Whether an answer calls itself a web page."""
    return answer.header("content-type").partition(";")[0].strip().lower() in _KINDS


def instead_of_blob(answer: Answer, size: int) -> bool:
    """Whether an answer to GET or HEAD of a blob of this size is a page. One of just that size is left to its digest:
    a blob may be a page, too."""
    return answer.status == 200 and is_called_page(answer) and answer.header("content-length") != str(size)


def page_error(answer: Answer, what: str, *, host: str, data: bytes | None = None) -> RegistryError:
    """The error for a page; ``data`` is what was read of it already, else it is read here."""
    if data is None:
        try:
            data = answer.read(_READ)
        except RegistryError:
            data = b""
    found = _TITLE.search(data[:_READ].decode("utf-8", "replace"))
    title = printable(redact(found[1]), 80) if found else ""
    place = urlsplit(answer.url).netloc.rpartition("@")[2]
    led = f", at {printable(place, 100)}" if place and host not in (place, "docker.io") else ""
    return RegistryError(what, why=f"{host} answered {answer.status} with a web page"
                         + (f' ("{title}")' if title else "") + f"{led}, not as a registry does",
                         hint=HINT, status=answer.status, temporary=False)
