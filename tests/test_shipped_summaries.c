/* What the summariser inside the extension writes of the demo's reviews and, where LSTM_DATA names
 * the folder of data sets, of real ones: names and numbers that stand in the text, no three words
 * twice, and more of it when more is asked for. */
#include "tests/extension.h"
#include "train/rouge.h"
#include "train/rows.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { REAL_TEXTS = 150 }; /* of each data set */

static sqlite3 *db;

static int open_reviews(void **state)
{
    char sql[32768];
    FILE *file = fopen("sql/demo_reviews.sql", "r");
    (void)state;
    if (!file)
        return -1;
    sql[fread(sql, 1, sizeof sql - 1, file)] = '\0';
    fclose(file);
    db = extension_open(":memory:", 0);
    run(db, sql);
    return 0;
}

static int close_reviews(void **state)
{
    (void)state;
    extension_close(db);
    return 0;
}

/* query: SELECT text, summary. Returns how many there were. */
static int check_summaries(const char *query)
{
    sqlite3_stmt *select;
    int count = 0;
    if (sqlite3_prepare_v2(db, query, -1, &select, NULL))
        fail_msg("%s: %s", query, sqlite3_errmsg(db));
    for (; sqlite3_step(select) == SQLITE_ROW; count++) {
        const char *text = (const char *)sqlite3_column_text(select, 0);
        const char *summary = (const char *)sqlite3_column_text(select, 1);
        const struct rouge_text source = { text, strlen(text) },
                                output = { summary, strlen(summary) };
        struct rouge rouge;
        struct lstm_error err;
        assert_int_equal(rouge_score(&source, &output, &source, &rouge, &err), LSTM_OK);
        if (rouge.numbers || rouge.repeats || rouge.words == 0)
            fail_msg("%d invented numbers, %d trigrams again, %d words: \"%s\" of \"%s\"",
                     (int)rouge.numbers, (int)rouge.repeats, (int)rouge.words, summary, text);
    }
    if (sqlite3_finalize(select))
        fail_msg("%s: %s", query, sqlite3_errmsg(db));
    return count;
}

static void the_demos_summaries_repeat_nothing_and_invent_no_number(void **state)
{
    (void)state;
    assert_in_range(check_summaries("SELECT body, lstm_summarize(body) FROM reviews"), 20, 1000);
    check_summaries("SELECT body, lstm_summarize(body, '{\"beam\": 8}') FROM reviews");
    check_summaries("SELECT body, lstm_summarize(body, '{\"min_tokens\": 12, \"max_tokens\": 40}')"
                    " FROM reviews");
    check_summaries("SELECT body, lstm_summarize(body, '{\"contrast\": 0, \"tone\": 0}')"
                    " FROM reviews");
}

static void texts_of_several_sentences_have_longer_summaries_when_asked(void **state)
{
    static const char *const facts[] = {
        "(SELECT min(longer > 2 * usual AND longer >= 40) FROM lengths)",
        "(SELECT max(shortest <= usual) FROM lengths)",
        "(SELECT max(shortest) < 30 FROM lengths)",
    };
    (void)state;
    run(db, "CREATE TEMP TABLE long(text);"
            "INSERT INTO long SELECT group_concat(body, ' ') FROM reviews GROUP BY about;"
            "CREATE TEMP TABLE lengths AS SELECT length(lstm_summarize(text)) AS usual,"
            " length(lstm_summarize(text, '{\"max_tokens\": 60, \"min_tokens\": 25}')) AS longer,"
            " length(lstm_summarize(text, '{\"max_tokens\": 3}')) AS shortest FROM long");
    expect_true(db, facts, COUNT(facts));
}

/* Two of three summaries at the least differ from what the likeliest words would say. */
static void guidance_is_on_and_can_be_turned_off(void **state)
{
    static const char *const facts[] = {
        "(SELECT avg(lstm_summarize(body) <> lstm_summarize(body, '{\"contrast\": 0, \"tone\": "
        "0}'))"
        " > 0.3 FROM reviews)",
        "(SELECT min(lstm_summarize(body) = lstm_summarize(body, '{\"contrast\": 0.45, \"tone\": "
        "0.4, \"beam\": 2}')) FROM reviews)",
        "(SELECT avg(lstm_summarize(body) <> lstm_summarize(body, '{\"tone\": 0}')) > 0 FROM "
        "reviews)",
        "(SELECT avg(lstm_summarize(body) <> lstm_summarize(body, '{\"contrast\": 0}')) > 0 FROM "
        "reviews)",
    };
    (void)state;
    expect_true(db, facts, COUNT(facts));
}

