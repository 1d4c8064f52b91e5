-- Summaries and where their words came from, on an empty database with nothing but the extension.
CREATE TEMP TABLE story AS SELECT
    'I bought this kettle for my mother and she loves it. It boils water quickly, it is quiet and it looks good.' AS body;
CREATE TEMP TABLE origins AS SELECT a.* FROM story, lstm_attention(body) AS a;

SELECT 'a summary is a text',            typeof(lstm_summarize(body)) = 'text' AND length(lstm_summarize(body)) > 0 FROM story;
SELECT 'the same text, the same one',    lstm_summarize(body) = lstm_summarize(body) FROM story;
SELECT 'null gives null',                lstm_summarize(NULL) IS NULL;
SELECT 'no token gives null',            lstm_summarize('') IS NULL AND lstm_summarize(' ') IS NULL;
SELECT 'any bytes are a text',           typeof(lstm_summarize(x'fffe00')) = 'text';
SELECT 'any language is a text',         typeof(lstm_summarize('Ein Film. 一部电影. فيلم. 🎬')) = 'text';
SELECT 'numbers are texts',              lstm_summarize(42) = lstm_summarize('42');
SELECT 'the default has a name',         lstm_summarize(body, 'default-summarize') = lstm_summarize(body) FROM story;
SELECT 'and a hash',                     json_extract(lstm_info(), '$.embedded.default-summarize')
                                             = lstm_model_sha256('default-summarize');

SELECT 'max_tokens bounds it',           count(DISTINCT output_position) <= 3
  FROM story, lstm_attention(body, '{"max_tokens": 3}');
SELECT 'min_tokens too',                 count(DISTINCT output_position) >= 12
  FROM story, lstm_attention(body, '{"min_tokens": 12}');
SELECT 'one beam is a summary',          typeof(lstm_summarize(body, '{"beam": 1}')) = 'text' FROM story;

SELECT 'weights of a token sum to 1',    max(abs(s - 1)) < 1e-5
  FROM (SELECT sum(weight) AS s FROM origins GROUP BY output_position);
SELECT 'a row for each pair',            count(*) = count(DISTINCT output_position) * count(DISTINCT source_position)
  FROM origins;
SELECT 'sources are the tokens',         count(*) = 0 FROM (SELECT source_position, source_token, "begin", "end" FROM origins
  EXCEPT SELECT position, token, "begin", "end" FROM story, lstm_tokens(body, 'default-summarize'));
SELECT 'copies stand in the text',       count(*) = 0 FROM origins WHERE copied AND output_token <> source_token;
SELECT 'a token is copied from one',     max(n) <= 1 FROM (SELECT sum(copied) AS n FROM origins GROUP BY output_position);
SELECT 'shares are shares',              min(generated) >= 0 AND max(generated) <= 1 FROM origins;
SELECT 'null has no rows',               count(*) = 0 FROM lstm_attention(NULL);

-- error: LSTM_ERR_OPTIONS: the option "max_tokens" is 201, it has to be a whole number from 1 to 200
SELECT 'too long',                       lstm_summarize('a', '{"max_tokens": 201}');
-- error: LSTM_ERR_OPTIONS: there is no option "beams"; the options are: "model", "max_tokens", "min_tokens", "beam"
SELECT 'unknown option',                 lstm_summarize('a', '{"beams": 4}');
-- error: LSTM_ERR_TASK: model 'default-sentiment' has the task 'sentiment', lstm_summarize needs 'summarize'
SELECT 'scores are no summaries',        lstm_summarize('a', 'default-sentiment');
-- error: LSTM_ERR_TASK: model 'default-summarize' has the task 'summarize', lstm_sentiment needs 'sentiment'
SELECT 'summaries are no scores',        lstm_sentiment('a', 'default-summarize');
-- error: LSTM_ERR_INPUT: lstm_attention needs a text
SELECT 'no text',                        1 FROM lstm_attention;
SELECT 'summarizing writes nothing',     count(*) = 0 FROM sqlite_master;
