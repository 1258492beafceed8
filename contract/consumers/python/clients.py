"""Keeps a table of all clients in a file of SQLite, and brings it up to date at each run.

usage: python clients.py BROKERS TOPIC FILE
sqlite3 FILE "SELECT client, data ->> '$.Nom' FROM clients"
"""
import json
import sqlite3
import sys
from contextlib import closing

TABLES = """
CREATE TABLE IF NOT EXISTS clients (
  source TEXT, client TEXT, sequence TEXT, part INTEGER, historycomplete INTEGER, data TEXT, PRIMARY KEY (source, client)
);
CREATE TABLE IF NOT EXISTS read_up_to (part INTEGER PRIMARY KEY, next INTEGER);
"""
# The partitions of a topic are read in any order, and a topic may have grown. So of two events of a client with the
# same source, the one with the higher sequence stays, and a tombstone deletes only what came from its own partition.
UPSERT = """
INSERT INTO clients VALUES (:source, :client, :sequence, :part, :historycomplete, :data) ON CONFLICT DO UPDATE
SET sequence = excluded.sequence, part = excluded.part, historycomplete = excluded.historycomplete, data = excluded.data
WHERE clients.sequence < excluded.sequence
"""
DELETE = "DELETE FROM clients WHERE client = ? AND part = ?"
READ_UP_TO = "INSERT INTO read_up_to VALUES (?, ?) ON CONFLICT DO UPDATE SET next = excluded.next"


def apply(table, part, client, value, headers):
    if value is None:
        table.execute(DELETE, (client, part))
        return
    content_type = headers.get("content-type", "")
    # The headers tell the mode, never the value: a topic may hold both.
    if content_type.startswith("application/cloudevents+json"):
        event = json.loads(value)
        # SQLite keeps all digits of a number; Python's json module would round it.
        (data,) = table.execute("SELECT json_extract(?, '$.data')", (value,)).fetchone()
    else:
        event = {name[3:]: text for name, text in headers.items() if name.startswith("ce_")}
        data = value
    if event.get("type") != "client.modified":  # a later version may add types
        return
    row = {"source": event["source"], "sequence": event["sequence"], "historycomplete": "historycomplete" in event}
    table.execute(UPSERT, {**row, "client": client, "part": part, "data": data})


def read_into(table, brokers, topic):
    """Applies all records up to the end offsets at the start. A service switches to the table then, and reads on."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

    consumer = Consumer({
        "bootstrap.servers": brokers,
        "group.id": "crm",  # required, but unused: the table has the offsets
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "auto.offset.reset": "error",
    })
    following = dict(table.execute("SELECT part, next FROM read_up_to"))
    parts = consumer.list_topics(topic).topics[topic].partitions
    if not parts:
        raise SystemExit(f"no topic {topic}")
    partitions = [TopicPartition(topic, part, following.get(part, OFFSET_BEGINNING)) for part in parts]
    unread = {one.partition: consumer.get_watermark_offsets(one)[1] for one in partitions}  # until these ends
    consumer.assign(partitions)
    while unread:
        message = consumer.poll(1.0)
        if message is None:
            continue
        part, offset = message.partition(), message.offset()
        if message.error() is None:
            texts = {name: text.decode() for name, text in message.headers() or []}
            value = message.value()
            with table:  # one transaction for row and offset
                apply(table, part, message.key().decode(), value and value.decode(), texts)
                table.execute(READ_UP_TO, (part, offset + 1))
        elif message.error().code() != KafkaError._PARTITION_EOF:
            raise SystemExit(str(message.error()))
        # The end of a partition, but not before the end at the start: a transaction may have been open there.
        elif offset >= unread.get(part, 0):
            unread.pop(part, None)
    consumer.close()


if __name__ == "__main__":
    with closing(sqlite3.connect(sys.argv[3])) as table:
        table.executescript(TABLES)
        read_into(table, *sys.argv[1:3])
        # Every client of the first load was committed before such an event, so below the ends listed at the start.
        count, is_complete = table.execute("SELECT count(*), max(historycomplete) FROM clients").fetchone()
        print(f"{count} clients; first load {'complete' if is_complete else 'not known to be complete'}", file=sys.stderr)
