#!/bin/sh
# default_data.sh sentiment|summary [DATABASE]: builds the database that a default model learns from, build/train.db or
# build/pairs.db unless told, from the data sets in the folder named by LSTM_DATA, as CSV files compressed with xz. What
# becomes of them is said in default_sentiment.sql and default_summary.sql. Takes less than a minute.
set -eu

here=$(dirname "$0")
task=${1:-}
case $task in
sentiment)
    db=${2:-build/train.db}
    sets='imdb_train imdb_test imdb_unsup sst2_phrases sst2_train sst2_dev sst2_test fdu14_train fdu14_test
          blitzer womens finefoods proscons cr sst5_train sst5_dev sst5_test debian scitldr_train scitldr_test
          reuters_test aeslc_test'
    report="SELECT source, part, count(*) AS rows, sum(label = 1) AS positive, sum(label = 0) AS negative
            FROM corpus GROUP BY source, part ORDER BY part, source"
    ;;
summary)
    db=${2:-build/pairs.db}
    sets='womens blitzer finefoods debian scitldr_train scitldr_dev scitldr_test imdb_unsup'
    report="SELECT source, part, count(*) AS pairs, round(avg(length(text))) AS 'text bytes',
                   round(avg(length(summary))) AS 'summary bytes'
            FROM pairs GROUP BY source, part ORDER BY part, source"
    ;;
*)
    echo "usage: $0 sentiment|summary [DATABASE]" >&2
    exit 2
    ;;
esac

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
sqlite3 -bail -cmd 'PRAGMA synchronous = off' "$partial" <"$here/default_$task.sql"
mv "$partial" "$db"
sqlite3 -header -column "$db" "$report"
