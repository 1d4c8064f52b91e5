#!/bin/bash
# tests/jobs.sh EXTENSION: scheduled scoring as it is set up from the files in sql/, on real databases: undisturbed,
# killed in the middle, two at once, with rows that change, by the crontab line and by the systemd unit.
set -u
set -m # a process group for each job in the background, so that a kill takes all of it
cd "$(dirname "$0")/.." || exit 1
LSTM_EXT=$(realpath "$1")
export LSTM_EXT LSTM_CHUNK=10
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

check() { # check NAME COMMAND...: the command succeeds
    local name=$1
    shift
    if "$@" > "$work/out" 2>&1; then
        passed=$((passed + 1))
    else
        echo "FAILED: jobs: $job: $name: $*"
        cat "$work/out"
        failed=$((failed + 1))
    fi
}
sql() { # sql DATABASE STATEMENTS, with the extension
    sqlite3 -batch -bail -init /dev/null -cmd '.timeout 60000' -cmd ".load '$LSTM_EXT'" "$@"
}
is() { # is DATABASE QUERY VALUE
    local value
    value=$(sql "$1" "$2") || return
    [ "$value" = "$3" ] || { echo "expected $3, got $value"; return 1; }
}
run() { # run DATABASE [JOB]
    sql/score_in_chunks.sh "$1" "sql/${2:-$job}.sql"
}
fails() { # fails STATUS WORDS COMMAND...
    local status=$1 words=$2 rc=0
    shift 2
    "$@" > "$work/failure" 2>&1 || rc=$?
    echo "status $rc" >> "$work/failure"
    grep -q "$words" "$work/failure" && [ "$rc" -eq "$status" ] && return
    cat "$work/failure"
    return 1
}

# 120 reviews, and three rows that have nothing to score: one of spaces, one empty, one NULL.
fresh() { # fresh DATABASE
    sql "$1" "PRAGMA synchronous = off" ".read sql/demo_reviews.sql" "
        ALTER TABLE reviews RENAME TO shorter;
        CREATE TABLE reviews(id INTEGER PRIMARY KEY, body TEXT, score REAL);
        INSERT INTO reviews(body) SELECT body || ' ' || n.value FROM shorter, json_each('[1,2,3,4,5]') AS n;
        INSERT INTO reviews(id, body) VALUES (-5, ' '), (1000, ''), (2000, NULL);"
}
scores() { # scores DATABASE: all that the job wrote, with every bit
    case $job in
    score_column) sql "$1" "SELECT id, printf('%!.17g', score) FROM reviews ORDER BY id" ;;
    score_new_rows) sql "$1" "SELECT id, printf('%!.17g', score), label, printf('%!.17g', confidence), error, model,
                                     hex(text_hash) FROM review_scores ORDER BY id" ;;
    esac
}
scored() { # scored DATABASE: how many
    case $job in
    score_column) sql "$1" "SELECT count(score) FROM reviews" ;;
    score_new_rows) sql "$1" "SELECT count(*) FROM review_scores WHERE score IS NOT NULL" 2> /dev/null || echo 0 ;;
    esac
}
same_scores() { # same_scores DATABASE: as the undisturbed run has
    scores "$1" | diff "$work/$job.expected" -
}
same_file() { # same_file DATABASE COMMAND...: which the command does not change
    local before
    before=$(sha256sum "$1")
    "${@:2}" && [ "$(sha256sum "$1")" = "$before" ]
}

undisturbed() {
    local db=$work/$job.db
    fresh "$db"
    check 'runs' run "$db"
    scores "$db" > "$work/$job.expected"
    case $job in
    score_column)
        check 'scores as lstm_sentiment does' \
            is "$db" "SELECT count(*), sum(score IS lstm_sentiment(body)) FROM reviews" '123|123'
        ;;
    score_new_rows)
        check 'scores as lstm_sentiment does' \
            is "$db" "SELECT count(*), sum(s.score IS lstm_sentiment(r.body) AND model = lstm_model_sha256() AND
                      text_hash = sha3(body)) FROM review_scores AS s JOIN reviews AS r USING (id)" '122|122'
        ;;
    esac
    check 'does nothing when there is nothing to do' same_file "$db" run "$db"
}

# Killed when some chunk, and not the last, has been committed.
killed() {
    local db=$work/$job.killed.db tries=0 done_before
    fresh "$db"
    run "$db" > "$work/background" 2>&1 &
    until [ "$(scored "$db")" -gt 15 ] || [ $((tries += 1)) -gt 600 ]; do sleep 0.05; done
    kill -9 -- "-$!"
    wait $! 2> /dev/null
    done_before=$(scored "$db")
    check 'was killed in the middle' test "$done_before" -gt 15 -a "$done_before" -lt 120
    check 'is whole after the kill' is "$db" 'PRAGMA integrity_check' ok
    check 'lost no chunk that was committed' \
        [ $(((done_before + $(sql "$db" 'SELECT count(*) FROM reviews WHERE id < 0')) % LSTM_CHUNK)) -eq 0 ]
    check 'goes on after the kill' run "$db"
    check 'has the same scores after the kill' same_scores "$db"
}

