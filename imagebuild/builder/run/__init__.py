# SPDX-License-Identifier: Apache-2.0
"""RUN: the port, an engine behind it, and what it needs."""
