import { expect, it } from 'vitest'
import type { AnswerNode } from '../../../../../connector/source/polaris/decode/answer-node.ts'
import { walk } from '../../../../../connector/source/polaris/decode/page/clients-path.ts'

/** Creating the nodes of all fields of a page costs as much as parsing it. */
it('creates no nodes for the fields of clients when it finds the list', () => {
  const looksInside = (): never => {
    throw new Error('the fields of a client were read')
  }
  const node = (name: string, children: () => readonly AnswerNode[]): AnswerNode => ({
    name,
    kind: 'object',
    children,
    text: () => '',
    allText: () => '',
    client: () => ({}),
  })
  const client = node('InfoClient', looksInside)
  const clients = node('clients', () => [client, client])
  expect(walk([clients], ['clients', 'InfoClient']).nodes).toEqual([client, client])
})
