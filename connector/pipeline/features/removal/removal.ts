import { keySet } from '../../../index/key-set.ts'
import { createChanges } from '../../../runtime/changes.ts'
import { FULL } from '../../../scan/scan-state.ts'
import type { Adding } from '../../group/open-group.ts'
import type { PipelineEvent } from '../../pipeline-event.ts'
import type { Feature, OpenedStream, Part } from '../part.ts'
import { goneClients, type RemovalParts } from './gone-clients.ts'
import { type FullScanMemory, fullScanMemory, markMissing } from './mark-missing.ts'
import type { FullScanResult, RemovedSettings } from './removed-clients.ts'

/** Finds clients that full scans no longer return, and publishes their removal. */
export function removal(settings: RemovedSettings): Feature {
  const parts = { settings, memory: fullScanMemory(), unknown: keySet() }
  return { name: 'removal', open: (stream) => removalPart(parts, stream) }
}

/** What was added to a group. */
interface Added {
  /** Clients whose removal is published. */
  removed: number
  /** Whether the last of the clients of one reading are in the group. */
  isEnd: boolean
  /** Of a full scan that ends with the group. */
  fullScan: FullScanResult | undefined
}

function removalPart(parts: RemovalParts & { readonly memory: FullScanMemory }, stream: OpenedStream): Part {
  const { memory } = parts
  const marks = createChanges()
  let added: Added = nothing()
  let changes = 0
  const counted = {
    removed: () => {
      added.removed += 1
    },
    end: () => {
      added.isEnd = true
    },
  }
  return {
    name: 'removal',
    readings: (stop) =>
      goneClients({ ...stream, ...parts, added: counted, changes: () => changes, until: marks.until }, stop),
    knowsPagesOf: (scan) => scan.tag !== FULL || memory.knows(scan),
    beginPage: ({ scan, isFirst }) => {
      if (isFirst && scan.tag === FULL) memory.begin(scan)
    },
    returned: ({ key, known }) => {
      memory.returned(key, known?.mark === 'missing' || known?.mark === 'gone' ? 'missing' : 'not missing')
      return undefined
    },
    endPage: function* ({ scan, page, isLast }): Adding {
      if (scan.tag !== FULL) return 'whole'
      memory.endPage(scan)
      if (!isLast) return 'whole'
      const found = yield* markMissing(stream.group, parts, { scan, page })
      added.fullScan = found
      return 'whole'
    },
    finish: () => {
      const { removed, isEnd, fullScan } = added
      added = nothing()
      if (removed === 0 && !isEnd && fullScan === undefined) return undefined
      return {
        events: eventsOf(removed, fullScan),
        delivered: () => {
          if (fullScan !== undefined) memory.end(fullScan.scan)
          if (fullScan === undefined && !isEnd) return
          changes += 1
          marks.changed()
        },
      }
    },
  }
}

const nothing = (): Added => ({ removed: 0, isEnd: false, fullScan: undefined })

function eventsOf(removed: number, fullScan: FullScanResult | undefined): PipelineEvent[] {
  const events: PipelineEvent[] = removed === 0 ? [] : [{ kind: 'clients-removed', clients: removed }]
  if (fullScan === undefined) return events
  const { scan: _, ...found } = fullScan
  return [...events, { kind: 'full-scan-compared', ...found }]
}
