import { ConnectorError } from '../runtime/connector-error.ts'
import { LOOK_AGAIN_MS } from '../runtime/refused-accounts.ts'

/** The Kafka error codes that the connector distinguishes, by their Kafka names. */
export const KafkaCode = {
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  MESSAGE_TOO_LARGE: 10,
  OFFSET_METADATA_TOO_LARGE: 12,
  INVALID_TOPIC_EXCEPTION: 17,
  RECORD_LIST_TOO_LARGE: 18,
  ILLEGAL_GENERATION: 22,
  UNKNOWN_MEMBER_ID: 25,
  TOPIC_AUTHORIZATION_FAILED: 29,
  GROUP_AUTHORIZATION_FAILED: 30,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  INVALID_TIMESTAMP: 32,
  UNSUPPORTED_SASL_MECHANISM: 33,
  ILLEGAL_SASL_STATE: 34,
  UNSUPPORTED_VERSION: 35,
  INVALID_PARTITIONS: 37,
  INVALID_REPLICATION_FACTOR: 38,
  INVALID_REPLICA_ASSIGNMENT: 39,
  INVALID_CONFIG: 40,
  INVALID_REQUEST: 42,
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 43,
  POLICY_VIOLATION: 44,
  INVALID_PRODUCER_EPOCH: 47,
  INVALID_TXN_STATE: 48,
  INVALID_PRODUCER_ID_MAPPING: 49,
  INVALID_TRANSACTION_TIMEOUT: 50,
  CONCURRENT_TRANSACTIONS: 51,
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 53,
  SASL_AUTHENTICATION_FAILED: 58,
  GROUP_ID_NOT_FOUND: 69,
  UNSUPPORTED_COMPRESSION_TYPE: 76,
  INVALID_RECORD: 87,
  UNSTABLE_OFFSET_COMMIT: 88,
  PRODUCER_FENCED: 90,
} as const

/** What a kafkajs error means for a stream; `bug` for errors that do not come from Kafka. */
type KafkaVerdict =
  | 'publish.failed'
  | 'publish.clock-ahead'
  | 'publish.fenced'
  | 'publish.refused'
  | 'publish.unauthorized'
  | 'publish.topic-missing'
  | 'publish.unreachable'
  | 'bug'

/** The code that kafkajs reports in place of one it does not know. */
const UNKNOWN_TO_KAFKAJS = -99

/** By Kafka error code. Codes that are not listed are transient: `publish.failed`. */
const verdictOfCode: Readonly<Record<number, KafkaVerdict>> = {
  [KafkaCode.UNKNOWN_TOPIC_OR_PARTITION]: 'publish.topic-missing', // after all retries
  [KafkaCode.MESSAGE_TOO_LARGE]: 'publish.refused',
  [KafkaCode.OFFSET_METADATA_TOO_LARGE]: 'publish.refused',
  [KafkaCode.INVALID_TOPIC_EXCEPTION]: 'publish.refused',
  [KafkaCode.RECORD_LIST_TOO_LARGE]: 'publish.refused',
  [KafkaCode.TOPIC_AUTHORIZATION_FAILED]: 'publish.unauthorized',
  [KafkaCode.GROUP_AUTHORIZATION_FAILED]: 'publish.unauthorized',
  [KafkaCode.CLUSTER_AUTHORIZATION_FAILED]: 'publish.unauthorized',
  [KafkaCode.INVALID_TIMESTAMP]: 'publish.clock-ahead',
  [KafkaCode.UNSUPPORTED_SASL_MECHANISM]: 'publish.unauthorized',
  [KafkaCode.UNSUPPORTED_VERSION]: 'publish.refused',
  [KafkaCode.INVALID_PARTITIONS]: 'publish.refused',
  [KafkaCode.INVALID_REPLICATION_FACTOR]: 'publish.refused',
  [KafkaCode.INVALID_REPLICA_ASSIGNMENT]: 'publish.refused',
  [KafkaCode.INVALID_CONFIG]: 'publish.refused',
  [KafkaCode.INVALID_REQUEST]: 'publish.refused',
  [KafkaCode.UNSUPPORTED_FOR_MESSAGE_FORMAT]: 'publish.refused',
  [KafkaCode.POLICY_VIOLATION]: 'publish.refused',
  [KafkaCode.INVALID_PRODUCER_EPOCH]: 'publish.fenced', // fenced by another producer, or our transaction timed out
  [KafkaCode.INVALID_TXN_STATE]: 'publish.fenced',
  [KafkaCode.INVALID_PRODUCER_ID_MAPPING]: 'publish.fenced',
  [KafkaCode.INVALID_TRANSACTION_TIMEOUT]: 'publish.refused',
  [KafkaCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED]: 'publish.unauthorized',
  [KafkaCode.SASL_AUTHENTICATION_FAILED]: 'publish.unauthorized',
  [KafkaCode.UNSUPPORTED_COMPRESSION_TYPE]: 'publish.refused',
  [KafkaCode.INVALID_RECORD]: 'publish.refused',
  [KafkaCode.PRODUCER_FENCED]: 'publish.fenced',
  [UNKNOWN_TO_KAFKAJS]: 'publish.fenced', // kafkajs knows codes up to 88, so this may be PRODUCER_FENCED
}

