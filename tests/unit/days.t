#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# test_days takes a minute, so it is one of the slow tests.
exec "${builddir:-.}/tests/unit/test_days"
