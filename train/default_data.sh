#!/bin/sh
# Builds the database that the default model is trained from: build/train.db (or the first argument), from the data sets
# in the folder named by LSTM_DATA, as CSV files compressed with xz. Takes about a minute.
set -eu

db=${1:-build/train.db}
here=$(dirname "$0")
sets='imdb_train imdb_test imdb_unsup sst2_phrases sst2_train sst2_dev sst2_test fdu14_train fdu14_test
      blitzer womens finefoods proscons cr'

if [ -z "${LSTM_DATA:-}" ]; then
    echo "$0: set LSTM_DATA to the folder that holds imdb_train.csv.xz and the other sets" >&2
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
echo 'mixing' >&2
sqlite3 -bail -cmd 'PRAGMA synchronous = off' "$partial" <"$here/default_mix.sql"
mv "$partial" "$db"

sqlite3 -header -column "$db" "
    SELECT source, part, count(*) AS rows, sum(label = 1) AS positive, sum(label = 0) AS negative
    FROM corpus GROUP BY source, part ORDER BY part, source"
