import type { Fields, FieldValue } from '../clients/made-up-client.ts'
import type { WallClock } from '../wall-clock.ts'

export type Output = 'xml' | 'json'
export type XmlStyle = 'xml-serializer' | 'data-contract' | 'attributes'
export type JsonStyle = 'bare' | 'd' | 'type-name'
export type JsonDates = 'iso' | 'microsoft'

/** Names that the public documentation does not specify. */
export interface AnswerNames {
  readonly list: string
  readonly flag: string
  readonly token: string
}

/** A page before it is rendered. Undefined: left out; null: nil. */
export interface AnswerPage {
  /** Rendered clients; one part may hold several. */
  readonly parts: readonly Buffer[]
  readonly hasMoreResults: boolean | null | undefined
  readonly checkPoint: string | null | undefined
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

export interface FormOptions {
  readonly xmlStyle: XmlStyle
  readonly jsonStyle: JsonStyle
  readonly jsonDates: JsonDates
  readonly names: AnswerNames
  readonly wall: WallClock
}

/** As .NET writes it: no trailing zeros in the fraction. */
function isoTime(wall: string): string {
  return wall.replace(/(\.\d*?)0+$/, '$1').replace(/\.$/, '')
}

/** The text of a value that is neither a group nor a list; undefined for null. */
export function leafText(value: Exclude<FieldValue, { kind: 'group' | 'list' }>): string | undefined {
  if (value === null) return undefined
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  return value.kind === 'number' ? value.text : isoTime(value.wall)
}
