-- The tables of lstm_ext, in the database they are made in. lstm_model_import() makes them where they are missing, so
-- nobody has to run this file; it is the one place where they are described. Running it again changes nothing.

-- Models as governed rows: what scores come from, with where it came from. A version never changes: import adds one,
-- and a model's name stands for its highest version. Names that begin with "default-" belong to the models inside the
-- extension. Needs a SQLite with JSON functions.
CREATE TABLE IF NOT EXISTS main.lstm_models (
    name       TEXT NOT NULL,    -- what options call it: letters, digits, '.', '_' and '-', 64 at most
    version    INTEGER NOT NULL, -- 1, 2, 3 ... of that name
    task       TEXT NOT NULL,    -- 'sentiment': labels with a "positive" among them; 'classify': any labels;
                                 -- 'summarize': no labels
    sha256     TEXT NOT NULL,    -- of the blob, in hexadecimal; checked before the blob is read
    created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%SZ', 'now')), -- UTC
    bytes      INTEGER NOT NULL, -- of the blob
    sizes      TEXT NOT NULL,    -- JSON: vocab, embedding, hidden, layers, window, overlap; classes, or of a
                                 -- model that summarizes decoder and alignment
    labels     TEXT NOT NULL,    -- JSON: the classes, in order; [] where there are none
    card       TEXT NOT NULL,    -- JSON: data, terms of the data, seed and settings, from inside the blob
    metrics    TEXT,             -- JSON: what was measured on held-out data, as given at import
    blob       BLOB NOT NULL,    -- the model: a safetensors file, see model/FORMAT.md
    PRIMARY KEY (name, version),
    CHECK (typeof(name) = 'text' AND length(name) BETWEEN 1 AND 64 AND name GLOB '[A-Za-z0-9]*'
           AND name NOT GLOB '*[^A-Za-z0-9._-]*' AND name NOT GLOB 'default-*'),
    CHECK (typeof(version) = 'integer' AND version >= 1),
    CHECK (typeof(sha256) = 'text' AND length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
    CHECK (typeof(blob) = 'blob' AND bytes = length(blob)),
    CHECK (json_valid(sizes) AND json_valid(labels) AND json_valid(card) AND (metrics IS NULL OR json_valid(metrics)))
);

CREATE TRIGGER IF NOT EXISTS main.lstm_models_immutable BEFORE UPDATE ON lstm_models
BEGIN
    SELECT RAISE(ABORT, 'a version of a model never changes: import a new one, or delete this one');
END;
