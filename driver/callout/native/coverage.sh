#!/bin/sh
# coverage.sh DIRECTORY LEAST SOURCE...: merges the profiles of `tests` and `stress`, prints lines per file, and fails
# when less than LEAST percent of all lines ran.
set -eu
directory=$1
least=$2
shift 2
version=$(clang --version | sed -n 's/.*version \([0-9]*\).*/\1/p' | head -n 1)
tool() { command -v "$1-$version" || command -v "$1"; }
"$(tool llvm-profdata)" merge -o "$directory/all.profdata" "$directory/tests.profraw" "$directory/stress.profraw"
"$(tool llvm-cov)" report "$directory/tests" -object "$directory/stress" -instr-profile "$directory/all.profdata" "$@" \
  | awk -v least="$least" '
    $1 ~ /\.c$/ { printf "%-24s %6.2f %% of %d lines\n", $1, $10, $8 }
    $1 == "TOTAL" { printf "%-24s %6.2f %% of %d lines\n", "all", $10, $8; covered = $10 }
    END { if (covered + 0 < least + 0) { printf "line coverage is below %s %%\n", least; exit 1 } }'
