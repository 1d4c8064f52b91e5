-- What the default sentiment model learns from: the labelled rows, texts that nobody labelled, and sentences of the
-- reviews, with the probability of positive that teachers give them. Reads the corpus of default_sentiment.sql, the models
-- teacher-narrow and teacher-wide, and the table linear of lstm-train linear; leaves taught (text, label, kind).
.load ./lstm_ext

-- Sentences of 20 to 300 characters: of a product many things are said in one review, and not all of them are its verdict.
-- Film reviews are long and many: every third sentence. Those of held-out reviews are only for measuring.
DROP TABLE IF EXISTS sentences;
CREATE TABLE sentences (id INTEGER PRIMARY KEY, review INTEGER, source TEXT, part TEXT, label INTEGER, text TEXT);
INSERT INTO sentences (review, source, part, label, text)
SELECT c.id, c.source, c.part, c.label, trim(s.value)
FROM corpus AS c,
     json_each('[' || replace(json_quote(replace(replace(replace(replace(replace(replace(c.text, '\', ' '),
         '<br />', char(10)), '. ', '.' || char(10)), '! ', '!' || char(10)), '? ', '?' || char(10)), char(9), ' ')),
         '\n', '","') || ']') AS s
WHERE c.source IN ('imdb', 'fdu14', 'blitzer', 'finefoods', 'womens') AND c.part IN ('train', 'valid')
  AND length(trim(s.value)) BETWEEN 20 AND 300
ORDER BY c.id, s.id;
DELETE FROM sentences WHERE source = 'imdb' AND part = 'train' AND (id * 2654435761 >> 7) % 3 <> 0;

-- A score is 2 p - 1, so its atanh is half of the log odds of p, and the sum over two teachers is their mean. 0.9999: a
-- teacher is never certain.
DROP TABLE IF EXISTS told;
CREATE TABLE told (id INTEGER, kind TEXT, label INTEGER, text TEXT, odds REAL);
INSERT INTO told
SELECT id, part, label, text,
       atanh(lstm_sentiment(text, 'teacher-narrow') * 0.9999) + atanh(lstm_sentiment(text, 'teacher-wide') * 0.9999)
FROM corpus WHERE part IN ('train', 'unlabelled') ORDER BY id;
INSERT INTO told
SELECT id, 'sentence', label, text,
       atanh(lstm_sentiment(text, 'teacher-narrow') * 0.9999) + atanh(lstm_sentiment(text, 'teacher-wide') * 0.9999)
FROM sentences WHERE part = 'train' ORDER BY id;

-- Labels are trusted more than teachers, who have learned them. Of unlabelled texts, which are nearly all film reviews, the
-- linear model has a say; weight and scale are those that fit the held-out reviews best. Of a sentence its review has one:
-- without reading it, the odds are 3 to 1 that it says what the whole review says.
DROP TABLE IF EXISTS taught;
CREATE TABLE taught (text TEXT, label REAL, kind TEXT);
INSERT INTO taught
SELECT text, 0.6 * label + 0.4 / (1 + exp(-odds)), kind FROM told WHERE kind = 'train' ORDER BY id;
INSERT INTO taught
SELECT text, 1 / (1 + exp(-0.8 * (odds + 0.7 * ln((p + 1e-5) / (1 - p + 1e-5))))), kind
FROM told JOIN (SELECT key, round(probability, 6) AS p FROM linear) ON id = key
WHERE kind = 'unlabelled' ORDER BY id;
INSERT INTO taught
SELECT text, 1 / (1 + exp(-(odds + 1.1 * (2 * label - 1)))), kind FROM told WHERE kind = 'sentence' ORDER BY id;
DROP TABLE told;

SELECT kind, count(*) AS texts, round(avg(label), 3) AS positive FROM taught GROUP BY kind;
