import type { DecodeSettings } from '../../connector/source/decode/decode-xml.ts'
import { decodePage, type PageContent, type PageSettings } from '../../connector/source/decode/page/decode-page.ts'
import { type DecodedBody, pageDecoder } from '../../connector/source/decode/page-decoder.ts'

/** The page in a decoded response, without pauses. */
export function wholePage(...[root, settings]: Parameters<typeof decodePage>): PageContent {
  const steps = decodePage(root, settings)
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
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
