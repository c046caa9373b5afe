#!/bin/sh
# coverage.sh DIRECTORY LEAST: merges the profiles of `tests` and `stress`, prints the lines of every source of the
# driver (not of the tests and stand-ins), and fails when less than LEAST percent of them ran.
set -eu
directory=$1
least=$2
version=$(clang --version | sed -n 's/.*version \([0-9]*\).*/\1/p' | head -n 1)
tool() { command -v "$1-$version" || command -v "$1"; }
"$(tool llvm-profdata)" merge -o "$directory/all.profdata" "$directory/tests.profraw" "$directory/stress.profraw"
"$(tool llvm-cov)" report "$directory/tests" -object "$directory/stress" -instr-profile "$directory/all.profdata" \
  | awk -v least="$least" '
    $1 ~ /^\.\.\// && $8 > 0 { printf "%-24s %7s of %d lines\n", substr($1, 4), $10, $8; lines += $8; missed += $9 }
    END {
      if (lines == 0) { print "no coverage was measured"; exit 1 }
      covered = 100 * (lines - missed) / lines
      printf "%-24s %6.2f%% of %d lines\n", "line coverage", covered, lines
      if (covered < least) { printf "below %s%%\n", least; exit 1 }
    }'
