# SPDX-License-Identifier: Apache-2.0
"""A Windows Docker engine on this machine: the Docker Engine API over a sandbox, stores and state on disk.

It is honest about what it is: Wine's userland stands in for the OS layers of an image, and what a Windows engine
refuses is refused in the same words.
"""
