# SPDX-License-Identifier: Apache-2.0
"""What a registry's answer means when it is not what we asked for (distribution-spec "Error Codes")."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus

from ....errors import AuthError, NotFoundError, RegistryError, WcowError
from ...redact import printable, redact
from .pages import HINT, is_called_page, is_page, page_error
from .transport import Answer

_MAX_ERROR = 64 << 10
_MAX_SHORT = 16 << 10
TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})


def error_of(answer: Answer, what: str, *, host: str, secrets: Iterable[str] = ()) -> WcowError:
    """The error for an answer; reads (at most 64 KiB of) its body and closes it."""
    if answer.status < 300 and is_called_page(answer):
        return page_error(answer, what, host=host)
    codes, text = _details(answer)
    text = redact(printable(text), secrets)
    why = f"{host} answered {answer.status} {_phrase(answer.status)}" + (f": {text}" if text else "")
    status = answer.status
    if status == 401:
        return AuthError(what, why=why, status=status, codes=codes,
                         hint=f"log in with: wcow login {host}; or it is not there")
    if status == 403:
        return AuthError(what, why=why, status=status, codes=codes,
                         hint=f"this account may not do that; log in with another: wcow login {host}")
    if status == 404:
        return NotFoundError(what, why=why, hint="check the name and the tag", status=status, codes=codes)
    if status == 429:
        wait = retry_after(answer)
        return RegistryError(what, why=why, status=status, codes=codes, temporary=True,
                             hint=f"too many requests; try again in {wait:.0f} s" if wait else
                             f"too many requests; try again later, or log in: wcow login {host}")
    if status == 511:
        return RegistryError(what, why=why, status=status, codes=codes, temporary=False, hint=HINT)
    if status in TEMPORARY or status >= 500:
        return RegistryError(what, why=why, status=status, codes=codes, temporary=True,
                             hint="the registry is in trouble; try again later")
    if status == 413:
        return RegistryError(what, why=why, status=status, codes=codes,
                             hint="a proxy before the registry limits the size of uploads")
    return RegistryError(what, why=why, status=status, codes=codes)


def finish(answer: Answer, what: str, *, host: str) -> None:
    """Be done with an answer that says nothing more than that it worked. RegistryError when it is a web page."""
    try:
        data = answer.read(_MAX_SHORT)
    except RegistryError:
        answer.body.close()
        return
    if is_page(data):
        raise page_error(answer, what, host=host, data=data)


def document(answer: Answer, limit: int, what: str, *, host: str) -> bytes:
    """The body of an answer that should be a document, up to ``limit`` bytes. RegistryError when it is a web page."""
    data = answer.read(limit)
    if is_page(data):
        raise page_error(answer, what, host=host, data=data)
    return data


def retry_after(answer: Answer, *, now: Callable[[], float] = time.time) -> float | None:
    """The seconds an answer asks us to wait, from a number or a date; None when it does not say."""
    text = answer.header("retry-after").strip()
    if not text:
        return None
    if text.isdigit():
        return float(min(int(text[:9]), 10**6))
    import email.utils

    try:
        when = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, when - now())


def _details(answer: Answer) -> tuple[tuple[str, ...], str]:
    try:
        data = answer.read(_MAX_ERROR)
    except RegistryError:  # the status alone is the error then
        return (), ""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):  # the status alone is the error then
        kind = answer.header("content-type")
        return (), data.decode("utf-8", "replace") if kind.startswith("text/plain") else ""
    codes: list[str] = []
    texts: list[str] = []
    errors = document.get("errors") if isinstance(document, dict) else None
    for item in errors[:8] if isinstance(errors, list) else ():
        if isinstance(item, dict):
            code, message = printable(str(item.get("code") or ""), 60), str(item.get("message") or "")
            codes.append(code)
            texts.append(f"{code} {message}".strip())
    if not texts and isinstance(document, dict):
        texts = [str(document[key]) for key in ("details", "message", "error") if isinstance(document.get(key), str)]
    return tuple(codes), "; ".join(texts)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:  # a number without a name is told as a number
        return ""
