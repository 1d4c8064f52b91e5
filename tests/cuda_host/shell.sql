-- The whole extension on the emulated plug-in, from the shell: pairs of the demo's reviews, scored by the model inside on
-- the CPU and on a CUDA device. The plug-in lies in the folder cuda_host/ beside the extension, where nobody looks for it.
SELECT 'without a plug-in the CPU',   lstm_info() ->> 'device' LIKE 'cpu-%' AND lstm_info() ->> 'why' LIKE '/%/lstm_cuda.so: No such file%';
-- error: /lstm_cuda.so: No such file or directory
SELECT 'and no CUDA by name',         lstm_config('device', 'cuda');
SELECT 'it is there when it is named', lstm_config('cuda_plugin', replace(lstm_config('cuda_plugin'), 'lstm_cuda.so',
                                                                          'cuda_host/lstm_cuda.so')) LIKE '/%';
SELECT 'auto is the device then',     lstm_info() ->> 'device' = 'cuda:0' AND lstm_info() ->> 'why' LIKE '%compute capability 9.0%';
-- error: LSTM_ERR_DEVICE: the setting device: there is no cuda:1, this machine has 1 device
SELECT 'one that is not there',       lstm_config('device', 'cuda:1');

.read repo/sql/demo_reviews.sql
CREATE TABLE pairs AS SELECT a.id * 100 + b.id AS id, a.body || ' ' || b.body AS body FROM reviews AS a, reviews AS b WHERE b.id % 2;

SELECT 'the CPU by name',             lstm_config('device', 'cpu') = 'cpu';
CREATE TABLE by_cpu AS SELECT id, lstm_sentiment(body) AS score, lstm_classify(body) ->> 'label' AS label FROM pairs;
SELECT 'a CUDA device by name',       lstm_config('device', 'cuda') = 'cuda';
CREATE TABLE by_cuda AS SELECT id, lstm_sentiment(body) AS score, lstm_classify(body) ->> 'label' AS label FROM pairs;
SELECT 'the device scored',           lstm_info() ->> '$.models[0].device' = 'cuda:0';
SELECT 'in batches',                  lstm_stats() ->> 'texts' > 20 * (lstm_stats() ->> 'batches');

SELECT 'hundreds of rows',            count(*) = 288 FROM by_cuda;
SELECT 'the scores are other bits',   sum(c.score = d.score) < 100 FROM by_cpu AS c JOIN by_cuda AS d USING (id);
SELECT 'and nearly the same',         max(abs(c.score - d.score)) < 0.02 FROM by_cpu AS c JOIN by_cuda AS d USING (id);
SELECT 'the labels are equal',        count(*) = 0 FROM by_cpu AS c JOIN by_cuda AS d USING (id)
 WHERE c.label <> d.label AND abs(c.score) > 0.02;
SELECT 'rows of a query too',         max(abs(s.score - d.score)) < 0.001
  FROM lstm_score('SELECT id, body FROM pairs WHERE id < 300') AS s JOIN by_cuda AS d ON d.id = s.key;

-- error: the device cuda:0 writes no summaries of whole words; use the device "auto" or "cpu"
SELECT 'summaries by name are not',   lstm_summarize(body) FROM pairs WHERE id = 101;
SELECT 'auto writes them on the CPU', lstm_config('device', 'auto') = 'auto' AND lstm_summarize(body) <> '' FROM pairs WHERE id = 101;
SELECT 'and says why',                count(*) = 1 FROM json_each(lstm_info(), '$.models') WHERE value ->> 'name' = 'default-summarize'
   AND value ->> 'device' LIKE 'cpu-%' AND value ->> 'why' LIKE '%writes no summaries of whole words%';
SELECT 'back on the CPU',             lstm_config('device', 'cpu') = 'cpu' AND lstm_sentiment(body) = score
  FROM pairs JOIN by_cpu USING (id) WHERE id = 101;
-- error: cuda_host/lstm_cuda.so is in use and stays until the process ends
SELECT 'an open plug-in stays',       lstm_config('cuda_plugin', '');
