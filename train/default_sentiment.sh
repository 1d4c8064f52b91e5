#!/bin/sh
# Repeats the training of the model inside the extension, model/default_sentiment.safetensors, from the data sets in the
# folder named by LSTM_DATA: two teachers learn from the labels, and the default model from what they and a linear model
# say of many more texts. The data are described in default_sentiment.sql and default_teach.sql. The same machine gives
# the same bytes. Takes about an hour and a half on two cores.
set -eu

build=${BUILD:-build}
here=$(dirname "$0")
db=$build/train.db
data='IMDb (Maas et al. 2011), labelled and unlabelled, SST-2 with phrases (Socher et al. 2013), FDU-MTL (Liu et al.
2017), multi-domain sentiment (Blitzer et al. 2007), Womens E-Commerce Clothing Reviews, Amazon Fine Foods (first
rows), pros and cons (Ganapathibhotla and Liu 2008), and sentences of their reviews; training parts only, no text of a
test set; labels mixed with those of two LSTMs and a linear model that learned from them'
terms='IMDb, SST-2, FDU-MTL, Blitzer: none stated, to be cited; Womens, Fine Foods: CC0; pros and cons: CC BY 4.0'

train() { # QUERY VECTORS OPTIONS: a sentiment model of the default's shape, but for its vectors
    query=$1 vectors=$2
    shift 2
    "$build/lstm-train" sentiment --db "$db" --sql "$query" --valid-sql 'SELECT text, label FROM valid' \
        --vectors "$vectors" --hidden 128 --checkpoint "$build/default.checkpoint" "$@"
}

"$here/default_data.sh" sentiment "$db"
for dimension in 128 256; do
    "$build/lstm-train" vectors --db "$db" --sql 'SELECT text FROM unlabelled' \
        --vocab 32768 --dimension $dimension --epochs 10 --out "$build/vectors$dimension.safetensors"
done

train 'SELECT text, label FROM train' "$build/vectors128.safetensors" --epochs 6 --seed 1 \
    --into "$db" --name teacher-narrow --storage f16
train 'SELECT text, label FROM train' "$build/vectors256.safetensors" --epochs 6 --seed 2 \
    --into "$db" --name teacher-wide --storage f16
"$build/lstm-train" linear --db "$db" --sql 'SELECT text, label FROM train' \
    --vectors "$build/vectors128.safetensors" \
    --score-sql "SELECT text, id FROM corpus WHERE part = 'unlabelled'" --into "$db" --table linear
sqlite3 -bail -init /dev/null -header -column "$db" <"$here/default_teach.sql"

train 'SELECT text, label FROM taught' "$build/vectors256.safetensors" --epochs 4 --seed 1 \
    --data "$(echo "$data" | tr '\n' ' ')" --terms "$terms" --out "$here/../model/default_sentiment.safetensors"
