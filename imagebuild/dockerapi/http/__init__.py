# SPDX-License-Identifier: Apache-2.0
"""The server's end of the Docker Engine API."""
