/* The SQL functions and virtual tables, for the table in lstm_ext.c. The user data of each is its
 * struct registry. */
#ifndef EXT_FUNCTIONS_H
#define EXT_FUNCTIONS_H

#include "sqlite.h"

typedef void sql_function(sqlite3_context *context, int argc, sqlite3_value **argv);

sql_function sentiment_function;    /* lstm_sentiment(text [, options]) */
sql_function classify_function;     /* lstm_classify(text [, options]) */
sql_function summarize_function;    /* lstm_summarize(text [, options]) */
sql_function model_sha256_function; /* lstm_model_sha256([options]) */
sql_function model_import_function; /* lstm_model_import(name, blob [, metrics]) */
sql_function model_export_function; /* lstm_model_export(options) */
sql_function config_function;       /* lstm_config(key [, value]) */
sql_function version_function;      /* lstm_version() */
sql_function info_function;         /* lstm_info() */
sql_function stats_function;        /* lstm_stats() */

extern const sqlite3_module tokens_module;    /* lstm_tokens(text [, options]) */
extern const sqlite3_module attention_module; /* lstm_attention(text [, options]) */
extern const sqlite3_module score_module;     /* lstm_score(query [, options]) */

#endif