# In WAL mode, beside somebody who writes all the time.
two_at_once() {
    local db=$work/$job.two.db one two writer
    fresh "$db"
    sql "$db" 'PRAGMA journal_mode = wal; CREATE TABLE others(x)' > /dev/null
    run "$db" > "$work/one" 2>&1 &
    one=$!
    run "$db" > "$work/two" 2>&1 &
    two=$!
    (while :; do sql "$db" 'INSERT INTO others VALUES (1)' || exit; done) > "$work/writer" 2>&1 &
    writer=$!
    wait $one
    check 'one of two ends well' [ $? -eq 0 -a ! -s "$work/one" ]
    wait $two
    check 'two of two ends well' [ $? -eq 0 -a ! -s "$work/two" ]
    check 'others could write' kill -9 -- "-$writer"
    wait $writer 2> /dev/null
    check 'two at once have the same scores' same_scores "$db"
}

# Only what has to be scored is.
changes() {
    local db=$work/$job.db
    sql "$db" "UPDATE review_scores SET scored_at = 'before';
        UPDATE reviews SET body = body || ' Wonderful!' WHERE id = 3;
        DELETE FROM reviews WHERE id = 4;
        UPDATE reviews SET body = NULL WHERE id = 5;
        INSERT INTO reviews(id, body) VALUES (7000, 'A new one, and a good one.');
        UPDATE review_scores SET model = 'an older one', score = 9 WHERE id = 10;
        UPDATE review_scores SET error = 'out of memory', score = NULL WHERE id = 119;"
    check 'runs again' run "$db"
    check 'scores what was changed' is "$db" \
        "SELECT group_concat(id) FROM (SELECT id FROM review_scores WHERE scored_at <> 'before' ORDER BY id)" \
        '3,10,119,7000'
    check 'forgets what is gone' is "$db" 'SELECT count(*) FROM review_scores WHERE id IN (4, 5)' 0
    check 'is up to date' is "$db" "SELECT count(*), sum(s.score IS lstm_sentiment(r.body) AND s.error IS NULL)
        FROM reviews AS r LEFT JOIN review_scores AS s USING (id) WHERE r.body IS NOT NULL" '121|121'
}

# As cron and systemd would run it, but for the paths and the user.
scheduled() {
    local db=$work/cron.db line unit=$work/score-reviews.service
    adapt() {
        # /srv first: what is put in for the others may begin with it
        sed "s|/srv/[a-z_]*.sql|/usr/local/share/lstm_ext/score_new_rows.sql|; s|/srv/reviews.db|$db|
             s|/usr/local/share/lstm_ext|$PWD/sql|g; s|/var/lock|$work|; s|/usr/local/lib/lstm_ext.so|$LSTM_EXT|
             /^User=/d" "$1"
    }
    fresh "$db"
    line=$(adapt sql/score_in_chunks.sh | sed -n 's|^# \*/10 \* \* \* \* ||p')
    check 'the crontab line runs' sh -c "${line:-false}"
    check 'the crontab line scores' same_scores "$db"

    db=$work/systemd.db
    fresh "$db"
    adapt sql/score-reviews.service > "$unit"
    cp sql/score-reviews.timer "$work"
    check 'the unit runs' env "$(sed -n 's/^Environment=\([^ ]*\) .*/\1/p' "$unit")" \
        sh -c "$(sed -n 's/^ExecStart=//p' "$unit")"
    check 'the unit scores' same_scores "$db"
    if command -v systemd-analyze > /dev/null; then
        check 'the units are valid' systemd-analyze verify "$work/score-reviews.timer" "$unit"
    else
        echo "    SKIPPED: the units are valid: no systemd-analyze here"
        skipped=$((skipped + 1))
    fi
}

# Whoever watches over the job sees that it failed, and why.
failures() {
    local db=$work/failing.db holder
    fresh "$db"
    check 'wants two arguments' fails 2 usage: sql/score_in_chunks.sh "$db"
    check 'makes no database' fails 2 'there is no file' run "$work/absent.db"
    check 'wants a chunk' fails 2 'there is no file' run "$db" absent
    check 'wants the extension' fails 1 'nowhere' env LSTM_EXT=/nowhere sql/score_in_chunks.sh "$db" "sql/$job.sql"
    sql "$db" 'ALTER TABLE reviews RENAME COLUMN body TO words'
    check 'says what is wrong with the SQL' fails 1 'no such column: r.body' run "$db"
    sql "$db" 'ALTER TABLE reviews RENAME COLUMN words TO body'

    mkfifo "$work/held" "$work/release"
    sqlite3 -batch "$db" 'BEGIN IMMEDIATE' "SELECT 'held'" ".shell echo > '$work/held'; read x < '$work/release'" \
        > /dev/null &
    holder=$!
    read -r _ < "$work/held"
    check 'waits for a lock as long as it is told' fails 1 'database is locked' \
        env LSTM_WAIT_MS=50 sql/score_in_chunks.sh "$db" "sql/$job.sql"
    echo > "$work/release"
    wait $holder
    check 'and goes on when it is free' run "$db"
    check 'and scores all' same_scores "$db"
}

for job in score_column score_new_rows; do
    undisturbed
    killed
    two_at_once
done
scheduled
failures
changes
echo "scheduled scoring: $passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
