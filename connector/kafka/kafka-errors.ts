import { ConnectorError } from '../runtime/connector-error.ts'
import { LOOK_AGAIN_MS } from '../runtime/refused-accounts.ts'

/** What a kafkajs error means for a stream; `bug` for errors that do not come from Kafka. */
type KafkaVerdict =
  | 'publish.failed'
  | 'publish.fenced'
  | 'publish.refused'
  | 'publish.unauthorized'
  | 'publish.topic-missing'
  | 'publish.unreachable'
  | 'bug'

/** The Kafka error codes that the connector distinguishes, by their Kafka names, and what they mean. */
const table = {
  UNKNOWN_TOPIC_OR_PARTITION: [3, 'publish.topic-missing'], // after all retries
  LEADER_NOT_AVAILABLE: [5, 'publish.failed'],
  NOT_LEADER_OR_FOLLOWER: [6, 'publish.failed'],
  MESSAGE_TOO_LARGE: [10, 'publish.refused'],
  OFFSET_METADATA_TOO_LARGE: [12, 'publish.refused'],
  INVALID_TOPIC_EXCEPTION: [17, 'publish.refused'],
  RECORD_LIST_TOO_LARGE: [18, 'publish.refused'],
  TOPIC_AUTHORIZATION_FAILED: [29, 'publish.unauthorized'],
  GROUP_AUTHORIZATION_FAILED: [30, 'publish.unauthorized'],
  CLUSTER_AUTHORIZATION_FAILED: [31, 'publish.unauthorized'],
  INVALID_TIMESTAMP: [32, 'publish.failed'],
  UNSUPPORTED_SASL_MECHANISM: [33, 'publish.unauthorized'],
  ILLEGAL_SASL_STATE: [34, 'publish.failed'],
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
  SASL_AUTHENTICATION_FAILED: [58, 'publish.unauthorized'],
  UNSUPPORTED_COMPRESSION_TYPE: [76, 'publish.refused'],
  INVALID_RECORD: [87, 'publish.refused'],
  UNSTABLE_OFFSET_COMMIT: [88, 'publish.failed'],
  PRODUCER_FENCED: [90, 'publish.fenced'],
} as const satisfies Readonly<Record<string, readonly [code: number, verdict: KafkaVerdict]>>

/** The codes by their names. */
export const KafkaCode = Object.fromEntries(Object.entries(table).map(([name, [code]]) => [name, code])) as Readonly<
  Record<keyof typeof table, number>
>

/** kafkajs knows codes up to 88 and reports others as -99, so this may be PRODUCER_FENCED. */
const UNKNOWN_TO_KAFKAJS = -99

/** By Kafka error code. Codes that are not listed are transient: `publish.failed`. */
const verdictOfCode = new Map<number, KafkaVerdict>([...Object.values(table), [UNKNOWN_TO_KAFKAJS, 'publish.fenced']])

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

/** Classifies by `code` and `name` in the chain of causes. A plain `Error` is a defect, unless `isDisconnected`. */
export function classifyKafkaError(error: unknown): KafkaVerdict {
  const decisive = decisiveError(error)
  if (decisive === undefined && isDisconnected(error)) return 'publish.unreachable'
  if (decisive === undefined) return isKafkaError(error) ? 'publish.failed' : 'bug'
  if (typeof decisive.code === 'number') return verdictOfCode.get(decisive.code) ?? 'publish.failed'
  return verdictOfName[decisive.name] ?? 'publish.failed'
}

const isKafkaError = (error: unknown) => error instanceof Error && error.name.startsWith('KafkaJS')

/**
 * An error of Node's network calls, or the only plain `Error` that kafkajs throws when a broker's connection closes
 * between two steps. It has nothing but a message.
 */
const isDisconnected = (error: unknown) =>
  error instanceof Error && ('syscall' in error || error.message === 'Broker not connected')

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

/** What to do about an answer, by its code. */
const cures: Readonly<Record<number, string>> = {
  [KafkaCode.INVALID_TIMESTAMP]: ': compare the clocks of this machine and the brokers',
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
  const unnamed = isDisconnected(error) ? 'not connected' : 'error'
  const answer = [decisive?.type ?? decisive?.name ?? unnamed, decisive?.code].filter((part) => part !== undefined)
  const broker = causesOf(error).find((one) => one.broker !== undefined)?.broker
  const from = broker === undefined ? '' : ` from ${broker}`
  if (typeof decisive?.code !== 'number') return `${answer.join(' ')}${from}`
  const need = needs[decisive.code]
  const missing = need === undefined ? '' : `: the ACL ${need} is missing`
  return `${answer.join(' ')}${from}${cures[decisive.code] ?? missing}`
}
