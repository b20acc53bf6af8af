# SPDX-License-Identifier: Apache-2.0
"""Bytes to and from programs in containers: standard streams, logs, named pipes, the way to a proxy."""
