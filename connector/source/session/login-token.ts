import type { AnswerNode } from '../decode/answer-node.ts'
import { decodeAnswer, formatOf } from '../decode/decode-answer.ts'
import type { DecodeSettings } from '../decode/decode-xml.ts'
import { clientShape } from '../decode/field-shape.ts'
import type { TokenConfig } from '../polaris-config.ts'

const settings: DecodeSettings = { shape: clientShape([], () => undefined), timeZone: 'UTC' }
const LEVELS = 4

/** The token in a login response; undefined if it is not at the configured place or a request cannot carry it. */
export function tokenIn(text: string, from: TokenConfig['from']): string | undefined {
  const token = extract(text, from)?.trim()
  return token === undefined || !/^[\x20-\x7e]+$/.test(token) ? undefined : token
}

function extract(text: string, from: TokenConfig['from']): string | undefined {
  if (from.kind === 'pattern') {
    const [whole, group] = new RegExp(from.pattern).exec(text) ?? []
    return group ?? whole
  }
  if (formatOf(text) === undefined) return from.kind === 'text' ? text : undefined
  const root = decodeAnswer(text, settings)
  return from.kind === 'text' ? leafText(root) : fieldIn([root], from.path.toLowerCase().split('.'), LEVELS)
}

function leafText(node: AnswerNode): string | undefined {
  return node.kind === 'text' ? node.text() : undefined
}

/** The leaf at a path that may begin at any level of the document. */
function fieldIn(nodes: readonly AnswerNode[], path: readonly string[], levels: number): string | undefined {
  const here = nodes.map((node) => leafAt(node, path)).find((text) => text !== undefined)
  const children = nodes.flatMap((node) => node.children())
  return here !== undefined || levels === 0 || children.length === 0 ? here : fieldIn(children, path, levels - 1)
}

function leafAt(node: AnswerNode, [name, ...rest]: readonly string[]): string | undefined {
  if (node.name.toLowerCase() !== name) return undefined
  if (rest.length === 0) return leafText(node)
  return node
    .children()
    .map((child) => leafAt(child, rest))
    .find((text) => text !== undefined)
}
