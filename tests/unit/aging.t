#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# test_engine_aging computes for many seconds, so it is one of the slow tests.
exec "${builddir:-.}/tests/unit/test_engine_aging"
