// Reads records (one JSON line each: key, headers, value) with the CloudEvents SDK, and prints their events.
import { readFileSync } from 'node:fs'
import { Kafka } from 'cloudevents'

for (const line of readFileSync(process.argv[2], 'utf8').trim().split('\n')) {
  const event = Kafka.toEvent(JSON.parse(line))
  event.validate()
  console.log(JSON.stringify({ ...event.toJSON(), data: event.data }))
}
