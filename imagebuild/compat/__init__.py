# SPDX-License-Identifier: Apache-2.0
"""Does this image run on that host? Verdicts, and what engines pick from an index. Pure: no IO, nothing raises."""
