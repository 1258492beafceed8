import { inspect } from 'node:util'
import { shownProxy } from '../source/polaris/http/proxy-url.ts'

/** The text of a setting; `reveal()` reads it again, because its file may have been replaced. */
interface FileText {
  reveal(): string
  toString(): string
  toJSON(): string
}

/** Invariant 8: prints as `***` everywhere; only `reveal()` returns the text. */
export type Secret = FileText

export const mask = '***'

export const secret = (text: string): Secret => printedAs(mask, text)
export const fileText = (text: string): FileText => printedAs(text, text)
/** Invariant 8: prints without the credentials in the URL. */
export const proxyUrl = (text: string): FileText => printedAs(text === 'none' ? text : shownProxy(text), text)

function printedAs(shown: string, text: string): FileText {
  const show = () => shown
  return Object.freeze({ reveal: () => text, toString: show, toJSON: show, [inspect.custom]: show })
}

export function isFileText(value: unknown): value is FileText {
  return typeof value === 'object' && value !== null && 'reveal' in value
}

/** A text whose `reveal()` returns the result of `read`, or the last text if `read` returns undefined. */
export function rereadBy(text: FileText, read: () => string | undefined): FileText {
  let last = text.reveal()
  const reveal = () => {
    last = read() ?? last
    return last
  }
  return Object.freeze({ ...text, reveal })
}
