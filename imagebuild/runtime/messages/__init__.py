# SPDX-License-Identifier: Apache-2.0
"""Windows' own texts of system errors, laid over Wine's: what programs say is then what people and tests know.

Wine has texts of its own for some 760 errors ("File not found."); Windows has others ("The system cannot find the file
specified."). Windows' are read from a package of this machine (:mod:`.sources`) and written into the copy of
``kernelbase.dll`` that boxes get (:mod:`.resource`, :mod:`.table`); none of them is in this repository.
"""

from __future__ import annotations

from .resource import with_messages
from .sources import Source, find

__all__ = ["Source", "find", "with_messages"]
