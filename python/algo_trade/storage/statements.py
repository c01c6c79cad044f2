"""What is asked of the state store, in the SQL that both kinds understand. Each may be asked again when no answer came."""

from __future__ import annotations

BOT = "SELECT bot_id, config, wanted, version, created_at, changed_at FROM bots WHERE bot_id = $1"
BOTS = "SELECT bot_id, config, wanted, version, created_at, changed_at FROM bots ORDER BY bot_id"
SAVE_BOT = """
INSERT INTO bots (bot_id, config, wanted, version, created_at, changed_at) VALUES ($1, $2, $3, 1, $4, $4)
ON CONFLICT (bot_id) DO UPDATE
SET config = excluded.config, wanted = excluded.wanted, version = bots.version + 1, changed_at = excluded.changed_at
RETURNING bot_id, config, wanted, version, created_at, changed_at
"""
SET_WANTED = """
UPDATE bots SET wanted = $2, version = version + 1, changed_at = $3
WHERE bot_id = $1 RETURNING bot_id, config, wanted, version, created_at, changed_at
"""
REMOVE_BOT = "DELETE FROM bots WHERE bot_id = $1"

VALUE = "SELECT value FROM bot_values WHERE bot_id = $1 AND name = $2"
PUT_VALUE = """
INSERT INTO bot_values (bot_id, name, value, changed_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (bot_id, name) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at
"""
REMOVE_VALUE = "DELETE FROM bot_values WHERE bot_id = $1 AND name = $2"

# $2: the least that will do. A number whose answer was lost is skipped.
NEXT_EPOCH = """
INSERT INTO epochs (name, epoch) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE
SET epoch = CASE WHEN epochs.epoch < excluded.epoch THEN excluded.epoch ELSE epochs.epoch + 1 END
RETURNING epoch
"""

AUDIT = """
INSERT INTO audits (key, at, who, action, target, details) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (key) DO NOTHING
"""
AUDITS = "SELECT id, at, who, action, target, details FROM audits WHERE id > $1 ORDER BY id LIMIT $2"
