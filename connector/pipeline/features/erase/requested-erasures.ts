import type { Erasure } from '../../../control/stream-requests.ts'
import { visitEntries } from '../../../index/client-table.ts'
import { clientKey, isWithdrawn, readEntry, readKey } from '../../../index/index-entry.ts'
import { codeOf } from '../../../runtime/connector-error.ts'
import { type Adding, isCarriedOut, knownEntry } from '../../group/open-group.ts'
import type { PartReading } from '../../read/page-reading.ts'
import { hasEnded, type OpenedStream } from '../part.ts'
import type { ErasureMark, ErasureMarks, StoredMarks } from './erasure-marks.ts'

export interface ErasureParts extends OpenedStream {
  readonly marks: ErasureMarks
  /** When requests that failed are tried again, by their ids and the monotonic clock. It lives across openings. */
  readonly retryAt: Map<string, number>
  /** Adds the tombstone of a client. `at`: by our clock. */
  readonly erase: (request: Erasure, at: number) => Adding
}

/**
 * Yields each open erasure once, after its mark is stored: a store that refuses makes only this request wait. Ends those
 * that are cancelled, or whose client is unknown. Writes back marks that are missing, every hour. Ends when `stop` aborts; never rejects.
 */
export async function* requestedErasures(parts: ErasureParts, stop: AbortSignal): AsyncGenerator<PartReading, void> {
  const { requests, clock, erase } = parts
  const done = new Set<string>()
  let keepAt = 0
  const isDue = () => keepAt <= clock.monotonic()
  while (await requests.until(() => isDue() || nextStep(parts, done) !== undefined, stop)) {
    if (isDue()) {
      await keepMarks(parts, stop)
      keepAt = clock.monotonic() + KEEP_MS
    }
    const step = nextStep(parts, done)
    if (stop.aborted) return
    if (step === undefined) continue
    try {
      await begin(parts, step, stop)
    } catch (error) {
      if (stop.aborted) return
      postponeErasure(parts, step.id, { error, byMs: RETRY_MS })
      continue
    }
    done.add(nameOf(step))
    const at = clock.now()
    if (step.kind === 'erase') yield { kind: 'part', add: () => erase(step.request, at) }
  }
}

const RETRY_MS = 60_000
const KEEP_MS = 3_600_000

type Step =
  | { readonly kind: 'erase'; readonly id: string; readonly request: Erasure }
  | { readonly kind: 'end'; readonly id: string; readonly outcome: 'unknown' | 'cancelled' }

const nameOf = ({ kind, id }: Pick<Step, 'kind' | 'id'>) => `${kind} ${id}`

function nextStep(parts: ErasureParts, done: ReadonlySet<string>): Step | undefined {
  const { requests, group, retryAt, clock } = parts
  const isDue = ({ id }: { readonly id: string }) =>
    !isCarriedOut(group, id) && !done.has(`end ${id}`) && (retryAt.get(id) ?? 0) <= clock.monotonic()
  const cancelled = requests.cancelled().find((one) => one.kind === 'erase' && isDue(one))
  if (cancelled !== undefined) return { kind: 'end', id: cancelled.id, outcome: 'cancelled' }
  const isNext = (one: { readonly id: string }) => isDue(one) && !done.has(`erase ${one.id}`)
  const request = requests.open().find((one): one is Erasure => one.kind === 'erase' && isNext(one))
  if (request === undefined) return undefined
  const { id, client, force } = request
  const isKnown = knownEntry(group, clientKey(client)) !== undefined
  return force || isKnown ? { kind: 'erase', id, request } : { kind: 'end', id, outcome: 'unknown' }
}

async function begin({ marks, requests, observe }: ErasureParts, step: Step, stop: AbortSignal): Promise<void> {
  const { id } = step
  if (step.kind === 'erase')
    return await marks.update({ open: [{ key: clientKey(step.request.client), request: id }] }, stop)
  const { outcome } = step
  if (outcome === 'cancelled') await marks.update({ ended: [id] }, stop)
  requests.carriedOut([{ id, outcome }])
  observe({ kind: 'erasure-ended', request: id, outcome })
}

/** A request that cannot be carried out waits, and nothing else. */
export function postponeErasure(
  { requests, retryAt, clock, observe }: Pick<ErasureParts, 'requests' | 'retryAt' | 'clock' | 'observe'>,
  id: string,
  { error, byMs }: { readonly error: unknown; readonly byMs: number },
): void {
  const code = codeOf(error)
  retryAt.set(id, clock.monotonic() + byMs)
  requests.progressed({ id, code })
  observe({ kind: 'erasure-waits', code, error })
}

interface KeptParts extends OpenedStream {
  readonly marks: ErasureMarks
}

/**
 * Writes back the marks of erased clients that the object does not have: it was deleted or rolled back, or a replica
 * ended before it stored them. Never rejects.
 */
async function keepMarks(stream: KeptParts, stop: AbortSignal): Promise<void> {
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
  const { table, state } = checkpoint
  const { rules } = state().index
  const stored = new Map(marks.map((mark) => [mark.key, mark]))
  const missing: ErasureMark[] = []
  await visitEntries(table, (words, at) => {
    const entry = readEntry(words, at)
    if (!isWithdrawn(entry)) return
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
