#!/bin/sh
# tests/gpu_resources.sh LOG...: what ptxas -v said of each kernel on each architecture, as a table, which `make gpu`
# shows. Spills and frames in memory are not in it: there they are errors.
set -u
printf '%-44s %6s %9s %8s\n' kernel sm registers barriers
cat "$@" | c++filt | awk '
    /Compiling entry function/ {
        split($0, quoted, "\047"); name = quoted[2]; arch = quoted[4]
        sub(/\(.*/, "", name); sub(/^void /, "", name); sub(/^sm_/, "", arch)
    }
    /Used [0-9]+ registers/ {
        registers = barriers = 0
        for (i = 2; i <= NF; i++) {
            if ($i ~ /^registers/) registers = $(i - 1)
            if ($i ~ /^barriers/) barriers = $(i - 1)
        }
        printf "%-44s %6s %9d %8d\n", name, arch, registers, barriers
    }' | sort -k1,1 -k2,2n
