#!/bin/bash
# SPDX-License-Identifier: BSD-2-Clause
# The sandbox keeps its own promises; without that the other tests here say nothing.
exec bash "$(dirname -- "$0")/../sandbox/selftest.sh"
