import { setImmediate as otherWork } from 'node:timers/promises'
import { ConnectorError } from '../../../runtime/connector-error.ts'
import type { OutputFormat } from '../../client-source.ts'
import { type AnswerDecoder, answerDecoder } from './decode-answer.ts'
import type { DecodeSettings } from './decode-xml.ts'
import { decodePage, type PageContent, type PageSettings } from './page/decode-page.ts'

/** The page in a body, or why there is none. */
export type DecodedBody =
  | { readonly kind: 'page'; readonly content: PageContent; readonly format: OutputFormat }
  | { readonly kind: 'no-page'; readonly error: ConnectorError }

/** Decodes a page while its body arrives. Other work of the process runs between slices of the body. */
export interface PageDecoder {
  write(bytes: Buffer): Promise<void>
  /** To be called once, at the end of the body. */
  end(): Promise<DecodedBody>
}

/** A slice takes about 2 ms, and 15 ms before the code is compiled. */
const SLICE_BYTES = 64 * 1024

export function pageDecoder(contentType: string | undefined, settings: DecodeSettings & PageSettings): PageDecoder {
  const answer = answerDecoder(contentType, settings)
  let error: ConnectorError | undefined
  let sincePause = 0

  const write = async (bytes: Buffer) => {
    for (let at = 0; at < bytes.length && error === undefined; at += SLICE_BYTES) {
      const slice = bytes.subarray(at, at + SLICE_BYTES)
      error = failureOf(() => answer.write(slice))
      sincePause += slice.length
      if (sincePause < SLICE_BYTES) continue
      sincePause = 0
      await otherWork()
    }
  }
  return {
    write,
    end: async () => {
      try {
        if (error !== undefined) throw error
        const steps = pageIn(answer, settings)
        let step = steps.next()
        while (!step.done) {
          await otherWork()
          step = steps.next()
        }
        return { kind: 'page', content: step.value, format: answer.format() ?? 'xml' }
      } catch (failure) {
        if (!(failure instanceof ConnectorError)) throw failure
        return { kind: 'no-page', error: failure }
      }
    },
  }
}

function* pageIn(answer: AnswerDecoder, settings: PageSettings): Generator<void, PageContent> {
  const root = yield* answer.end()
  return yield* decodePage(root, settings)
}

function failureOf(step: () => void): ConnectorError | undefined {
  try {
    step()
    return undefined
  } catch (failure) {
    if (failure instanceof ConnectorError) return failure
    throw failure
  }
}
