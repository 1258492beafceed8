import type { Socket } from 'node:net'

/** How a client connects to a broker. */
export interface BrokerAccess {
  /** `host:port` */
  readonly broker: string
  readonly usesTls: boolean
  readonly logsIn: boolean
}

/** What the last socket to a broker has seen. */
export interface SocketFacts {
  /** How far it got: `connected` has received nothing; `answered` exactly one response; `working` more. */
  readonly stage: 'connecting' | 'tls-handshake' | 'connected' | 'answered' | 'working'
  /** The first four bytes from the broker, as a number; undefined before. */
  readonly firstWord: number | undefined
  /** Whether the broker closed the connection. */
  readonly isClosed: boolean
  /** The error code of Node or OpenSSL; undefined without an error. */
  readonly code: string | undefined
}

/** Watches the sockets of one client, to say why its brokers cannot be used. */
export interface BrokerTroubles {
  watch(socket: Socket, access: BrokerAccess): void
  /** Names each broker in trouble, and the cause; undefined if there is none. */
  describe(): string | undefined
}

/** A long list would hide the cause. */
const MAX_NAMED = 3

export function brokerTroubles(): BrokerTroubles {
  const last = new Map<string, { access: BrokerAccess; facts: SocketFacts }>()
  return {
    watch: (socket, access) => {
      let facts: SocketFacts = { stage: 'connecting', firstWord: undefined, isClosed: false, code: undefined }
      const note = (more: Partial<SocketFacts>) => {
        facts = { ...facts, ...more }
        last.set(access.broker, { access, facts })
      }
      note({})
      socket.once('connect', () => note({ stage: access.usesTls ? 'tls-handshake' : 'connected' }))
      socket.once('secureConnect', () => note({ stage: 'connected' }))
      socket.once('data', (first: Buffer) => {
        note({ stage: 'answered', firstWord: first.length < 4 ? undefined : first.readUInt32BE() })
        socket.once('data', () => note({ stage: 'working' }))
      })
      // First, because Node's own listener ends the socket.
      socket.prependOnceListener('end', () => note({ isClosed: !socket.writableEnded }))
      socket.once('error', ({ code }: NodeJS.ErrnoException) => {
        if (typeof code === 'string') note({ code })
      })
    },
    describe: () => {
      const troubles = [...last.values()].flatMap(({ access, facts }) => brokerTrouble(access, facts) ?? [])
      return troubles.length === 0 ? undefined : troubles.slice(0, MAX_NAMED).join('; ')
    },
  }
}

/** The broker, the cause and what to do, in one sentence; undefined if the facts show no trouble. Pure. */
export function brokerTrouble(access: BrokerAccess, facts: SocketFacts): string | undefined {
  const cause = codeCause(facts) ?? protocolCause(facts) ?? closedCause(access, facts) ?? silentCause(facts)
  return cause === undefined ? undefined : `${access.broker} ${cause}`
}

/** By error code, the cause and what to do; the first match applies. */
const causes: readonly (readonly [RegExp, string, string])[] = [
  [/^ECONNREFUSED$/, 'refuses the connection', 'check host and port'],
  [/^(?:ENOTFOUND|EAI_)/, 'has an unknown host name', 'check KAFKA_BROKERS and the DNS'],
  [/^(?:ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN)$/, 'cannot be reached', 'check the network and its firewalls'],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    'has a certificate for another host name',
    'use a name that the certificate contains, also in advertised.listeners',
  ],
  [/^CERT_HAS_EXPIRED$/, 'has an expired certificate', 'renew the certificate of the broker'],
  [/^(?:CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/, 'has a certificate that is not trusted', 'set KAFKA_SSL_CA'],
  [
    /^ERR_SSL_(?:WRONG_VERSION|PACKET_LENGTH|RECORD_LENGTH|UNKNOWN_PROTOCOL)/,
    'does not use TLS on this port',
    'unset KAFKA_SSL, or use the port of its TLS listener',
  ],
  [/^ERR_SSL_.*CERTIFICATE_REQUIRED/, 'requires a client certificate', 'set KAFKA_SSL_CERT and KAFKA_SSL_KEY'],
  [/^ERR_SSL_.*ALERT_.*(?:CERTIFICATE|UNKNOWN_CA)/, 'rejects the client certificate', 'check KAFKA_SSL_CERT'],
  [/^ERR_SSL_/, 'rejects the TLS handshake', 'check its TLS versions and whether it requires KAFKA_SSL_CERT'],
]

function codeCause({ code, stage }: SocketFacts): string | undefined {
  if (code === undefined) return undefined
  const [, what, todo] = causes.find(([pattern]) => pattern.test(code)) ?? []
  if (what !== undefined) return `${what} (${code}): ${todo}`
  return stage === 'tls-handshake' ? noHandshake(` (${code})`) : `closed the connection (${code})`
}

const noHandshake = (code = '') => `ended the TLS handshake${code}: unset KAFKA_SSL if this is a plain-text listener`

const HTTP = 0x48545450
/** A TLS record with an alert, of any version. */
const isTlsAlert = (word: number) => word >>> 16 === 0x1503
/** The first response, to ApiVersions, is small. */
const MAX_FIRST_RESPONSE = 1 << 24

/** Kafka's answers start with their length; other protocols show in its place. */
function protocolCause({ firstWord }: SocketFacts): string | undefined {
  if (firstWord === undefined || firstWord < MAX_FIRST_RESPONSE) return undefined
  if (firstWord === HTTP) return 'is an HTTP server: use the port of a Kafka listener'
  if (isTlsAlert(firstWord)) return 'requires TLS: set KAFKA_SSL=true'
  return 'does not use the protocol of Kafka: use the port of a Kafka listener'
}

function closedCause({ usesTls, logsIn }: BrokerAccess, { isClosed, stage }: SocketFacts): string | undefined {
  if (!isClosed) return undefined
  if (stage === 'tls-handshake') return noHandshake()
  if (stage === 'answered' && !logsIn) return 'closes the connection: it may require SASL, set KAFKA_SASL_MECHANISM'
  if (stage === 'connected' && !usesTls) return 'closes the connection: it may require TLS, set KAFKA_SSL=true'
  return 'closed the connection'
}

function silentCause({ stage }: SocketFacts): string | undefined {
  if (stage === 'connecting') return 'does not respond: check the network and its firewalls'
  if (stage === 'tls-handshake') return 'does not answer the TLS handshake: check host and port'
  return stage === 'connected' ? 'accepts connections, but does not answer: check host and port' : undefined
}
