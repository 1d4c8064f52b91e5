/* Faults under SQLite: the operations of its disk, or of its memory, are counted, and one of them
 * fails. */
#ifndef LSTM_TESTS_FAULTS_H
#define LSTM_TESTS_FAULTS_H

#include <stdint.h>

enum faults {
    FAULTS_NONE,
    FAULTS_OF_DISK,   /* SQLITE_IOERR_... of reading, writing, syncing, locking and the like */
    FAULTS_OF_SPACE,  /* SQLITE_FULL of writing, else as before */
    FAULTS_OF_MEMORY, /* NULL */
};

/* Puts itself under everything that SQLite will do, which must not have been used yet. Nothing is
 * synced any more. */
void faults_install(void);

/* From now on operations of this kind count, and that of this number fails (the first is 1; 0:
 * none), with lasting all behind it too. */
void faults_arm(enum faults kind, int64_t number, int lasting);

/* Operations since then. Nothing fails any more. */
int64_t faults_disarm(void);

#endif
