"""Reads records as an SDK of CloudEvents does, 1.x or 2.x: a record a line on standard input, an event a line on output."""
import json
import sys
from importlib.metadata import version

for line in sys.stdin:
    record = json.loads(line)
    headers = {name: text.encode() for name, text in record["headers"].items()}
    message = {"headers": headers, "key": record["key"], "value": record["value"].encode()}
    if version("cloudevents").startswith("1."):
        from cloudevents.kafka import KafkaMessage, from_binary, from_structured

        # This version leaves the mode to its caller.
        is_structured = headers["content-type"].startswith(b"application/cloudevents")
        event = (from_structured if is_structured else from_binary)(KafkaMessage(**message))
        attributes, data = event.get_attributes(), event.get_data()
    else:
        from cloudevents.core.bindings.kafka import KafkaMessage, from_kafka_event

        event = from_kafka_event(KafkaMessage(**message))
        attributes, data = event.get_attributes(), event.get_data()
    print(json.dumps({**attributes, "data": data}, default=lambda value: value.isoformat()))
