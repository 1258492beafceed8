import { ConnectorError } from '../runtime/connector-error.ts'
import type { ErrorCode } from '../runtime/error-catalogue.ts'
import { LOOK_AGAIN_MS } from '../runtime/refused-accounts.ts'

/** By Kafka's error code: its name, what it means for a stream, and what to do. Any other is transient. */
const answers = {
  UNKNOWN_TOPIC_OR_PARTITION: [3, 'publish.topic-missing'], // after all retries
  LEADER_NOT_AVAILABLE: [5, 'publish.failed'],
  MESSAGE_TOO_LARGE: [10, 'publish.refused'],
  OFFSET_METADATA_TOO_LARGE: [12, 'publish.refused'],
  INVALID_TOPIC_EXCEPTION: [17, 'publish.refused'],
  RECORD_LIST_TOO_LARGE: [18, 'publish.refused'],
  TOPIC_AUTHORIZATION_FAILED: [29, 'publish.unauthorized'],
  GROUP_AUTHORIZATION_FAILED: [30, 'publish.unauthorized'],
  CLUSTER_AUTHORIZATION_FAILED: [31, 'publish.unauthorized'],
  INVALID_TIMESTAMP: [32, 'publish.failed', 'compare the clocks of this machine and the brokers'],
  UNSUPPORTED_SASL_MECHANISM: [33, 'publish.unauthorized', 'set another KAFKA_SASL_MECHANISM'],
  ILLEGAL_SASL_STATE: [34, 'publish.failed', 'unset KAFKA_SASL_MECHANISM, or use the port of its SASL listener'],
  UNSUPPORTED_VERSION: [35, 'publish.refused'],
  INVALID_PARTITIONS: [37, 'publish.refused'],
  INVALID_REPLICATION_FACTOR: [38, 'publish.refused'],
  INVALID_REPLICA_ASSIGNMENT: [39, 'publish.refused'],
  INVALID_CONFIG: [40, 'publish.refused'],
  INVALID_REQUEST: [42, 'publish.refused'],
  UNSUPPORTED_FOR_MESSAGE_FORMAT: [43, 'publish.refused'],
  POLICY_VIOLATION: [44, 'publish.refused'],
  INVALID_PRODUCER_EPOCH: [47, 'publish.fenced'], // fenced by another producer, or our transaction timed out
  INVALID_TXN_STATE: [48, 'publish.fenced'],
  INVALID_PRODUCER_ID_MAPPING: [49, 'publish.fenced'],
  INVALID_TRANSACTION_TIMEOUT: [50, 'publish.refused'],
  CONCURRENT_TRANSACTIONS: [51, 'publish.failed'],
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: [53, 'publish.unauthorized'],
  SASL_AUTHENTICATION_FAILED: [58, 'publish.unauthorized', 'check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD'],
  UNSUPPORTED_COMPRESSION_TYPE: [76, 'publish.refused'],
  INVALID_RECORD: [87, 'publish.refused'],
  UNSTABLE_OFFSET_COMMIT: [88, 'publish.failed'],
  PRODUCER_FENCED: [90, 'publish.fenced'],
  // kafkajs knows codes up to 88 and reports others as -99, so this may be PRODUCER_FENCED.
  UNKNOWN_TO_KAFKAJS: [-99, 'publish.fenced'],
} as const satisfies Readonly<Record<string, Answer>>

type Answer = readonly [code: number, verdict: ErrorCode, cure?: string]

/** The codes by their names. */
export const KafkaCode = Object.fromEntries(Object.entries(answers).map(([name, [code]]) => [name, code])) as Readonly<
  Record<keyof typeof answers, number>
>

const answerOf = (code: number): Answer => byCode.get(code) ?? [code, 'publish.failed']
const byCode = new Map<number, Answer>(Object.values(answers).map((answer) => [answer[0], answer]))

/** By error name: errors without an answer of a broker. Names of mere wrappers are not listed. */
const verdicts: Readonly<Record<string, ErrorCode>> = {
  KafkaJSServerDoesNotSupportApiKey: 'publish.refused',
  KafkaJSConnectionError: 'publish.unreachable',
  KafkaJSConnectionClosedError: 'publish.unreachable',
  KafkaJSRequestTimeoutError: 'publish.unreachable',
  KafkaJSBrokerNotFound: 'publish.unreachable',
  KafkaJSNoBrokerAvailableError: 'publish.unreachable',
  KafkaJSGroupCoordinatorNotFound: 'publish.unreachable',
  KafkaJSLockTimeout: 'publish.unreachable',
  TimeoutError: 'publish.unreachable', // our own limit, see withinCommitLimit
  TypeError: 'bug',
  RangeError: 'bug',
  ReferenceError: 'bug',
  AssertionError: 'bug',
}

