-- What the default sentiment model is tuned on after it was taught: the labelled rows and some unlabelled film reviews
-- as they were, sentences of product reviews once more with a linear model's opinion, and texts without polarity, whose
-- probability of positive is one half. Reads corpus, neutral, sentences and the model first of default_teach.sql, and the
-- tables linear0 and linear1, in which each half of the reviews is judged by a linear model of the other; leaves tuned.
.load ./lstm_ext

-- ---- flat statements: one to three patterns, each {kind} replaced by a word of it, {number} by a number ----

CREATE TEMP TABLE words (kind TEXT, n INTEGER, word TEXT);
INSERT INTO words SELECT 'thing', key, value FROM json_each('["kettle", "lamp", "chair", "radio", "jacket", "phone", "book",
    "tablet", "blanket", "printer", "bicycle", "camera", "clock", "desk", "drill", "fan", "guitar", "hammer", "knife",
    "ladder", "mirror", "notebook", "oven", "pan", "pillow", "router", "scarf", "shelf", "shirt", "sofa", "speaker",
    "spoon", "stapler", "suitcase", "table", "telescope", "tent", "toaster", "towel", "train", "umbrella", "vase",
    "wallet", "watch", "window", "film", "novel", "museum", "library", "bridge", "bag", "cable", "battery", "keyboard",
    "monitor", "microphone", "toothbrush", "mug", "rug", "bench"]');
INSERT INTO words SELECT 'colour', key, value FROM json_each('["black", "white", "grey", "blue", "green", "red", "brown",
    "yellow", "silver", "dark blue", "beige", "orange"]');
INSERT INTO words SELECT 'stuff', key, value FROM json_each('["wood", "steel", "plastic", "cotton", "glass", "aluminium",
    "leather", "paper", "wool", "rubber"]');
INSERT INTO words SELECT 'place', key, value FROM json_each('["Oslo", "Leeds", "Lyon", "Chicago", "Kyoto", "Lima", "Perth",
    "Toronto", "Vienna", "Cork", "Nairobi", "Porto", "the north of the country", "the second floor",
    "a town by the sea"]');
INSERT INTO words SELECT 'day', key, value FROM json_each('["Monday", "Tuesday", "Wednesday", "Thursday", "Friday",
    "Saturday", "Sunday", "the first of May", "12 March", "the last day of June"]');
CREATE TEMP TABLE patterns AS SELECT key AS n, value AS pattern FROM json_each('["This is a {thing}.",
    "The {thing} is {colour}.", "The {thing} is made of {stuff}.", "It weighs {number} grams.",
    "It is {number} cm long and {number} cm wide.", "The box contains a {thing}, a {thing} and a manual of {number} pages.",
    "I ordered the {thing} on {day}.", "The parcel with the {thing} came on {day}.", "My sister has a {colour} {thing}.",
    "There is a {thing} in the kitchen and a {thing} in the hall.", "The {thing} was made in {place}.",
    "It comes in {colour} and in {colour}.", "The shop in {place} opens at {number} on {day}.",
    "The story is set in {place} and covers {number} years.", "It was filmed in {place} and runs {number} minutes.",
    "The book has {number} pages and {number} chapters.", "The {thing} stands next to the {thing}.", "We live in {place}.",
    "The meeting about the {thing} is on {day} at {number}.", "Model {number} replaces model {number}.",
    "The {thing} has {number} buttons and a {colour} handle.", "The cable is {number} metres long.",
    "It takes {number} batteries.", "The lid is {stuff} and the base is {stuff}.", "The author was born in {place}.",
    "The part of the captain is played by a man from {place}.", "Page {number} shows a {thing}.",
    "He drove from {place} to {place} on {day}.", "The manual describes how to clean the {thing}.",
    "The {thing} is on the {colour} shelf.", "The display shows the time and the date.",
    "The {thing} is available in {number} sizes.", "The order number is {number}.",
    "The train to {place} leaves at {number}.", "Water boils at 100 degrees.", "I use the {thing} on {day}.",
    "They sold {number} of them in {place}.", "The size is {number}.", "My account number is {number}.",
    "The series has {number} episodes."]');

CREATE TEMP TABLE statements AS
WITH drawn(i, step, text) AS (
    SELECT i.value, 0, (SELECT group_concat(pattern, ' ') FROM patterns
                        WHERE n = (i.value * 2654435761 >> 9) % 40
                           OR n = (i.value * 2246822519 >> 11) % 40 AND i.value % 3 > 0
                           OR n = (i.value * 3266489917 >> 13) % 40 AND i.value % 3 > 1)
    FROM generate_series(0, 3999) AS i
    UNION ALL
    SELECT i, step + 1, substr(text, 1, instr(text, '{') - 1)
           || coalesce((SELECT word FROM words AS w
                        WHERE kind = substr(text, instr(text, '{') + 1, instr(text, '}') - instr(text, '{') - 1)
                          AND n = ((i * 31 + step * 17 + 5) * 2654435761 >> 12)
                                  % (SELECT count(*) FROM words AS o WHERE o.kind = w.kind)),
                       ((i * 7 + step * 13 + 3) * 2246822519 >> 10)
                       % CASE (i + step) % 3 WHEN 0 THEN 2000 WHEN 1 THEN 100 ELSE 12 END + 1)
           || substr(text, instr(text, '}') + 1)
    FROM drawn WHERE instr(text, '{') > 0
)
SELECT min(i) AS n, text FROM drawn WHERE instr(text, '{') = 0 GROUP BY text;

-- ---- languages that nobody speaks: alphabets that write other letters for those of English ----

