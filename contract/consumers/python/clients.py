"""Rebuilds the current state of every client from the topic and prints it: one event a line.

usage: python clients.py BROKERS TOPIC
"""
import json
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

clients = {}  # client id to its newest event
first_load = "not known to be complete"


def apply(client, value, headers):
    global first_load
    if value is None:  # a tombstone: the client was erased
        clients.pop(client, None)
        return
    event = event_of(value, headers)
    # Every client of the first load was committed before this event, so below the ends listed at the start.
    if "historycomplete" in event:
        first_load = "complete"
    if event.get("type") == "client.modified":
        clients[client] = event
    # A later version may add types: they are ignored.


def event_of(value, headers):
    """The headers tell the mode, never the value: a topic may hold both."""
    content_type = headers.get("content-type", "")
    if content_type.startswith("application/cloudevents+json"):
        return json.loads(value)
    event = {name[3:]: text for name, text in headers.items() if name.startswith("ce_")}
    if "specversion" in event:
        event.update(datacontenttype=content_type, data=json.loads(value))
    return event


brokers, topic = sys.argv[1:]
consumer = Consumer({
    "bootstrap.servers": brokers,
    "group.id": "crm",  # required, but unused: no offsets are stored
    "enable.auto.commit": False,
    "isolation.level": "read_committed",
    "enable.partition.eof": True,
})
partitions = [TopicPartition(topic, one, OFFSET_BEGINNING) for one in consumer.list_topics(topic).topics[topic].partitions]
if not partitions:
    raise SystemExit(f"no topic {topic}")
unread = {one.partition: consumer.get_watermark_offsets(one)[1] for one in partitions}  # until these ends
consumer.assign(partitions)
while unread:  # a service switches to its new table then, and continues to read
    message = consumer.poll(1.0)
    if message is None:
        continue
    if message.error() is None:
        texts = {name: text.decode() for name, text in message.headers() or []}
        apply(message.key().decode(), message.value(), texts)
    elif message.error().code() != KafkaError._PARTITION_EOF:
        raise SystemExit(str(message.error()))
    # The end of a partition, but not before the end at the start: a transaction may have been open there.
    elif message.offset() >= unread.get(message.partition(), 0):
        unread.pop(message.partition(), None)
consumer.close()

for client in sorted(clients):
    print(json.dumps(clients[client], ensure_ascii=False))
print(f"{len(clients)} clients; first load {first_load}", file=sys.stderr)
