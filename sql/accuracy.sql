-- Accuracy of the model inside the extension on test sets that it never saw, and its confidence where there is polarity and
-- where there is none, through SQL, on the database that train/default_data.sh sentiment builds:
--     sqlite3 build/train.db < sql/accuracy.sql
.load ./lstm_ext
.mode box

WITH scored(test, label, score) AS (
    SELECT 'IMDb test', label, lstm_sentiment(text) FROM imdb_test
    UNION ALL
    SELECT 'SST-2 test', label, lstm_sentiment(text) FROM sst2_test
    UNION ALL
    SELECT 'FDU-14 test, without the leaked', label, lstm_sentiment(text) FROM fdu14_test WHERE in_train = 0
    UNION ALL
    SELECT 'FDU-14 test, the leaked', label, lstm_sentiment(text) FROM fdu14_test WHERE in_train = 1
    UNION ALL
    SELECT 'CR, never trained on', label, lstm_sentiment(text) FROM cr
)
SELECT test, count(*) AS texts, round(100 * avg((score > 0) = label), 2) AS accuracy,
       round(50 * (avg((score > 0) = label) FILTER (WHERE label = 1) + avg((score > 0) = label) FILTER (WHERE label = 0)),
             2) AS balanced
  FROM scored
 GROUP BY test
 ORDER BY texts DESC;

-- 0.5 is "I cannot tell", 1 is certainty.
WITH statements(text) AS (VALUES
    ('The kettle holds 1.7 litres of water.'),
    ('It is a kettle. It holds 1.7 litres.'),
    ('The store opens at nine in the morning.'),
    ('This jacket has four pockets and a zip.'),
    ('The film is 112 minutes long.'),
    ('The second season was shown in autumn.'),
    ('The cable measures two metres.'),
    ('The novel is set in Lisbon in 1938.'),
    ('The charger has a USB port on the left side.'),
    ('I received the package on Tuesday afternoon.'),
    ('The camera takes two AA batteries.'),
    ('She plays the sister of the main character.'),
    ('The director was born in Poland in 1961.'),
    ('The museum is closed on Mondays.'),
    ('Water consists of hydrogen and oxygen.'),
    ('The train leaves from platform six.'),
    ('The shirt is available in blue and in grey.'),
    ('Each chapter begins with a map of the region.'),
    ('The phone weighs 180 grams.'),
    ('We sat in the third row.'),
    ('The instructions are printed on the back of the box.'),
    ('The committee will meet again in March.'),
    ('My brother ordered the same model last week.'),
    ('Paris is the capital of France.')
), languages(text) AS (VALUES
    ('Der Film dauert fast zwei Stunden und spielt in einer kleinen Stadt an der Ostsee.'),
    ('Das Essen war ausgezeichnet und die Bedienung sehr freundlich.'),
    ('Le livre raconte l''histoire d''une famille de pêcheurs bretons.'),
    ('Je n''ai pas du tout aimé ce restaurant, le service était très lent.'),
    ('El hotel está cerca de la playa y tiene una piscina muy grande.'),
    ('La batería se agotó después de dos días y nadie contestó al teléfono.'),
    ('Il treno per Bologna parte alle otto e un quarto dal binario tre.'),
    ('Questo telefono è bellissimo, lo consiglio a tutti.'),
    ('O livro chegou na semana passada, mas a capa estava rasgada.'),
    ('De winkel is op zondag gesloten en gaat maandag om tien uur open.'),
    ('Film trwa dwie godziny i opowiada o życiu na wsi.'),
    ('Boken handlar om en flicka som flyttar till Stockholm.'),
    ('Elokuva kertoo kahdesta veljeksestä, jotka asuvat Lapissa.'),
    ('A könyv egy kis faluban játszódik a háború után.'),
    ('Bu telefonun pili iki gün dayanıyor.'),
    ('Фильм рассказывает о жизни в маленьком городе.'),
    ('Το βιβλίο μιλάει για ένα ταξίδι στην Κρήτη.'),
    ('この電話の電池は二日しか持ちません。'),
    ('这家餐厅的菜很好吃，服务也很周到。'),
    ('이 영화는 두 시간 정도이고 부산에서 촬영되었습니다.'),
    ('هذا الكتاب عن تاريخ المدينة القديمة.'),
    ('यह किताब एक छोटे गाँव की कहानी है।'),
    ('Cuốn sách này kể về một gia đình ở Huế.'),
    ('Filmen varer to timer og foregår i Bergen.')
), scored(polarity, texts_of, score) AS (
    SELECT 'clear', source || ', not 3 stars', lstm_sentiment(text)
      FROM corpus WHERE part = 'test' AND source IN ('womens', 'finefoods')
    UNION ALL
    SELECT 'clear', 'imdb', lstm_sentiment(text) FROM imdb_test
    UNION ALL
    SELECT 'none', source || iif(source IN ('womens', 'finefoods'), ', 3 stars', ''), lstm_sentiment(text)
      FROM neutral WHERE part = 'test'
    UNION ALL
    SELECT 'none', 'statements', lstm_sentiment(text) FROM statements
    UNION ALL
    SELECT 'none known', 'other languages', lstm_sentiment(text) FROM languages
)
SELECT polarity, texts_of AS 'texts of', count(*) AS texts, round(avg(0.5 + abs(score) / 2), 3) AS confidence
  FROM scored
 GROUP BY polarity, texts_of;
