BEGIN TRANSACTION;
CREATE TABLE label_actions (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	rater VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	loop_id VARCHAR NOT NULL, 
	created_at VARCHAR NOT NULL, 
	undoes INTEGER
);
INSERT INTO "label_actions" VALUES(1,'aki','approve','L','2026-11-24T20:28:37.248+00:00',NULL);
CREATE TABLE label_events (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	loop_id VARCHAR NOT NULL, 
	field VARCHAR NOT NULL, 
	value TEXT NOT NULL, 
	source VARCHAR NOT NULL, 
	confidence FLOAT, 
	note TEXT NOT NULL, 
	created_at VARCHAR NOT NULL, 
	supersedes INTEGER, 
	status VARCHAR NOT NULL
, action_id INTEGER);
INSERT INTO "label_events" VALUES(1,'L','emotion','"sad"','model:affect@1',0.4,'','2026-11-24T20:28:37.230+00:00',NULL,'suggested',NULL);
INSERT INTO "label_events" VALUES(2,'M','emotion','"calm"','model:affect@1',0.8,'','2026-11-24T20:28:37.230+00:00',NULL,'suggested',NULL);
INSERT INTO "label_events" VALUES(3,'L','emotion','"happy"','human:aki',NULL,'最初のラベル','2026-11-24T20:28:37.249+00:00',1,'approved',1);
CREATE TABLE label_schema (
	version INTEGER NOT NULL, 
	applied_at VARCHAR, 
	PRIMARY KEY (version)
);
INSERT INTO "label_schema" VALUES(1,'2026-11-24T20:28:37.210+00:00');
INSERT INTO "label_schema" VALUES(2,'2026-11-24T20:28:37.216+00:00');
CREATE INDEX label_events_by_loop ON label_events (loop_id, field, source, id);
CREATE TRIGGER label_events_no_update BEFORE UPDATE ON label_events BEGIN SELECT RAISE(ABORT, 'label_events is append-only'); END;
CREATE TRIGGER label_events_no_delete BEFORE DELETE ON label_events BEGIN SELECT RAISE(ABORT, 'label_events is append-only'); END;
CREATE INDEX label_actions_by_rater ON label_actions (rater, id);
CREATE INDEX label_events_by_action ON label_events (action_id);
CREATE TRIGGER label_actions_no_update BEFORE UPDATE ON label_actions BEGIN SELECT RAISE(ABORT, 'label_actions is append-only'); END;
CREATE TRIGGER label_actions_no_delete BEFORE DELETE ON label_actions BEGIN SELECT RAISE(ABORT, 'label_actions is append-only'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('label_events',3);
INSERT INTO "sqlite_sequence" VALUES('label_actions',1);
COMMIT;
