#!/bin/sh
# texts.sh DATABASE: the texts that `make bench` reads, as a table texts(id, body): the test reviews of IMDb where
# LSTM_DATA names a folder that has them as imdb_test.csv.xz, else the reviews of sql/demo_reviews.sql, shuffled and
# joined to the length of film reviews, each text with a number of its own.
set -eu
cd "$(dirname "$0")/../.."
db=$1
partial=$db.partial
trap 'rm -f "$partial" "$partial.csv"' EXIT
rm -f "$partial"
mkdir -p "$(dirname "$db")"
if [ -r "${LSTM_DATA:-}/imdb_test.csv.xz" ]; then
    xz -dc "$LSTM_DATA/imdb_test.csv.xz" > "$partial.csv"
    sqlite3 -batch -bail -init /dev/null "$partial" ".import --csv '$partial.csv' imdb" \
        "CREATE TABLE texts(id INTEGER PRIMARY KEY, body TEXT);
         INSERT INTO texts(body) SELECT text FROM imdb;
         DROP TABLE imdb;
         VACUUM"
else
    sqlite3 -batch -bail -init /dev/null "$partial" < sql/demo_reviews.sql
    sqlite3 -batch -bail -init /dev/null "$partial" \
        "CREATE TABLE texts(id INTEGER PRIMARY KEY, body TEXT);
         WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < 4000)
         INSERT INTO texts
         SELECT i, 'Number ' || i || '. ' || group_concat(body, ' ')
         FROM (SELECT i, body, row_number() OVER (PARTITION BY i ORDER BY (id * 7919 + i * 104729) % 1009) AS place
               FROM number, reviews)
         WHERE place <= 1 + i % 11 GROUP BY i"
fi
mv "$partial" "$db"
