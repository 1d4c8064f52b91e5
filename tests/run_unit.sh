#!/bin/sh
# tests/run_unit.sh LOGS TEST...: runs CMocka programs one after another, shows each one's closing line, every skip with
# its reason, and the whole output of one that fails. Ends with `N passed, M failed, K skipped`; non-zero on a failure.
set -u
logs=$1
shift
mkdir -p "$logs"
passed=0 failed=0 skipped=0

total() { # CMocka closes each group with lines like "[  PASSED  ] 12 test(s)."
    awk -v word="$1" '$2 == word && $4 ~ /^[0-9]+$/ && $5 ~ /^test/ { n += $4 } END { print n + 0 }' "$2"
}

for test in "$@"; do
    name=$(basename "$test")
    log=$logs/$name.log
    "$test" > "$log" 2>&1 < /dev/null
    status=$?
    good=$(total PASSED "$log") bad=$(total FAILED "$log") skip=$(total SKIPPED "$log")
    # A crash, a leak, an exit in mid-test: failures that CMocka has no line for.
    if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ $((good + skip)) -eq 0 ]; }; then bad=1; fi
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + skip))
    if [ "$bad" -ne 0 ]; then
        cat "$log"
        echo "FAILED: $name (exit status $status)"
    else
        printf '%-24s [  PASSED  ] %d test(s).\n' "$name" "$good"
        awk 'tolower($0) ~ /^[[ ]*skip/ && !/\] [0-9]/ && !seen[$0]++ { print "    " $0 }' "$log"
    fi
done
echo "unit tests: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
