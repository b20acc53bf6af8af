# SPDX-License-Identifier: Apache-2.0
"""The files of a layer, composed of a step's changes and the stage before, and judged by the linter."""
