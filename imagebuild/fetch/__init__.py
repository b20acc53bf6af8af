# SPDX-License-Identifier: Apache-2.0
"""Content from elsewhere: a file behind a URL, a commit of a git repository, or a folder that stands in for either.

``NetworkFetcher().url("https://host/x.zip", checksum="sha256:…")`` gives a :class:`Download`,
``NetworkFetcher().git("https://host/x.git#main:docs")`` a :class:`Checkout`; both are removed when closed.
:mod:`.proxy.proxy` serves programs, and :class:`Recordings` keeps what came.
"""

from __future__ import annotations

from .downloadmap import DownloadMap
from .git import fetch_git
from .giturl import GitSource, is_git_url
from .memory import MemoryFetcher
from .network import NetworkFetcher
from .port import Checkout, Download, Fetched, Fetcher, Progress
from .recorded import RecordingFetcher, ReplayFetcher
from .recordings import Recordings
from .redact import redact, scrub
from .url import fetch_url

__all__ = [
    "Checkout",
    "Download",
    "DownloadMap",
    "Fetched",
    "Fetcher",
    "GitSource",
    "MemoryFetcher",
    "NetworkFetcher",
    "Progress",
    "RecordingFetcher",
    "Recordings",
    "ReplayFetcher",
    "fetch_git",
    "fetch_url",
    "is_git_url",
    "redact",
    "scrub",
]
