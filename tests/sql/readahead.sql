-- Read-ahead, settings and counters in the shell, with the model inside the extension.
CREATE TABLE r(id INTEGER PRIMARY KEY, body TEXT, score REAL);
INSERT INTO r(body) SELECT 'A ' || iif(value % 3, 'warm', 'dull') || ' film, number ' || value || '.' FROM generate_series(1, 200);
SELECT 'read-ahead is on', lstm_config('readahead') = 'on';
SELECT 'eager for this test', lstm_config('readahead', 'eager') = 'eager';
UPDATE r SET score = lstm_sentiment(body) WHERE score IS NULL;
SELECT 'an update scores in batches', lstm_stats() ->> 'texts' = 200 AND lstm_stats() ->> 'batches' < 8;
SELECT 'and every text once', lstm_stats() ->> 'wasted' = 0 AND lstm_stats() ->> 'alone' < 3;
SELECT 'off gives the same bits', lstm_config('readahead', 'off') = 'off';
SELECT 'the same bits', count(*) = 200 FROM r WHERE score = lstm_sentiment(body || ' ');
SELECT 'one by one', lstm_stats() ->> 'alone' >= 200;
SELECT 'again from the cache', count(*) = 200 FROM r WHERE score = lstm_sentiment(body);
SELECT 'hits are counted', lstm_stats() ->> 'cache_hits' >= 200;
-- error: LSTM_ERR_OPTIONS: the setting batch is '0', it has to be a whole number from 1 to 4096
SELECT lstm_config('batch', 0);
