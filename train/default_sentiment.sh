#!/bin/sh
# Repeats the training of the model inside the extension, model/default_sentiment.safetensors, from the data sets in the
# folder named by LSTM_DATA: two teachers learn from the labels, a first model from what they and a linear model say of
# many more texts, and the default model goes on from it with texts of no polarity and better-judged sentences. The data
# are described in default_sentiment.sql, default_teach.sql and default_tune.sql. The same machine gives the same bytes.
# Takes about an hour and three quarters on two cores.
set -eu

build=${BUILD:-build}
here=$(dirname "$0")
db=$build/train.db
data='IMDb (Maas et al. 2011), labelled and unlabelled, SST-2 with phrases (Socher et al. 2013), FDU-MTL (Liu et al.
2017), multi-domain sentiment (Blitzer et al. 2007), Womens E-Commerce Clothing Reviews, Amazon Fine Foods (first
rows), pros and cons (Ganapathibhotla and Liu 2008), and sentences of their reviews; training parts only, no text of a
test set; labels mixed with those of two LSTMs and linear models that learned from them; as texts without polarity
reviews of 3 stars, neutral sentences (SST-5), descriptions of Debian packages, abstracts and summaries of papers
(SciTLDR, Cachola et al. 2020), and statements and unfamiliar letters made by rules'
terms='IMDb, SST, FDU-MTL, Blitzer: none stated, to be cited; Womens, Fine Foods: CC0; pros and cons: CC BY 4.0; Debian:
free metadata; SciTLDR: Apache-2.0'

train() { # QUERY OPTIONS
    query=$1
    shift
    "$build/lstm-train" sentiment --db "$db" --sql "$query" --valid-sql 'SELECT text, label FROM valid' \
        --checkpoint "$build/default.checkpoint" "$@"
}

"$here/default_data.sh" sentiment "$db"
for dimension in 128 256; do
    "$build/lstm-train" vectors --db "$db" --sql 'SELECT text FROM unlabelled' \
        --vocab 32768 --dimension $dimension --epochs 10 --out "$build/vectors$dimension.safetensors"
done

train 'SELECT text, label FROM train' --vectors "$build/vectors128.safetensors" --epochs 6 --seed 1 \
    --into "$db" --name teacher-narrow --storage f16
train 'SELECT text, label FROM train' --vectors "$build/vectors256.safetensors" --epochs 6 --seed 2 \
    --into "$db" --name teacher-wide --storage f16
"$build/lstm-train" linear --db "$db" --sql 'SELECT text, label FROM train' \
    --vectors "$build/vectors128.safetensors" \
    --score-sql "SELECT text, id FROM corpus WHERE part = 'unlabelled'" --into "$db" --table linear
sqlite3 -bail -init /dev/null -header -column "$db" <"$here/default_teach.sql"
train 'SELECT text, label FROM taught' --vectors "$build/vectors256.safetensors" --epochs 4 --seed 1 \
    --out "$build/first.safetensors"

sqlite3 -bail -init /dev/null -cmd '.load ./lstm_ext' "$db" \
    "SELECT lstm_model_import('first', readfile('$build/first.safetensors'))"
products="FROM sentences WHERE part = 'train' AND source <> 'imdb' AND review % 2"
for half in 0 1; do
    "$build/lstm-train" linear --db "$db" --vectors "$build/vectors128.safetensors" \
        --sql "SELECT text, label FROM corpus WHERE part = 'train' AND id % 2 = $half
                 UNION ALL SELECT text, label $products = $half" \
        --score-sql "SELECT text, -id $products <> $half
                       UNION ALL SELECT text, id FROM corpus WHERE part = 'unlabelled' AND id % 2 <> $half" \
        --into "$db" --table "linear$half"
done
sqlite3 -bail -init /dev/null -header -column "$db" <"$here/default_tune.sql"
train 'SELECT text, label FROM tuned' --from "$build/first.safetensors" --keep 0.5 --epochs 1 --rate 0.001 --seed 2 \
    --data "$(echo "$data" | tr '\n' ' ')" --terms "$(echo "$terms" | tr '\n' ' ')" \
    --out "$here/../model/default_sentiment.safetensors"
