import { jsonForm } from './json-form.ts'
import type { Fields, FieldValue } from './made-up-client.ts'
import type { WallClock } from './wall-clock.ts'
import { xmlForm } from './xml-form.ts'

export type Output = 'xml' | 'json'
export type XmlStyle = 'xml-serializer' | 'data-contract' | 'attributes'
export type JsonStyle = 'bare' | 'd' | 'type-name'
export type JsonDates = 'iso' | 'microsoft'

/** The names that the public documentation leaves open. */
export interface AnswerNames {
  readonly list: string
  readonly flag: string
  readonly token: string
}

/** One answer before it is text. `undefined` = left out, `null` = nil. */
export interface AnswerPage {
  /** Rendered clients; one part may hold several. */
  readonly parts: readonly Buffer[]
  readonly hasMoreResults: boolean | null | undefined
  readonly checkPoint: string | null | undefined
}

/** How the server writes. */
export interface AnswerForm {
  readonly contentType: string
  /** Between two clients. */
  readonly separator: string
  client(fields: Fields): string
  /** What stands before and after the clients. */
  frame(page: Omit<AnswerPage, 'parts'>): readonly [string, string]
}

export interface FormOptions {
  readonly xmlStyle: XmlStyle
  readonly jsonStyle: JsonStyle
  readonly jsonDates: JsonDates
  readonly names: AnswerNames
  readonly wall: WallClock
}

export function answerForms(options: FormOptions): Record<Output, AnswerForm> {
  return { xml: xmlForm(options), json: jsonForm(options) }
}

export function renderPage(form: AnswerForm, page: AnswerPage): Buffer {
  const [head, tail] = form.frame(page)
  const between = Buffer.from(form.separator)
  const separated =
    between.length === 0 ? page.parts : page.parts.flatMap((part, at) => (at === 0 ? part : [between, part]))
  return Buffer.concat([Buffer.from(head), ...separated, Buffer.from(tail)])
}

/** Like .NET: no trailing zeros of a fraction. */
export function isoTime(wall: string): string {
  return wall.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '')
}

/** Everything that is neither a group nor a list, as text; undefined for null. */
export function leafText(value: Exclude<FieldValue, { kind: 'group' | 'list' }>): string | undefined {
  if (value === null) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  return value.kind === 'number' ? value.text : isoTime(value.wall)
}
