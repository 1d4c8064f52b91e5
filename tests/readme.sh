#!/bin/bash
# tests/readme.sh [README]: executes the examples of the README at the root of the repository, after `make`.
#
#   ```sql       all of them in order, in one session of the sqlite3 shell that begins on an empty database, with
#                ./lstm_ext loaded. A ```text block right after one is its output, character by character.
#   ```sh        run by bash; it has to succeed
#   ```console   lines that begin with "$ " are run by bash; what stands below one is its output, character by character
#   ```sh no-run and every other kind of block is only shown
set -u
cd "$(dirname "$0")/.." || exit 1
readme=${1:-README.md}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

# One file a block, named in order: 003-17-sql is the third block, on line 17. The text block after a sql one gets the
# same name with "-expected"; "$ command"s of a console block become blocks of their own.
awk -v dir="$work" '
    function start(line, kind) { n++; out = sprintf("%s/%03d-%d-%s", dir, n, line, kind); printf "" > out }
    !fenced && /^```/ {
        fenced = 1
        kind = substr($0, 4)
        if (kind == "text" && last == "sql") { out = out "-expected"; printf "" > out }
        else if (kind == "sql" || kind == "sh") start(NR, kind)
        else if (kind == "sh no-run") { start(NR, "skip"); print > out; out = "" }
        else if (kind != "console") out = ""
        last = kind
        next
    }
    fenced && /^```/ { fenced = 0; next }
    !fenced { if ($0 != "") last = ""; next }
    kind == "console" && /^\$ / {
        start(NR, "console")
        print substr($0, 3) > out
        expected = out "-expected"
        printf "" > expected
        next
    }
    kind == "console" { print > expected; next }
    out != "" { print > out }
' "$readme"

verdict() { # verdict BLOCK STATUS ACTUAL
    local line=${1##*/}
    line=${line#*-} line=${line%%-*}
    if [ "$2" -ne 0 ]; then
        echo "FAILED: $readme:$line:" && cat "$3"
    elif [ -e "$1-expected" ] && ! diff -u --label "$readme:$line" "$1-expected" --label now "$3"; then
        echo "FAILED: $readme:$line shows another output"
    else
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
}

# One session for the SQL, its output cut at marks between the blocks. Errors belong to the output, but only where the
# README shows them, worded as at a terminal.
{
    echo '.load ./lstm_ext'
    for block in "$work"/*-sql; do
        [ -e "$block" ] && echo ".print @@ $block" && cat "$block" && echo
    done
} > "$work/session"
sqlite3 -batch -init /dev/null :memory: < "$work/session" 2>&1 | sed "s/ error near line [0-9]*:/ error:/" |
    awk -v out="$work/stray" '/^@@ / { out = $2 "-actual"; printf "" > out; next } { print > out }'
if [ -s "$work/stray" ]; then
    cat "$work/stray"
    failed=$((failed + 1))
fi

for block in "$work"/[0-9]*; do
    case $block in
    *-sql)
        status=1
        if [ ! -e "$block-actual" ]; then
            echo "the session ended before this block" > "$block-actual"
        elif [ -e "$block-expected" ] || ! grep -q '^Error\|^Parse error\|^Runtime error' "$block-actual"; then
            status=0
        fi
        verdict "$block" "$status" "$block-actual"
        ;;
    *-sh | *-console)
        bash -e "$block" > "$block-actual" 2>&1 < /dev/null
        verdict "$block" $? "$block-actual"
        ;;
    *-skip)
        skipped=$((skipped + 1))
        ;;
    esac
done
echo "examples of $readme: $passed passed, $failed failed, $skipped skipped (marked no-run)"
[ "$failed" -eq 0 ]
