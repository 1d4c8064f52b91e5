/* From a statement to the SELECT that visits the same rows and calls the same functions on them: a
 * statement that only reads is its own; INSERT ... SELECT, CREATE TABLE AS, UPDATE and DELETE have
 * one inside. Parameters keep their numbers. It need not be exact: what it misses is scored when
 * its turn comes, and what it finds too much was in vain. */
#ifndef EXT_DERIVE_H
#define EXT_DERIVE_H

/* NULL: there is none, or no memory. The caller frees it with sqlite3_free. */
char *derive_select(const char *sql, int only_reads);

#endif
