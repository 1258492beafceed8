import type { Violation } from './config-problem.ts'
import type { Settings, StreamSettings } from './config-schema.ts'
import { beginning, clientCertificate, credentials, headerNames, loginToken, pauses, trust } from './polaris-checks.ts'
import { checkedFieldRules } from './sections/event-section.ts'
import { allOrNone, isOAuth, passwordLogin, tokenLogin } from './sections/kafka-login-checks.ts'
import { removedClients } from './sections/removed-section.ts'
import { durationText } from './units.ts'

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
  {
    reads: ['kafka.sasl'],
    find: ({ kafka }) => (isOAuth(kafka.sasl) ? tokenLogin(kafka.sasl) : passwordLogin(kafka.sasl)),
  },
  { reads: ['kafka.ssl'], find: ({ kafka }) => allOrNone(kafka.ssl, ['cert', 'key'], ['kafka', 'ssl']) },
  { reads: ['kafka.ssl'], find: sslDisabled },
  {
    reads: ['kafka.timeouts', 'checkpoint.timeouts', 'shutdown.finishWithin'],
    find: (settings) => orderedTimes(settings),
  },
  {
    reads: ['streams.polaris.auth', 'streams.polaris.user', 'streams.polaris.password'],
    find: ofEachStream(credentials),
  },
  { reads: ['streams.polaris.lastChanged', 'streams.polaris.timeZone'], find: ofEachStream(beginning) },
  { reads: ['streams.polaris.login'], find: ofEachStream(loginToken) },
  { reads: ['streams.polaris.tls', 'streams.polaris.url'], find: ofEachStream(trust) },
  { reads: ['streams.polaris.tls'], find: ofEachStream(clientCertificate) },
  {
    reads: ['streams.polaris.headers', 'streams.polaris.auth', 'streams.polaris.login'],
    find: ofEachStream(headerNames),
  },
  { reads: ['streams.polaris.retry'], find: ofEachStream(pauses) },
  { reads: ['streams.removed', 'streams.poll.fullScan', 'streams.sharedKeys'], find: ofEachStream(removedClients) },
  { reads: ['streams.event', 'streams.polaris.clientIdField'], find: ofEachStream(checkedFieldRules) },
  { reads: ['checkpoint.encryption', 'checkpoint.kmsKeyId', 'checkpoint.bucketKey'], find: encryption },
  { reads: ['placement.heartbeat', 'placement.sessionTimeout'], find: heartbeatInterval },
  { reads: ['streams.polaris.url', 'streams.polaris.server'], find: sameLimitsOfServer },
  { reads: ['streams.name'], find: distinctNames },
  { reads: ['streams.kafka', 'streams.sharedKeys'], find: distinctTopics },
]

function sslDisabled({ kafka: { ssl } }: Settings): Violation[] {
  const isIgnored = ssl.enabled === false && (ssl.ca ?? ssl.cert ?? ssl.key) !== undefined
  return isIgnored
    ? [{ path: ['kafka', 'ssl', 'enabled'], what: 'is false, but ca, cert or key is set: remove one or the other' }]
    : []
}

/** Pairs in which the first timeout must be less than the second; the finish deadline exceeds every request timeout. */
function orderedTimes({ kafka, checkpoint, shutdown }: Settings): Violation[] {
  const { request, connection, commitWithin, transaction } = kafka.timeouts
  const finish = ['shutdown.finishWithin', shutdown.finishWithin] as const
  const shorter: readonly (readonly [string, number, string, number])[] = [
    ['kafka.timeouts.connection', connection, ...finish],
    ['kafka.timeouts.request', request, ...finish],
    ['kafka.timeouts.commitWithin', commitWithin, ...finish],
    ['kafka.timeouts.commitWithin', commitWithin, 'kafka.timeouts.transaction', transaction],
    ['checkpoint.timeouts.connect', checkpoint.timeouts.connect, 'checkpoint.timeouts.call', checkpoint.timeouts.call],
    ['checkpoint.timeouts.answer', checkpoint.timeouts.answer, 'checkpoint.timeouts.call', checkpoint.timeouts.call],
    ['checkpoint.timeouts.call', checkpoint.timeouts.call, ...finish],
  ]
  return shorter.flatMap(([name, ms, otherName, otherMs]) => {
    if (ms < otherMs) return []
    return [
      {
        path: name.split('.'),
        what: `(${durationText(ms)}) must be less than ${otherName} (${durationText(otherMs)})`,
      },
    ]
  })
}

/** Two lost heartbeats must not end the group session. */
function heartbeatInterval({ placement: { heartbeat, sessionTimeout } }: Settings): Violation[] {
  if (3 * heartbeat < sessionTimeout) return []
  const [interval, timeout] = [durationText(heartbeat), durationText(sessionTimeout)]
  return [
    {
      path: ['placement', 'heartbeat'],
      what: `(${interval}) must be less than a third of placement.sessionTimeout (${timeout}): lower heartbeat or raise sessionTimeout`,
    },
  ]
}

function encryption({ checkpoint: { encryption, kmsKeyId, bucketKey } }: Settings): Violation[] {
  if (encryption === 'aws:kms' || encryption === 'aws:kms:dsse') return []
  const ignored = Object.entries({ kmsKeyId, bucketKey }).filter(([, value]) => value !== undefined)
  return ignored.map(([key]) => ({ path: ['checkpoint', key], what: 'requires encryption: aws:kms or aws:kms:dsse' }))
}

function sameLimitsOfServer({ streams }: Settings): Violation[] {
  const origins = streams.map(({ polaris }) => new URL(polaris.url).origin)
  return streams.flatMap(({ polaris: { server } }, index) => {
    const twin = origins.indexOf(origins[index] ?? '')
    const other = streams[twin]?.polaris.server ?? server
    const keys = ['concurrentRequests', 'requestsPerSecond', 'maxProbeInterval'] as const
    const different = keys.filter((key) => server[key] !== other[key])
    return different.map((key) => ({
      path: ['streams', index, 'polaris', 'server', key],
      what: `must equal streams[${twin}].polaris.server.${key}: both streams use the same server`,
    }))
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

const topicsOf = ({ kafka }: StreamSettings) => ({
  events: kafka.topic,
  deadLetters: kafka.deadLetterTopic ?? `${kafka.topic}.dlq`,
})

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
