package records

// migrations bring a store from version i to i+1. They are append-only: a
// released one is never edited. Types and syntax are those that SQLite and
// PostgreSQL share, so sealed fields and flags are JSON in TEXT and the order
// of arrival is counted by the one writer, not by the engine.
var migrations = [][]string{{
	`CREATE TABLE records (
		position BIGINT PRIMARY KEY,
		id TEXT NOT NULL UNIQUE,
		category TEXT NOT NULL,
		author TEXT NOT NULL,
		operator TEXT NOT NULL,
		subject TEXT NOT NULL,
		subject_kind TEXT NOT NULL,
		catalogue_version BIGINT NOT NULL,
		catalogue_digest TEXT NOT NULL,
		issued_at BIGINT NOT NULL,
		jwt TEXT NOT NULL,
		digest TEXT NOT NULL,
		sealed TEXT NOT NULL,
		row_key TEXT NOT NULL,
		row_digest TEXT NOT NULL,
		source TEXT NOT NULL,
		trust TEXT NOT NULL,
		flags TEXT NOT NULL,
		status TEXT NOT NULL CHECK (status IN ('active', 'corrected', 'retracted')),
		replaces TEXT REFERENCES records (id),
		replaced_by TEXT,
		reason TEXT NOT NULL
	)`,
	`CREATE UNIQUE INDEX records_row ON records (author, category, row_key) WHERE status = 'active' AND row_key <> ''`,
	`CREATE INDEX records_subject ON records (subject, position)`,
	`CREATE INDEX records_category ON records (category, position)`,
	`CREATE INDEX records_author ON records (author, position)`,
	`CREATE TABLE positions (
		feed TEXT PRIMARY KEY,
		position BIGINT NOT NULL
	)`,
}}
