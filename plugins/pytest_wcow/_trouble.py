# SPDX-License-Identifier: Apache-2.0
"""What a test is told when something of ours fails: cause and remedy, without a traceback of ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def told(missing: str = "fail") -> Iterator[None]:
    """Fail the test with the error's own lines; where ``missing`` is ``skip`` skip it instead."""
    from imagebuild.errors import WcowError

    try:
        yield
        return
    except WcowError as error:
        text = "\n".join(error.lines())
    if missing == "skip":  # out of the except block: pytest would show both errors
        pytest.skip(text)
    pytest.fail(text, pytrace=False)
