-- One chunk for score_in_chunks.sh: keeps the table review_scores up to date with reviews, which is only read. Scored
-- is what is new, what has another text than the one that was scored, what another model scored, and what failed
-- before. Copy it and put your names in; for a model of yours it is lstm_score('...', 'mine') and
-- lstm_model_sha256('mine').

CREATE TABLE IF NOT EXISTS review_scores (
    id         INTEGER PRIMARY KEY, -- of reviews
    score      REAL,                -- NULL where the text has no word in it
    label      TEXT,
    confidence REAL,
    error      TEXT,                -- why this row could not be scored
    model      TEXT NOT NULL,       -- the SHA-256 of the model that scored it
    text_hash  BLOB NOT NULL,       -- of the text that was scored; sha3() is part of the sqlite3 shell
    scored_at  TEXT NOT NULL        -- UTC
);

CREATE TEMP TABLE chunk AS
SELECT r.id, r.body, sha3(r.body) AS text_hash, (SELECT lstm_model_sha256()) AS model
  FROM reviews AS r LEFT JOIN review_scores AS s ON s.id = r.id
 WHERE r.id > :after AND r.body IS NOT NULL
   AND (s.id IS NULL OR s.error IS NOT NULL OR s.model <> (SELECT lstm_model_sha256()) OR s.text_hash <> sha3(r.body))
 ORDER BY r.id
 LIMIT :chunk;

CREATE TEMP TABLE scored AS
SELECT key AS id, score, label, confidence, error
  FROM lstm_score('SELECT id, body FROM chunk');

-- Where text or model was changed meanwhile, the hash beside the score says so to the next run.
BEGIN IMMEDIATE;
REPLACE INTO review_scores
SELECT id, score, label, confidence, error, model, text_hash, strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
  FROM chunk JOIN scored USING (id);

-- Behind the last chunk, scores of rows that are gone go too.
DELETE FROM review_scores AS s
 WHERE NOT EXISTS (SELECT 1 FROM chunk)
   AND NOT EXISTS (SELECT 1 FROM reviews AS r WHERE r.id = s.id AND r.body IS NOT NULL);
COMMIT;

SELECT max(id) FROM chunk;
