-- What a user sees on an empty database with nothing but the extension.
SELECT 'version is text',                lstm_version() GLOB '[0-9]*.[0-9]*.[0-9]*';
SELECT 'info is JSON',                   json_extract(lstm_info(), '$.version') = lstm_version();
SELECT 'loading writes nothing',         count(*) = 0 FROM sqlite_master;

SELECT 'a score is from -1 to 1',        lstm_sentiment('What a film.') BETWEEN -1 AND 1;
SELECT 'the same text, the same score',  lstm_sentiment('What a film.') = lstm_sentiment('What a film.');
SELECT 'case does not matter',           lstm_sentiment('What a FILM.') = lstm_sentiment('what a film.');
SELECT 'null scores null',               lstm_sentiment(NULL) IS NULL AND lstm_classify(NULL) IS NULL;
SELECT 'no token scores null',           lstm_sentiment('') IS NULL AND lstm_classify(' ') IS NULL;
SELECT 'any bytes are a text',           typeof(lstm_sentiment(x'fffe00')) = 'real';
SELECT 'any language is a text',         typeof(lstm_sentiment('Ein Film. 一部电影. فيلم. 🎬')) = 'real';
SELECT 'numbers are texts',              lstm_sentiment(42) = lstm_sentiment('42');

SELECT 'the label is the likeliest',     json_extract(c, '$.label') =
       (SELECT key FROM json_each(c, '$.probabilities') ORDER BY value DESC LIMIT 1)
  FROM (SELECT lstm_classify('What a film.') AS c);
SELECT 'probabilities sum to 1',         abs(sum(value) - 1) < 1e-6 FROM json_each(lstm_classify('a'), '$.probabilities');
SELECT 'both functions agree',           abs(json_extract(lstm_classify('a film'), '$.probabilities.positive') * 2 - 1
                                             - lstm_sentiment('a film')) < 1e-6;

SELECT 'tokens are in order',            group_concat(position) LIKE '0,1,2,%' FROM lstm_tokens('one two three four');
SELECT 'tokens cover the text',          min("begin") = 0 AND max("end") = length(CAST('Ein schöner Film' AS BLOB))
  FROM lstm_tokens('Ein schöner Film');
SELECT 'tokens can be joined',           count(DISTINCT r.column1) = 2
  FROM (VALUES ('a good film'), ('a bad film')) AS r, lstm_tokens(r.column1);

-- error: LSTM_ERR_MODEL: no model named 'nope'
SELECT 'unknown model',                  lstm_sentiment('a', 'nope');
-- error: LSTM_ERR_OPTIONS: there is no option "modle"
SELECT 'unknown option',                 lstm_sentiment('a', '{"modle": "default-sentiment"}');
-- error: LSTM_ERR_INPUT: lstm_tokens needs a text
SELECT 'no text',                        1 FROM lstm_tokens;
SELECT 'scoring writes nothing',         count(*) = 0 FROM sqlite_master;
