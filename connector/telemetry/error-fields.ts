import { getSystemErrorMap } from 'node:util'
import { ConnectorError, codeOf } from '../runtime/connector-error.ts'
import { type ErrorCode, hintOf } from '../runtime/error-catalogue.ts'

const mostCauses = 10

/** What log lines and endpoints show of an error. */
export type Failure = {
  readonly code: ErrorCode
  readonly error: string
  readonly hint: string
  readonly causes?: readonly string[]
  /** The stack frames of a defect. */
  readonly stack?: readonly string[]
}

/** Returns what is shown of an error. Invariant 8: of a foreign error, only its name, codes and stack frames. */
export function toLogFields(error: unknown): Failure {
  const code = codeOf(error)
  const causes = causesOf(error)
  return {
    code,
    error: describe(error),
    hint: hintOf(code, 'run'),
    ...(causes.length > 0 ? { causes: causes.map(describe) } : {}),
    ...(code === 'bug' ? { stack: stackFrames(causes.findLast((cause) => cause instanceof Error) ?? error) } : {}),
  }
}

function describe(error: unknown) {
  return error instanceof ConnectorError ? `${error.code}: ${error.message}` : foreignError(error)
}

/**
 * Returns all causes of an error, the nearest first and each once: `cause`, the parts of an AggregateError, suppressed
 * errors.
 */
function causesOf(error: unknown): unknown[] {
  const found = new Set<unknown>([error])
  for (const one of found) {
    if (found.size > mostCauses) break
    for (const cause of nearestCauses(one)) found.add(cause)
  }
  found.delete(error)
  return [...found].slice(0, mostCauses)
}

function nearestCauses(error: unknown): unknown[] {
  const errors = property(error, 'errors')
  const parts = Array.isArray(errors) ? errors.slice(0, mostCauses) : []
  const causes = [property(error, 'cause'), ...parts, property(error, 'error'), property(error, 'suppressed')]
  return causes.filter((cause) => cause instanceof Error)
}

/** Node has these codes, too, which are neither in the system error map nor prefixed. */
const otherCodes = ['ENOTFOUND', 'ESERVFAIL', 'EREFUSED', 'ETIMEOUT', 'INVALID_CA', 'HOSTNAME_MISMATCH', 'EPROTO']
const systemCodes: ReadonlySet<unknown> = new Set([
  ...[...getSystemErrorMap().values()].map(([name]) => name),
  ...otherCodes,
])
const prefixedCode = /^(?:ERR|UND_ERR|HPE|CERT|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|CRL|SSL)(?:_[A-Z0-9]+){1,8}$/
const errorName = /^[A-Za-z][A-Za-z0-9]{0,59}(?:Error|Exception)$/
const kafkaName = /^KafkaJS[A-Za-z]+$/
/** The name of a Kafka protocol error: at least two words. */
const kafkaType = /^[A-Z]+(?:_[A-Z0-9]+){1,8}$/

/**
 * Returns name, code and HTTP status of an error from a library or from Node, each only if it matches the expected
 * format. Invariant 8: never its message or another property, which may contain data of the server or the client.
 */
function foreignError(error: unknown) {
  if (typeof error !== 'object' || error === null) return `thrown ${typeof error}`
  const name = [property(error, 'name'), property(property(error, 'constructor'), 'name')].find(isErrorName) ?? 'Error'
  const type = property(error, 'type')
  const code = property(error, 'code')
  const status = property(property(error, '$metadata'), 'httpStatusCode') ?? property(error, 'statusCode')
  const isKafka = kafkaName.test(name)
  const facts = [
    name,
    isKafka && typeof type === 'string' && kafkaType.test(type) && type,
    isKafka && isWithin(code, -1000, 1000) && code,
    isSystemCode(code) && code,
    isWithin(status, 100, 599) && `status ${status}`,
  ]
  return facts.filter((fact) => fact !== false).join(' ')
}

const isErrorName = (name: unknown): name is string =>
  typeof name === 'string' && (errorName.test(name) || kafkaName.test(name))

/** Whether `code` is an error code of Node, OpenSSL or llhttp. */
function isSystemCode(code: unknown): code is string {
  return typeof code === 'string' && (systemCodes.has(code) || prefixedCode.test(code))
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}

/** Returns a property of any value; undefined if it is missing or its getter throws. */
function property(value: unknown, name: string): unknown {
  try {
    return Object(value)[name]
  } catch {
    return undefined
  }
}

const mostFrames = 20
const frame = /^ {4}at (?:.*\()?(?:file:\/\/)?((?:node:|\/)[\w./@+-]+:\d+:\d+)\)?$/
const root = /^.*\/(?=(?:dist|connector|node_modules|test)\/)/

/** Returns `file:line:column` of each stack frame, the innermost first, and no part of the message. */
function stackFrames(error: unknown) {
  const stack = property(error, 'stack')
  if (typeof stack !== 'string') return []
  const lines = withoutMessage(stack, property(error, 'message')).split('\n')
  const first = lines.findLastIndex((line) => !frame.test(line) && !line.startsWith('    at ')) + 1
  return lines.slice(first).flatMap(location).slice(0, mostFrames)
}

/** Cuts the message off, with which `stack` starts: its lines may look like frames. */
function withoutMessage(stack: string, message: unknown) {
  if (typeof message !== 'string' || message === '') return stack
  const at = stack.indexOf(message)
  return at === -1 ? stack : stack.slice(at + message.length)
}

function location(line: string) {
  const path = frame.exec(line)?.[1]
  if (path === undefined) return []
  return path.startsWith('node:') || root.test(path) ? [path.replace(root, '')] : []
}

/**
 * Returns one line about an unexpected error: name, code and location. Invariant 8: not its message, which may contain
 * data.
 */
export function defectLine(error: unknown): string {
  const [innermost] = stackFrames(error)
  const at = innermost === undefined ? '' : ` at ${innermost}`
  return `unexpected ${foreignError(error)}${at}; this is a defect of the connector`
}
