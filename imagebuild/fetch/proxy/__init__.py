# SPDX-License-Identifier: Apache-2.0
"""The proxy through which a RUN downloads."""
