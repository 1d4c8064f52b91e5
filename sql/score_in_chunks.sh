#!/bin/sh
# score_in_chunks.sh DATABASE CHUNK.sql: scores a table in chunks, with nothing but the sqlite3 shell. CHUNK.sql scores
# the next chunk (score_column.sql and score_new_rows.sql beside this file are examples to copy); this script runs it
# again and again until there is no more.
#
# Each chunk commits by itself. Whatever kills a run loses one chunk at most, and the next run goes on from there. Texts
# are scored before the database is locked, so others that write wait for milliseconds. Two runs at once do no harm;
# flock spares them the double work. A line for crontab -e, every ten minutes:
#
# */10 * * * * flock -n /var/lock/reviews /usr/local/share/lstm_ext/score_in_chunks.sh /srv/reviews.db /srv/job.sql
#
# CHUNK.sql is given :after, a number less than the ids it has to look at, and :chunk, how many rows it may take. Its
# only output is the last id it took, or an empty line when there was none. From the environment come:
#
#   LSTM_EXT      the extension; /usr/local/lib/lstm_ext.so unless told
#   LSTM_CHUNK    rows a chunk, 500
#   LSTM_WAIT_MS  how long to wait for a database that somebody else has locked, 60000
#
# Ends with 0 when all is scored; otherwise what went wrong stands on standard error, and chunks before it are kept.
set -eu

[ $# -eq 2 ] || { echo "usage: $0 DATABASE CHUNK.sql" >&2; exit 2; }
for file in "$1" "$2"; do # sqlite3 itself would make an empty database
    [ -f "$file" ] || { echo "$0: there is no file $file" >&2; exit 2; }
done

after=-1e19 # less than every id
while [ -n "$after" ]; do
    after=$(sqlite3 -batch -bail -init /dev/null \
        -cmd ".timeout ${LSTM_WAIT_MS:-60000}" \
        -cmd ".load '${LSTM_EXT:-/usr/local/lib/lstm_ext.so}'" \
        -cmd ".parameter set :after $after" \
        -cmd ".parameter set :chunk ${LSTM_CHUNK:-500}" \
        "$1" < "$2")
done
