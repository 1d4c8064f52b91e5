-- One chunk for score_in_chunks.sh: fills the column reviews.score where it is NULL. Copy it and put your names in. The
-- column comes from
--     ALTER TABLE reviews ADD COLUMN score REAL;
-- and in a large table this index finds what is left to do:
--     CREATE INDEX reviews_to_score ON reviews(id) WHERE score IS NULL;
-- A row that cannot be scored, and one whose text has no word in it, stays NULL and is tried again by the next run.

CREATE TEMP TABLE chunk AS
SELECT id, body
  FROM reviews
 WHERE id > :after AND score IS NULL AND body IS NOT NULL
 ORDER BY id
 LIMIT :chunk;

CREATE TEMP TABLE scored AS
SELECT key AS id, score
  FROM lstm_score('SELECT id, body FROM chunk'); -- or lstm_score('...', 'mine'), by a model of yours

BEGIN IMMEDIATE;
UPDATE reviews
   SET score = scored.score
  FROM scored JOIN chunk USING (id)
 WHERE reviews.id = scored.id
   AND reviews.score IS NULL AND reviews.body = chunk.body; -- what was changed meanwhile is left to the next run
COMMIT;

SELECT max(id) FROM chunk;
