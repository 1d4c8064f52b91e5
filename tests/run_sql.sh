#!/bin/sh
# tests/run_sql.sh EXTENSION FILE...: runs SQL tests in the real sqlite3 shell, one fresh database in memory a file.
#
# Every row a file gives is `name, truth`; a truth that is not 1 is a failure, and so is every error, unless the file
# expects it: a comment line `-- error: WORDS` says that the next error of the file has these words in it.
# EXTENSION is loaded beforehand. A file runs in a temporary folder of its own, where `.load ./lstm_ext` loads the same
# library again after an `.open`, and `repo/` is the repository. SQL_PRELOAD names a sanitizer's library.
set -u
repo=$(cd "$(dirname "$0")/.." && pwd)
extension=$(realpath "$1")
shift
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
total=0 failures=0

for file in "$@"; do
    path=$(realpath "$file")
    dir=$work/$(basename "$file" .sql)
    mkdir "$dir"
    ln -s "$extension" "$dir/lstm_ext.so"
    ln -s "$repo" "$dir/repo"
    grep '^ *-- error: ' "$path" | sed 's/^ *-- error: //' > "$dir/expected"
    (cd "$dir" && LD_PRELOAD=${SQL_PRELOAD:-} sqlite3 -batch -init /dev/null -tabs -cmd '.load ./lstm_ext' :memory: \
        < "$path" > rows 2> errors)
    status=$?

    awk -v file="$file" -v status="$status" -v dir="$dir" '
        function fail(what) { print "FAILED: " file ": " what; bad++ }
        BEGIN {
            while ((getline line < (dir "/expected")) > 0) expected[++wanted] = line
            while ((getline line < (dir "/rows")) > 0) {
                columns = split(line, row, "\t")
                if (columns != 2) fail("not a row of name and truth: " line)
                else if (row[2] != "1") fail(row[1] " (" (row[2] == "" ? "NULL" : row[2]) ")")
                else good++
            }
            while ((getline line < (dir "/errors")) > 0) {
                if (line ~ /^  /) continue # the shell shows where in the statement
                if (line ~ /^(Parse error|Runtime error|Error)/ && met < wanted) {
                    if (index(line, expected[++met])) good++
                    else fail("expected \"" expected[met] "\", got: " line)
                } else if (!stray++ || line ~ /error:|ERROR:/) fail(line)
            }
            for (met++; met <= wanted; met++) fail("no error with \"" expected[met] "\"")
            if (status > 1) fail("sqlite3 ended with status " status)
            if (!good && !bad) fail("no row")
            printf "%d %d\n", good, bad > (dir "/count")
        }'
    read -r good bad < "$dir/count"
    [ "$bad" -eq 0 ] || cat "$dir/errors"
    printf '%-40s %d passed, %d failed\n' "$file" "$good" "$bad"
    total=$((total + good)) failures=$((failures + bad))
done
echo "SQL tests: $total passed, $failures failed, 0 skipped"
[ "$failures" -eq 0 ]
