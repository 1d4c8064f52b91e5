#!/bin/sh
# Repeats the training of the summariser inside the extension, model/default_summary.safetensors, from the data sets in
# the folder named by LSTM_DATA. The data are described in default_summary.sql. The same machine gives the same bytes.
set -eu

build=${BUILD:-build}
here=$(dirname "$0")
data="Women's E-Commerce Clothing Reviews, multi-domain sentiment (Blitzer et al. 2007), Amazon Fine Foods (first rows),
Debian package descriptions, SciTLDR (Cachola et al. 2020), with their titles, synopses and summaries; words also of
IMDb (Maas et al. 2011); training parts only, no text of a test set"
terms='Womens, Fine Foods: CC0; Blitzer, IMDb: none stated, to be cited; Debian: free metadata; SciTLDR: Apache-2.0'

"$here/default_data.sh" summary "$build/pairs.db"
"$build/lstm-train" vectors --db "$build/pairs.db" --sql 'SELECT text FROM unlabelled' \
    --vocab 16384 --dimension 128 --epochs 10 --out "$build/summary_vectors.safetensors"
"$build/lstm-train" summarize --db "$build/pairs.db" --sql "SELECT text, summary FROM train
    UNION ALL SELECT text, summary FROM train WHERE source IN ('blitzer', 'finefoods', 'scitldr')" \
    --valid-sql 'SELECT text, summary FROM valid' --vectors "$build/summary_vectors.safetensors" \
    --rate 2e-3 --warmup 300 --epochs 7 --coverage 0.5 --drop-embedding 0.3 --drop-output 0.3 \
    --data "$(echo "$data" | tr '\n' ' ' | sed 's/ $//')" --terms "$terms" \
    --checkpoint "$build/summary.checkpoint" --out "$build/summary.safetensors"
"$build/lstm-train" tone --model "$build/summary.safetensors" --db "$build/pairs.db" \
    --sql "SELECT text, stars > 3 FROM pairs WHERE part = 'train' AND stars <> 3
             UNION ALL SELECT summary, stars > 3 FROM pairs WHERE part = 'train' AND stars <> 3" \
    --valid-sql "SELECT text, stars > 3 FROM pairs WHERE part = 'valid' AND stars <> 3
                   UNION ALL SELECT summary, stars > 3 FROM pairs WHERE part = 'valid' AND stars <> 3" \
    --out "$here/../model/default_summary.safetensors"
