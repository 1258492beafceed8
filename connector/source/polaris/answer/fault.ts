import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { ErrorCode } from '../../../runtime/error-catalogue.ts'
import type { AnswerNode } from '../decode/answer-node.ts'
import { type ServerMessage, textsOf } from './server-message.ts'

/** A .NET type, such as `System.TimeoutException`. Every repetition is limited, so that the search is linear. */
const TYPE = String.raw`(?:[A-Z]\w{0,60}\.){1,8}[A-Z]\w{0,60}Exception`
const typeOnLine = new RegExp(`^[ \\t]{0,9}${TYPE}[ \\t]{0,9}$`, 'm')
const typeInText = new RegExp(String.raw`(?:---> {0,3}|\b)(${TYPE})\b`, 'g')

/** The codes of SOAP, and those of a subsystem in CamelCase. A name of a person is neither. */
const faultCode =
  /^(?:[A-Za-z]\w{0,15}:)?(?:Client|Server|Sender|Receiver|VersionMismatch|MustUnderstand|(?:[A-Z][a-z]{1,30}){2,6})$/

/** What a fault is about. `session`: there is none, or it has expired. `server`: its inside, such as its database. */
type FaultKind = 'timeout' | 'server' | 'forbidden' | 'session'

interface Fault {
  /** The type of the exception, or else the code of a SOAP fault. Invariant 8: never other text. */
  readonly name: string
  /** Undefined: servers use it for any cause. */
  readonly kind: FaultKind | undefined
}

/** The first match applies. */
const faultKinds: readonly (readonly [name: RegExp, kind: FaultKind])[] = [
  [/TimeoutException$/, 'timeout'],
  [/\.(?:Sql|Db|Odbc|OleDb|Oracle|IO|Socket|OutOfMemory|ServerTooBusy|EndpointNotFound)Exception$/, 'server'],
  [/\.SecurityAccessDeniedException$/, 'forbidden'],
  [/(?:Authentication|InvalidCredential|MessageSecurity|Session\w{0,40})Exception$/, 'session'],
  [/(?:^|:)(?:FailedAuthentication|InvalidSecurity|InvalidSecurityToken|SecurityTokenExpired)$/, 'session'],
]

/** The fault that a response names; undefined if there is none. */
export function faultIn({ root, text }: ServerMessage): Fault | undefined {
  const name = exceptionType(text) ?? (root && codeOfFault(root))
  return name === undefined ? undefined : { name, kind: faultKinds.find(([pattern]) => pattern.test(name))?.[1] }
}

const codes: Readonly<Partial<Record<FaultKind, ErrorCode>>> = {
  timeout: 'source.timeout',
  server: 'source.server-error',
}

/** The error with the name of the fault, which decides its code where the fault is clear. */
export function withFault(error: ConnectorError, fault: Fault | undefined): ConnectorError {
  if (fault === undefined) return error
  const code = (mayDecide.has(error.code) && fault.kind !== undefined && codes[fault.kind]) || error.code
  return new ConnectorError(code, `${error.message}: ${fault.name}`, { retryAfterMs: error.retryAfterMs })
}

/** Other errors say more than a fault. */
const mayDecide: ReadonlySet<ErrorCode> = new Set([
  'source.server-error',
  'source.error-document',
  'source.answer-not-a-page',
])

/** The innermost exception: in WCF's details its type comes first, in a text it follows the last arrow. */
function exceptionType(text: string): string | undefined {
  const [line] = typeOnLine.exec(text) ?? []
  if (line !== undefined) return line.trim()
  const found = [...text.matchAll(typeInText)]
  return (found.findLast(([whole]) => whole.startsWith('--->')) ?? found[0])?.[1]
}

const SOAP_LEVELS = 3

/** `faultcode` in SOAP 1.1, the innermost `Value` of `Code` in SOAP 1.2. */
function codeOfFault(root: AnswerNode): string | undefined {
  const fault = firstNamed([root], 'fault', SOAP_LEVELS)
  const code = fault?.children.find(({ name }) => name === 'faultcode' || name === 'Code')
  return (
    code &&
    textsOf(code)
      .findLast((value) => faultCode.test(value.trim()))
      ?.trim()
  )
}

function firstNamed(nodes: readonly AnswerNode[], name: string, levels: number): AnswerNode | undefined {
  const here = nodes.find((node) => node.name.toLowerCase() === name)
  if (here !== undefined || levels === 0 || nodes.length === 0) return here
  return firstNamed(
    nodes.flatMap((node) => node.children),
    name,
    levels - 1,
  )
}
