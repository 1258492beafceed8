import { getSystemErrorMap } from 'node:util'

/** Node's own codes that are neither in the system's list nor prefixed. */
const otherCodes = ['ENOTFOUND', 'ESERVFAIL', 'EREFUSED', 'ETIMEOUT', 'INVALID_CA', 'HOSTNAME_MISMATCH', 'EPROTO']
const systemCodes: ReadonlySet<unknown> = new Set([
  ...[...getSystemErrorMap().values()].map(([name]) => name),
  ...otherCodes,
])
const prefixedCode = /^(?:ERR|UND_ERR|HPE|CERT|UNABLE_TO|DEPTH_ZERO|SELF_SIGNED|CRL|SSL)(?:_[A-Z0-9]+){1,8}$/
const errorName = /^[A-Za-z][A-Za-z0-9]{0,59}(?:Error|Exception)$/
const kafkaName = /^KafkaJS[A-Za-z]+$/
/** Kafka's names of errors have several words. */
export const kafkaType = /^[A-Z]+(?:_[A-Z0-9]+){1,8}$/

/**
 * What is known of an error that somebody else made: the name of its kind, its code and its HTTP status, each only if it has the form
 * of one. Invariant 8: never its message nor any other property, which may hold what the server or the client said.
 */
export function foreignError(error: unknown): string {
  if (typeof error !== 'object' || error === null) return `thrown ${typeof error}`
  const name = nameOf(error)
  const facts = [name, ...(kafkaName.test(name) ? kafkaFacts(error) : []), ...codeFacts(error), ...statusFacts(error)]
  return facts.join(' ')
}

function nameOf(error: object): string {
  const names = [property(error, 'name'), property(property(error, 'constructor'), 'name')]
  return names.find((name): name is string => typeof name === 'string' && isErrorName(name)) ?? 'Error'
}

function isErrorName(name: string): boolean {
  return errorName.test(name) || kafkaName.test(name)
}

function kafkaFacts(error: object): string[] {
  const [type, code] = [property(error, 'type'), property(error, 'code')]
  return [
    ...(typeof type === 'string' && kafkaType.test(type) ? [type] : []),
    ...(isWithin(code, -1000, 1000) ? [String(code)] : []),
  ]
}

function codeFacts(error: object): string[] {
  const code = property(error, 'code')
  return isSystemCode(code) ? [code] : []
}

/** Whether it is a code of Node, OpenSSL, llhttp or undici. */
export function isSystemCode(code: unknown): code is string {
  return typeof code === 'string' && (systemCodes.has(code) || prefixedCode.test(code))
}

function statusFacts(error: object): string[] {
  const status = [property(property(error, '$metadata'), 'httpStatusCode'), property(error, 'statusCode')].find(
    (found) => isWithin(found, 100, 599),
  )
  return status === undefined ? [] : [`status ${status}`]
}

function isWithin(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}

/** Reads a property of anything; a getter that throws has none. */
export function property(value: unknown, name: string): unknown {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return undefined
  try {
    return (value as Record<string, unknown>)[name]
  } catch {
    return undefined
  }
}
