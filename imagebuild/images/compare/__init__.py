# SPDX-License-Identifier: Apache-2.0
"""Two images compared: config, files, ACLs, registry."""
