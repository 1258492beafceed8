import { visitEntries } from '../../../index/client-table.ts'
import { isWithdrawnOnRequest, readEntry, readKey } from '../../../index/index-entry.ts'
import { hasEnded, type OpenedStream } from '../part.ts'
import type { ErasureMark, ErasureMarks, StoredMarks } from './erasure-marks.ts'

interface KeptParts extends OpenedStream {
  readonly marks: ErasureMarks
}

/**
 * Writes back the marks of erased clients that the object does not have: it was deleted or rolled back, or a replica
 * ended before it stored them. Never rejects.
 */
export async function keepMarks(stream: KeptParts, stop: AbortSignal): Promise<void> {
  const { marks, observe } = stream
  try {
    const stored = await marks.read(stop)
    const add = await missingMarks(stream, stored)
    const ended = stored.open.map(({ request }) => request).filter(hasEnded(stream))
    if (add.length + ended.length > 0) await marks.update({ add, ended }, stop)
    if (add.length > 0) observe({ kind: 'erasure-marks-restored', clients: add.length })
  } catch (error) {
    if (!stop.aborted) observe({ kind: 'index-upkeep-failed', error })
  }
}

async function missingMarks({ checkpoint }: OpenedStream, { marks }: StoredMarks): Promise<ErasureMark[]> {
  const { table, state } = checkpoint()
  const { rules } = state().index
  const stored = new Map(marks.map((mark) => [mark.key, mark]))
  const missing: ErasureMark[] = []
  await visitEntries(table, (words, at) => {
    const entry = readEntry(words, at)
    if (!isWithdrawnOnRequest(entry)) return
    const mark = { key: readKey(words, at), entry, rules: rules[entry.rules] ?? '' }
    if (!isSame(mark, stored.get(mark.key))) missing.push(mark)
  })
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
