import { waitingRewind } from '../checkpoint/wishes.ts'
import { scansInProgress } from '../scan/scan-state.ts'
import type { RunCommand } from './command.ts'
import { runAsOperator } from './command-resources.ts'
import { type SeenStream, seeStream } from './seen-stream.ts'

export const checkpointShow: RunCommand = (args, parts) =>
  runAsOperator(args, parts, async ({ streams, shared }) => {
    const found = streams.map(async (stream) =>
      shownStream(stream.name, await seeStream({ stream, shared }, parts.stop)),
    )
    const shown = await Promise.all(found)
    const value = args.stream === undefined ? { streams: shown.map(({ scansInProgress, ...row }) => row) } : shown[0]
    return { exit: shown.some(({ code }) => code !== undefined) ? 1 : 0, value }
  })

/** Returns what is shown of a stream. Pure. */
export function shownStream(stream: string, { document, wishes }: SeenStream) {
  const { paused, reason, at, by } = wishes
  const known = typeof document === 'string' ? undefined : document
  const rewind = waitingRewind(known, wishes)
  const remarks = [
    paused && `paused since ${isoTime(at)} by ${by}${reason === '' ? '' : `: ${reason}`}`,
    rewind !== undefined && `a rewind to ${rewind.to ?? 'the beginning'} is not applied yet`,
    document === 'none' && 'no checkpoint',
  ]
  const remark = remarks.filter((text) => text !== false).join('; ') || undefined
  if (known === undefined) return { stream, code: document === 'none' ? undefined : document, remark }
  const { claim, committed, pending } = known
  const { nextEvent, scans } = committed.state
  return {
    stream,
    /** Start of the last completed live scan: all changes before it are read. */
    liveUntil: scans.live.startedAt === null ? null : isoTime(scans.live.startedAt),
    history: scans.history.state,
    nextEvent,
    pending: pending === null ? undefined : pending.change.nextEvent - nextEvent,
    /** It is null if nobody runs the stream, as its last owner has stopped. */
    openedBy: claim.owner,
    openedAt: isoTime(claim.at),
    epoch: claim.epoch,
    remark,
    scansInProgress: scansInProgress(scans).map(({ lane, from, pages, clients, times }) => {
      return { scan: lane, from, pages, clients, reached: times?.last ?? null }
    }),
  }
}

/** Returns the time in UTC, in whole seconds. */
const isoTime = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
