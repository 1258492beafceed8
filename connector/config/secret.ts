import { inspect } from 'node:util'
import { shownProxy } from '../source/polaris/http/proxy-url.ts'
import { isDocument, listItems } from './document.ts'

/** A setting whose file may be replaced: each `reveal()` reads it again. */
export interface FileText<Value = string> {
  reveal(): Value
  /** The same setting, whose text is what `read` returns, or the last text if it returns undefined. */
  readBy(read: () => string | undefined): FileText<Value>
  toString(): string
  toJSON(): string
}

/** Invariant 8: prints as `***` everywhere; only `reveal()` returns the text. */
export type Secret = FileText

export const mask = '***'

const asText = (text: string) => text

export const secret = (text: string): Secret => printedAs(mask, text, asText)
/** Invariant 8: prints without the credentials in the URL. */
export const proxyUrl = (text: string): FileText => printedAs(text === 'none' ? text : shownProxy(text), text, asText)

export const fileText = (text: string): FileText => printedAs(text, text, asText)
export const fileItems = (text: string): FileText<readonly string[]> => printedAs(text, text, listItems)

function printedAs<Value>(shown: string, text: string, parse: (text: string) => Value): FileText<Value> {
  const show = () => shown
  const readBy = (read: () => string | undefined) => {
    let last = text
    const reveal = () => {
      last = read() ?? last
      return parse(last)
    }
    return Object.freeze({ ...printedAs(shown, text, parse), reveal })
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