CREATE TEMP TABLE alphabet (language INTEGER, letter TEXT, other TEXT, PRIMARY KEY (language, letter));
CREATE TEMP VIEW letters AS SELECT char(value) AS letter, char(value) IN ('a', 'e', 'i', 'o', 'u') AS vowel
FROM generate_series(unicode('a'), unicode('z'));
CREATE TEMP TABLE spellings AS
SELECT 1 AS vowel, key AS n, value AS other FROM json_each('["a", "e", "i", "o", "u", "a", "e", "i", "o", "u", "ä", "ö",
    "ü", "é", "è", "å", "ø", "í", "ó", "á", "y", "ai", "ie", "ou"]')
UNION ALL
SELECT 0, key, value FROM json_each('["b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "r", "s", "t", "v", "w",
    "z", "b", "d", "g", "k", "l", "m", "n", "r", "s", "t", "ç", "ñ", "š", "ch", "nn", "lj", "sz", "nd", "rt", "st"]');

-- Latin letters: 60 languages. The hash of language and letter picks what comes first.
INSERT INTO alphabet
SELECT language, letter, other FROM (
    SELECT language, letter, other,
           row_number() OVER (PARTITION BY language, letter
                              ORDER BY (h >> 11) * 3266489917 + h & 4294967295, n) AS place
    FROM (SELECT *, (h >> 13) * 2246822519 + h * 3 & 4294967295 AS h
          FROM (SELECT l.value AS language, letter, other, n,
                       (l.value * 26 + unicode(letter)) * 2654435761 + n * 40503 + 12345 & 4294967295 AS h
                FROM generate_series(0, 59) AS l, letters JOIN spellings USING (vowel))))
WHERE place = 1;

-- Cyrillic, Greek, Hebrew, Arabic, Devanagari, Hangul, Hiragana, Han and Thai: 3 languages each.
INSERT INTO alphabet
SELECT language, letter, char(first + (((h >> 11) * 3266489917 + h & 4294967295) >> 7) % count)
FROM (SELECT *, (h >> 13) * 2246822519 + h * 3 & 4294967295 AS h
      FROM (SELECT 60 + s.key * 3 + r.value AS language, letter, s.value ->> 0 AS first, s.value ->> 1 AS count,
                   unicode(letter) * 2654435761 + (r.value * 10 + s.key) * 40503 + 12345 & 4294967295 AS h
            FROM json_each('[[1072, 32], [945, 24], [1488, 26], [1576, 26], [2325, 32], [44032, 900], [12354, 80],
                            [19968, 1500], [3585, 40]]') AS s, generate_series(0, 2) AS r, letters));

CREATE TEMP TABLE unfamiliar AS
WITH picked AS (
    SELECT row_number() OVER (ORDER BY id) AS n, lower(substr(text, 1, 40 + id % 160)) AS text
    FROM sentences WHERE part = 'train' AND (id * 2654435761 >> 6) % 50 = 3
), written(n, at, text, out) AS (
    SELECT n, 1, text, '' FROM picked
    UNION ALL
    SELECT n, at + 1, text, out || coalesce((SELECT other FROM alphabet
                                             WHERE language = n % 87 AND letter = substr(text, at, 1)), substr(text, at, 1))
    FROM written WHERE at <= length(text)
)
SELECT n, out AS text FROM written WHERE at > length(text);

-- ---- what is learned ----

DELETE FROM neutral WHERE source IN ('statements', 'unfamiliar');
INSERT INTO neutral SELECT 'statements', 'train', text FROM statements ORDER BY n;
INSERT INTO neutral SELECT 'unfamiliar', iif(n % 87 % 12 = 7, 'valid', 'train'), text FROM unfamiliar ORDER BY n;

DROP TABLE IF EXISTS tuned;
CREATE TABLE tuned (text TEXT, label REAL, kind TEXT);
INSERT INTO tuned
SELECT text, 0.6 * label + 0.2 * (1 + 0.9999 * lstm_sentiment(text, 'first')), 'labelled'
FROM corpus WHERE part = 'train' ORDER BY id;

CREATE TEMP TABLE linear (id INTEGER PRIMARY KEY, odds REAL);
INSERT INTO linear SELECT key, ln((probability + 1e-5) / (1 - probability + 1e-5)) FROM (SELECT * FROM linear0
                                                                                         UNION ALL SELECT * FROM linear1);
INSERT INTO tuned
SELECT text, 1 / (1 + exp(-0.9 * (2 * atanh(lstm_sentiment(text, 'first') * 0.9999) + 0.3 * odds))), 'unlabelled'
FROM corpus JOIN linear USING (id)
WHERE part = 'unlabelled' AND source = 'imdb' AND id % 3 = 1 ORDER BY id;

-- Of sentences of held-out product reviews the linear model says as much as the LSTM, and both together 2% more. These here
-- the LSTM has learned, and the linear model never met: its opinion counts for more. Of clothing every second is enough.
INSERT INTO tuned
SELECT text, 0.3 * label + 0.7 / (1 + exp(-atanh(lstm_sentiment(text, 'first') * 0.9999) - 0.9 * odds)),
       'sentence'
FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM sentences WHERE part = 'train' AND source <> 'imdb') AS s
     JOIN linear ON linear.id = -s.id
WHERE source <> 'womens' OR n % 2 = 0 ORDER BY s.id;

-- What stands between good and bad in the same kind of text is rare and hard to learn: four times.
INSERT INTO tuned
SELECT text, 0.5, 'neutral'
FROM neutral, generate_series(1, 4) AS times
WHERE part = 'train' AND times.value <= iif(source IN ('womens', 'finefoods', 'sst5'), 4, 1)
ORDER BY neutral.rowid, times.value;

SELECT kind, count(*) AS texts, round(avg(label), 3) AS positive FROM tuned GROUP BY kind;
