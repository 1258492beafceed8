"""Reads records (one JSON line each: key, headers, value) with the CloudEvents SDK, and prints their events."""
import json
import sys

from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event, from_structured_event

for line in open(sys.argv[1], encoding="utf-8"):
    record = json.loads(line)
    headers = {name: text.encode() for name, text in record["headers"].items()}
    # Not from_kafka_event: it takes every record with a header ce_* for binary mode.
    is_structured = headers["content-type"].startswith(b"application/cloudevents+json")
    read = from_structured_event if is_structured else from_binary_event
    event = read(KafkaMessage(headers=headers, key=record["key"], value=record["value"].encode()))
    attributes = {name: str(value) for name, value in event.get_attributes().items()}
    attributes["time"] = event.get_time().strftime("%Y-%m-%dT%H:%M:%S.000Z")
    print(json.dumps({**attributes, "data": event.get_data()}, ensure_ascii=False))
