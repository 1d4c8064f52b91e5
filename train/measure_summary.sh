#!/bin/sh
# measure_summary.sh [valid|test [OPTIONS]]: how good the summaries of held-out texts are, set by set. OPTIONS are
# those of lstm_summarize, a JSON object; with {"model": "name"}, MODELS names the database that holds it. Reads the
# database that default_data.sh summary builds, build/pairs.db unless PAIRS names another; leaves every summary in
# SUMMARIES, build/summaries.db unless told. The columns are explained in measure_summary.sql. Takes a minute or two.
set -eu

build=${BUILD:-build}
here=$(dirname "$0")
part=${1:-valid}
options=${2:-'{}'}
pairs=${PAIRS:-$build/pairs.db}
db=${SUMMARIES:-$build/summaries.db}

case $part in
valid | test) ;;
*)
    echo "usage: $0 [valid|test [OPTIONS]]" >&2
    exit 2
    ;;
esac
if [ ! -r "$pairs" ]; then
    echo "$0: $pairs is missing: run $here/default_data.sh summary" >&2
    exit 2
fi

quoted() { # as a string of SQL
    printf "'%s'" "$(printf %s "$1" | sed "s/'/''/g")"
}

rm -f "$db" "$db-journal"
sqlite3 -bail -cmd 'PRAGMA synchronous = off' "$db" <<EOF
.load ./lstm_ext
ATTACH $(quoted "$pairs") AS pairs;
ATTACH $(quoted "${MODELS:-:memory:}") AS models;
CREATE TABLE written AS
SELECT id, source, text, summary, stars, lstm_summarize(text, $(quoted "$options")) AS output
  FROM pairs.pairs WHERE part = '$part';
CREATE TABLE titles AS SELECT summary, stars > 3 AS is_positive FROM pairs.pairs WHERE part = 'train' AND stars <> 3;
CREATE TABLE words AS SELECT text, source FROM pairs.pairs WHERE part = 'train' AND stars IS NOT NULL;
EOF
sqlite3 -bail "$db" <"$here/measure_beginnings.sql"

"$build/lstm-train" vectors --db "$db" --sql 'SELECT summary FROM titles' --vocab 8192 --dimension 16 --epochs 1 \
    --out "$db.vectors" 2>/dev/null >&2
"$build/lstm-train" linear --db "$db" --sql 'SELECT summary, is_positive FROM titles' --vectors "$db.vectors" \
    --score-sql 'SELECT output, id FROM written WHERE stars <> 3' --into "$db" --table output_polarity >/dev/null
"$build/lstm-train" linear --db "$db" --sql 'SELECT summary, is_positive FROM titles' --vectors "$db.vectors" \
    --score-sql 'SELECT summary, id FROM written WHERE stars <> 3' --into "$db" --table title_polarity >/dev/null
rm -f "$db.vectors"
"$build/lstm-train" rouge --db "$db" --sql 'SELECT id, summary, output, text FROM written' --table rouge >/dev/null
"$build/lstm-train" rouge --db "$db" --table beginning_rouge \
    --sql "SELECT way || ' ' || id, summary, beginning, text FROM beginnings JOIN written USING (id)" >/dev/null
sqlite3 -bail "$db" <"$here/measure_summary.sql"
