import { setImmediate as otherWork } from 'node:timers/promises'
import type { StreamCheckpoint } from '../../../checkpoint/stream-checkpoint.ts'
import { ENTRY_WORDS, isErased, readEntry, readKey } from '../../../index/index-entry.ts'
import type { PageGroupBuilder } from '../../group/page-group.ts'
import type { Observe } from '../../pipeline-event.ts'
import type { ErasureMark, ErasureMarks, StoredMarks } from './erasure-marks.ts'

export interface KeptParts {
  readonly erasures: ErasureMarks
  readonly checkpoint: () => Pick<StreamCheckpoint, 'table' | 'state'>
  readonly builder: Pick<PageGroupBuilder, 'hasEnded'>
  readonly observe: Observe
}

/**
 * Writes back the marks of erased clients that the object does not have: it was deleted or rolled back, or a replica
 * ended before it stored them. Never rejects.
 */
export async function keepMarks(parts: KeptParts, stop: AbortSignal): Promise<void> {
  const { erasures, observe, builder } = parts
  try {
    const stored = await erasures.read(stop)
    const add = await missingMarks(parts, stored)
    const ended = stored.open.map(({ request }) => request).filter(builder.hasEnded)
    if (add.length + ended.length > 0) await erasures.update({ add, ended }, stop)
    if (add.length > 0) observe({ kind: 'erasure-marks-restored', clients: add.length })
  } catch (error) {
    if (!stop.aborted) observe({ kind: 'index-upkeep-failed', error })
  }
}

/** So many entries take some milliseconds; then other work of the process runs. */
const ENTRIES_AT_ONCE = 20_000

async function missingMarks({ checkpoint }: KeptParts, { marks }: StoredMarks): Promise<ErasureMark[]> {
  const { table, state } = checkpoint()
  const { rules } = state().index
  const stored = new Map(marks.map((mark) => [mark.key, mark]))
  const missing: ErasureMark[] = []
  let atOnce = 0
  for (const words of table.partitions()) {
    for (let at = 0; at < words.length; at += ENTRY_WORDS) {
      const entry = readEntry(words, at)
      if (!isErased(entry)) continue
      const mark = { key: readKey(words, at), entry, rules: rules[entry.rules] ?? '' }
      if (!isSame(mark, stored.get(mark.key))) missing.push(mark)
    }
    atOnce += words.length / ENTRY_WORDS
    if (atOnce < ENTRIES_AT_ONCE) continue
    atOnce = 0
    await otherWork()
  }
  return missing
}

function isSame({ entry, rules }: ErasureMark, stored: ErasureMark | undefined): boolean {
  return (
    stored?.rules === rules &&
    stored.entry.content === entry.content &&
    stored.entry.mark === entry.mark &&
    stored.entry.number === entry.number
  )
}
