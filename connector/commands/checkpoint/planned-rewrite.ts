import { parseDocument } from '../../checkpoint/checkpoint-document.ts'
import { describedState, readUntil } from '../../checkpoint/described-state.ts'
import { type KnownIdentity, mismatch } from '../../checkpoint/mismatch.ts'
import type { StreamState } from '../../checkpoint/stream-state.ts'
import { committedByRecord } from '../../checkpoint/transitions.ts'
import { ConnectorError } from '../../runtime/connector-error.ts'
import type { SourceTime } from '../../source/client-source.ts'
import { serverTimeText } from '../../source/source-time.ts'
import type { RewriteRequest } from '../../stream/rewrite-checkpoint.ts'

/** Where a stream stands according to its stored document, without Kafka. */
export type Standing =
  | { readonly kind: 'none' }
  /** The document cannot be used, and a rewrite replaces it. */
  | { readonly kind: 'unusable'; readonly why: string }
  /** The last stored state; if it is pending, its transaction is taken as committed, which is likely. */
  | { readonly kind: 'usable'; readonly state: StreamState }

/** `text`: of the document; undefined if there is none. Pure. */
export function standingOf(text: string | undefined, identity: KnownIdentity): Standing {
  if (text === undefined) return { kind: 'none' }
  try {
    const document = parseDocument(text)
    const conflict = mismatch(document, identity)
    if (conflict !== undefined) return { kind: 'unusable', why: conflict.why }
    return { kind: 'usable', state: committedByRecord(document).state }
  } catch (error) {
    if (error instanceof ConnectorError) return { kind: 'unusable', why: error.message }
    throw error
  }
}

/** Where the stream stands, in one sentence. `timeZone`: the server's. Pure. */
export function standingText(standing: Standing, timeZone: string): string {
  switch (standing.kind) {
    case 'none':
      return 'no checkpoint'
    case 'unusable':
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
  if (standing.kind === 'unusable')
    return `read everything again from ${beginning} and publish all clients again, because the old client index is not used`
  const until = readUntil(standing.state.scans, timeZone)
  const end = until === undefined ? '' : ` to ${until}`
  const isReset = to.kind === 'reset'
  const range = isReset && end === '' ? beginning : serverTimeText(`${isReset ? beginning : to.from}${end}`)
  const published = republish ? 'publish all of them again' : 'publish those that differ from their last event'
  return `read the clients modified from ${range} again, and ${published}`
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
