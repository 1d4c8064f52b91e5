#!/bin/bash
# tests/check_sqlite_versions.sh BUILD: the tests of read-ahead against other versions of SQLite, each built from
# Debian's source with SQLite's assertions, STAT4 and API checks. READAHEAD_STATEMENTS: of the random test, for each.
# What is fetched and built is kept in BUILD/sqlite.
set -u
build=$(realpath "$1")
work=$build/sqlite
suites="bullseye bookworm trixie sid"
tests="test_readahead test_readahead_hazards test_readahead_random test_interrupts"
export READAHEAD_STATEMENTS=${READAHEAD_STATEMENTS:-6000}
skip() {
    echo "SKIPPED: other versions of SQLite: $*"
    exit 0
}

for tool in apt-get tclsh gcc make; do
    command -v $tool > /dev/null || skip "no $tool here"
done
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Origin: Debian' 2> /dev/null | head -n 1)
[ -n "$uri" ] && [ -e $keyring ] || skip "this is no Debian with its keyring and package lists"
mkdir -p "$work/lists/partial"
for suite in $suites; do
    echo "deb-src [signed-by=$keyring] $uri $suite main"
done > "$work/sources.list"
apt=(-q -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=/dev/null
    -o "Dir::State::lists=$work/lists" -o APT::Sandbox::User=root)
cd "$work" || exit 1
if ! ls ./*.orig.tar.* > /dev/null 2>&1; then
    apt-get "${apt[@]}" update > apt.log 2>&1 || skip "the package lists cannot be read, see $work/apt.log"
    for version in $(apt-cache "${apt[@]}" showsrc sqlite3 2> /dev/null | sed -n 's/^Version: //p' | sort -u); do
        apt-get "${apt[@]}" source --download-only "sqlite3=$version" >> apt.log 2>&1 ||
            echo "SKIPPED: the source of SQLite $version cannot be fetched"
    done
fi

amalgamation() { # amalgamation TAR VERSION: makes sqlite3.c of the source
    rm -rf "sqlite3-$2" && tar xf "$1" && cd "sqlite3-$2" && CFLAGS=-O1 ./configure > make.log 2>&1 &&
        make sqlite3.c >> make.log 2>&1
}
bad=0 checked=0
for tar in sqlite3_*.orig.tar.*; do
    version=${tar#sqlite3_} version=${version%.orig.tar.*}
    object=$work/sqlite3-$version.o
    if [ ! -e "$object" ]; then
        if ! (amalgamation "$tar" "$version") || ! gcc -w -O1 -g -DSQLITE_DEBUG -DSQLITE_ENABLE_STAT4 \
            -DSQLITE_ENABLE_API_ARMOR -DSQLITE_ENABLE_FTS5 -DSQLITE_ENABLE_JSON1 -DSQLITE_ENABLE_MATH_FUNCTIONS \
            -c -o "$object" "sqlite3-$version/sqlite3.c"; then
            echo "SKIPPED: SQLite $version cannot be built, see $work/sqlite3-$version/make.log"
            continue
        fi
    fi
    for test in $tests; do
        gcc -o "$work/$test-$version" "$build/tests/$test.o" "$build/liblstm.a" "$object" -lcmocka -l:libutf8proc.a \
            -lm -lpthread -ldl || exit 1
        if "$work/$test-$version" > "$work/$test-$version.log" 2>&1; then
            echo "SQLite $version, $test: $(grep -c '^\[ *OK' "$work/$test-$version.log") passed"
        else
            cut -c1-2000 "$work/$test-$version.log" | tail -n 60
            echo "FAILED: SQLite $version, $test"
            bad=1
        fi
    done
    checked=$((checked + 1))
done
echo "$checked versions of SQLite with assertions on"
exit $bad
