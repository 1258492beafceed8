"""Rebuilds the current state of every client from the topic and prints it: one event a line.

usage: python clients.py BROKERS TOPIC
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


brokers, topic = sys.argv[1:]
consumer = Consumer({
    "bootstrap.servers": brokers,
    "group.id": "crm",  # required, but unused
    "enable.auto.commit": False,
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
})
# No offsets are stored: every start reads the whole topic, until the end.
partitions = consumer.list_topics(topic).topics[topic].partitions
if not partitions:
    raise SystemExit(f"no topic {topic}")
consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
unread = set(partitions)
while unread:  # a service continues to read: while True
    message = consumer.poll(1.0)
    if message is None:
        continue
    if message.error() is None:
        apply(message.key().decode(), message.value(), message.headers() or [])
    elif message.error().code() == KafkaError._PARTITION_EOF:
        unread.discard(message.partition())
    else:
        raise SystemExit(str(message.error()))
consumer.close()

for client in sorted(clients):
    print(json.dumps(clients[client], ensure_ascii=False))
print(f"{len(clients)} clients, {duplicates} duplicates", file=sys.stderr)
