/* Which statement is calling a function of ours. SQLite does not say. */
#ifndef EXT_STATEMENT_H
#define EXT_STATEMENT_H

#include "refusal.h"
#include "registry.h"

/* The only statement under way; else the only one of them whose program calls us and that is not
 * known to be another run's. */
enum refusal statement_calling(const struct registry *registry, sqlite3_stmt **statement);

#endif
