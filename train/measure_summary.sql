-- The figures of measure_summary.sh.
.mode box

CREATE TABLE figures AS
SELECT source, count(*) AS pairs, avg(one) AS one, avg(two) AS two, avg(l) AS l, avg(words) AS words,
       1.0 * count(DISTINCT lower(output)) / count(*) AS distinct_outputs,
       1.0 * count(DISTINCT lower(summary)) / count(*) AS distinct_titles,
       1 - 1.0 * sum(novel) / sum(words) AS in_text, sum(numbers) AS numbers, sum(repeats) AS repeats
  FROM written JOIN rouge ON rouge.key = id
 GROUP BY source;

CREATE TABLE leads AS
SELECT source, way, avg(one) AS one, avg(l) AS l
  FROM beginnings JOIN written USING (id) JOIN beginning_rouge ON beginning_rouge.key = way || ' ' || id
 GROUP BY source, way;

-- ROUGE F1 in percent, beside the best beginning of the text (its first 4, 8, 12, 16, 24 words or its first sentence).
SELECT source, pairs, printf('%.2f', 100 * f.one) AS 'ROUGE-1', printf('%.2f', 100 * f.two) AS '2',
       printf('%.2f', 100 * f.l) AS 'L', printf('%.2f', 100 * lead_one) AS 'beginning 1', printf('%.2f', 100 * lead_l) AS 'L ',
       printf('%.2f', f.one / lead_one) AS 'ratio 1', printf('%.2f', f.l / lead_l) AS ' L', printf('%.1f', words) AS words
  FROM figures AS f
  JOIN (SELECT source, max(one) AS lead_one, max(l) AS lead_l FROM leads GROUP BY source) USING (source);

-- distinct: shares of different outputs and of different titles, the ratio of both. positive agrees: how often an independent
-- linear classifier, which learned from titles, finds in the output, and in the author's title, what the stars say; balanced
-- over both polarities. in text: the share of words that stand in the text; numbers: that do not; repeats: of trigrams.
SELECT source, printf('%.1f%%', 100 * distinct_outputs) AS 'distinct', printf('%.1f%%', 100 * distinct_titles) AS 'titles',
       printf('%.2f', distinct_outputs / distinct_titles) AS ratio,
       iif(agrees, printf('%.1f%%', 100 * agrees), NULL) AS 'polarity agrees', iif(agrees, printf('%.1f%%', 100 * title_agrees), NULL) AS 'titles ',
       iif(agrees, printf('%.1f%%', 50 * (agrees_up + agrees_down)), NULL) AS balanced,
       iif(agrees, printf('%.1f%%', 50 * (title_up + title_down)), NULL) AS ' titles',
       printf('%.1f%%', 100 * in_text) AS 'in text', numbers AS 'invented numbers', repeats
  FROM figures
  LEFT JOIN (SELECT source, avg((o.probability > 0.5) = (stars > 3)) AS agrees,
                    avg((t.probability > 0.5) = (stars > 3)) AS title_agrees,
                    avg((o.probability > 0.5) = (stars > 3)) FILTER (WHERE stars > 3) AS agrees_up,
                    avg((o.probability > 0.5) = (stars > 3)) FILTER (WHERE stars < 3) AS agrees_down,
                    avg((t.probability > 0.5) = (stars > 3)) FILTER (WHERE stars > 3) AS title_up,
                    avg((t.probability > 0.5) = (stars > 3)) FILTER (WHERE stars < 3) AS title_down
               FROM written JOIN output_polarity AS o ON o.key = id JOIN title_polarity AS t ON t.key = id
              GROUP BY source) USING (source);
