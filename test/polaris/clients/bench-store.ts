import { answerForms, type Output } from '../answer/answer-forms.ts'
import type { ClientStore } from './client-store.ts'
import { madeUpClient } from './made-up-client.ts'

const TEMPLATE_CLIENTS = 1000
const TIME_CHARS = 19
const START = Date.UTC(2024, 0, 1)
/** Number of clients with the same second of modification. */
const CLIENTS_PER_SECOND = 10

/**
 * Any number of clients that never change, at no cost in memory: pages are prepared once, and only ids and modification
 * times are written into a copy. Client i has the id 100000001 + i.
 */
export function benchStore(clients: number): ClientStore {
  const templates = new Map<string, Template>()
  const templateOf = (output: Output, count: number) => {
    const key = `${output} ${count}`
    const template = templates.get(key) ?? prepare(output, count)
    templates.set(key, template)
    return template
  }
  return {
    select: (after, limit, output) => {
      const start = after.index >= 0 ? after.index + 1 : indexAt(after.modified)
      const count = Math.max(0, Math.min(limit, clients - start))
      const pieces = []
      for (let done = 0; done < count; done += TEMPLATE_CLIENTS) {
        pieces.push(filled(templateOf(output, Math.min(TEMPLATE_CLIENTS, count - done)), start + done))
      }
      const last = start + count - 1
      return {
        parts: pieces,
        last: count === 0 ? after : { modified: `${timeAt(last)}.000`, index: last },
        more: start + count < clients,
      }
    },
  }
}

function timeAt(index: number): string {
  return new Date(START + Math.floor(index / CLIENTS_PER_SECOND) * 1000).toISOString().slice(0, TIME_CHARS)
}

function indexAt(modified: string): number {
  return Math.max(0, Math.ceil((Date.parse(`${modified}Z`) - START) / 1000) * CLIENTS_PER_SECOND)
}

interface Template {
  readonly bytes: Buffer
  readonly count: number
  readonly ids: readonly { readonly client: number; readonly at: number }[]
  readonly times: readonly { readonly client: number; readonly at: number }[]
}

const TEMPLATE_TIME = '1111-11-11T11:11:11'

function prepare(output: Output, count: number): Template {
  const ids: { client: number; at: number }[] = []
  const times: { client: number; at: number }[] = []
  const pieces: Buffer[] = []
  const form = answerForms[output]
  let length = 0
  for (let client = 0; client < count; client += 1) {
    const id = String(700_000_001 + client)
    const fields = madeUpClient({ seed: 1, index: client, id, version: 1, modified: `${TEMPLATE_TIME}.000` })
    const piece = Buffer.from(`${client === 0 ? '' : form.separator}${form.client(fields)}`)
    for (const at of offsetsOf(piece, id)) ids.push({ client, at: length + at })
    for (const at of offsetsOf(piece, TEMPLATE_TIME)) times.push({ client, at: length + at })
    pieces.push(piece)
    length += piece.length
  }
  return { bytes: Buffer.concat(pieces), count, ids, times }
}

function offsetsOf(piece: Buffer, text: string): number[] {
  const offsets = []
  for (let at = piece.indexOf(text); at >= 0; at = piece.indexOf(text, at + 1)) offsets.push(at)
  return offsets
}

function filled(template: Template, start: number): Buffer {
  const page = Buffer.from(template.bytes)
  for (const { client, at } of template.ids) page.write(String(100_000_001 + start + client), at, 'latin1')
  let known = -1
  let time = ''
  for (const { client, at } of template.times) {
    const second = Math.floor((start + client) / CLIENTS_PER_SECOND)
    if (second !== known) time = timeAt(start + client)
    known = second
    page.write(time, at, 'latin1')
  }
  return page
}
