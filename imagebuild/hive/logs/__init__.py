# SPDX-License-Identifier: Apache-2.0
"""Transaction logs, in both of their forms."""
