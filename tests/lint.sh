#!/bin/bash
# tests/lint.sh: the rules that a compiler cannot see. Which folder may include what, the top level, what a guest in
# somebody's process never does, lengths, unfinished work, format.
set -u
shopt -s lastpipe # so that report at the end of a pipeline can set bad
cd "$(dirname "$0")/.." || exit 1
bad=0
git() { # also in a clone that belongs to somebody else, as it does in containers
    command git -c safe.directory='*' "$@"
}
report() { # report WHAT: each line of stdin is a finding
    local findings
    findings=$(cat)
    [ -z "$findings" ] && return
    echo "$findings" | sed "s|^|lint: $1: |"
    bad=1
}

if git rev-parse --is-inside-work-tree > /dev/null 2>&1; then
    mapfile -t files < <(git ls-files --cached --others --exclude-standard | while read -r file; do
        [ -f "$file" ] && echo "$file"
    done)
    printf '%s\n' "${files[@]}" | grep -vE '^(Makefile|README\.md|LICENSE|(ext|model|gpu|train|sql|tests)/.*|\..*)$' |
        report "not one of the top level's files and folders"
else
    echo "SKIPPED: the top level: not a git repository"
    mapfile -t files < <(find Makefile README.md LICENSE .ci ext model gpu train sql tests -type f)
fi
mapfile -t code < <(printf '%s\n' "${files[@]}" | grep -E '\.(c|h|inc|S|cc|cu)$')
mapfile -t guests < <(printf '%s\n' "${files[@]}" | grep -E '^(model|ext)/.*\.(c|h|inc|S)$')
mapfile -t text < <(printf '%s\n' "${files[@]}" | grep -E '\.(c|h|inc|S|cc|cu|sh|py)$|^Makefile$|^\.ci/run$')

# The folder table: what each folder includes, as a pattern of what it may not.
includes() { # includes FOLDER FORBIDDEN
    printf '%s\n' "${code[@]}" | grep "^$1/" |
        xargs -r grep -nHE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[<\"]($2)" | report "$1/ may not include this"
}
includes model '(ext|train|gpu|tests)/|sqlite3|cuda|cublas'
includes ext '(train|gpu|tests)/|sqlite3\.h|cuda|cublas'
includes train '(ext|gpu|tests)/|sqlite3ext\.h|cuda|cublas'
includes gpu '(ext|train|tests)/|sqlite3'
includes tests '[^>"]*\.c[>"]'

# Code without its comments and strings, so that what they talk about is no finding.
bare() {
    awk 'FNR == 1 { within = 0 }
         { line = $0; gsub(/\\./, "", line); gsub(/"[^"]*"/, "\"\"", line); gsub(/\/\*[^*]*\*\//, "", line)
           if (within) { if (line !~ /\*\//) next; sub(/.*\*\//, "", line); within = 0 }
           if (line ~ /\/\*/) { sub(/\/\*.*/, "", line); within = 1 }
           print FILENAME ":" FNR ": " line }' "$@"
}
prints='v?f?printf|f?puts|f?putc|putchar|perror'
ends='_?exit|abort|system'
overflows='v?sprintf|strcpy|strcat|gets|atoi'
[ ${#guests[@]} -gt 0 ] && bare "${guests[@]}" |
    grep -E "[^_[:alnum:]]($prints|$ends|$overflows)[[:space:]]*\(" | report "not in a guest's process"

[ ${#code[@]} -gt 0 ] && grep -nE '\<(TODO|FIXME|XXX|HACK)\>|#[[:space:]]*if 0' "${code[@]}" | report "unfinished"
[ ${#code[@]} -gt 0 ] && grep -nE '[[:space:]]$' "${code[@]}" | report "white space at the end of the line"
awk 'length > (FILENAME ~ /\.(c|h|inc|S|cc|cu)$/ ? 100 : 120) { print FILENAME ":" FNR ": " length " columns" }' \
    "${text[@]}" | report "longer than 100 columns in C, 120 elsewhere"
awk 'FNR == 701 { print FILENAME }' "${text[@]}" | report "longer than 700 lines, does it hold two things?"

# The vector vocabularies are tables of one-line functions: no format keeps that.
mapfile -t formatted < <(printf '%s\n' "${code[@]}" | grep -E '\.(c|h|inc|cc|cu)$' | grep -v '^model/vec_')
if clang-format --version 2> /dev/null | grep -q 'version 14\.'; then
    [ ${#formatted[@]} -eq 0 ] || clang-format --dry-run -Werror "${formatted[@]}" 2>&1 |
        sed -n 's/:.*error:.*/ is not formatted/p' | sort -u | report "see \`make format\`"
else
    echo "SKIPPED: the format: clang-format 14 is not here"
fi

[ $bad -eq 0 ] && echo "lint: ${#files[@]} files, nothing found"
exit $bad
