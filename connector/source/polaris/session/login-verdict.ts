import { assertNever } from '../../../runtime/assert-never.ts'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { ErrorCode } from '../../../runtime/error-catalogue.ts'
import { describe, statusError, unauthorized } from '../answer/answer-verdict.ts'
import { faultIn, withFault } from '../answer/fault.ts'
import {
  isHtml,
  isLoginPage,
  mentionsPassword,
  type ServerMessage,
  saysWrongCredentials,
  serverMessage,
} from '../answer/server-message.ts'
import type { AnswerNode } from '../decode/answer-node.ts'
import { reportedError } from '../decode/page/reported-error.ts'
import type { HttpAnswer } from '../http/http-caller.ts'
import type { TokenConfig } from '../polaris-config.ts'

export interface LoggedIn {
  readonly token: string | undefined
}

/**
 * What the response to a login means. `refused`: the server says that user or password are wrong. `doubtful`: the
 * login failed for another reason, but may also have failed for that one. `failed`: the credentials are not concerned.
 */
export type LoginVerdict =
  | ({ readonly kind: 'logged-in' } & LoggedIn)
  | { readonly kind: 'refused' | 'doubtful' | 'failed'; readonly error: ConnectorError }

/** Only a 401 or a complete, successful response that says so refuses the credentials. */
export function judgeLogin(answer: HttpAnswer, token: TokenConfig | undefined, nowMs: number): LoginVerdict {
  const { status } = answer
  const message = serverMessage(answer)
  const fault = faultIn(message)
  const failed = status === 204 || status === 205 ? undefined : statusError(answer, { auth: 'login' }, nowMs)
  const fails = (kind: 'refused' | 'doubtful' | 'failed', code: ErrorCode, why: string): LoginVerdict => {
    const error = new ConnectorError(code, `log in: ${why} (${describe(answer)})`, failed)
    return { kind, error: withFault(error, fault) }
  }
  // After a redirect that dropped user and password, the response is not about them for certain.
  const refused = answer.hasLostArguments ? 'doubtful' : 'refused'

  if (status === 401) {
    const { code, message: why } = unauthorized(answer, { auth: 'login' })
    return fails(code === 'source.unauthorized' ? refused : 'failed', code, why)
  }
  if (failed !== undefined) {
    const isDoubtful = status === 400 || status === 403 || (status !== 404 && mentionsPassword(message.text))
    return fails(isDoubtful ? 'doubtful' : 'failed', failed.code, failures[failed.code] ?? 'the login failed')
  }
  if (isLoginPage(message.body)) return fails(refused, 'source.login-page', 'the response to the login is a login page')
  if (/^"?(?:false|faux)"?$/i.test(message.text.trim()))
    return fails(refused, 'source.unauthorized', 'the server refuses the user')
  if (message.root !== undefined && isError(message.root)) {
    if (saysWrongCredentials(message.text)) return fails(refused, 'source.unauthorized', 'the server refuses the user')
    const kind = mentionsPassword(message.text) ? 'doubtful' : 'failed'
    return fails(kind, 'source.error-document', 'the server returned an error document')
  }
  if (token === undefined) return { kind: 'logged-in', token }
  const found = tokenIn(message, token.from)
  if (found !== undefined) return { kind: 'logged-in', token: found }
  return isHtml(message.body)
    ? fails('failed', 'source.answer-not-a-page', 'the server returned an HTML page')
    : fails('doubtful', 'source.answer-not-a-page', 'the response has no token where polaris.login.token expects it')
}

const failures: { readonly [code in ErrorCode]?: string } = {
  'source.forbidden': 'the server denies access to ACL.Login',
  'source.function-missing': 'the server has no ACL.Login at this URL',
  'source.request-refused': 'the server rejects the request',
}

const ERROR_LEVELS = 3
const noStatusFields = new Set<string>()

/** Whether the document, or a field of it, reports an error. */
function isError(node: AnswerNode, levels = ERROR_LEVELS): boolean {
  if (reportedError([node], noStatusFields) !== undefined) return true
  return levels > 0 && node.children.some((child) => isError(child, levels - 1))
}

const TOKEN_LEVELS = 4

/** The token in a login response; undefined if it is not at the configured place or a request cannot carry it. */
function tokenIn(message: ServerMessage, from: TokenConfig['from']): string | undefined {
  const token = extract(message, from)?.trim()
  return token === undefined || !/^[\x20-\x7e]+$/.test(token) ? undefined : token
}

function extract({ body, root }: ServerMessage, from: TokenConfig['from']): string | undefined {
  switch (from.kind) {
    case 'pattern': {
      const [whole, group] = new RegExp(from.pattern).exec(body) ?? []
      return group ?? whole
    }
    case 'text':
      return root === undefined ? body : leafText(root)
    case 'field':
      return root && fieldIn([root], from.path.toLowerCase().split('.'), TOKEN_LEVELS)
    default:
      return assertNever(from)
  }
}

function leafText(node: AnswerNode): string | undefined {
  return node.kind === 'text' ? node.text : undefined
}

/** The leaf at a path that may begin at any level of the document. */
function fieldIn(nodes: readonly AnswerNode[], path: readonly string[], levels: number): string | undefined {
  const here = nodes.map((node) => leafAt(node, path)).find((text) => text !== undefined)
  const children = nodes.flatMap((node) => node.children)
  return here !== undefined || levels === 0 || children.length === 0 ? here : fieldIn(children, path, levels - 1)
}

function leafAt(node: AnswerNode, [name, ...rest]: readonly string[]): string | undefined {
  if (node.name.toLowerCase() !== name) return undefined
  if (rest.length === 0) return leafText(node)
  return node.children.map((child) => leafAt(child, rest)).find((text) => text !== undefined)
}
