# SPDX-License-Identifier: Apache-2.0
"""Files that verbs write: whole, or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from ..errors import StoreError


def write_whole(output: Path | None, pieces: Iterable[bytes]) -> None:
    """Print, or write a file that has its name only when it is whole. A file that is there keeps its permissions."""
    if output is None:
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    draft: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=f".{output.name}.", dir=output.parent)
        draft = Path(name)
        with os.fdopen(handle, "wb") as out:
            for piece in pieces:
                out.write(piece)
        draft.chmod(_mode(output))
        draft.replace(output)
    except OSError as error:
        raise StoreError(f"cannot write {output}", why=error.strerror or str(error),
                         hint="choose another place with -o FILE") from error
    finally:
        if draft is not None:
            with suppress(OSError):
                draft.unlink(missing_ok=True)


def _mode(output: Path) -> int:
    with suppress(OSError):  # a file that is not there yet gets the umask's mode
        return output.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
