# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of the modules: images, containers, networks and volumes as a task wants them."""
