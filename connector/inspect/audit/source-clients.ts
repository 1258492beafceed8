import { clientReader, isClientId, type ReadingRules } from '../../event/read-client.ts'
import type { ContentKey } from '../../index/index-entry.ts'
import { newScans } from '../../scan/scan-state.ts'
import { type InspectionReader, inspectedPages, onceThrough } from '../inspected-pages.ts'
import type { SourceClients } from './compare.ts'

export interface SourceParts {
  readonly reader: InspectionReader
  readonly rules: ReadingRules
}

interface SourceReading {
  /** The content hashes of the stream's dead letters. */
  readonly deadLetters: ReadonlySet<string>
  /** `undefined`: a client without a valid id. */
  readonly isWanted: (id: string | undefined) => boolean
  readonly onProgress: (clients: number) => void
}

/** Reads all clients from the stream's beginning once. Rejects with `source.*` or the reason of `stop`. */
export async function readSourceClients(
  { reader, rules }: SourceParts,
  { deadLetters, isWanted, onProgress }: SourceReading,
  stop: AbortSignal,
): Promise<SourceClients> {
  const byId = new Map<string, ContentKey | 'dead-letter'>()
  const withoutId = new Set<ContentKey>()
  const settings = onceThrough(reader.settings)
  const from = { states: newScans, mapping: null }
  let clients = 0
  for await (const reading of inspectedPages({ ...reader, settings }, from, stop)) {
    const { page, scan, isLast } = reading
    const mapping = reading.mapping[scan.output]
    if (mapping !== null) {
      const read = clientReader(mapping, reading.mapping.lists, rules)
      for (const record of page.clients) {
        const client = read(record)
        const id = isClientId(client.id) ? client.id : undefined
        if (!isWanted(id)) continue
        const { content, contentHash } = client
        const isDead = deadLetters.has(contentHash)
        if (id !== undefined) byId.set(id, isDead ? 'dead-letter' : content)
        else if (!isDead) withoutId.add(content)
      }
    }
    clients += page.clients.length
    onProgress(clients)
    if (isLast) break
  }
  return { byId, withoutId }
}
