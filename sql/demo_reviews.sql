-- Reviews for `make demo`, written for it.

CREATE TABLE reviews(id INTEGER PRIMARY KEY, about TEXT NOT NULL, body TEXT NOT NULL);

INSERT INTO reviews(about, body) VALUES
('film', 'I went in expecting another loud sequel and came out grinning. The two leads spark off each other, the jokes land, and the last half hour had the whole row leaning forward.'),
('film', 'Two hours of people whispering in corridors. The plot makes no sense, the villain explains everything twice, and by the end I was counting the exit signs.'),
('film', 'A quiet, patient film about a ferryman and his daughter. Nothing much happens, and yet I thought about it for days. Beautifully shot and wonderfully acted.'),
('film', 'The first act is terrific, tense and funny at once. Then it forgets its own story and drags itself to an ending that a tired intern could have written. What a shame.'),
('film', 'Not the disaster the papers promised. It is silly, sure, but it knows it, and my kids loved every minute.'),
('film', 'Wooden acting, muddy sound and effects that looked cheap twenty years ago. I want my evening back.'),
('gadget', 'Battery lasts four days, the screen is readable in full sun, and pairing took ten seconds. Best watch I have owned.'),
('gadget', 'Stopped charging after three weeks. Support asked me to restart it, then to restart it again, then stopped answering. Avoid.'),
('gadget', 'These headphones sound great for the price, but the left hinge creaks and the ear pads started peeling within a month. I would not buy them again.'),
('gadget', 'Does exactly what it says. I printed forty pages on the first evening without a single jam, and setting up the wireless was easy.'),
('gadget', 'The keyboard is fine. The trackpad is terrible, the fan screams as soon as I open a second window, and it arrived with a scratch across the lid.'),
('gadget', 'I was sceptical about a robot vacuum with two cats in the flat. It has run every morning for half a year now and I am never going back.'),
('clothes', 'Lovely soft wool, true to size, and the colour is even nicer than in the pictures. I ordered a second one straight away.'),
('clothes', 'The zip broke on the first day and the lining tore on the second. Returned.'),
('clothes', 'Warm enough, though the sleeves are too long and the pockets are more of a decoration. For half the price I would be happy.'),
('clothes', 'My third pair of these boots. Comfortable from the first step, dry in the worst rain, still going strong after two winters.'),
('food', 'Cold fries, a burger that tasted of cardboard, and forty minutes of waiting for the pleasure. Never again.'),
('food', 'The dumplings are worth the trip alone: thin skins, a rich filling, and a sauce I would drink from the bowl. Friendly staff, fair prices.'),
('food', 'Stale coffee beans, no roasting date on the bag, and a smell like wet newspaper.'),
('food', 'Nice terrace and a charming waiter, but my fish was raw in the middle and nobody apologised when I sent it back.'),
('book', 'I read it in one night and called my sister at six in the morning to tell her about it. Sharp, warm and very funny.'),
('book', 'Three hundred pages of padding around an idea that would fill a postcard. The author repeats himself, contradicts himself and then repeats the contradiction.'),
('book', 'A clear and generous introduction. Every chapter ends with exercises that really teach something, and the answers are honest about what is hard.'),
('book', 'The translation is clumsy and the maps are unreadable, which is sad, because underneath there is a good story.');
