# SPDX-License-Identifier: Apache-2.0
"""The ways to a machine: WinRM, ssh, an engine's address, this machine."""
