-- lstm_score() in the shell, by the model inside the extension.
CREATE TABLE r(id INTEGER PRIMARY KEY, body TEXT);
INSERT INTO r(body) VALUES ('What a film.'), ('Never again.'), (NULL), (''), ('一部电影'), ('It''s quoted.');

SELECT 'every row has a score',          count(*) = 6 FROM lstm_score('SELECT id, body FROM r');
SELECT 'the score of the function',      count(*) = 0 FROM lstm_score('SELECT id, body FROM r') AS s JOIN r ON id = key
 WHERE s.score IS NOT lstm_sentiment(r.body);
SELECT 'the label of the function',      count(*) = 0 FROM lstm_score('SELECT id, body FROM r') AS s JOIN r ON id = key
 WHERE s.label IS NOT json_extract(lstm_classify(r.body), '$.label');
SELECT 'any batch',                      count(*) = 0 FROM (SELECT * FROM lstm_score('SELECT id, body FROM r')
       EXCEPT SELECT * FROM lstm_score('SELECT id, body FROM r', '{"batch": 2}'));
SELECT 'English is known',               unknown = 0 FROM lstm_score('SELECT 1, ''What a film.''');
SELECT 'the query may score too',        count(*) = 0 FROM lstm_score('SELECT lstm_sentiment(body), body FROM r')
 WHERE key IS NOT score;
SELECT 'other scripts are not',          unknown > 0.5 FROM lstm_score('SELECT id, body FROM r WHERE id = 5');
SELECT 'the query can be built',         count(*) = 1 FROM lstm_score(printf('SELECT id, body FROM r WHERE body = %Q',
       'It''s quoted.'));

CREATE TABLE scores AS SELECT key AS id, score FROM lstm_score('SELECT id, body FROM r');
SELECT 'a table of scores',              count(*) = 0 FROM scores JOIN r USING (id) WHERE score IS NOT lstm_sentiment(body);
ALTER TABLE r ADD COLUMN score REAL;
UPDATE r SET score = s.score FROM lstm_score('SELECT id, body FROM r') AS s WHERE r.id = s.key;
SELECT 'a column of scores',             count(*) = 0 FROM r WHERE score IS NOT lstm_sentiment(body);
SELECT 'joins run the query once',       count(*) = 6 FROM lstm_score('SELECT id, body FROM r') AS s LEFT JOIN r ON id = key;

-- error: LSTM_ERR_INPUT: the query of lstm_score would write
SELECT 'it only reads',                  1 FROM lstm_score('DELETE FROM r RETURNING id, body');
-- error: LSTM_ERR_INPUT: the query of lstm_score gives 1 columns
SELECT 'a key and a text',               1 FROM lstm_score('SELECT body FROM r');
-- error: LSTM_ERR_INPUT: the query of lstm_score: no such table: nowhere
SELECT 'SQLite has the words',           1 FROM lstm_score('SELECT 1, 2 FROM nowhere');
SELECT 'nothing was written',            count(*) = 6 FROM r;
