import type { Fields, FieldValue } from '../clients/made-up-client.ts'

export type Output = 'xml' | 'json'

/** A page before it is rendered. */
export interface AnswerPage {
  /** Rendered clients; one part may hold several. */
  readonly parts: readonly Buffer[]
  readonly hasMoreResults: boolean
  readonly checkPoint: string
}

/** How the server renders a page in one format. */
export interface AnswerForm {
  readonly contentType: string
  /** Text between two clients. */
  readonly separator: string
  client(fields: Fields): string
  /** The text before and after the clients. */
  frame(page: Omit<AnswerPage, 'parts'>): readonly [string, string]
}

const INSTANCE = 'http://www.w3.org/2001/XMLSchema-instance'
const ROOT = 'FragmentedInfoClient'

export const answerForms: Readonly<Record<Output, AnswerForm>> = {
  xml: {
    contentType: 'text/xml; charset=utf-8',
    separator: '',
    client: (fields) => element('InfoClient', children(fields)),
    frame: ({ checkPoint, hasMoreResults }) => [
      `<?xml version="1.0" encoding="utf-8"?>\n<${ROOT} xmlns:xsi="${INSTANCE}">${element('checkpoint', escaped(checkPoint))}<clients>`,
      `</clients>${element('hasMoreResults', String(hasMoreResults))}</${ROOT}>`,
    ],
  },
  json: {
    contentType: 'application/json; charset=utf-8',
    separator: ',',
    client: (fields) => object(fields),
    frame: ({ checkPoint, hasMoreResults }) => [
      `{"checkpoint":${JSON.stringify(checkPoint)},"clients":[`,
      `],"hasMoreResults":${hasMoreResults}}`,
    ],
  },
}

export function renderPage(form: AnswerForm, page: AnswerPage): Buffer {
  const [head, tail] = form.frame(page)
  const between = Buffer.from(form.separator)
  const separated =
    between.length === 0 ? page.parts : page.parts.flatMap((part, at) => (at === 0 ? part : [between, part]))
  return Buffer.concat([Buffer.from(head), ...separated, Buffer.from(tail)])
}

/** Text; a list or a group of a client is neither. */
function leafText(value: Exclude<FieldValue, null | { kind: 'group' | 'list' }>): string {
  if (typeof value !== 'object') return String(value)
  // As .NET writes a time: no trailing zeros in the fraction.
  return value.kind === 'number' ? value.text : value.wall.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '')
}

const children = (fields: Fields): string =>
  Object.entries(fields)
    .map(([name, value]) => child(name, value))
    .join('')

function child(name: string, value: FieldValue): string {
  if (value === null) return name === 'Memo' ? `<${name} xsi:nil="true" />` : ''
  if (typeof value !== 'object') return element(name, escaped(leafText(value)))
  if (value.kind === 'group') return element(name, children(value.fields))
  if (value.kind === 'list')
    return element(name, value.items.map((item) => element(value.item, children(item))).join(''))
  return element(name, escaped(leafText(value)))
}

const element = (name: string, inside: string) => (inside === '' ? `<${name} />` : `<${name}>${inside}</${name}>`)

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

const escaped = (text: string) => text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character)

const object = (fields: Fields): string =>
  `{${Object.entries(fields)
    .map(([name, value]) => `"${name}":${json(value)}`)
    .join(',')}}`

function json(value: FieldValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  switch (value.kind) {
    case 'number':
      return value.text
    case 'group':
      return object(value.fields)
    case 'list':
      return `[${value.items.map((item) => object(item)).join(',')}]`
    case 'time':
      return JSON.stringify(leafText(value))
  }
}
