-- Models as rows of a database file, from the shell.
.open models.db
.load ./lstm_ext
SELECT 'import gives a version',         lstm_model_import('mine', lstm_model_export('default-sentiment'), '{"a":1}') = 1;
SELECT 'again is the same version',      lstm_model_import('mine', lstm_model_export('default-sentiment')) = 1;
SELECT 'by name',                        lstm_sentiment('a film', 'mine') = lstm_sentiment('a film');
SELECT 'by options',                     lstm_sentiment('a film', '{"model": "mine"}') = lstm_sentiment('a film');
SELECT 'known by its hash',              sha256 = lstm_model_sha256('mine') AND sha256 = lstm_model_sha256()
  FROM lstm_models;
SELECT 'the row says what it is',        task = 'sentiment' AND bytes = length(blob) AND json_valid(card)
       AND json_extract(sizes, '$.classes') = json_array_length(labels) FROM lstm_models;

CREATE TABLE reviews (id INTEGER PRIMARY KEY, body TEXT, score REAL);
CREATE TRIGGER score_new AFTER INSERT ON reviews BEGIN
    UPDATE reviews SET score = lstm_sentiment(new.body, 'mine') WHERE id = new.id;
END;
CREATE VIEW labelled AS SELECT id, json_extract(lstm_classify(body, 'mine'), '$.label') AS label FROM reviews;
INSERT INTO reviews (body) VALUES ('a good film'), ('a bad film'), (NULL);
SELECT 'a trigger scores',               count(score) = 2 AND count(*) = 3 FROM reviews;
SELECT 'a view labels',                  count(label) = 2 FROM labelled;
SELECT 'export gives the bytes back',    lstm_model_export('mine') = blob FROM lstm_models;

-- error: a version of a model never changes
UPDATE lstm_models SET version = 2;
-- error: LSTM_ERR_MODEL: the BLOB is not a model
SELECT 'cut',                            lstm_model_import('cut', substr(blob, 1, 5000)) FROM lstm_models;
-- error: LSTM_ERR_INPUT: the name 'default-mine' is not free
SELECT 'reserved',                       lstm_model_import('default-mine', blob) FROM lstm_models;
-- error: unsafe use of lstm_model_import
CREATE TRIGGER sly AFTER INSERT ON reviews BEGIN SELECT lstm_model_import('x', x''); END;
INSERT INTO reviews (body) VALUES ('x');
DROP TRIGGER sly;

.open 'file:models.db?mode=ro'
.load ./lstm_ext
SELECT 'read-only databases score',      lstm_sentiment('a film', 'mine') = lstm_sentiment('a film');
SELECT 'and their views',                count(label) = 2 FROM labelled;
-- error: attempt to write a readonly database
SELECT 'but store nothing',              lstm_model_import('other', lstm_model_export('mine'));

ATTACH ':memory:' AS extra;
CREATE TABLE extra.lstm_models AS SELECT name, version, printf('%064d', 0) AS sha256, blob FROM main.lstm_models;
-- error: LSTM_ERR_MODEL: the name 'mine' stands for different models in the databases 'main' and 'extra'
SELECT 'ambiguous',                      lstm_sentiment('a film', 'mine');
DROP TABLE extra.lstm_models;
SELECT 'no longer',                      lstm_sentiment('a film', 'mine') IS NOT NULL;
