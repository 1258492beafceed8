import { wallClock } from '../source/source-time.ts'
import type { Violation } from './config-problem.ts'
import { deadLetterTopic } from './sections/kafka-section.ts'
import { beginAt, type PolarisSettings } from './sections/polaris-section.ts'

interface Stream {
  readonly name: string
  readonly polaris: PolarisSettings
  readonly kafka: Parameters<typeof deadLetterTopic>[0]
  readonly sharedKeys: boolean
}

export function sameLimitsOfServer(streams: readonly Stream[]): Violation[] {
  const origins = streams.map(({ polaris }) => new URL(polaris.url).origin)
  return streams.flatMap(({ polaris: { requestsPerSecond } }, index) => {
    const twin = origins.indexOf(origins[index] ?? '')
    if (requestsPerSecond === streams[twin]?.polaris.requestsPerSecond) return []
    const what = `must equal streams[${twin}].polaris.requestsPerSecond: both streams use the same server`
    return [{ path: [index, 'polaris', 'requestsPerSecond'], what }]
  })
}

export function distinctNames(streams: readonly Stream[]): Violation[] {
  return streams.flatMap(({ name }, index) => {
    const first = streams.findIndex((other) => other.name === name)
    const what = `must be unique: streams[${first}] has the same name`
    return first === index ? [] : [{ path: [index, 'name'], what }]
  })
}

export function distinctTopics(streams: readonly Stream[]): Violation[] {
  return streams.flatMap(({ kafka, sharedKeys }, index) => {
    const at = (what: string): Violation[] => [{ path: [index, 'kafka', 'topic'], what }]
    const twin = streams.findIndex((other) => other.kafka.topic === kafka.topic)
    const isShared = twin === index || (sharedKeys && streams[twin]?.sharedKeys === true)
    const mixed = `is also the topic of streams[${twin}], which would mix their clients: use another topic, or set sharedKeys: true in both`
    return [
      ...(streams.some((other) => deadLetterTopic(other.kafka) === kafka.topic)
        ? at('is also a dead-letter topic')
        : []),
      ...(isShared ? [] : at(mixed)),
    ]
  })
}

/** Nothing that is modified before its beginning is read. `now`: in ms since 1970. */
export function futureBeginnings(streams: readonly Stream[], now: number): Violation[] {
  return streams.flatMap(({ polaris }, index) => {
    const serverNow = wallClock(now, polaris.timeZone)
    const begin = beginAt(polaris)
    if (begin === undefined || begin <= serverNow) return []
    const what = `is in the future (it is ${serverNow} in ${polaris.timeZone}): changes until then would never be read`
    return [{ path: ['streams', index, 'polaris', 'lastChanged'], what }]
  })
}
