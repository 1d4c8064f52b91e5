#!/bin/sh
# Builds the database that the default summariser is trained from: build/pairs.db (or the first argument), from the data
# sets in the folder named by LSTM_DATA, as CSV files compressed with xz. Takes half a minute.
set -eu

db=${1:-build/pairs.db}
here=$(dirname "$0")
sets='womens blitzer finefoods debian scitldr_train scitldr_dev scitldr_test imdb_unsup'

if [ -z "${LSTM_DATA:-}" ]; then
    echo "$0: set LSTM_DATA to the folder that holds womens.csv.xz and the other sets" >&2
    exit 2
fi
for set in $sets; do
    if [ ! -r "$LSTM_DATA/$set.csv.xz" ]; then
        echo "$0: $LSTM_DATA/$set.csv.xz is missing" >&2
        exit 2
    fi
done

mkdir -p "$(dirname "$db")"
partial=$db.partial
trap 'rm -f "$partial" "$partial-journal" "$partial.csv"' EXIT
trap 'exit 130' INT TERM
rm -f "$partial"
for set in $sets; do
    echo "$set" >&2
    xz -dc "$LSTM_DATA/$set.csv.xz" >"$partial.csv"
    sqlite3 -bail -cmd 'PRAGMA synchronous = off' "$partial" ".import --csv '$partial.csv' $set"
done
echo 'pairing' >&2
sqlite3 -bail -cmd 'PRAGMA synchronous = off' "$partial" <"$here/default_pairs.sql"
mv "$partial" "$db"

sqlite3 -header -column "$db" "
    SELECT source, part, count(*) AS pairs, round(avg(length(text))) AS 'text bytes',
           round(avg(length(summary))) AS 'summary bytes'
    FROM pairs GROUP BY source, part ORDER BY part, source"
