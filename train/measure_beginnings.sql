-- What a summariser has to beat: the beginning of the text, cut after so many words or after its first sentence.
CREATE TABLE beginnings(id, way, beginning);

INSERT INTO beginnings
WITH RECURSIVE cut(id, words, beginning, rest) AS (
    SELECT id, 0, '', ltrim(replace(replace(substr(text, 1, 2000), char(10), ' '), char(9), ' ')) || ' ' FROM written
    UNION ALL
    SELECT id, words + 1, beginning || substr(rest, 1, instr(rest, ' ')), ltrim(substr(rest, instr(rest, ' ')))
      FROM cut WHERE words < 32 AND rest <> ''
)
SELECT id, 'first ' || words || ' words', beginning FROM cut WHERE words IN (4, 8, 12, 16, 24)
UNION ALL -- of a text that is shorter, all
SELECT id, 'first ' || way || ' words', beginning FROM cut JOIN (SELECT column1 AS way FROM (VALUES (4), (8), (12), (16), (24)))
 WHERE rest = '' AND words < way;

-- The first sentence ends at the first full stop, exclamation or question mark before white space.
INSERT INTO beginnings
WITH plain(id, text) AS (
    SELECT id, replace(replace(replace(text, char(10), ' '), '! ', '. '), '? ', '. ') FROM written
)
SELECT id, 'first sentence', iif(instr(text, '. '), substr(text, 1, instr(text, '. ')), text) FROM plain;
