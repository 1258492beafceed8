import type { Times } from '../../../scan/scan-settings.ts'
import { LIVE } from '../../../scan/scan-state.ts'
import type { PipelineEvent } from '../../pipeline-event.ts'
import { type Feature, type OpenedStream, type Part, parsedState } from '../part.ts'
import {
  afterChange,
  beginning,
  isSilent,
  type QuietSpells,
  quietMs,
  quietSpells,
  withoutFuture,
} from './quiet-spells.ts'

/** Reports the newest change of a stream, and when no client has changed for much longer than ever before. */
export function silence(): Feature {
  const reported: Reported = { newest: null, isSilent: false }
  return { name: 'silence', open: (stream) => silencePart(reported, stream) }
}

/** What was reported since the stream has been running on this replica. */
interface Reported {
  newest: number | null
  isSilent: boolean
}

function silencePart(reported: Reported, { stored }: OpenedStream): Part {
  let spells = parsedState('silence', quietSpells.optional(), stored)
  let now: Times | undefined
  let verdict = reported.isSilent
  const changed = (instant: number) => {
    if (spells !== undefined && now !== undefined) spells = afterChange(spells, instant, now)
  }
  return {
    name: 'silence',
    beginPage: ({ readAt }) => {
      now = readAt
      spells = spells === undefined ? beginning(readAt) : withoutFuture(spells, readAt)
    },
    returned: ({ client }) => {
      if (client.modified !== undefined) changed(client.modified.instant)
      return undefined
    },
    // Without a modification time, a change is known by its content.
    published: ({ client }, _, as) => {
      if (client.modified === undefined && as === 'changed' && now !== undefined) changed(now.server)
    },
    endPage: ({ scan, isLast }) => {
      // Only then, everything that has changed was read.
      if (isLast && scan.tag === LIVE && spells !== undefined && now !== undefined) verdict = isSilent(spells, now)
      return undefined
    },
    finish: () => {
      if (spells === undefined || now === undefined) return undefined
      const events = reports(reported, { spells, now, isSilent: verdict })
      const report = { newest: spells.newest, isSilent: verdict }
      return events.length === 0 ? undefined : { events, delivered: () => void Object.assign(reported, report) }
    },
    state: () => spells,
  }
}

interface Seen {
  readonly spells: QuietSpells
  readonly now: Times
  readonly isSilent: boolean
}

function reports(before: Reported, { spells, now, isSilent }: Seen): PipelineEvent[] {
  const { newest, longestMs } = spells
  const events: PipelineEvent[] = []
  if (newest !== null && newest !== before.newest) events.push({ kind: 'newest-change', at: newest })
  if (isSilent && !before.isSilent) events.push({ kind: 'source-silent', quietMs: quietMs(spells, now), longestMs })
  if (!isSilent && before.isSilent) events.push({ kind: 'silence-ended' })
  return events
}
