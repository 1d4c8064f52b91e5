#!/bin/sh
# tests/gpu/check.sh BUILD PLUGIN REPORT: what a machine with a GPU can say of the CUDA backend, into one file. A device
# that is missing is a failure here, not a skip. SHORT=1: the smallest sizes, for trying this script on the emulation.
# GPU_DATABASE and GPU_QUERY: the texts that are compared, text and label (0, 1, NULL); unless told, IMDb test out of
# build/train.db where that is, else the example reviews.
set -u
build=$1 plugin=$2 report=$3
bad=0
mkdir -p "$(dirname "$report")"
exec 3>&1 > "$report"

say() { # a line for whoever waits
    echo "gpu-check: $*" >&3
}

section() { # section TITLE COMMAND...: its output under the title; failing, it fails all
    title=$1
    shift
    say "$title"
    printf '\n## %s\n\n' "$title"
    "$@" 2>&1 && return
    printf '\n**FAILED**\n'
    say "FAILED: $title"
    bad=1
}

contract() { # the closing lines of each group, and everything of one that fails
    log=$build/gpu-contract.log
    "$build/tests/gpu/check_contract" "$plugin" ${SHORT:+short} > "$log" 2>&1
    status=$?
    if [ $status -eq 0 ]; then
        grep -E ' units$|PASSED' "$log" | sed 's/^/    /'
    else
        sed 's/^/    /' "$log"
    fi
    return $status
}

sanitizer() {
    if ! command -v compute-sanitizer > /dev/null; then
        echo "compute-sanitizer is not here: not run."
        return 0
    fi
    failed=0
    for tool in memcheck racecheck synccheck initcheck; do
        log=$build/gpu-$tool.log
        if compute-sanitizer --tool $tool --error-exitcode 1 "$build/tests/gpu/check_contract" "$plugin" short \
            > "$log" 2>&1; then
            echo "- $tool: nothing found"
        else
            echo "- $tool: FAILED"
            tail -n 30 "$log" | sed 's/^/      /'
            failed=1
        fi
    done
    return $failed
}

agreement() {
    if [ -n "${GPU_DATABASE:-}" ]; then
        database=$GPU_DATABASE query=$GPU_QUERY
    elif [ -e build/train.db ]; then
        database=build/train.db query='SELECT text, label FROM imdb_test'
    else
        database=$build/gpu-reviews.db query='SELECT body, NULL FROM reviews'
        rm -f "$database" && sqlite3 "$database" < sql/demo_reviews.sql || return 1
    fi
    "$build/tests/gpu/check_agreement" "$plugin" "$database" "$query"
}

summaries() { # of the first 2,000
    if [ -e build/train.db ] && [ -z "${SHORT:-}" ]; then
        database=build/train.db query='SELECT text FROM imdb_test'
    else
        database=$build/gpu-reviews.db query="SELECT body FROM reviews ${SHORT:+LIMIT 2}"
        rm -f "$database" && sqlite3 "$database" < sql/demo_reviews.sql || return 1
    fi
    "$build/tests/gpu/check_summaries" "$plugin" "$database" "$query"
}

speed() {
    "$build/tests/gpu/check_speed" "$plugin" ${SHORT:+short}
}

echo "# The CUDA backend on a device"
section "Machine" sh -c '
    nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm --format=csv 2> /dev/null ||
    echo "no nvidia-smi here"; echo; nvcc --version 2> /dev/null | tail -n 2; uname -srm; date -u +%Y-%m-%d
    git log -1 --format="commit %h" 2> /dev/null || true'
section "Contract" contract
section "compute-sanitizer" sanitizer
section "Agreement with the CPU" agreement
section "Summaries" summaries
section "Speed" speed
section "cuDNN" "${PYTHON:-python3}" tests/gpu/check_cudnn.py
say "the report is $report"
exit $bad
