import type { AnswerRoot } from '../../connector/source/polaris/decode/answer-node.ts'
import { formatOf } from '../../connector/source/polaris/decode/decode-answer.ts'
import { type DecodeSettings, xmlDecoder } from '../../connector/source/polaris/decode/decode-xml.ts'
import { decodeJson } from '../../connector/source/polaris/decode/json/decode-json.ts'
import {
  decodePage,
  type PageContent,
  type PageSettings,
} from '../../connector/source/polaris/decode/page/decode-page.ts'
import { type DecodedBody, pageDecoder } from '../../connector/source/polaris/decode/page-decoder.ts'

/** What the steps return, without pauses. */
function resultOf<T>(steps: Generator<void, T>): T {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** The page in a decoded response. */
export function wholePage(...arguments_: Parameters<typeof decodePage>): PageContent {
  return resultOf(decodePage(...arguments_))
}

/** A decoded JSON document. */
export function wholeJson(text: string, settings: DecodeSettings): AnswerRoot {
  return resultOf(decodeJson(Buffer.from(text), settings))
}

/** A decoded XML document. */
export function decodeXml(text: string, settings: DecodeSettings): AnswerRoot {
  const decoder = xmlDecoder(settings)
  decoder.write(text)
  return decoder.end()
}

/** A decoded document of either format. */
export function decodeAnswer(text: string, settings: DecodeSettings): AnswerRoot {
  return formatOf(text) === 'xml' ? decodeXml(text, settings) : wholeJson(text, settings)
}

/** What is in a body that arrives in chunks. */
export async function decodedBody(
  chunks: readonly Buffer[],
  contentType: string | undefined,
  settings: DecodeSettings & PageSettings,
): Promise<DecodedBody> {
  const decoder = pageDecoder(contentType, settings)
  for (const chunk of chunks) await decoder.write(chunk)
  return await decoder.end()
}
