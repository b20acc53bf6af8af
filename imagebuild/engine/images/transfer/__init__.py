# SPDX-License-Identifier: Apache-2.0
"""Images on their way in and out: pull, push, load, save."""
