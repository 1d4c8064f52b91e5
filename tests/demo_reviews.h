/* The reviews of `make demo`, from sql/demo_reviews.sql. */
#ifndef LSTM_TESTS_DEMO_REVIEWS_H
#define LSTM_TESTS_DEMO_REVIEWS_H

#include <stddef.h>

/* Hands them out in order; ends the test program where they cannot be read. */
void demo_reviews(void (*take)(void *arg, const void *bytes, size_t size), void *arg);

#endif
