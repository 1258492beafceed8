"""Reads what is new in the topic into a DuckDB database, and writes two Parquet files from it.

usage: python to_parquet.py BROKERS TOPIC FOLDER
"""
import json
import sys

import duckdb
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

TABLES = """
CREATE TABLE IF NOT EXISTS changes (
  client VARCHAR, type VARCHAR, modified VARCHAR, published TIMESTAMP, sequence BIGINT,
  kafka_partition INTEGER, kafka_offset BIGINT, data JSON);
CREATE TABLE IF NOT EXISTS read_up_to (kafka_partition INTEGER PRIMARY KEY, next BIGINT);
"""
TYPES = ("client.modified", "client.removed", "client.erased")  # a later version may add types: they are ignored
# What was erased or removed must disappear from every copy.
FORGET = """
DELETE FROM changes WHERE data IS NOT NULL AND EXISTS (
  FROM changes later WHERE later.client = changes.client AND later.type <> 'client.modified'
  AND later.kafka_offset > changes.kafka_offset)
"""
# All records of a client are in one partition, so the highest offset is its newest. Every value is text: cast it here.
CURRENT = """
SELECT client AS No, data->>'Nom' AS Nom, data->>'$.Adresse.Ville' AS Ville,
  CAST(data->>'ChiffreAffaires' AS DECIMAL(12, 2)) AS ChiffreAffaires, CAST(data->>'NoVersion' AS BIGINT) AS NoVersion
FROM (FROM changes QUALIFY row_number() OVER (PARTITION BY client ORDER BY kafka_offset DESC) = 1)
WHERE type = 'client.modified' ORDER BY No
"""


def row(message):
    """The columns of a record of either mode, or of a tombstone. The headers tell which one, never the value."""
    headers = {name: value.decode() for name, value in message.headers() or []}
    value = None if message.value() is None else json.loads(message.value())
    if "ce_specversion" in headers:
        attributes = {name.removeprefix("ce_"): text for name, text in headers.items()}
        data = value
    elif value is None:  # a tombstone of another program
        attributes, data = {"type": "client.erased", "time": None, "sequence": None}, None
    else:
        attributes, data = value, value.get("data")
    return (
        message.key().decode(), attributes["type"], attributes["time"], message.timestamp()[1], attributes["sequence"],
        message.partition(), message.offset(), None if data is None else json.dumps(data, ensure_ascii=False),
    )


def read(brokers, topic, starts):
    """The committed records from these offsets to the present end, and the offsets to continue from."""
    consumer = Consumer({
        "bootstrap.servers": brokers,
        "group.id": "duckdb",  # required, but unused: the offsets are in the database
        "enable.auto.commit": False,
        "auto.offset.reset": "error",  # never skip: a deleted topic has other offsets
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
    })
    unread = set(consumer.list_topics(topic, timeout=30).topics[topic].partitions)
    if not unread:
        raise SystemExit(f"no topic {topic}")
    consumer.assign([TopicPartition(topic, one, starts.get(one, OFFSET_BEGINNING)) for one in unread])
    rows, ends = [], {}
    while unread:
        message = consumer.poll(1.0)
        if message is None:
            continue
        if message.error() is None:
            columns = row(message)
            if columns[1] in TYPES:
                rows.append(columns)
        elif message.error().code() == KafkaError._PARTITION_EOF:
            unread.discard(message.partition())
            ends[message.partition()] = message.offset()
        else:
            raise SystemExit(str(message.error()))
    consumer.close()
    return rows, ends


def main(brokers, topic, folder):
    database = duckdb.connect(f"{folder}/clients.duckdb")
    database.execute(TABLES)
    rows, ends = read(brokers, topic, dict(database.execute("FROM read_up_to").fetchall()))
    # One transaction for the rows and the offsets: a run that is killed is repeated as a whole.
    database.begin()
    if rows:
        database.executemany("INSERT INTO changes VALUES (?, ?, ?, make_timestamp_ms(?), ?, ?, ?, ?)", rows)
    if ends:
        database.executemany("INSERT OR REPLACE INTO read_up_to VALUES (?, ?)", list(ends.items()))
    database.execute(FORGET)
    database.commit()
    database.execute(f"COPY (FROM changes ORDER BY sequence) TO '{folder}/changes.parquet'")
    database.execute(f"COPY ({CURRENT}) TO '{folder}/clients.parquet'")
    total, clients = [database.execute(f"SELECT count(*) FROM '{folder}/{name}.parquet'").fetchone()[0]
                      for name in ("changes", "clients")]
    print(f"{len(rows)} new records; {total} changes, {clients} clients", file=sys.stderr)


main(*sys.argv[1:])
