/* SQLite as every file of ext/ sees it: by way of the routines that SQLite hands to an extension it
 * loads, or directly where the extension is linked into a program (SQLITE_CORE). Only lstm_ext.c
 * has SQLITE_EXTENSION_INIT1. */
#ifndef EXT_SQLITE_H
#define EXT_SQLITE_H

#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3

/* Since 3.45. Older versions ignore the flag; a newer one may insist on it even when we were
 * compiled for an older. */
#ifndef SQLITE_RESULT_SUBTYPE
#define SQLITE_RESULT_SUBTYPE 0x001000000
#endif

#endif
