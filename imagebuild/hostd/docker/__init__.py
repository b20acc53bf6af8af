# SPDX-License-Identifier: Apache-2.0
"""Docker on a host: its engine, ``dockerd.exe`` and the service."""
