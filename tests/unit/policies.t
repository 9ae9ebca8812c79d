#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# test_policies_many computes for many seconds, so it is one of the slow tests.
exec "${builddir:-.}/tests/unit/test_policies_many"
