-- What `make demo` shows: scores, labels and summaries of the reviews in demo_reviews.sql, by the models inside the
-- extension.
.load ./lstm_ext
.mode box

SELECT id, about, substr(body, 1, 40) || '...' AS review, round(lstm_sentiment(body), 3) AS sentiment,
       lstm_classify(body) ->> 'label' AS label, lstm_summarize(body) AS summary
  FROM reviews
 ORDER BY id;

-- The best and the worst thing said about each kind of product.
SELECT about, count(*) AS reviews, round(avg(score), 2) AS mean, round(max(score), 2) AS best, round(min(score), 2) AS worst
  FROM (SELECT about, lstm_sentiment(body) AS score FROM reviews)
 GROUP BY about
 ORDER BY mean DESC;