/** The name of the errors that `explained` makes. */
const BROKER_TROUBLE = 'BrokerTrouble'

/** By error name, for kafkajs errors without a code. Names of mere wrappers are not listed. */
const verdictOfName: Readonly<Record<string, KafkaVerdict>> = {
  KafkaJSServerDoesNotSupportApiKey: 'publish.refused',
  KafkaJSConnectionError: 'publish.unreachable',
  KafkaJSConnectionClosedError: 'publish.unreachable',
  KafkaJSRequestTimeoutError: 'publish.unreachable',
  KafkaJSBrokerNotFound: 'publish.unreachable',
  KafkaJSNoBrokerAvailableError: 'publish.unreachable',
  KafkaJSGroupCoordinatorNotFound: 'publish.unreachable',
  KafkaJSLockTimeout: 'publish.unreachable',
  TimeoutError: 'publish.unreachable', // our own limit, see withinCommitLimit
  [BROKER_TROUBLE]: 'publish.unreachable',
  TypeError: 'bug',
  RangeError: 'bug',
  ReferenceError: 'bug',
  AssertionError: 'bug',
}

interface KafkaError {
  readonly name: string
  readonly type: string | undefined
  readonly code: number | string | undefined
  /** `host:port` of the broker that answered with it or could not be reached. */
  readonly broker: string | undefined
  /** What the sockets have seen, see `explained`. */
  readonly seen: string | undefined
}

/** The error that determines the verdict: the outermost with a Kafka error code, otherwise with a listed name. */
function decisiveError(error: unknown): KafkaError | undefined {
  const chain = causesOf(error)
  return (
    chain.find(({ code }) => typeof code === 'number') ?? chain.find(({ name }) => verdictOfName[name] !== undefined)
  )
}

const address = /^[\w.-]+:\d+$/

function causesOf(error: unknown, depth = 0): KafkaError[] {
  if (!(error instanceof Error) || depth > 5) return []
  const { type, code, errors, broker }: Partial<Record<'type' | 'code' | 'errors' | 'broker', unknown>> & Error = error
  // A number in the `code` of other errors, such as a DOMException, is not Kafka's.
  const isCode = typeof code === 'string' || (typeof code === 'number' && isKafkaError(error))
  const own = {
    name: error.name,
    type: typeof type === 'string' ? type : undefined,
    code: isCode ? code : undefined,
    broker: typeof broker === 'string' && address.test(broker) ? broker : undefined,
    seen: error.name === BROKER_TROUBLE ? error.message : undefined,
  }
  const inner = Array.isArray(errors) ? errors : [error.cause] // createTopics reports its causes in `errors`
  return [own, ...inner.flatMap((cause) => causesOf(cause, depth + 1))]
}

