# SPDX-License-Identifier: Apache-2.0
"""Containers of the engine: their records, their life, what they use and what they changed."""
