-- The figures of measure_summary.sh.
.mode box

CREATE TABLE figures AS
SELECT source, count(*) AS pairs, avg(one) AS one, avg(two) AS two, avg(l) AS l, avg(words) AS words,
       1.0 * count(DISTINCT lower(output)) / count(*) AS distinct_outputs,
       1.0 * count(DISTINCT lower(summary)) / count(*) AS distinct_titles,
       1 - 1.0 * sum(novel) / sum(words) AS in_text, sum(numbers) AS numbers, sum(repeats) AS repeats
  FROM written JOIN rouge ON rouge.key = id
 GROUP BY source;

CREATE TABLE polarity AS
SELECT CAST(o.key AS INTEGER) AS id, o.probability AS output_positive, t.probability AS title_positive
  FROM output_polarity AS o JOIN title_polarity AS t ON t.key = o.key;

-- Names, by the training reviews: words that mostly have a capital where no sentence begins.
CREATE TABLE names AS
SELECT lower(word) AS name
  FROM (SELECT trim(value, '.,!?;:()"''*-/') AS word, lag(value) OVER () AS before
          FROM words, json_each('[' || replace(json_quote(replace(text, char(10), ' ')), ' ', '","') || ']'))
 WHERE word GLOB '[A-Za-z]*' AND before GLOB '*[a-z,]'
 GROUP BY name HAVING count(*) >= 5 AND avg(word GLOB '[A-Z]*') > 0.8 AND length(name) > 2;

CREATE TABLE leads AS
SELECT source, way, avg(one) AS one, avg(l) AS l
  FROM beginnings JOIN written USING (id) JOIN beginning_rouge ON beginning_rouge.key = way || ' ' || id
 GROUP BY source, way;

-- ROUGE F1 in percent, beside the best beginning of the text (its first 4, 8, 12, 16, 24 words or its first sentence).
SELECT source, pairs, printf('%.2f', 100 * f.one) AS 'ROUGE-1', printf('%.2f', 100 * f.two) AS '2',
       printf('%.2f', 100 * f.l) AS 'L', printf('%.2f', 100 * lead_one) AS 'beginning 1',
       printf('%.2f', 100 * lead_l) AS 'L ',
       printf('%.2f', f.one / lead_one) AS 'ratio 1', printf('%.2f', f.l / lead_l) AS ' L',
       printf('%.1f', words) AS words
  FROM figures AS f
  JOIN (SELECT source, max(one) AS lead_one, max(l) AS lead_l FROM leads GROUP BY source) USING (source);

-- distinct: shares of different outputs and of different titles, the ratio of both. polarity agrees: how often an
-- independent linear classifier, which learned from titles, finds in the output, and in the author's title, what the
-- stars say; balanced over both polarities. in text: the share of words that stand in the text; numbers, names: words that do
-- not and are such; repeats: of trigrams.
SELECT source, printf('%.1f%%', 100 * distinct_outputs) AS 'distinct',
       printf('%.1f%%', 100 * distinct_titles) AS 'titles',
       printf('%.2f', distinct_outputs / distinct_titles) AS ratio,
       iif(agrees, printf('%.1f%%', 100 * agrees), NULL) AS 'polarity agrees',
       iif(agrees, printf('%.1f%%', 100 * title_agrees), NULL) AS 'titles ',
       iif(agrees, printf('%.1f%%', 50 * (agrees_up + agrees_down)), NULL) AS balanced,
       iif(agrees, printf('%.1f%%', 50 * (title_up + title_down)), NULL) AS ' titles',
       printf('%.1f%%', 100 * in_text) AS 'in text', numbers AS 'invented numbers',
       (SELECT count(*) FROM written AS w, json_each('[' || replace(json_quote(output), ' ', '","') || ']')
          JOIN names ON name = lower(trim(value, '.,!?;:()"''*-'))
         WHERE w.source = figures.source AND instr(lower(text), name) = 0) AS names, repeats
  FROM figures
  LEFT JOIN (SELECT source, avg((output_positive > 0.5) = (stars > 3)) AS agrees,
                    avg((title_positive > 0.5) = (stars > 3)) AS title_agrees,
                    avg((output_positive > 0.5) = (stars > 3)) FILTER (WHERE stars > 3) AS agrees_up,
                    avg((output_positive > 0.5) = (stars > 3)) FILTER (WHERE stars < 3) AS agrees_down,
                    avg((title_positive > 0.5) = (stars > 3)) FILTER (WHERE stars > 3) AS title_up,
                    avg((title_positive > 0.5) = (stars > 3)) FILTER (WHERE stars < 3) AS title_down
               FROM written JOIN polarity USING (id)
              GROUP BY source) USING (source);
