"""Applies records to the table of the sample: a record a line on standard input, or null after the last of a topic.
Prints the rows of a topic as a line.

usage: python drive.py FOLDER_OF_THE_SAMPLE
"""
import json
import sqlite3
import sys

sys.path.insert(0, sys.argv[1])
import clients  # noqa: E402

table = sqlite3.connect(":memory:")
table.executescript(clients.TABLES)
for line in sys.stdin:
    record = json.loads(line)
    if record is not None:
        clients.apply(table, *(record[name] for name in ("partition", "key", "value", "headers")))
        continue
    print(json.dumps(table.execute("SELECT source, client, data FROM clients").fetchall()))
    table.executescript("DELETE FROM clients")
