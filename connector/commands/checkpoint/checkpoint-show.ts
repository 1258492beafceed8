import { waitingRewind } from '../../checkpoint/wishes.ts'
import { inProgress } from '../../scan/scan-state.ts'
import { type Command, configOption, jsonOption } from '../command.ts'
import { asOperator, selectedStreams } from '../command-resources.ts'
import { readStored, type StoredStream } from '../stored-stream.ts'

export const checkpointShow: Command = {
  name: 'checkpoint show',
  summary: 'show how far the streams have read, and which replica runs them',
  usage:
    'Reads the checkpoints and changes nothing. Without a stream, prints one row for each; of one stream,\n' +
    'prints its scans in progress too. Times are in UTC, but those of clients in the time of the server.\n' +
    'Exit code 1: a checkpoint cannot be read. doctor says whether an absent one is lost.',
  takesStream: true,
  options: { ...configOption, ...jsonOption },
  examples: ['checkpoint show --config connector.yaml', 'checkpoint show lyon --config connector.yaml'],
  run: (args, parts) =>
    asOperator(args, parts, async ({ config, shared }) => {
      const found = selectedStreams(args, config.streams).map(async (stream) =>
        shownStream(stream.name, await readStored({ stream, shared }, parts.stop)),
      )
      const shown = await Promise.all(found)
      const value = args.stream === undefined ? { streams: shown.map(({ scansInProgress, ...row }) => row) } : shown[0]
      return { exit: shown.some(({ code }) => code !== undefined) ? 1 : 0, value }
    }),
}

/** Pure. */
export function shownStream(stream: string, { document, wishes }: StoredStream) {
  const { paused, reason, at, by } = wishes
  const known = typeof document === 'string' ? undefined : document
  const rewind = waitingRewind(known, wishes)
  const remarks = [
    ...(paused ? [`paused since ${isoTime(at)} by ${by}${reason === '' ? '' : `: ${reason}`}`] : []),
    ...(rewind === undefined ? [] : [`a rewind to ${rewind.to ?? 'the beginning'} is not applied yet`]),
    ...(document === 'none' ? ['no checkpoint'] : []),
  ]
  const remark = remarks.length === 0 ? undefined : remarks.join('; ')
  if (known === undefined) return { stream, code: document === 'none' ? undefined : document, remark }
  const { claim, committed, pending } = known
  const { events, scans } = committed.state
  return {
    stream,
    /** Start of the last completed live scan: all changes before it are read. */
    liveUntil: scans.live.startedAt === null ? null : isoTime(scans.live.startedAt),
    history: scans.history.state,
    events,
    pending: pending === null ? undefined : pending.change.events - events,
    /** Null: nobody runs it, as its last owner has stopped. */
    openedBy: claim.owner,
    openedAt: isoTime(claim.at),
    epoch: claim.epoch,
    remark,
    scansInProgress: inProgress(scans).map(({ lane, from, pages, clients, times }) => ({
      scan: lane,
      from,
      pages,
      clients,
      reached: times?.last ?? null,
    })),
  }
}

/** In UTC, in whole seconds. */
const isoTime = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
