import type { ConfigPath } from './config-problem.ts'
import type { Settings, StreamSettings } from './config-schema.ts'
import { durationText } from './units.ts'

export interface Finding {
  readonly path: ConfigPath
  readonly what: string
}

/** What several settings must fulfil together. */
export interface CrossCheck {
  /** Settings and groups (without positions) that must be valid by themselves before this can be told. */
  readonly reads: readonly string[]
  find(settings: Settings): readonly Finding[]
}

const ofEachStream = (find: (stream: StreamSettings) => readonly Finding[]) => (settings: Settings) =>
  settings.streams.flatMap((stream, index) =>
    find(stream).map(({ path, what }) => ({ path: ['streams', index, ...path], what })),
  )

export const crossChecks: readonly CrossCheck[] = [
  {
    reads: ['kafka.sasl'],
    find: ({ kafka }) => allOrNone(kafka.sasl, ['mechanism', 'username', 'password'], ['kafka', 'sasl']),
  },
  { reads: ['kafka.ssl'], find: ({ kafka }) => allOrNone(kafka.ssl, ['cert', 'key'], ['kafka', 'ssl']) },
  { reads: ['kafka.ssl'], find: sslSwitchedOff },
  {
    reads: ['kafka.timeouts', 'checkpoint.timeouts', 'shutdown.finishWithin'],
    find: (settings) => orderedTimes(settings),
  },
  {
    reads: ['streams.polaris.auth', 'streams.polaris.user', 'streams.polaris.password'],
    find: ofEachStream(credentials),
  },
  { reads: ['streams.polaris.login'], find: ofEachStream(loginToken) },
  { reads: ['streams.polaris.tls', 'streams.polaris.url'], find: ofEachStream(trust) },
  { reads: ['streams.polaris.retry'], find: ofEachStream(pauses) },
  { reads: ['checkpoint.encryption', 'checkpoint.kmsKeyId', 'checkpoint.bucketKey'], find: encryption },
  { reads: ['placement.heartbeat', 'placement.sessionTimeout'], find: heartbeatOfSession },
  { reads: ['streams.polaris.url', 'streams.polaris.server'], find: sameLimitsOfServer },
  { reads: ['streams.name'], find: distinctNames },
  { reads: ['streams.kafka', 'streams.sharedKeys'], find: distinctTopics },
]

function allOrNone(group: Readonly<Record<string, unknown>>, keys: readonly string[], path: ConfigPath): Finding[] {
  const set = keys.filter((key) => group[key] !== undefined)
  if (set.length === 0) return []
  const missing = keys.filter((key) => group[key] === undefined)
  return missing.map((key) => ({ path: [...path, key], what: `is missing beside ${set.join(' and ')}` }))
}

function sslSwitchedOff({ kafka: { ssl } }: Settings): Finding[] {
  const isUseless = ssl.enabled === false && (ssl.ca ?? ssl.cert ?? ssl.key) !== undefined
  return isUseless
    ? [{ path: ['kafka', 'ssl', 'enabled'], what: 'is false although TLS is set up: drop one of both' }]
    : []
}

