import { inspect } from 'node:util'
import { shownProxy } from '../source/polaris/http/proxy-url.ts'
import { isDocument, listItems } from './document.ts'

/** A setting whose file may be replaced: each `reveal()` reads it again. */
export interface FileText<Value = string> {
  reveal(): Value
  /** The same setting, whose text is what `read` returns, or the last valid text. */
  readBy(read: () => string | undefined): FileText<Value>
  toString(): string
  toJSON(): string
}

/** Invariant 8: prints as `***` everywhere; only `reveal()` returns the text. */
export type Secret = FileText

export const mask = '***'

/** Whether a text may replace the one of the start. */
type IsValid = (text: string) => boolean
const any: IsValid = () => true
const asText = (text: string) => text

export const secret = (text: string, isValid = any): Secret => fileTextOf({ shown: mask, text, isValid, parse: asText })
export const fileText = (text: string, isValid = any): FileText =>
  fileTextOf({ shown: text, text, isValid, parse: asText })
/** Invariant 8: prints without the credentials in the URL. */
export const proxyUrl = (text: string, isValid = any): FileText =>
  fileTextOf({ shown: shownProxy(text), text, isValid, parse: asText })
/** Texts separated by commas. */
export const fileItems = (text: string, isValid = any): FileText<readonly string[]> =>
  fileTextOf({ shown: text, text, isValid: (items) => listItems(items).every(isValid), parse: listItems })

interface Parts<Value> {
  readonly shown: string
  readonly text: string
  readonly isValid: IsValid
  readonly parse: (text: string) => Value
}

function fileTextOf<Value>(parts: Parts<Value>): FileText<Value> {
  const { text, isValid, parse } = parts
  const show = () => parts.shown
  const readBy = (read: () => string | undefined) => {
    let last = text
    const reveal = () => {
      const next = read()
      if (next !== undefined && isValid(next)) last = next
      return parse(last)
    }
    return Object.freeze({ ...fileTextOf(parts), reveal })
  }
  return Object.freeze({ reveal: () => parse(text), readBy, toString: show, toJSON: show, [inspect.custom]: show })
}

export function isFileText(value: unknown): value is FileText<unknown> {
  return typeof value === 'object' && value !== null && 'reveal' in value
}

/** Settings with plain texts, as adapters take them. */
export type Revealed<Settings> =
  Settings extends FileText<infer Value>
    ? Value
    : Settings extends Readonly<Record<string, unknown>>
      ? { readonly [Key in keyof Settings]: Revealed<Settings[Key]> }
      : Settings

/** Settings whose file texts are getters: each use reads the file again. Never print the result. */
export function revealed<Settings>(settings: Settings): Revealed<Settings> {
  if (!isDocument(settings)) return settings as Revealed<Settings>
  const properties = Object.entries(settings).map(([key, value]) => [
    key,
    isFileText(value) ? { enumerable: true, get: () => value.reveal() } : { enumerable: true, value: revealed(value) },
  ])
  return Object.defineProperties({}, Object.fromEntries(properties)) as Revealed<Settings>
}
