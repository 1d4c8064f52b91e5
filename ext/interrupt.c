#include "interrupt.h"

#include "stats.h"

/* Seconds between two questions. */
static const double PAUSE = 0.001;

struct interrupt interrupt_watch(sqlite3 *db)
{
    return (struct interrupt){ .db = db, .caller = pthread_self() };
}

/* Before 3.41 nobody can ask SQLite, but a statement that is prepared while an interrupted one
 * still runs is interrupted too: the parser looks at every white space. Preparing is enough, so
 * nothing is ever rolled back by it. */
static int asked_by_preparing(struct interrupt *interrupt)
{
    sqlite3_stmt *statement = NULL;
    double now = stats_clock();
    if (now < interrupt->ask_at)
        return 0;
    interrupt->ask_at = now + PAUSE;
    int rc = sqlite3_prepare_v2(interrupt->db, "SELECT 1", -1, &statement, NULL);
    sqlite3_finalize(statement);
    return (rc & 0xff) == SQLITE_INTERRUPT;
}

int interrupt_asked(void *arg)
{
    struct interrupt *interrupt = arg;
#if SQLITE_VERSION_NUMBER >= 3041000 /* what we are compiled for may be newer than what we run in \
                                      */
    if (sqlite3_libversion_number() >= 3041000)
        return sqlite3_is_interrupted(interrupt->db);
#endif
    return pthread_equal(interrupt->caller, pthread_self()) && asked_by_preparing(interrupt);
}
