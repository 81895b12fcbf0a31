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
}, {
	// 2: feeds. A record knows its place in its author's feed; the feed's entries lie
	// in bundles as they are served (level -1), its hashes above the leaves in tiles.
	`ALTER TABLE records ADD COLUMN feed_index BIGINT NOT NULL DEFAULT -1`,
	`CREATE INDEX records_unfed ON records (position) WHERE feed_index < 0`,
	`CREATE INDEX records_replaces ON records (replaces) WHERE replaces IS NOT NULL`,
	`CREATE TABLE feeds (
		author TEXT PRIMARY KEY,
		edge BYTEA NOT NULL,
		note TEXT NOT NULL
	)`,
	`CREATE TABLE feed_tiles (
		author TEXT NOT NULL,
		level BIGINT NOT NULL,
		idx BIGINT NOT NULL,
		data BYTEA NOT NULL,
		PRIMARY KEY (author, level, idx)
	)`,
	`CREATE TABLE feed_gaps (
		author TEXT NOT NULL,
		idx BIGINT NOT NULL,
		id TEXT NOT NULL,
		why TEXT NOT NULL,
		category TEXT NOT NULL,
		PRIMARY KEY (author, idx)
	)`,
	`CREATE INDEX feed_gaps_id ON feed_gaps (author, id)`,
	`CREATE INDEX feed_gaps_why ON feed_gaps (author, why, idx)`,
	`CREATE TABLE feed_documents (
		id TEXT PRIMARY KEY,
		author TEXT NOT NULL,
		kind TEXT NOT NULL,
		record TEXT NOT NULL,
		jwt TEXT NOT NULL
	)`,
	`CREATE INDEX feed_documents_record ON feed_documents (author, record)`,
	`CREATE TABLE feed_receipts (
		erasure TEXT NOT NULL,
		member TEXT NOT NULL,
		jwt TEXT NOT NULL,
		at BIGINT NOT NULL,
		PRIMARY KEY (erasure, member)
	)`,
}, {
	// 3: the owner of a database, and views.
	`CREATE TABLE owner (
		one BIGINT PRIMARY KEY CHECK (one = 1),
		federation TEXT NOT NULL,
		member TEXT NOT NULL,
		node TEXT NOT NULL,
		keys TEXT NOT NULL,
		state TEXT NOT NULL,
		epoch BIGINT NOT NULL,
		written BIGINT NOT NULL
	)`,
	// What reports may read. They name no person, no row of a source, no clerk,
	// and hold neither signed parts nor sealed fields; their columns are a promise.
	`CREATE VIEW bi_records AS SELECT position, id, category, author, subject_kind,
		CASE WHEN subject LIKE 'org:%' THEN subject ELSE NULL END AS organisation,
		catalogue_version, issued_at, issued_at / 86400000 AS issued_day, status, replaces, replaced_by
		FROM records`,
	`CREATE VIEW bi_counts AS SELECT category, author, subject_kind, status, issued_at / 86400000 AS issued_day,
		COUNT(*) AS records FROM records
		GROUP BY category, author, subject_kind, status, issued_at / 86400000`,
	`CREATE VIEW bi_feeds AS SELECT feed, position FROM positions`,
}, {
	// 4: the names a subject may be found by, each once, with how many records give
	// it and the newest of them; and their keys (package names).
	`ALTER TABLE records ADD COLUMN names TEXT NOT NULL DEFAULT '[]'`,
	`CREATE TABLE names (
		id BIGINT PRIMARY KEY,
		subject TEXT NOT NULL,
		name TEXT NOT NULL,
		records BIGINT NOT NULL,
		newest BIGINT NOT NULL,
		UNIQUE (subject, name)
	)`,
	`CREATE TABLE name_keys (
		name_key TEXT NOT NULL,
		name BIGINT NOT NULL,
		PRIMARY KEY (name_key, name)
	)`,
}, {
	// 5: questions. When a record reached this store and when its status changed, by
	// this store's clock and by its author's; where its subject is and the numbers it
	// is found by. Earlier rows count as known since they were issued.
	`ALTER TABLE records ADD COLUMN known_at BIGINT NOT NULL DEFAULT 0`,
	`ALTER TABLE records ADD COLUMN changed_at BIGINT NOT NULL DEFAULT 0`,
	`ALTER TABLE records ADD COLUMN ended_at BIGINT NOT NULL DEFAULT 0`,
	`ALTER TABLE records ADD COLUMN area BIGINT NOT NULL DEFAULT 0`,
	`ALTER TABLE records ADD COLUMN numbers TEXT NOT NULL DEFAULT '[]'`,
	`ALTER TABLE names ADD COLUMN first_seen BIGINT NOT NULL DEFAULT 0`,
	`ALTER TABLE feed_documents ADD COLUMN issued_at BIGINT NOT NULL DEFAULT 0`,
	`UPDATE records SET known_at = issued_at`,
	`UPDATE records SET changed_at = issued_at, ended_at = issued_at WHERE status <> 'active'`,
	`CREATE INDEX records_changed ON records (changed_at) WHERE changed_at > 0`,
	`CREATE INDEX records_area ON records (area, position)`,
	`CREATE TABLE numbers (
		number TEXT NOT NULL,
		position BIGINT NOT NULL,
		PRIMARY KEY (number, position)
	)`,
}, {
	// 6: what is long is bytes, and stands once. The signed part is packed (packJWT),
	// and its digest and the catalogue's follow from it; sealed fields and digests of
	// rows are bytes; keys of tables that are nothing else are not stored twice. What
	// was there before is packed by packAll.
	`DROP VIEW bi_counts`,
	`DROP VIEW bi_records`,
	`CREATE TABLE words (
		id <position>,
		word BYTEA NOT NULL
	)`,
	`CREATE TABLE records6 (
		position <position>,
		id TEXT NOT NULL,
		category TEXT NOT NULL,
		author TEXT NOT NULL,
		operator TEXT NOT NULL,
		subject TEXT NOT NULL,
		subject_kind TEXT NOT NULL,
		catalogue_version BIGINT NOT NULL,
		catalogue_digest TEXT NOT NULL,
		issued_at BIGINT NOT NULL,
		jwt BYTEA NOT NULL,
		sealed BYTEA NOT NULL,
		row_key BYTEA NOT NULL,
		row_digest BYTEA NOT NULL,
		source TEXT NOT NULL,
		trust TEXT NOT NULL,
		flags TEXT NOT NULL,
		status TEXT NOT NULL CHECK (status IN ('active', 'corrected', 'retracted')),
		replaces TEXT,
		replaced_by TEXT,
		reason TEXT NOT NULL,
		feed_index BIGINT NOT NULL,
		names TEXT NOT NULL,
		known_at BIGINT NOT NULL,
		changed_at BIGINT NOT NULL,
		ended_at BIGINT NOT NULL,
		area BIGINT NOT NULL,
		numbers TEXT NOT NULL
	)`,
	`INSERT INTO records6 (position, id, category, author, operator, subject, subject_kind, catalogue_version, catalogue_digest,
		issued_at, jwt, sealed, row_key, row_digest, source, trust, flags, status, replaces, replaced_by, reason, feed_index, names,
		known_at, changed_at, ended_at, area, numbers)
		SELECT position, id, category, author, operator, subject, subject_kind, catalogue_version, catalogue_digest,
		issued_at, <jwt>, <sealed>, <row_key>, <row_digest>, source, trust, flags, status, replaces, replaced_by, reason, feed_index, names,
		known_at, changed_at, ended_at, area, numbers FROM records ORDER BY position`,
	`DROP TABLE records`,
	`ALTER TABLE records6 RENAME TO records`,
	`CREATE UNIQUE INDEX records_id ON records (id)`,
	`CREATE UNIQUE INDEX records_row ON records (row_key, category, author) WHERE status = 'active' AND length(row_key) > 0`,
	`CREATE INDEX records_subject ON records (subject, position)`,
	`CREATE INDEX records_category ON records (category, position)`,
	`CREATE INDEX records_author ON records (author, position)`,
	`CREATE INDEX records_unfed ON records (position) WHERE feed_index < 0`,
	`CREATE INDEX records_replaces ON records (replaces) WHERE replaces IS NOT NULL`,
	`CREATE INDEX records_changed ON records (changed_at) WHERE changed_at > 0`,
	`CREATE INDEX records_area ON records (area, position)`,
	`CREATE VIEW bi_records AS SELECT position, id, category, author, subject_kind,
		CASE WHEN subject LIKE 'org:%' THEN subject ELSE NULL END AS organisation,
		catalogue_version, issued_at, issued_at / 86400000 AS issued_day, status, replaces, replaced_by
		FROM records`,
	`CREATE VIEW bi_counts AS SELECT category, author, subject_kind, status, issued_at / 86400000 AS issued_day,
		COUNT(*) AS records FROM records
		GROUP BY category, author, subject_kind, status, issued_at / 86400000`,
	`CREATE TABLE numbers6 (
		number TEXT NOT NULL,
		position BIGINT NOT NULL,
		PRIMARY KEY (number, position)
	) <compact>`,
	`INSERT INTO numbers6 (number, position) SELECT number, position FROM numbers ORDER BY number, position`,
	`DROP TABLE numbers`,
	`ALTER TABLE numbers6 RENAME TO numbers`,
	`CREATE TABLE name_keys6 (
		name_key TEXT NOT NULL,
		name BIGINT NOT NULL,
		PRIMARY KEY (name_key, name)
	) <compact>`,
	`INSERT INTO name_keys6 (name_key, name) SELECT name_key, name FROM name_keys ORDER BY name_key, name`,
	`DROP TABLE name_keys`,
	`ALTER TABLE name_keys6 RENAME TO name_keys`,
}, {
	// 7: counts of what sources gave, for the report on quality. They hold nothing of
	// a row.
	`CREATE TABLE tallies (
		day BIGINT NOT NULL,
		source TEXT NOT NULL,
		category TEXT NOT NULL,
		measure TEXT NOT NULL,
		item TEXT NOT NULL,
		tally BIGINT NOT NULL,
		PRIMARY KEY (day, source, category, measure, item)
	)`,
}, {
	// 8: custody. What an author has dealt and who has it; what a custodian keeps.
	`CREATE TABLE custody_deals (
		record TEXT NOT NULL,
		generation BIGINT NOT NULL,
		category TEXT NOT NULL,
		target TEXT NOT NULL,
		statement TEXT NOT NULL,
		boxes BYTEA NOT NULL,
		anchored BIGINT NOT NULL,
		PRIMARY KEY (record, generation)
	)`,
	`CREATE INDEX custody_unanchored ON custody_deals (category, record) WHERE anchored = 0`,
	`CREATE TABLE custody_hands (
		record TEXT NOT NULL,
		generation BIGINT NOT NULL,
		member TEXT NOT NULL,
		state BIGINT NOT NULL,
		share TEXT NOT NULL,
		kept TEXT NOT NULL,
		destroyed TEXT NOT NULL,
		PRIMARY KEY (record, generation, member)
	)`,
	`CREATE INDEX custody_due ON custody_hands (member, state, record)`,
	`CREATE TABLE custody_shares (
		author TEXT NOT NULL,
		record TEXT NOT NULL,
		generation BIGINT NOT NULL,
		statement TEXT NOT NULL,
		share TEXT NOT NULL,
		boxes BYTEA NOT NULL,
		kept_at BIGINT NOT NULL,
		PRIMARY KEY (author, record, generation)
	)`,
}, {
	// 9: what there is on a subject is counted in the index, without its records. A row's
	// key is a digest that covers its category.
	`DROP INDEX records_row`,
	`CREATE UNIQUE INDEX records_row ON records (row_key) WHERE status = 'active' AND length(row_key) > 0`,
	`DROP INDEX records_subject`,
	`CREATE INDEX records_subject ON records (subject, position, status, category, author)`,
}, {
	// 10: inserts. Where an index asks a function, SQLite keeps a copy of each page that a
	// statement changes, in case the function fails; and a name's number is its row's.
	`DROP INDEX records_row`,
	`CREATE UNIQUE INDEX records_row ON records (row_key) WHERE status = 'active' AND row_key <> <empty>`,
	`CREATE TABLE names10 (
		id <position>,
		subject TEXT NOT NULL,
		name TEXT NOT NULL,
		records BIGINT NOT NULL,
		newest BIGINT NOT NULL,
		first_seen BIGINT NOT NULL
	)`,
	`INSERT INTO names10 (id, subject, name, records, newest, first_seen) SELECT id, subject, name, records, newest, first_seen FROM names ORDER BY id`,
	`DROP TABLE names`,
	`ALTER TABLE names10 RENAME TO names`,
	`CREATE UNIQUE INDEX names_subject ON names (subject, name)`,
}}
