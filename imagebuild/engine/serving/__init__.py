# SPDX-License-Identifier: Apache-2.0
"""The engine as a process: one for each folder, started, found, and ended."""
