/* What a trained model tells of itself: a JSON object with data, terms, the run and its metrics. */
#ifndef TRAIN_CARD_H
#define TRAIN_CARD_H

#include "model/error.h"
#include "model/json.h"

#include <stdint.h>

/* Members of an object that is being written; key with all that stands before the value:
 * ",\"key\":". */
void card_text(struct json_text *out, const char *key, const char *value);
void card_number(struct json_text *out, const char *key, double value);
void card_integer(struct json_text *out, const char *key, int64_t value);

/* Ends the writing: *text is the caller's. Errors: LSTM_NOMEM, LSTM_RANGE for a value that is not
 * UTF-8. */
enum lstm_status card_take(struct json_text *out, char **text, struct lstm_error *err);

/* What only the user knows; "not said" where nothing is known. */
struct card_about {
    const char *data, *terms; /* what the rows are; under which terms they may be used */
    const char *use, *limits; /* what the model is meant for, and what it is not good for */
};
struct card {
    struct card_about about;
    const char *run; /* everything the run's bits depend on */
    uint64_t seed;   /* as text on the card: readers of JSON take numbers for doubles */
    int64_t texts, tokens;
};

/* No time and no speed in it: the same run gives the same card, so the same bytes. */
enum lstm_status card_make(const struct card *card, const char *metrics, char **text,
                           struct lstm_error *err);

/* A member of a card that is an object, else "{}"; the caller frees it. Errors: LSTM_NOMEM. */
enum lstm_status card_get(const char *card, const char *key, char **value, struct lstm_error *err);

/* Sets a member of a card to a JSON value; *card is replaced, and freed. Errors: LSTM_NOMEM. */
enum lstm_status card_set(char **card, const char *key, const char *value, struct lstm_error *err);

#endif
