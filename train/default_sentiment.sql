-- The data of the default model: which rows are learned from, which choose the model, which only measure it.
-- Reads the tables that default_data.sh sentiment imports; leaves corpus, neutral, the views train, valid and unlabelled, and
-- the test sets.

-- key: letters and digits mostly, so that a text is recognised in another set's spelling ("do n't", "re-imagining", cut
-- after 500 characters). 160 characters tell reviews apart; shorter texts are compared whole.
CREATE TABLE corpus (
    id     INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    part   TEXT NOT NULL CHECK (part IN ('train', 'valid', 'test', 'unlabelled', 'leaked', 'repeated')),
    label  INTEGER CHECK (label IN (0, 1)),
    text   TEXT NOT NULL,
    key    TEXT NOT NULL
);

-- The key needs one expression for every set: rows come in through a view.
CREATE VIEW arriving (source, part, label, text) AS SELECT NULL, NULL, NULL, NULL WHERE 0;
CREATE TRIGGER arrive INSTEAD OF INSERT ON arriving BEGIN
    INSERT INTO corpus (source, part, label, text, key)
    SELECT new.source, new.part, new.label, new.text, substr(replace(replace(replace(replace(replace(replace(replace(replace(
               replace(replace(lower(substr(new.text, 1, 600)), '<br />', ''), char(10), ''), ' ', ''), '-', ''), '.', ''),
               ',', ''), '''', ''), '`', ''), '"', ''), '!', ''), 1, 160)
    WHERE length(trim(new.text)) > 0;
END;

-- Stars of 4 and 5 are positive, 1 and 2 negative, 3 is neither and only lends its words. Rows for validation are
-- spread over each training set; SST-2 has a file of its own for that.
INSERT INTO arriving SELECT 'imdb', iif(rowid % 25 IN (7, 19), 'valid', 'train'), label, text FROM imdb_train;
INSERT INTO arriving SELECT 'imdb', 'test', label, text FROM imdb_test;
INSERT INTO arriving SELECT 'imdb', 'unlabelled', NULL, text FROM imdb_unsup;
INSERT INTO arriving SELECT 'sst2', 'train', label, text FROM sst2_train;
INSERT INTO arriving SELECT 'sst2', 'valid', label, text FROM sst2_dev;
INSERT INTO arriving SELECT 'sst2', 'test', label, text FROM sst2_test;
INSERT INTO arriving SELECT 'sst2_phrases', 'train', label, text FROM sst2_phrases;
INSERT INTO arriving SELECT 'fdu14', iif(rowid % 16 = 5, 'valid', 'train'), label, text FROM fdu14_train;
INSERT INTO arriving SELECT 'fdu14', 'test', label, text FROM fdu14_test;
INSERT INTO arriving SELECT 'proscons', 'train', label, text FROM proscons;
INSERT INTO arriving SELECT 'cr', 'test', label, text FROM cr;

CREATE TEMP VIEW starred AS
SELECT 'blitzer' AS source, iif(split = 'train' AND rowid % 20 = 7, 'valid', split) AS part,
       CAST(stars AS REAL) AS stars, title, text FROM blitzer
UNION ALL
SELECT 'womens', iif(split = 'train' AND rowid % 40 = 11, 'valid', split), CAST(stars AS REAL), title, text FROM womens
UNION ALL
SELECT 'finefoods', iif(split = 'train' AND rowid % 16 = 3, 'valid', split), CAST(stars AS REAL), title, text
FROM finefoods;

INSERT INTO arriving SELECT source, part, stars > 3, text FROM starred WHERE stars <> 3;
INSERT INTO arriving SELECT source, 'unlabelled', NULL, text FROM starred WHERE stars = 3 AND part = 'train';
INSERT INTO arriving SELECT source || '_titles', 'train', stars > 3, title FROM starred
WHERE stars <> 3 AND part = 'train';

-- Nothing of a test set is learned from or chosen by, and nothing of a validation set is learned from.
CREATE INDEX corpus_key ON corpus (key, part);
UPDATE corpus SET part = 'leaked'
WHERE part <> 'test' AND key <> '' AND EXISTS (SELECT 1 FROM corpus AS t WHERE t.key = corpus.key AND t.part = 'test');
UPDATE corpus SET part = 'leaked'
WHERE part IN ('train', 'unlabelled') AND key <> ''
  AND EXISTS (SELECT 1 FROM corpus AS v WHERE v.key = corpus.key AND v.part = 'valid');

-- Blitzer and FDU-14 share reviews: a long text is learned from once.
UPDATE corpus SET part = 'repeated'
WHERE part IN ('train', 'unlabelled') AND length(key) = 160
  AND EXISTS (SELECT 1 FROM corpus AS e WHERE e.key = corpus.key AND e.part = corpus.part AND e.id < corpus.id);

-- Texts that say neither good nor bad: the probability of positive is one half. Of Reuters and AESLC nothing may be learned,
-- so they show what becomes of kinds of text that were never met.
CREATE TABLE neutral (source TEXT NOT NULL, part TEXT NOT NULL CHECK (part IN ('train', 'valid', 'test')), text TEXT NOT NULL);
INSERT INTO neutral SELECT source, 'train', text FROM corpus WHERE part = 'unlabelled' AND source IN ('womens', 'finefoods');
INSERT INTO neutral SELECT source, part, text FROM starred WHERE stars = 3 AND part <> 'train';
INSERT INTO neutral SELECT 'sst5', 'train', text FROM sst5_train WHERE label = 2;
INSERT INTO neutral SELECT 'sst5', 'valid', text FROM sst5_dev WHERE label = 2;
INSERT INTO neutral SELECT 'sst5', 'test', text FROM sst5_test WHERE label = 2;
INSERT INTO neutral SELECT 'debian', split, text FROM debian WHERE split = 'test' OR rowid % 6 = 1;
INSERT INTO neutral SELECT 'debian synopses', split, synopsis FROM debian WHERE split = 'test' OR rowid % 6 = 4;
INSERT INTO neutral SELECT 'scitldr', 'train', text FROM scitldr_train;
INSERT INTO neutral SELECT 'scitldr', 'train', summary FROM scitldr_train;
INSERT INTO neutral SELECT 'scitldr', 'test', text FROM scitldr_test;
INSERT INTO neutral SELECT 'headlines', 'test', headline FROM reuters_test;
INSERT INTO neutral SELECT 'news', 'test', text FROM reuters_test;
INSERT INTO neutral SELECT 'e-mail', 'test', text FROM aeslc_test;

CREATE VIEW train AS SELECT text, label, source FROM corpus WHERE part = 'train';
CREATE VIEW valid AS SELECT text, label, source FROM corpus WHERE part = 'valid';
CREATE VIEW unlabelled AS SELECT text FROM corpus WHERE part IN ('train', 'unlabelled');

DROP VIEW arriving;
DROP TABLE imdb_train;
DROP TABLE imdb_unsup;
DROP TABLE sst2_train;
DROP TABLE sst2_dev;
DROP TABLE sst2_phrases;
DROP TABLE fdu14_train;
DROP TABLE proscons;
DROP TABLE blitzer;
DROP TABLE womens;
DROP TABLE finefoods;
DROP TABLE sst5_train;
DROP TABLE sst5_dev;
DROP TABLE sst5_test;
DROP TABLE debian;
DROP TABLE scitldr_train;
DROP TABLE scitldr_test;
DROP TABLE reuters_test;
DROP TABLE aeslc_test;
