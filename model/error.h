/* Errors travel: a function that can fail returns a status and fills the caller's struct lstm_error
 * with one sentence that says the value, the bound and what to do. Nothing in model/ prints or
 * exits. */
#ifndef LSTM_ERROR_H
#define LSTM_ERROR_H

enum lstm_status {
    LSTM_OK,
    LSTM_NOMEM,       /* an allocation failed */
    LSTM_RANGE,       /* an argument is outside its bounds */
    LSTM_CORRUPT,     /* a model's bytes are not a valid model */
    LSTM_MISMATCH,    /* a valid model that cannot do what was asked (wrong task, wrong sizes) */
    LSTM_UNAVAILABLE, /* a file, device or plug-in that is not there */
    LSTM_INTERRUPTED  /* the caller's stop function said so */
};

struct lstm_error {
    enum lstm_status status;
    char text[400];
};

/* Fills err (which may be NULL) and returns status, so that a failure is one line: return
 * lstm_fail(err, ...). */
enum lstm_status lstm_fail(struct lstm_error *err, enum lstm_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
