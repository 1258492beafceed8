import type { Violation } from './config-problem.ts'
import type { Settings, StreamSettings } from './config-schema.ts'
import { beginning, clientCertificate, credentials, headerNames, trust } from './polaris-checks.ts'
import { checkedFieldRules } from './sections/event-section.ts'
import { allOrNone, saslLogin } from './sections/kafka-access-section.ts'
import { deadLetterTopic } from './sections/kafka-section.ts'

/** A rule about several settings. */
interface CrossCheck {
  /** Settings and sections (paths without list positions) that must be valid before the rule can be checked. */
  readonly reads: readonly string[]
  /** `now`: in ms since 1970. */
  find(settings: Settings, now: number): readonly Violation[]
}

const ofEachStream =
  (find: (stream: StreamSettings, now: number) => readonly Violation[]) => (settings: Settings, now: number) =>
    settings.streams.flatMap((stream, index) =>
      find(stream, now).map(({ path, what }) => ({ path: ['streams', index, ...path], what })),
    )

export const crossChecks: readonly CrossCheck[] = [
  { reads: ['kafka.sasl', 'kafka.ssl', 'kafka.brokers'], find: ({ kafka }) => saslLogin(kafka) },
  { reads: ['kafka.ssl'], find: ({ kafka }) => allOrNone(kafka.ssl, ['cert', 'key'], ['kafka', 'ssl']) },
  { reads: ['kafka.ssl'], find: sslDisabled },
  {
    reads: ['streams.polaris.auth', 'streams.polaris.user', 'streams.polaris.password'],
    find: ofEachStream(credentials),
  },
  { reads: ['streams.polaris.lastChanged', 'streams.polaris.timeZone'], find: ofEachStream(beginning) },
  { reads: ['streams.polaris.tls', 'streams.polaris.url'], find: ofEachStream(trust) },
  { reads: ['streams.polaris.tls'], find: ofEachStream(clientCertificate) },
  {
    reads: ['streams.polaris.headers', 'streams.polaris.auth', 'streams.polaris.login'],
    find: ofEachStream(headerNames),
  },
  { reads: ['streams.event', 'streams.polaris.clientIdField'], find: ofEachStream(checkedFieldRules) },
  { reads: ['checkpoint.encryption', 'checkpoint.kmsKeyId'], find: encryption },
  { reads: ['streams.polaris.url', 'streams.polaris.server'], find: sameLimitsOfServer },
  { reads: ['streams.name'], find: distinctNames },
  { reads: ['streams.name', 'streams.event'], find: distinctSources },
  { reads: ['streams.kafka', 'streams.sharedKeys'], find: distinctTopics },
]

function sslDisabled({ kafka: { ssl } }: Settings): Violation[] {
  const isIgnored = ssl.enabled === false && (ssl.ca ?? ssl.cert ?? ssl.key) !== undefined
  return isIgnored
    ? [{ path: ['kafka', 'ssl', 'enabled'], what: 'is false, but ca, cert or key is set: remove one or the other' }]
    : []
}

function encryption({ checkpoint: { encryption, kmsKeyId } }: Settings): Violation[] {
  if (kmsKeyId === undefined || encryption === 'aws:kms' || encryption === 'aws:kms:dsse') return []
  return [{ path: ['checkpoint', 'kmsKeyId'], what: 'requires encryption: aws:kms or aws:kms:dsse' }]
}

function sameLimitsOfServer({ streams }: Settings): Violation[] {
  const origins = streams.map(({ polaris }) => new URL(polaris.url).origin)
  return streams.flatMap(({ polaris: { requestsPerSecond } }, index) => {
    const twin = origins.indexOf(origins[index] ?? '')
    if (requestsPerSecond === streams[twin]?.polaris.requestsPerSecond) return []
    return [
      {
        path: ['streams', index, 'polaris', 'requestsPerSecond'],
        what: `must equal streams[${twin}].polaris.requestsPerSecond: both streams use the same server`,
      },
    ]
  })
}

function distinctNames({ streams }: Settings): Violation[] {
  return streams.flatMap(({ name }, index) => {
    const first = streams.findIndex((other) => other.name === name)
    return first === index
      ? []
      : [{ path: ['streams', index, 'name'], what: `must be unique: streams[${first}] has the same name` }]
  })
}

/** Subscribers tell streams apart by the source of their events. */
function distinctSources({ streams }: Settings): Violation[] {
  return streams.flatMap(({ event: { source } }, index) => {
    const twin = streams.findIndex((other, at) => at !== index && (other.event.source ?? other.name) === source)
    if (source === undefined || twin < 0) return []
    return [
      { path: ['streams', index, 'event', 'source'], what: `must be unique: it is the source of streams[${twin}]` },
    ]
  })
}

const topicsOf = ({ kafka }: StreamSettings) => ({ events: kafka.topic, deadLetters: deadLetterTopic(kafka) })

function distinctTopics({ streams }: Settings): Violation[] {
  return streams.flatMap((stream, index) => {
    const path = ['streams', index, 'kafka', 'topic']
    const own = topicsOf(stream)
    const isDeadLetterTopic = streams.some((other) => topicsOf(other).deadLetters === own.events)
    const twin = streams.findIndex((other) => topicsOf(other).events === own.events)
    const isShared = twin === index || (stream.sharedKeys && streams[twin]?.sharedKeys === true)
    return [
      ...(isDeadLetterTopic ? [{ path, what: 'is also a dead-letter topic' }] : []),
      ...(isShared
        ? []
        : [
            {
              path,
              what: `is also the topic of streams[${twin}], which would mix their clients: use another topic, or set sharedKeys: true in both`,
            },
          ]),
      ...(own.deadLetters.length > 249 ? [{ path, what: 'is too long for the suffix .dlq: set deadLetterTopic' }] : []),
    ]
  })
}
