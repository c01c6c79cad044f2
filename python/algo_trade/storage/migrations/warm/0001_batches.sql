-- Rows of one series and UTC day, in batches as they came. Of one level the lower id was written first; a higher level was written before
-- a lower one.
CREATE TABLE batches (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    venue TEXT NOT NULL,
    symbol TEXT NOT NULL,
    resolution_ns INTEGER NOT NULL,
    day INTEGER NOT NULL,
    level INTEGER NOT NULL,
    first_ns INTEGER NOT NULL,
    last_ns INTEGER NOT NULL,
    rows INTEGER NOT NULL CHECK (rows > 0),
    -- An Arrow stream without the symbol, and its CRC-32: SQLite keeps no checksum of its pages.
    content BLOB NOT NULL,
    checksum INTEGER NOT NULL
) STRICT;

-- All that a search needs, so that it never touches the contents.
CREATE INDEX batches_by_series ON batches (kind, venue, symbol, resolution_ns, day, level DESC, id, first_ns, last_ns, rows);