/** By error name, or by the error code of Node or OpenSSL: what to check. The first match applies. */
const cures: readonly (readonly [RegExp, string])[] = [
  [/^ECONNREFUSED$/, 'check host and port'],
  [/^(?:ENOTFOUND|EAI_)/, 'check KAFKA_BROKERS and the DNS'],
  [/^(?:ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EHOSTDOWN)$/, 'check the network and its firewalls'],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'use a name that the certificate contains, also in advertised.listeners'],
  [/^CERT_HAS_EXPIRED$/, 'renew the certificate of the broker'],
  [/^(?:CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/, 'set KAFKA_SSL_CA'],
  [/^ERR_SSL_(?:WRONG_VERSION|PACKET_LENGTH|RECORD_LENGTH)/, 'unset KAFKA_SSL, or use the port of its TLS listener'],
  [/^ERR_SSL_/, 'check KAFKA_SSL_CERT and KAFKA_SSL_KEY, and the TLS versions of the broker'],
  [/^(?:ECONNRESET|KafkaJSConnectionClosedError)$/, 'if it persists, check KAFKA_SSL and KAFKA_SASL_MECHANISM'],
  [/^(?:KafkaJSConnectionError|KafkaJSRequestTimeoutError|not connected)$/, 'check host, port and TLS'],
]

interface KafkaError {
  readonly name: string
  readonly type: string | undefined
  readonly code: number | string | undefined
  /** `host:port` of the broker that answered with it or could not be reached. */
  readonly broker: string | undefined
}

const address = /^[\w.-]+:\d+$/

function causesOf(error: unknown, depth = 0): KafkaError[] {
  if (!(error instanceof Error) || depth > 5) return []
  const fields: Partial<Record<'type' | 'code' | 'errors' | 'broker' | 'host' | 'port', unknown>> & Error = error
  const { type, code, errors, host, port, broker = `${host}:${port}` } = fields
  // A number in the `code` of other errors, such as a DOMException, is not Kafka's.
  const isCode = typeof code === 'string' || (typeof code === 'number' && isKafkaError(error))
  const own = {
    name: error.name,
    type: typeof type === 'string' ? type : undefined,
    code: isCode ? code : undefined,
    broker: typeof broker === 'string' && address.test(broker) ? broker : undefined,
  }
  const inner = Array.isArray(errors) ? errors : [error.cause] // createTopics reports its causes in `errors`
  return [own, ...inner.flatMap((cause) => causesOf(cause, depth + 1))]
}

const isKafkaError = (error: unknown) => error instanceof Error && error.name.startsWith('KafkaJS')

/** The error that determines the verdict: the outermost with a Kafka error code, otherwise with a listed name. */
function decisiveError(error: unknown): KafkaError | undefined {
  const chain = causesOf(error)
  return chain.find(({ code }) => typeof code === 'number') ?? chain.find(({ name }) => verdicts[name] !== undefined)
}

/** Classifies by `code` and `name` in the chain of causes. A plain `Error` is a defect, unless `isDisconnected`. */
export function classifyKafkaError(error: unknown): ErrorCode {
  const { code, name = '' } = decisiveError(error) ?? {}
  if (typeof code === 'number') return answerOf(code)[1]
  return (
    verdicts[name] ?? (isDisconnected(error) ? 'publish.unreachable' : isKafkaError(error) ? 'publish.failed' : 'bug')
  )
}

/**
 * An error of Node's network calls, or the only plain `Error` that kafkajs throws when a broker's connection closes
 * between two steps. It has nothing but a message.
 */
const isDisconnected = (error: unknown) =>
  error instanceof Error && ('syscall' in error || error.message === 'Broker not connected')

/** Whether Kafka answered with one of these error codes. */
export const hasKafkaCode = (error: unknown, ...codes: readonly number[]): boolean =>
  codes.some((code) => decisiveError(error)?.code === code)

/** Whether a broker answered with an error code. */
export const isAnswered = (error: unknown): boolean => typeof decisiveError(error)?.code === 'number'

/** The ACLs that an operation needs, by the error code of a missing one: `{ 29: 'WRITE on topic x' }`. */
export type NeededAcls = Readonly<Record<number, string>>

/** A `ConnectorError` in the chain of causes, such as that of a token endpoint. */
function codedError(error: unknown): ConnectorError | undefined {
  if (error instanceof ConnectorError) return error
  return error instanceof Error && error.cause instanceof Error ? codedError(error.cause) : undefined
}

/**
 * Returns the coded error for a failed operation, naming the broker, the missing ACL and what to check. Returns a
 * `ConnectorError` unchanged.
 */
export function publishError(operation: string, error: unknown, needs: NeededAcls = {}): ConnectorError {
  const coded = codedError(error)
  if (coded !== undefined) return coded
  const retryAfterMs = hasKafkaCode(error, KafkaCode.SASL_AUTHENTICATION_FAILED) ? LOOK_AGAIN_MS : undefined
  return new ConnectorError(classifyKafkaError(error), `${operation}: ${reasonOf(error, needs)}`, {
    cause: error,
    retryAfterMs,
  })
}

function reasonOf(error: unknown, needs: NeededAcls): string {
  const { type, name = isDisconnected(error) ? 'not connected' : 'error', code } = decisiveError(error) ?? {}
  const broker = causesOf(error).find((one) => one.broker !== undefined)?.broker
  const reason = [
    type ?? name,
    ...(code === undefined ? [] : [code]),
    ...(broker === undefined ? [] : ['from', broker]),
  ]
  const cure =
    typeof code === 'number' ? cureOf(code, needs) : cures.find(([pattern]) => pattern.test(code ?? name))?.[1]
  return `${reason.join(' ')}${cure === undefined ? '' : `: ${cure}`}`
}

function cureOf(code: number, { [code]: need }: NeededAcls): string | undefined {
  return need === undefined ? answerOf(code)[2] : `the ACL ${need} is missing`
}
