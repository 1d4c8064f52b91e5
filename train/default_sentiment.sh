#!/bin/sh
# Repeats the training of the model inside the extension, model/default_sentiment.safetensors, from the data sets in the
# folder named by LSTM_DATA. The data are described in default_sentiment.sql. The same machine gives the same bytes.
set -eu

build=${BUILD:-build}
here=$(dirname "$0")
data='IMDb (Maas et al. 2011), SST-2 with phrases (Socher et al. 2013), FDU-MTL (Liu et al. 2017), multi-domain
sentiment (Blitzer et al. 2007), Womens E-Commerce Clothing Reviews, Amazon Fine Foods (first rows), pros and cons
(Ganapathibhotla and Liu 2008); training parts only, no text of a test set'
terms='IMDb, SST-2, FDU-MTL, Blitzer: none stated, to be cited; Womens, Fine Foods: CC0; pros and cons: CC BY 4.0'

"$here/default_data.sh" sentiment "$build/train.db"
"$build/lstm-train" vectors --db "$build/train.db" --query 'SELECT text FROM unlabelled' \
    --vocab 32768 --dimension 128 --epochs 10 --out "$build/vectors.safetensors"
"$build/lstm-train" sentiment --db "$build/train.db" --query 'SELECT text, label FROM train' \
    --valid-query 'SELECT text, label FROM valid' --vectors "$build/vectors.safetensors" \
    --hidden 128 --epochs 6 --data "$(echo "$data" | tr '\n' ' ')" --terms "$terms" \
    --checkpoint "$build/default.checkpoint" --out "$here/../model/default_sentiment.safetensors"
