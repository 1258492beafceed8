"""Rebuilds the current state of every client from the topic and prints it: one event a line.

With a progress topic, it does so once the first load is complete.
usage: python clients.py BROKERS TOPIC [PROGRESS_TOPIC]
"""
import json
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

clients = {}  # client id to its newest event
seen = {}  # the latest events, to recognise duplicates; a dict keeps their order
duplicates = 0


def apply(client, value, headers):
    global duplicates
    if value is None:  # a tombstone: the client was erased or removed
        clients.pop(client, None)
        return
    event = event_of(value, headers)
    if event.get("type") not in ("client.modified", "client.removed"):  # a later version may add types
        return
    if is_duplicate(event):
        duplicates += 1
    elif event["type"] == "client.removed":
        clients.pop(client, None)
    else:
        clients[client] = event


def event_of(value, headers):
    """The headers tell the mode, never the value: a topic may hold both."""
    texts = {name: text.decode() for name, text in headers}
    content_type = texts.get("content-type", "")
    if content_type.startswith("application/cloudevents+json"):
        return json.loads(value)
    event = {name[3:]: text for name, text in texts.items() if name.startswith("ce_")}
    if "specversion" in event:
        event.update(datacontenttype=content_type, data=json.loads(value))
    return event


def is_duplicate(event):
    key = event["source"] + event["id"]
    if key in seen:
        return True
    seen[key] = True
    if len(seen) > 100_000:
        del seen[next(iter(seen))]
    return False


def read(name):
    """Reads a topic from its beginning. No offsets are stored."""
    consumer = Consumer({
        "bootstrap.servers": brokers,
        "group.id": "crm",  # required, but unused
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
    })
    partitions = consumer.list_topics(name).topics[name].partitions
    if not partitions:
        raise SystemExit(f"no topic {name}")
    consumer.assign([TopicPartition(name, partition, OFFSET_BEGINNING) for partition in partitions])
    return consumer, partitions


def completed_scan(name):
    """Waits until a scan has read all clients; returns the end offset of each partition of the events topic."""
    consumer, _ = read(name)
    while True:
        message = consumer.poll(1.0)
        if message is None or message.error() is not None:
            continue
        event = json.loads(message.value())
        if event["type"] == "scan.completed" and event["data"]["topic"] == topic:
            consumer.close()
            return event["data"]["endOffsets"]


brokers, topic, *progress = sys.argv[1:]
ends = completed_scan(progress[0]) if progress else []
consumer, partitions = read(topic)
unread = set(partitions)
# Until the present end, and that of the scan. A service switches to the new table then, and continues to read.
while unread:
    message = consumer.poll(1.0)
    if message is None:
        continue
    if message.error() is None:
        apply(message.key().decode(), message.value(), message.headers() or [])
    elif message.error().code() == KafkaError._PARTITION_EOF:
        if message.partition() >= len(ends) or message.offset() >= ends[message.partition()]:
            unread.discard(message.partition())
    else:
        raise SystemExit(str(message.error()))
consumer.close()

for client in sorted(clients):
    print(json.dumps(clients[client], ensure_ascii=False))
print(f"{len(clients)} clients, {duplicates} duplicates", file=sys.stderr)
