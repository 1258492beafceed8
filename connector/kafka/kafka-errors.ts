import { ConnectorError } from '../runtime/connector-error.ts'

/**
 * Says what an error means for a stream, and what to check. A row is found by the name of Kafka's error, or else by the
 * error code of Node or OpenSSL, or else by the name of the error. The first match applies; any other error of Kafka is
 * transient.
 */
const meanings: readonly (readonly [RegExp, Verdict, cure?: string])[] = [
  [/^UNKNOWN_TOPIC_OR_PARTITION$/, 'publish.topic-missing'], // kafkajs has retried before
  [/_AUTHORIZATION_FAILED$/, 'publish.unauthorized'],
  [/^SASL_AUTHENTICATION_FAILED$/, 'publish.unauthorized', 'check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD'],
  [/^UNSUPPORTED_SASL_MECHANISM$/, 'publish.unauthorized', 'set another KAFKA_SASL_MECHANISM'],
  [/^ILLEGAL_SASL_STATE$/, 'publish.failed', 'unset KAFKA_SASL_MECHANISM, or use the port of its SASL listener'],
  // Fenced by another producer, or our transaction timed out. kafkajs does not know the name of PRODUCER_FENCED (90).
  [/^(?:INVALID_PRODUCER_EPOCH|INVALID_TXN_STATE|KAFKAJS_UNKNOWN_ERROR_CODE)$/, 'publish.fenced'],
  [/_TOO_LARGE$|^UNSUPPORTED_|^POLICY_VIOLATION$/, 'publish.refused'],
  [/^INVALID_(?:TOPIC_EXCEPTION|PARTITIONS|REPLICATION_FACTOR|REPLICA_ASSIGNMENT)$/, 'publish.refused'],
  [/^INVALID_(?:CONFIG|REQUEST|TRANSACTION_TIMEOUT|RECORD)$/, 'publish.refused'],
  [/^INVALID_TIMESTAMP$/, 'publish.failed', 'compare the clocks of this machine and the brokers'],

  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, 'publish.failed', 'use a name of the certificate, also in advertised.listeners'],
  [/^CERT_HAS_EXPIRED$/, 'publish.failed', 'renew the certificate of the broker'],
  [/^(?:CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/, 'publish.failed', 'set KAFKA_SSL_CA'],
  [/^ERR_SSL_(?:WRONG_VERSION|PACKET_LENGTH|RECORD_LENGTH)/, 'publish.failed', 'unset KAFKA_SSL, or use its TLS port'],
  [/^ERR_SSL_/, 'publish.failed', 'check KAFKA_SSL_CERT and KAFKA_SSL_KEY, and its TLS versions'],
  [/^(?:ECONNRESET|KafkaJSConnectionClosedError)$/, 'publish.failed', 'check KAFKA_SSL and KAFKA_SASL_MECHANISM'],
  [/^(?:ENOTFOUND|EAI_AGAIN)$/, 'publish.failed', 'check the host name and the DNS'],
  [
    /^(?:E[A-Z]+|KafkaJS(?:Connection|RequestTimeout)Error|not connected)$/,
    'publish.failed',
    'check host, port and TLS',
  ],
  [
    /^KafkaJSServerDoesNotSupportApiKey$/,
    'publish.failed',
    "this port is a controller's, not a broker's: correct KAFKA_BROKERS; or Kafka is older than 2.8",
  ],
  [/^NOT_ENOUGH_REPLICAS/, 'publish.failed', 'too few replicas are in sync: check the brokers and min.insync.replicas'],
  [/^TimeoutError$/, 'publish.failed', 'no answer in time: check the brokers and the network'], // it comes from withinTransactionLimit
  [/^(?:Type|Range|Reference|Assertion)Error$/, 'bug'],
]

/** What to check, or what an error means, where its row does not say it. */
const cures = {
  'publish.failed': 'check whether all brokers run, and their logs',
  'publish.refused': 'check the settings of the topics and of the brokers',
  'publish.unauthorized': 'check the account and its ACLs',
  'publish.fenced': 'another process opened the stream, or the transaction took too long',
  'publish.topic-missing': 'the topic does not exist',
  bug: 'this is a defect of the connector',
} as const

type Verdict = keyof typeof cures

