#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Images with a single defect, made from the tables in tests/defects: what check, audit, info and diff
# make of each. One table: python3 tests/defects/run.py out/rimg out/golden WORKDIR tests/defects/gpt.txt
. tests/lib.sh
need python3
need sgdisk
need mkfs.fat
need mcopy

status=0
PYTHONDONTWRITEBYTECODE=1 python3 tests/defects/run.py "$RIMG" "$GOLDEN" "$tmp" || status=$?
exit $status
