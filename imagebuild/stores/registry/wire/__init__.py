# SPDX-License-Identifier: Apache-2.0
"""One registry host over HTTP: requests, authorization, answers."""
