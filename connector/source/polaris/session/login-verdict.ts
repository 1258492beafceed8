import { assertNever } from '../../../runtime/compiler-checks.ts'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import { describeAnswer, statusError, withFault } from '../answer/answer-verdict.ts'
import { isLoginPage, type ServerMessage, serverMessage } from '../answer/server-message.ts'
import type { AnswerNode } from '../decode/answer-node.ts'
import { reportedError } from '../decode/page/reported-error.ts'
import type { HttpAnswer } from '../http/http-caller.ts'
import type { TokenConfig } from '../polaris-config.ts'
import { type LoginOutcome, REFUSED_MS } from './account-gate.ts'

/** A refusal counts for this time if servers return its status for other reasons than a wrong password, too. */
const DOUBTFUL_MS = 5 * 60_000
const refusals: Readonly<Record<number, number>> = {
  401: REFUSED_MS,
  400: DOUBTFUL_MS,
  403: DOUBTFUL_MS,
  500: DOUBTFUL_MS,
}

/**
 * Tells what the response to a login means: the token, if one is configured. A 401 or a complete, successful response
 * that is no login refuses the credentials. Throws an error that does not concern them.
 */
export function judgeLogin(answer: HttpAnswer, token: TokenConfig | undefined): LoginOutcome<string | undefined> {
  const { status } = answer
  const failed =
    status === 204 || status === 205 ? undefined : statusError(answer, { auth: 'login', operation: 'log in' })
  if (failed !== undefined) {
    const error = withFault(failed, answer)
    const { [status]: againAfterMs } = refusals
    if (againAfterMs === undefined) throw error
    return { kind: 'refused', error, againAfterMs }
  }
  const message = serverMessage(answer)
  const found = token === undefined ? undefined : tokenIn(message, token.from)
  const why = isRefusal(message)
    ? 'the server refuses the user'
    : token !== undefined && found === undefined
      ? 'the response has no token where polaris.login.token expects it'
      : undefined
  if (why === undefined) return { kind: 'accepted', result: found }
  // After a redirect that dropped user and password, the response is not about them.
  const code = answer.hasLostArguments ? 'source.request-refused' : 'source.unauthorized'
  const error = withFault(new ConnectorError(code, `log in: ${why} (${describeAnswer(answer)})`), answer)
  if (answer.hasLostArguments) throw error
  return { kind: 'refused', error, againAfterMs: REFUSED_MS }
}

/** Whether a successful response is a login page, false, or an error document. */
function isRefusal({ body, root, texts }: ServerMessage) {
  return isLoginPage(body) || /^"?false"?$/i.test(texts.join('').trim()) || (root !== undefined && isError(root))
}

const ERROR_LEVELS = 3
const noStatusFields = new Set<string>()

/** Whether the document, or a field of it, reports an error. */
function isError(node: AnswerNode, levels = ERROR_LEVELS): boolean {
  if (reportedError([{ name: node.name, items: [node] }], noStatusFields) !== undefined) return true
  return levels > 0 && node.children.some((child) => isError(child, levels - 1))
}

const TOKEN_LEVELS = 4

/**
 * Returns the token in a login response; undefined if it is not at the configured place or a request cannot carry it.
 */
function tokenIn(message: ServerMessage, from: TokenConfig['from']): string | undefined {
  const token = extractToken(message, from)?.trim()
  return token === undefined || !/^[\x20-\x7e]+$/.test(token) ? undefined : token
}

function extractToken({ body, root }: ServerMessage, from: TokenConfig['from']): string | undefined {
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

/** Returns the leaf at a path that may begin at any level of the document. */
function fieldIn(nodes: readonly AnswerNode[], path: readonly string[], levels: number): string | undefined {
  const leaf = nodes.map((node) => leafAt(node, path)).find((text) => text !== undefined)
  const children = nodes.flatMap((node) => node.children)
  return leaf !== undefined || levels === 0 || children.length === 0 ? leaf : fieldIn(children, path, levels - 1)
}

function leafAt(node: AnswerNode, [name, ...rest]: readonly string[]): string | undefined {
  if (node.name.toLowerCase() !== name) return undefined
  if (rest.length === 0) return leafText(node)
  return node.children.map((child) => leafAt(child, rest)).find((text) => text !== undefined)
}