/** Classifies by `code` and `name` in the chain of causes, never by message text. */
export function classifyKafkaError(error: unknown): KafkaVerdict {
  const decisive = decisiveError(error)
  if (decisive === undefined && isBare(error)) return 'publish.unreachable'
  if (decisive === undefined) return isKafkaError(error) ? 'publish.failed' : 'bug'
  if (typeof decisive.code === 'number') return verdictOfCode[decisive.code] ?? 'publish.failed'
  return verdictOfName[decisive.name] ?? 'publish.failed'
}

const isKafkaError = (error: unknown) => error instanceof Error && error.name.startsWith('KafkaJS')

/** kafkajs throws a plain `Error` if a broker's connection closes between two steps. */
const isBare = (error: unknown) => error instanceof Error && error.name === 'Error'

/** Whether Kafka answered with one of these error codes. */
export const hasKafkaCode = (error: unknown, ...codes: readonly number[]): boolean =>
  codes.some((code) => decisiveError(error)?.code === code)

/** The ACLs that an operation needs, by the error code of a missing one: `{ 29: 'WRITE on topic x' }`. */
export type NeededAcls = Readonly<Record<number, string>>

/** Whether a broker answered with an error code. */
export const isAnswered = (error: unknown): boolean => typeof decisiveError(error)?.code === 'number'

/**
 * The error together with what the sockets of its client have seen, if it means that no broker could be used. `trouble`
 * names brokers and causes.
 */
export function explained(error: unknown, { trouble }: { trouble(): string | undefined }): unknown {
  const verdict = classifyKafkaError(error)
  const isSilent = verdict === 'publish.unreachable' || verdict === 'publish.failed'
  if (error instanceof ConnectorError || !isSilent || isAnswered(error)) return error
  const seen = trouble()
  return seen === undefined ? error : Object.assign(new Error(seen, { cause: error }), { name: BROKER_TROUBLE })
}

/** What to do about an answer that concerns the login. */
const loginCures: Readonly<Record<number, string>> = {
  [KafkaCode.SASL_AUTHENTICATION_FAILED]: ': check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD',
  [KafkaCode.UNSUPPORTED_SASL_MECHANISM]: ': set another KAFKA_SASL_MECHANISM',
  [KafkaCode.ILLEGAL_SASL_STATE]: ': unset KAFKA_SASL_MECHANISM, or use the port of its SASL listener',
}

/** A `ConnectorError` in the chain of causes, such as that of a token endpoint. */
function codedError(error: unknown): ConnectorError | undefined {
  if (error instanceof ConnectorError) return error
  return error instanceof Error && error.cause instanceof Error ? codedError(error.cause) : undefined
}

/** Returns the coded error for a failed operation, naming the missing ACL. Returns a `ConnectorError` unchanged. */
export function publishError(operation: string, error: unknown, needs: NeededAcls = {}): ConnectorError {
  const coded = codedError(error)
  if (coded !== undefined) return coded
  const decisive = decisiveError(error)
  const retryAfterMs = decisive?.code === KafkaCode.SASL_AUTHENTICATION_FAILED ? LOOK_AGAIN_MS : undefined
  const message = `${operation}: ${decisive?.seen ?? reasonOf(error, decisive, needs)}`
  const cause = decisive?.seen !== undefined && error instanceof Error ? error.cause : error
  return new ConnectorError(classifyKafkaError(error), message, { cause, retryAfterMs })
}

function reasonOf(error: unknown, decisive: KafkaError | undefined, needs: NeededAcls): string {
  const unnamed = isBare(error) ? 'not connected' : 'error'
  const answer = [decisive?.type ?? decisive?.name ?? unnamed, decisive?.code].filter((part) => part !== undefined)
  const broker = causesOf(error).find((one) => one.broker !== undefined)?.broker
  const from = broker === undefined ? '' : ` from ${broker}`
  if (typeof decisive?.code !== 'number') return `${answer.join(' ')}${from}`
  const need = needs[decisive.code]
  const missing = need === undefined ? '' : `: the ACL ${need} is missing`
  return `${answer.join(' ')}${from}${loginCures[decisive.code] ?? missing}`
}
