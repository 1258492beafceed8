import { assertNever } from '../../../runtime/assert-never.ts'
import type { ServerMessage } from '../answer/server-message.ts'
import type { DocumentNode } from '../decode/answer-node.ts'
import type { TokenConfig } from '../polaris-config.ts'

const LEVELS = 4

/** The token in a login response; undefined if it is not at the configured place or a request cannot carry it. */
export function tokenIn(message: ServerMessage, from: TokenConfig['from']): string | undefined {
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
      return root && fieldIn([root], from.path.toLowerCase().split('.'), LEVELS)
    default:
      return assertNever(from)
  }
}

function leafText(node: DocumentNode): string | undefined {
  return node.kind === 'text' ? node.text() : undefined
}

/** The leaf at a path that may begin at any level of the document. */
function fieldIn(nodes: readonly DocumentNode[], path: readonly string[], levels: number): string | undefined {
  const here = nodes.map((node) => leafAt(node, path)).find((text) => text !== undefined)
  const children = nodes.flatMap((node) => node.children())
  return here !== undefined || levels === 0 || children.length === 0 ? here : fieldIn(children, path, levels - 1)
}

function leafAt(node: DocumentNode, [name, ...rest]: readonly string[]): string | undefined {
  if (node.name.toLowerCase() !== name) return undefined
  if (rest.length === 0) return leafText(node)
  return node
    .children()
    .map((child) => leafAt(child, rest))
    .find((text) => text !== undefined)
}
