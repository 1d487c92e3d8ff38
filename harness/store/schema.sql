-- schema.sql: the tables of a database of runs, and plain views over them for people and reports.
--
-- Tables are in the singular and hold each fact once; views are in the plural and are what to query. A run, an experiment and
-- their rows are written once and never changed in meaning: another meaning is another run identity. When this file changes,
-- raise STORE_VERSION in database.h: databases of another version are refused, not guessed at.

CREATE TABLE run (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE CHECK (length(id) = 16),
    state TEXT NOT NULL CHECK (state IN ('planned', 'running', 'finished', 'diverged', 'failed')),
    seed INTEGER NOT NULL,
    planned_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    attempts INTEGER NOT NULL DEFAULT 0,
    resumed_from_step INTEGER NOT NULL DEFAULT 0,
    diverged_at INTEGER,
    parameters INTEGER,
    parameters_without_embeddings INTEGER,
    flops REAL,
    planned_bytes INTEGER,
    peak_bytes INTEGER,
    seconds REAL,
    tokens_per_s REAL,
    shared_machine INTEGER NOT NULL DEFAULT 0 CHECK (shared_machine IN (0, 1)),
    exclusion TEXT,
    failure TEXT
) STRICT;

-- Every resolved option, in the order of run_visit.
CREATE TABLE run_option (
    run INTEGER NOT NULL REFERENCES run (number),
    position INTEGER NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    is_default INTEGER NOT NULL CHECK (is_default IN (0, 1)),
    PRIMARY KEY (run, position),
    UNIQUE (run, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE fact (
    run INTEGER NOT NULL REFERENCES run (number),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (run, position)
) STRICT, WITHOUT ROWID;

-- Only what the run's identity determines: the same bits on every repetition. A value that is not finite stands in
-- non_finite, because SQLite would store NaN as NULL. Its words are compared one by one: for an IN of three, SQLite makes a
-- table of them at every row, which takes longer than all else about the row.
CREATE TABLE metric (
    run INTEGER NOT NULL REFERENCES run (number),
    name TEXT NOT NULL,
    step INTEGER NOT NULL,
    value REAL,
    non_finite TEXT CHECK (non_finite = 'nan' OR non_finite = 'inf' OR non_finite = '-inf'),
    PRIMARY KEY (run, name, step),
    CHECK ((value IS NULL) = (non_finite IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- What this machine did: differs from repetition to repetition.
CREATE TABLE speed (
    run INTEGER NOT NULL REFERENCES run (number),
    step INTEGER NOT NULL,
    tokens_per_s REAL NOT NULL,
    PRIMARY KEY (run, step)
) STRICT, WITHOUT ROWID;

CREATE TABLE event (
    run INTEGER NOT NULL REFERENCES run (number),
    step INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    value REAL,
    value_non_finite TEXT CHECK (value_non_finite = 'nan' OR value_non_finite = 'inf' OR value_non_finite = '-inf'),
    threshold REAL,
    threshold_non_finite TEXT CHECK (threshold_non_finite = 'nan' OR threshold_non_finite = 'inf' OR threshold_non_finite = '-inf'),
    PRIMARY KEY (run, step, kind, detail),
    CHECK ((value IS NULL) = (value_non_finite IS NOT NULL)),
    CHECK ((threshold IS NULL) = (threshold_non_finite IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- One version of an experiment file. `turn` rises each time another experiment becomes the latest one run.
CREATE TABLE experiment (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    file TEXT NOT NULL,
    hash TEXT NOT NULL,
    text TEXT NOT NULL,
    description TEXT,
    lecture TEXT,
    metric TEXT NOT NULL,
    maximize INTEGER NOT NULL CHECK (maximize IN (0, 1)),
    margin REAL,
    match TEXT,
    stored_at INTEGER NOT NULL,
    turn INTEGER NOT NULL UNIQUE,
    looks INTEGER NOT NULL,
    extension_declared INTEGER NOT NULL CHECK (extension_declared IN (0, 1))
) STRICT;

CREATE TABLE arm (
    experiment INTEGER NOT NULL REFERENCES experiment (number),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    differs TEXT NOT NULL,
    is_placebo INTEGER NOT NULL CHECK (is_placebo IN (0, 1)),
    match_left REAL,
    PRIMARY KEY (experiment, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE arm_run (
    experiment INTEGER NOT NULL,
    arm INTEGER NOT NULL,
    seed INTEGER NOT NULL,
    run INTEGER NOT NULL REFERENCES run (number),
    PRIMARY KEY (experiment, arm, seed),
    FOREIGN KEY (experiment, arm) REFERENCES arm (experiment, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX arm_run_by_run ON arm_run (run);

-- What `ablate bench` measured at one time. flops and bytes are those of one call, 0 where nothing counts them.
CREATE TABLE benchmark_set (
    number INTEGER PRIMARY KEY,
    stored_at INTEGER NOT NULL,
    fma_flops_per_s REAL NOT NULL,
    triad_bytes_per_s REAL NOT NULL
) STRICT;

CREATE TABLE benchmark_fact (
    benchmark_set INTEGER NOT NULL REFERENCES benchmark_set (number),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (benchmark_set, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE benchmark (
    benchmark_set INTEGER NOT NULL REFERENCES benchmark_set (number),
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    flops REAL NOT NULL,
    bytes REAL NOT NULL,
    PRIMARY KEY (benchmark_set, position),
    UNIQUE (benchmark_set, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE benchmark_time (
    benchmark_set INTEGER NOT NULL,
    benchmark INTEGER NOT NULL,
    repetition INTEGER NOT NULL,
    seconds REAL NOT NULL CHECK (seconds > 0),
    PRIMARY KEY (benchmark_set, benchmark, repetition),
    FOREIGN KEY (benchmark_set, benchmark) REFERENCES benchmark (benchmark_set, position)
) STRICT, WITHOUT ROWID;

-- ---- What to query --------------------------------------------------------------------------------------------------------

CREATE VIEW runs AS
SELECT id, state, seed, planned_at, started_at, finished_at, attempts, resumed_from_step, diverged_at, parameters,
       parameters_without_embeddings, flops, planned_bytes, peak_bytes, seconds, tokens_per_s, shared_machine, exclusion,
       failure, (SELECT value FROM fact WHERE fact.run = run.number AND fact.name = 'commit') AS program_commit,
       (SELECT value FROM run_option WHERE run_option.run = run.number AND key = 'init.id') AS started_from
FROM run;

CREATE VIEW metrics AS
SELECT run.id AS run, step, name, value, non_finite FROM metric JOIN run ON run.number = metric.run;

CREATE VIEW throughput AS
SELECT run.id AS run, step, speed.tokens_per_s FROM speed JOIN run ON run.number = speed.run;

CREATE VIEW events AS
SELECT run.id AS run, step, kind, detail, value, value_non_finite, threshold, threshold_non_finite
FROM event JOIN run ON run.number = event.run;

CREATE VIEW options AS
SELECT run.id AS run, key, value, is_default FROM run_option JOIN run ON run.number = run_option.run;

CREATE VIEW provenance AS
SELECT run.id AS run, name, value FROM fact JOIN run ON run.number = fact.run;

-- Every version; the one with the highest `turn` of a name is what reports read.
CREATE VIEW experiments AS
SELECT name, number AS version, turn, file, hash, text, description, lecture, metric,
       CASE maximize WHEN 1 THEN 'maximize' ELSE 'minimize' END AS goal, margin, match, stored_at, looks,
       (SELECT count(*) FROM arm WHERE arm.experiment = number) AS arms,
       (SELECT count(DISTINCT seed) FROM arm_run WHERE arm_run.experiment = number) AS seeds
FROM experiment;

CREATE VIEW arms AS
SELECT experiment.name AS experiment, experiment.number AS version, arm.position, arm.name AS arm, differs, is_placebo,
       match_left, arm_run.seed, run.id AS run
FROM experiment JOIN arm ON arm.experiment = experiment.number
     JOIN arm_run ON arm_run.experiment = arm.experiment AND arm_run.arm = arm.position
     JOIN run ON run.number = arm_run.run;

CREATE VIEW benchmarks AS
SELECT benchmark_set.number AS benchmark_set, stored_at,
       (SELECT value FROM benchmark_fact WHERE benchmark_fact.benchmark_set = benchmark_set.number
        AND benchmark_fact.name = 'commit') AS program_commit,
       benchmark.name, repetition, seconds, flops / seconds AS flops_per_s, bytes / seconds AS bytes_per_s,
       flops / seconds / fma_flops_per_s AS fraction_of_fma, bytes / seconds / triad_bytes_per_s AS fraction_of_triad
FROM benchmark_set JOIN benchmark ON benchmark.benchmark_set = benchmark_set.number
     JOIN benchmark_time ON benchmark_time.benchmark_set = benchmark.benchmark_set
                        AND benchmark_time.benchmark = benchmark.position;

CREATE VIEW benchmark_provenance AS
SELECT benchmark_set, name, value FROM benchmark_fact;
