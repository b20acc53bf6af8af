# SPDX-License-Identifier: Apache-2.0
"""Networks of the engine: as values, on disk, and in the kernel."""