/** Style: request timeout < finish deadline. */
function orderedTimes({ kafka, checkpoint, shutdown }: Settings): Finding[] {
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

/** Two lost heartbeats must not end a session. */
function heartbeatOfSession({ placement: { heartbeat, sessionTimeout } }: Settings): Finding[] {
  if (3 * heartbeat < sessionTimeout) return []
  const [shown, third] = [durationText(heartbeat), durationText(sessionTimeout)]
  return [
    {
      path: ['placement', 'heartbeat'],
      what: `(${shown}) must be less than a third of placement.sessionTimeout (${third}): raise sessionTimeout, or beat more often`,
    },
  ]
}

function credentials({ polaris: { auth, user, password } }: StreamSettings): Finding[] {
  const set = { user, password }
  if (auth !== 'none') {
    const missing = (['user', 'password'] as const).filter((key) => set[key] === undefined)
    return missing.map((key) => ({ path: ['polaris', key], what: `is missing: auth ${auth} needs it` }))
  }
  const isUseless = user !== undefined || password !== undefined
  return isUseless
    ? [{ path: ['polaris', 'auth'], what: 'is none although a user or a password is set: write basic or login' }]
    : []
}

function loginToken({ polaris: { login } }: StreamSettings): Finding[] {
  const { token } = login
  if (token === undefined) return []
  const path = ['polaris', 'login', 'token']
  const sources = [token.field, token.pattern, token.wholeAnswer ? 'true' : undefined].filter(
    (source) => source !== undefined,
  )
  const carriers = [token.query, token.header].filter((carrier) => carrier !== undefined)
  return [
    ...(sources.length === 1 ? [] : [{ path, what: 'needs exactly one of field, pattern and wholeAnswer' }]),
    ...(carriers.length === 1 ? [] : [{ path, what: 'needs exactly one of query and header' }]),
    ...(token.headerPrefix !== undefined && token.header === undefined
      ? [{ path, what: 'has a headerPrefix but no header' }]
      : []),
  ]
}

function trust({ polaris: { tls, url } }: StreamSettings): Finding[] {
  const path = ['polaris', 'tls', tls.fingerprint === undefined ? 'ca' : 'fingerprint']
  if (tls.fingerprint !== undefined && tls.ca !== undefined)
    return [{ path, what: 'leaves nothing for ca to do: keep one of both' }]
  const isSet = tls.fingerprint !== undefined || tls.ca !== undefined
  return isSet && url.startsWith('http:') ? [{ path, what: 'has no meaning for an http: address: write https:' }] : []
}

function pauses({ polaris: { retry } }: StreamSettings): Finding[] {
  if (retry.firstPause <= retry.maxPause) return []
  return [{ path: ['polaris', 'retry', 'firstPause'], what: 'must be at most maxPause' }]
}

function encryption({ checkpoint: { encryption, kmsKeyId, bucketKey } }: Settings): Finding[] {
  if (encryption === 'aws:kms' || encryption === 'aws:kms:dsse') return []
  const useless = Object.entries({ kmsKeyId, bucketKey }).filter(([, value]) => value !== undefined)
  return useless.map(([key]) => ({ path: ['checkpoint', key], what: 'needs encryption: aws:kms beside it' }))
}

function sameLimitsOfServer({ streams }: Settings): Finding[] {
  const origins = streams.map(({ polaris }) => new URL(polaris.url).origin)
  return streams.flatMap(({ polaris: { server } }, index) => {
    const twin = origins.indexOf(origins[index] ?? '')
    const other = streams[twin]?.polaris.server ?? server
    const unlike = (['concurrentRequests', 'requestsPerSecond'] as const).filter((key) => server[key] !== other[key])
    return unlike.map((key) => ({
      path: ['streams', index, 'polaris', 'server', key],
      what: `is not what streams[${twin}].polaris.server.${key} says for the same server: write the same in both`,
    }))
  })
}

function distinctNames({ streams }: Settings): Finding[] {
  return streams.flatMap(({ name }, index) => {
    const first = streams.findIndex((other) => other.name === name)
    return first === index ? [] : [{ path: ['streams', index, 'name'], what: `is the name of streams[${first}] too` }]
  })
}

const topicsOf = ({ kafka }: StreamSettings) => ({
  events: kafka.topic,
  deadLetters: kafka.deadLetterTopic ?? `${kafka.topic}.dlq`,
})

function distinctTopics({ streams }: Settings): Finding[] {
  return streams.flatMap((stream, index) => {
    const path = ['streams', index, 'kafka', 'topic']
    const mine = topicsOf(stream)
    const clashes = streams.some((other) => topicsOf(other).deadLetters === mine.events)
    const twin = streams.findIndex((other) => topicsOf(other).events === mine.events)
    const isShared = twin === index || (stream.sharedKeys && streams[twin]?.sharedKeys === true)
    return [
      ...(clashes ? [{ path, what: 'is a topic of dead letters too' }] : []),
      ...(isShared
        ? []
        : [
            {
              path,
              what: `is the topic of streams[${twin}] too, whose clients it would mix up: write another, or sharedKeys: true in both`,
            },
          ]),
      ...(mine.deadLetters.length > 249 ? [{ path, what: 'leaves no room for .dlq: write deadLetterTopic' }] : []),
    ]
  })
}
