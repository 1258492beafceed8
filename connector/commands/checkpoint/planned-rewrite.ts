import { parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { describedState, readUntil } from '../../checkpoint/described-state.ts'
import { type KnownIdentity, mismatch } from '../../checkpoint/mismatch.ts'
import type { StreamState } from '../../checkpoint/stream-state.ts'
import { committedByRecord } from '../../checkpoint/transitions.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { SourceTime } from '../../source/client-source.ts'
import { serverTimeText } from '../../source/source-time.ts'
import type { RewriteRequest } from '../../stream/rewrite/rewrite-checkpoint.ts'
import type { FoundRecord } from './found-record.ts'

/** Where a stream stands according to its stored document; Kafka is asked only if there is none. */
export type Standing =
  | { readonly kind: 'none'; readonly record: Exclude<FoundRecord, { kind: 'found' }> }
  /** The document is missing or unreadable, and a rewrite replaces it. */
  | { readonly kind: 'lost'; readonly why: string }
  /** The document belongs to another stream, source or topic, and a rewrite replaces it. */
  | { readonly kind: 'other'; readonly why: string }
  /** The last stored state; if it is pending, its transaction is taken as committed, which is likely. */
  | { readonly kind: 'usable'; readonly state: StreamState }

/** Pure. */
export const standingWithout = (record: FoundRecord): Standing =>
  record.kind === 'found' ? { kind: 'lost', why: record.why } : { kind: 'none', record }

/** `text`: of the document. Pure. */
export function standingOf(text: string, identity: KnownIdentity): Standing {
  try {
    const document = parseDocument(text)
    const conflict = mismatch(document, identity)
    if (conflict !== undefined) return { kind: 'other', why: conflict.why }
    return { kind: 'usable', state: committedByRecord(document).state }
  } catch (error) {
    if (error instanceof ConnectorError) return { kind: 'lost', why: error.message }
    throw error
  }
}

/** Where the stream stands, in one sentence. `timeZone`: the server's. Pure. */
export function standingText(standing: Standing, timeZone: string): string {
  switch (standing.kind) {
    case 'none':
      return standing.record.kind === 'none'
        ? 'no checkpoint'
        : `no checkpoint; whether Kafka has a commit record is unknown (${standing.record.code})`
    case 'lost':
    case 'other':
      return `unknown, ${standing.why}`
    case 'usable':
      return describedState(standing.state, timeZone)
  }
}

interface Planned extends Pick<RewriteRequest, 'to' | 'republish' | 'timeZone'> {
  readonly beginAt: SourceTime | undefined
}

/** What a rewrite makes the stream read again or skip, in one sentence. Pure. */
export function plannedText({ to, republish, timeZone, beginAt }: Planned, standing: Standing): string {
  if (to.kind === 'skip')
    return `continue at ${serverTimeText(to.from)} and skip ${skippedBy(to.from, standing, timeZone)}`
  const beginning = `its beginning (${beginAt === undefined ? 'not configured' : serverTimeText(beginAt)})`
  if (standing.kind === 'none') return `read from ${beginning} and publish all clients`
  if (standing.kind !== 'usable')
    return `read everything again from ${beginning} and publish all clients again, because the old client index is not used`
  const until = readUntil(standing.state.scans, timeZone)
  const end = until === undefined ? '' : ` to ${until}`
  const isReset = to.kind === 'reset'
  const range = isReset && end === '' ? beginning : serverTimeText(`${isReset ? beginning : to.from}${end}`)
  const published = republish ? 'publish all of them again' : 'publish those that differ from their last event'
  return `read the clients modified from ${range} again, and ${published}`
}

/** What the operator does after the rewrite; undefined: nothing. Pure. */
export function stepAfter({ republish }: Pick<RewriteRequest, 'republish'>, { kind }: Standing): string | undefined {
  if (kind !== 'lost' || republish) return undefined
  return 'with the stream paused, run `checkpoint rebuild-index`: then only clients that differ from their last event are published'
}

/** What is not read if all scans continue at a time. Pure. */
export function skippedBy(from: SourceTime, standing: Standing, timeZone: string): string {
  if (standing.kind !== 'usable') return `everything before ${from}`
  const { scans, recheck } = standing.state
  const until = readUntil(scans, timeZone)
  const skipped = [
    ...(scans.backfill === 'done' ? [] : ['the rest of the backfill']),
    ...(recheck === null || recheck.from >= from ? [] : [`what was to be read again from ${recheck.from}`]),
    ...(until === undefined || until >= from ? [] : [`changes from ${until} to ${from}`]),
  ]
  return skipped.length === 0 ? 'nothing' : skipped.join(' and ')
}
