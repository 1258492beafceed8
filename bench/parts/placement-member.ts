import { groupPlacement } from '../../connector/placement/group-placement.ts'
import { groupDefaults } from '../../connector/placement/placement-config.ts'
import { kafkaDefaults } from '../../connector/publish/kafka-config.ts'
import { systemClock } from '../../connector/runtime/clock.ts'

/** One replica that only takes part in the group: it tells on stdout how many streams it has after each assignment. SIGTERM: it leaves. */
const [brokers = '', connector = '', streams = ''] = process.argv.slice(2)
const stopping = new AbortController()
process.once('SIGTERM', () => stopping.abort())

const placement = groupPlacement(groupDefaults, {
  connector,
  replica: `member-${process.pid}`,
  streams: streams.split(','),
  kafka: { ...kafkaDefaults, brokers: brokers.split(',') },
  clock: systemClock,
  log: () => undefined,
  observe: (event) =>
    console.error(JSON.stringify({ atMs: Math.round(performance.now()), ...event, error: undefined })),
})
await placement.run((assigned) => console.log(assigned.size), stopping.signal)
