-- The data of the default summariser: which pairs are learned from, which choose the model, which only measure it.
-- Reads the tables that default_data.sh imports; leaves pairs, the views train, valid, test
-- and unlabelled, and imdb_unsup, whose reviews only lend their words.

-- stars: of a review, 1 to 5. key: letters and digits mostly, so that a text is recognised in another set's spelling.
CREATE TABLE pairs (
    id      INTEGER PRIMARY KEY,
    source  TEXT NOT NULL,
    part    TEXT NOT NULL CHECK (part IN ('train', 'valid', 'test', 'leaked', 'repeated', 'long')),
    text    TEXT NOT NULL,
    summary TEXT NOT NULL,
    stars   INTEGER,
    key     TEXT NOT NULL
);

-- Pairs for validation are spread over the training parts, about 300 a set; a package's siblings stand side by side in
-- debian, so that whole runs of rows are held out there. SciTLDR has a file of its own for that.
CREATE TEMP VIEW arriving AS
SELECT 'womens' AS source, iif(split = 'train' AND rowid % 64 = 11, 'valid', split) AS part, text, title AS summary,
       CAST(stars AS INTEGER) AS stars
FROM womens
UNION ALL
SELECT 'blitzer', iif(split = 'train' AND rowid % 22 = 7, 'valid', split), text, title, CAST(stars AS INTEGER) FROM blitzer
UNION ALL
SELECT 'finefoods', iif(split = 'train' AND rowid % 20 = 3, 'valid', split), text, title, CAST(stars AS INTEGER) FROM finefoods
UNION ALL
SELECT 'debian', iif(split = 'train' AND rowid / 25 % 180 = 90, 'valid', split), text, synopsis, NULL FROM debian
UNION ALL
SELECT 'scitldr', 'train', text, summary, NULL FROM scitldr_train
UNION ALL
SELECT 'scitldr', 'valid', text, summary, NULL FROM scitldr_dev
UNION ALL
SELECT 'scitldr', 'test', text, summary, NULL FROM scitldr_test;

INSERT INTO pairs (source, part, text, summary, stars, key)
SELECT source, part, trim(text), trim(summary), stars,
       substr(replace(replace(replace(replace(replace(replace(replace(lower(substr(text, 1, 600)), char(10), ''), ' ', ''),
       '-', ''), '.', ''), ',', ''), '''', ''), '"', ''), 1, 160)
FROM arriving WHERE trim(text) <> '' AND trim(summary) <> '';

-- No text of a test set is learned from or chosen by, and none of a validation set is learned from.
CREATE INDEX pairs_key ON pairs (key, part);
UPDATE pairs SET part = 'leaked'
WHERE part <> 'test' AND EXISTS (SELECT 1 FROM pairs AS t WHERE t.key = pairs.key AND t.part = 'test');
UPDATE pairs SET part = 'leaked'
WHERE part = 'train' AND EXISTS (SELECT 1 FROM pairs AS v WHERE v.key = pairs.key AND v.part = 'valid');
UPDATE pairs SET part = 'repeated'
WHERE part = 'train'
  AND EXISTS (SELECT 1 FROM pairs AS e WHERE e.key = pairs.key AND e.part = 'train' AND e.summary = pairs.summary
                                         AND e.id < pairs.id);

-- A summary has at most 40 words.
UPDATE pairs SET part = 'long'
WHERE part IN ('train', 'valid') AND length(summary) - length(replace(summary, ' ', '')) >= 40;

CREATE VIEW train AS SELECT text, summary, source FROM pairs WHERE part = 'train';
CREATE VIEW valid AS SELECT text, summary, source FROM pairs WHERE part = 'valid';
CREATE VIEW test AS SELECT text, summary, source FROM pairs WHERE part = 'test';

CREATE VIEW unlabelled AS
SELECT text FROM train UNION ALL SELECT summary FROM train UNION ALL SELECT text FROM imdb_unsup;

DROP VIEW arriving;
DROP TABLE womens;
DROP TABLE blitzer;
DROP TABLE finefoods;
DROP TABLE debian;
DROP TABLE scitldr_train;
DROP TABLE scitldr_dev;
DROP TABLE scitldr_test;
