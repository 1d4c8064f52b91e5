-- Accuracy of the model inside the extension on test sets that it never saw, through SQL, on the database that
-- train/default_data.sh sentiment builds:  sqlite3 build/train.db < sql/accuracy.sql
.load ./lstm_ext
.mode box

WITH scored(test, label, score) AS (
    SELECT 'IMDb test', label, lstm_sentiment(text) FROM imdb_test
    UNION ALL
    SELECT 'SST-2 test', label, lstm_sentiment(text) FROM sst2_test
    UNION ALL
    SELECT 'FDU-14 test, without the leaked', label, lstm_sentiment(text) FROM fdu14_test WHERE in_train = 0
    UNION ALL
    SELECT 'FDU-14 test, the leaked', label, lstm_sentiment(text) FROM fdu14_test WHERE in_train = 1
    UNION ALL
    SELECT 'CR, never trained on', label, lstm_sentiment(text) FROM cr
)
SELECT test, count(*) AS texts, round(100 * avg((score > 0) = label), 2) AS accuracy,
       round(50 * (avg((score > 0) = label) FILTER (WHERE label = 1) + avg((score > 0) = label) FILTER (WHERE label = 0)),
             2) AS balanced
  FROM scored
 GROUP BY test
 ORDER BY texts DESC;
