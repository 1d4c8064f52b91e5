#!/usr/bin/env python3
"""tests/check_python.py [EXTENSION]: Python's sqlite3 module loads the extension and scores, also from two threads."""
import json
import os
import sqlite3
import sys
import tempfile
import threading

extension = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "./lstm_ext.so")


def connect(path):
    connection = sqlite3.connect(path)
    connection.enable_load_extension(True)
    connection.load_extension(os.path.splitext(extension)[0])
    connection.enable_load_extension(False)
    return connection


def value(connection, sql, *parameters):
    return connection.execute(sql, parameters).fetchone()[0]


def check_values(connection):
    score = value(connection, "SELECT lstm_sentiment(?)", "What a film.")
    assert -1 <= score <= 1
    assert value(connection, "SELECT lstm_sentiment(?)", b"What a film.") == score
    assert value(connection, "SELECT lstm_sentiment(?)", None) is None
    assert value(connection, "SELECT lstm_sentiment(?)", "a\0b") != value(connection, "SELECT lstm_sentiment(?)", "a")
    result = json.loads(value(connection, "SELECT lstm_classify(?)", "What a film."))
    assert list(result) == ["label", "confidence", "probabilities"]
    assert result["probabilities"][result["label"]] == result["confidence"]
    text = "Ein schöner Film"
    rows = connection.execute('SELECT token, "begin", "end" FROM lstm_tokens(?)', (text,)).fetchall()
    assert rows[0][1] == 0 and rows[-1][2] == len(text.encode())


def check_errors(connection):
    try:
        value(connection, "SELECT lstm_sentiment('x', 'nope')")
    except sqlite3.OperationalError as error:
        assert str(error).startswith("LSTM_ERR_MODEL: no model named 'nope'")
    else:
        raise AssertionError("no error")


def check_threads(path):
    connection = connect(path)
    value(connection, "SELECT lstm_model_import('mine', lstm_model_export('default-sentiment'))")
    connection.close()
    scores = []

    def work():
        own = connect(path)
        scores.append([value(own, "SELECT lstm_sentiment(?, 'mine')", f"film number {i}") for i in range(20)])
        own.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(scores) == 4 and all(s == scores[0] for s in scores)


if not hasattr(sqlite3.Connection, "enable_load_extension"):
    print(f"SKIPPED: {sys.executable} was built without loadable extensions")
    sys.exit()
connection = connect(":memory:")
check_values(connection)
check_errors(connection)
connection.close()
with tempfile.TemporaryDirectory() as folder:
    check_threads(os.path.join(folder, "models.db"))
print(f"python {sys.version.split()[0]}, sqlite {sqlite3.sqlite_version}: ok")
