import type { Fields, FieldValue } from '../clients/made-up-client.ts'
import { type AnswerForm, type FormOptions, leafText } from './answer-form.ts'

const INSTANCE = 'http://www.w3.org/2001/XMLSchema-instance'
const CONTRACT = 'http://schemas.datacontract.org/2004/07/RepDaemon.WebService2.CoreAPI'

export function xmlForm(options: FormOptions): AnswerForm {
  const { list, flag, token } = options.names
  if (options.xmlStyle === 'attributes') return attributesForm(options)
  const isContract = options.xmlStyle === 'data-contract'
  const nil = isContract ? 'i:nil="true"' : 'xsi:nil="true"'
  const item = isContract ? 'Client.InfoClient' : 'InfoClient'
  const root = isContract
    ? `Client.FragmentedInfoClient xmlns="${CONTRACT}" xmlns:i="${INSTANCE}"`
    : `FragmentedInfoClient xmlns:xsi="${INSTANCE}" xmlns:xsd="http://www.w3.org/2001/XMLSchema"`
  const leaf = (name: string, value: string | null | undefined) =>
    value === undefined ? '' : value === null ? `<${name} ${nil} />` : element(name, escaped(value))
  return {
    contentType: 'text/xml; charset=utf-8',
    separator: '',
    client: (fields) => element(item, children(fields, { nil, isSorted: isContract })),
    frame: (page) => [
      `<?xml version="1.0" encoding="utf-8"?>\n<${root}>${leaf(token, page.checkPoint)}<${list}>`,
      `</${list}>${leaf(flag, flagText(page.hasMoreResults))}</${root.split(' ')[0]}>`,
    ],
  }
}

function flagText(flag: boolean | null | undefined): string | null | undefined {
  return typeof flag === 'boolean' ? String(flag) : flag
}

interface Style {
  readonly nil: string
  /** True for DataContractSerializer, which sorts members alphabetically and writes every null as nil. */
  readonly isSorted: boolean
}

function children(fields: Fields, style: Style): string {
  const names = style.isSorted ? Object.keys(fields).sort() : Object.keys(fields)
  return names.map((name) => child(name, fields[name] ?? null, style)).join('')
}

function child(name: string, value: FieldValue, style: Style): string {
  if (value === null) return style.isSorted || name === 'Memo' ? `<${name} ${style.nil} />` : ''
  if (typeof value === 'object' && value.kind === 'group') return element(name, children(value.fields, style))
  if (typeof value === 'object' && value.kind === 'list') {
    return element(name, value.items.map((item) => element(value.item, children(item, style))).join(''))
  }
  return element(name, escaped(leafText(value) ?? ''))
}

function element(name: string, inside: string): string {
  return inside === '' ? `<${name} />` : `<${name}>${inside}</${name}>`
}

function attributesForm(options: FormOptions): AnswerForm {
  const { list, flag, token } = options.names
  const attribute = (name: string, value: string | null | undefined) =>
    value === undefined || value === null ? '' : ` ${name}="${escaped(value)}"`
  const digit = (value: boolean | null | undefined) => (typeof value === 'boolean' ? String(Number(value)) : undefined)
  return {
    contentType: 'application/xml',
    separator: '\n',
    client: (fields) => withAttributes('client', fields),
    frame: (page) => [
      `<?xml version="1.0"?>\n<reponse${attribute(flag, digit(page.hasMoreResults))}${attribute(token, page.checkPoint)}><${list}>\n`,
      `\n</${list}></reponse>`,
    ],
  }
}

function withAttributes(name: string, fields: Fields): string {
  let attributes = ''
  let inside = ''
  for (const [field, value] of Object.entries(fields)) {
    if (typeof value === 'boolean') attributes += ` ${field}="${Number(value)}"`
    else if (value === null) continue
    else if (typeof value === 'string' || value.kind === 'number' || value.kind === 'time') {
      attributes += ` ${field}="${escaped(leafText(value) ?? '')}"`
    } else if (value.kind === 'group') inside += withAttributes(field, value.fields)
    else inside += element(field, value.items.map((item) => withAttributes(value.item, item)).join(''))
  }
  return inside === '' ? `<${name}${attributes}/>` : `<${name}${attributes}>${inside}</${name}>`
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character)
}