static void read_texts(const char *folder, const char *set)
{
    char path[1000];
    const struct rows_source source = { .csv = path,
                                        .text_column = "text",
                                        .label_column = "title" };
    struct rows rows = { 0 };
    struct lstm_error err;
    sqlite3_stmt *insert;
    snprintf(path, sizeof path, "%s/%s.csv.xz", folder, set);
    if (rows_read(&source, &rows, &err))
        fail_msg("%s", err.text);
    assert_int_equal(sqlite3_prepare_v2(db, "INSERT INTO real VALUES (?1, ?2)", -1, &insert, NULL),
                     SQLITE_OK);
    for (int32_t i = 0; i < rows.count; i += 4) {
        sqlite3_bind_text(insert, 1, set, -1, SQLITE_STATIC);
        sqlite3_bind_text64(insert, 2, rows.rows[i].text, rows.rows[i].size, SQLITE_STATIC,
                            SQLITE_UTF8);
        sqlite3_step(insert);
        sqlite3_reset(insert);
    }
    sqlite3_finalize(insert);
    rows_free(&rows);
}

/* A name is a word that mostly has a capital where no sentence begins. */
static void summaries_of_real_reviews_invent_no_name_and_no_number(void **state)
{
    static const char *const sets[] = { "womens", "blitzer", "finefoods" };
    const char *folder = getenv("LSTM_DATA");
    char query[200];
    (void)state;
    if (!folder) {
        print_message("SKIPPED: summaries of real reviews: LSTM_DATA does not name the folder of "
                      "womens.csv.xz, blitzer.csv.xz and finefoods.csv.xz\n");
        skip();
    }
    run(db, "CREATE TEMP TABLE real(source, text)");
    for (size_t i = 0; i < COUNT(sets); i++)
        read_texts(folder, sets[i]);
    snprintf(query, sizeof query,
             "CREATE TEMP TABLE written AS SELECT text, lstm_summarize(text) AS summary FROM "
             "(SELECT text, row_number() OVER (PARTITION BY source) AS n FROM real) WHERE n <= %d",
             REAL_TEXTS);
    run(db, query);
    assert_in_range(check_summaries("SELECT text, summary FROM written"), 3 * REAL_TEXTS,
                    3 * REAL_TEXTS);
    run(db,
        "CREATE TEMP TABLE names AS SELECT lower(word) AS name FROM"
        " (SELECT trim(value, '.,!?;:()\"''*-/') AS word, lag(value) OVER () AS before FROM real,"
        "  json_each('[' || replace(json_quote(replace(text, char(10), ' ')), ' ', '\",\"') || "
        "']'))"
        " WHERE word GLOB '[A-Za-z]*' AND before GLOB '*[a-z,]'"
        " GROUP BY 1 HAVING count(*) >= 4 AND avg(word GLOB '[A-Z]*') > 0.8 AND length(name) > "
        "2;"
        "CREATE TEMP TABLE named AS SELECT text, name FROM written,"
        " json_each('[' || replace(json_quote(summary), ' ', '\",\"') || ']')"
        " JOIN names ON name = lower(trim(value, '.,!?;:()\"''*-'))");
    assert_true(real_of(db, "SELECT count(*) * 1.0 FROM named") >
                5); /* copied ones: it can find them */
    expect(db, "SELECT group_concat(name) FROM named WHERE instr(lower(text), name) = 0", "NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_demos_summaries_repeat_nothing_and_invent_no_number),
        cmocka_unit_test(texts_of_several_sentences_have_longer_summaries_when_asked),
        cmocka_unit_test(guidance_is_on_and_can_be_turned_off),
        cmocka_unit_test(summaries_of_real_reviews_invent_no_name_and_no_number),
    };
    return cmocka_run_group_tests(tests, open_reviews, close_reviews);
}
