# SPDX-License-Identifier: Apache-2.0
"""Folders for containers: laid over one another, read, changed, and compared."""