/** An error in a chain of causes. */
interface Cause {
  readonly error: Error
  /** The name of Kafka's error, if a broker answered with one. */
  readonly type: string | undefined
  readonly name: string
  /** The error code of Kafka, Node or OpenSSL. */
  readonly code: number | string | undefined
  /** `host:port` of the broker that answered with it or could not be reached. */
  readonly broker: string | undefined
}

const address = /^[\w.-]+:\d+$/

function causesOf(error: unknown, depth = 0): Cause[] {
  if (!(error instanceof Error) || depth > 5) return []
  const fields: Partial<Record<'type' | 'code' | 'errors' | 'broker' | 'host' | 'port', unknown>> & Error = error
  const { type, code, errors, host, port, broker = `${host}:${port}` } = fields
  // A number in the `code` of other errors, such as a DOMException, is not Kafka's.
  const isCode = typeof code === 'string' || (typeof code === 'number' && isKafkaError(error))
  const own = {
    error,
    // kafkajs throws it for a broker that never answered, or whose connection has closed. It has nothing but a message.
    name: error.message === 'Broker not connected' ? 'not connected' : error.name,
    type: typeof type === 'string' && isKafkaError(error) ? type : undefined,
    code: isCode ? code : undefined,
    broker: typeof broker === 'string' && address.test(broker) ? broker : undefined,
  }
  const inner = Array.isArray(errors) ? errors : [error.cause] // createTopics reports its causes in `errors`
  return [own, ...inner.flatMap((cause) => causesOf(cause, depth + 1))]
}

const isKafkaError = (error: unknown) => error instanceof Error && error.name.startsWith('KafkaJS')

const meaningOf = ({ type, code, name }: Cause) =>
  meanings.find(([pattern]) => [type, code, name].some((key) => typeof key === 'string' && pattern.test(key)))

/** Returns the outermost answer of a broker, or else the outermost error with a row of its own. */
const decisiveCause = (chain: readonly Cause[]): Cause | undefined =>
  chain.find(({ type }) => type !== undefined) ?? chain.find((cause) => meaningOf(cause) !== undefined)

/** Whether a broker answered with this error, by Kafka's name. */
export const hasKafkaError = (error: unknown, type: string): boolean => decisiveCause(causesOf(error))?.type === type

/** The ACLs that an operation needs, by the error of a missing one. */
export type NeededAcls = Readonly<
  Partial<Record<`${'TOPIC' | 'GROUP' | 'CLUSTER' | 'TRANSACTIONAL_ID'}_AUTHORIZATION_FAILED`, string>>
>

/**
 * Makes the coded error of a failed operation, naming the broker, the missing ACL and what to check. A plain `Error` is
 * a defect. A `ConnectorError` stays as it is, also one among the causes, such as that of a token endpoint. `fence`:
 * what it means that the producer was fenced.
 */
const errorMaker =
  (fence: 'publish.failed' | 'publish.fenced') =>
  (operation: string, error: unknown, needs: NeededAcls = {}): ConnectorError => {
    const chain = causesOf(error)
    const coded = chain.map((one) => one.error).find((one) => one instanceof ConnectorError)
    if (coded !== undefined) return coded
    const cause = decisiveCause(chain) ?? chain[0]
    if (cause === undefined) return new ConnectorError('bug', `${operation}: ${cures.bug}`, { cause: error })
    const { type, name, code } = cause
    const [, found = isKafkaError(cause.error) ? 'publish.failed' : 'bug', hint = undefined] = meaningOf(cause) ?? []
    const verdict = found === 'publish.fenced' ? fence : found
    const broker = chain.find((one) => one.broker !== undefined)?.broker
    const need = Object.entries(needs).find(([missing]) => missing === type)?.[1]
    const cure = need === undefined ? (hint ?? cures[verdict]) : `the ACL ${need} is missing`
    const reason = [type ?? name, code, broker && `from ${broker}`].filter((part) => part !== undefined).join(' ')
    return new ConnectorError(verdict, `${operation}: ${reason}: ${cure}`, { cause: error })
  }

/** Returns the error of an operation within a transaction. */
export const transactionError = errorMaker('publish.fenced')

/** Returns the error of any other operation: there, an unknown error code is no fence. */
export const publishError = errorMaker('publish.failed')
