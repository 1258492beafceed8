import { ConnectorError } from '../runtime/connector-error.ts'

/** What an error of kafkajs means for a stream; `bug` is anything that is not Kafka's. */
export type KafkaVerdict =
  | 'publish.failed'
  | 'publish.fenced'
  | 'publish.refused'
  | 'publish.unauthorized'
  | 'publish.topic-missing'
  | 'publish.unreachable'
  | 'bug'

/** By Kafka's error code. Codes that are not listed are transient: `publish.failed`. */
const verdictOfCode: Readonly<Record<number, KafkaVerdict>> = {
  3: 'publish.topic-missing', // UNKNOWN_TOPIC_OR_PARTITION, after all retries
  10: 'publish.refused', // MESSAGE_TOO_LARGE
  12: 'publish.refused', // OFFSET_METADATA_TOO_LARGE
  17: 'publish.refused', // INVALID_TOPIC_EXCEPTION
  18: 'publish.refused', // RECORD_LIST_TOO_LARGE
  29: 'publish.unauthorized', // TOPIC_AUTHORIZATION_FAILED
  30: 'publish.unauthorized', // GROUP_AUTHORIZATION_FAILED
  31: 'publish.unauthorized', // CLUSTER_AUTHORIZATION_FAILED
  32: 'publish.refused', // INVALID_TIMESTAMP
  33: 'publish.unauthorized', // UNSUPPORTED_SASL_MECHANISM
  35: 'publish.refused', // UNSUPPORTED_VERSION
  37: 'publish.refused', // INVALID_PARTITIONS
  38: 'publish.refused', // INVALID_REPLICATION_FACTOR
  39: 'publish.refused', // INVALID_REPLICA_ASSIGNMENT
  40: 'publish.refused', // INVALID_CONFIG
  42: 'publish.refused', // INVALID_REQUEST
  43: 'publish.refused', // UNSUPPORTED_FOR_MESSAGE_FORMAT
  44: 'publish.refused', // POLICY_VIOLATION
  47: 'publish.fenced', // INVALID_PRODUCER_EPOCH: taken over, or our transaction timed out
  48: 'publish.fenced', // INVALID_TXN_STATE
  49: 'publish.fenced', // INVALID_PRODUCER_ID_MAPPING
  50: 'publish.refused', // INVALID_TRANSACTION_TIMEOUT
  53: 'publish.unauthorized', // TRANSACTIONAL_ID_AUTHORIZATION_FAILED
  58: 'publish.unauthorized', // SASL_AUTHENTICATION_FAILED
  76: 'publish.refused', // UNSUPPORTED_COMPRESSION_TYPE
  87: 'publish.refused', // INVALID_RECORD
  90: 'publish.fenced', // PRODUCER_FENCED
  [-99]: 'publish.fenced', // newer than the table of kafkajs, which ends at 88
}

/** By the name of a kafkajs error that has no code; the names of mere wrappers are not here. */
const verdictOfName: Readonly<Record<string, KafkaVerdict>> = {
  KafkaJSSASLAuthenticationError: 'publish.unauthorized',
  KafkaJSServerDoesNotSupportApiKey: 'publish.refused',
  KafkaJSConnectionError: 'publish.unreachable',
  KafkaJSConnectionClosedError: 'publish.unreachable',
  KafkaJSRequestTimeoutError: 'publish.unreachable',
  KafkaJSBrokerNotFound: 'publish.unreachable',
  KafkaJSNoBrokerAvailableError: 'publish.unreachable',
  KafkaJSGroupCoordinatorNotFound: 'publish.unreachable',
  KafkaJSLockTimeout: 'publish.unreachable',
  TimeoutError: 'publish.unreachable', // our own limit of an opening
  TypeError: 'bug',
  RangeError: 'bug',
  ReferenceError: 'bug',
  AssertionError: 'bug',
}

interface KafkaError {
  readonly name: string
  readonly type: string | undefined
  readonly code: number | string | undefined
}

/** The error in the chain of causes that decides: the outermost with a code of Kafka's, else with a name that is listed. */
function decisiveError(error: unknown): KafkaError | undefined {
  const chain = causesOf(error)
  return (
    chain.find(({ code }) => typeof code === 'number') ?? chain.find(({ name }) => verdictOfName[name] !== undefined)
  )
}

function causesOf(error: unknown, depth = 0): KafkaError[] {
  if (!(error instanceof Error) || depth > 5) return []
  const { type, code, errors }: { type?: unknown; code?: unknown; errors?: unknown } & Error = error
  // DOMException has numbers of its own in `code`.
  const isCode = typeof code === 'string' || (typeof code === 'number' && isKafkaError(error))
  const own = { name: error.name, type: typeof type === 'string' ? type : undefined, code: isCode ? code : undefined }
  const inner = Array.isArray(errors) ? errors : [error.cause] // createTopics hides its reasons in `errors`
  return [own, ...inner.flatMap((cause) => causesOf(cause, depth + 1))]
}

/** Judges by `code` and `name` along the causes, never by message text. */
export function classifyKafkaError(error: unknown): KafkaVerdict {
  const decisive = decisiveError(error)
  if (decisive === undefined && isBare(error)) return 'publish.unreachable'
  if (decisive === undefined) return isKafkaError(error) ? 'publish.failed' : 'bug'
  if (typeof decisive.code === 'number') return verdictOfCode[decisive.code] ?? 'publish.failed'
  return verdictOfName[decisive.name] ?? 'publish.failed'
}

const isKafkaError = (error: unknown) => error instanceof Error && error.name.startsWith('KafkaJS')

/** kafkajs throws bare errors for a broker whose connection went away between two steps. */
const isBare = (error: unknown) => error instanceof Error && error.name === 'Error'

/** Whether Kafka answered with this error code. */
export const hasKafkaCode = (error: unknown, code: number): boolean => decisiveError(error)?.code === code

/** What Kafka needs for an operation, by the error code that its lack causes: `{ 29: 'WRITE on topic x' }`. */
export type NeededAcls = Readonly<Record<number, string>>

/** The coded error for a failed operation; names the ACL that is missing. One that is coded already stays as it is. */
export function publishError(operation: string, error: unknown, needs: NeededAcls = {}): ConnectorError {
  if (error instanceof ConnectorError) return error
  const decisive = decisiveError(error)
  const unnamed = isBare(error) ? 'not connected' : 'error'
  const reason = [decisive?.type ?? decisive?.name ?? unnamed, decisive?.code].filter((part) => part !== undefined)
  const need = typeof decisive?.code === 'number' ? needs[decisive.code] : undefined
  const missing = need === undefined ? '' : `: the ACL ${need} is missing`
  return new ConnectorError(classifyKafkaError(error), `${operation}: ${reason.join(' ')}${missing}`, { cause: error })
}
