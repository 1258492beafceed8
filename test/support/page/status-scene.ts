import type { PipelineEvent } from '../../../connector/pipeline/pipeline-event.ts'
import { systemClock } from '../../../connector/runtime/clock.ts'
import { ConnectorError } from '../../../connector/runtime/connector-error.ts'
import type { Scan } from '../../../connector/scan/scan-state.ts'
import type { SourceTime } from '../../../connector/source/client-source.ts'
import { createTelemetry, type Telemetry } from '../../../connector/telemetry/telemetry.ts'
import { history, published } from '../every-pipeline-event.ts'
import { polling } from '../polling.ts'
import { historyOf } from '../scans.ts'
import { entered, failed, reporting } from '../stream-states.ts'

export type SceneName = 'one' | 'everyday'

const MINUTE = 60_000
const NOW = Date.parse('2026-11-27T14:35:20Z')
const own = 'polaris-connector-7d9c5b8f6d-x2v4k-3fa1c2d4'

/** A replica with an hour behind it; `listen` serves its status page. All names are invented. */
export function statusScene(name: SceneName) {
  const time = { now: NOW - 61 * MINUTE }
  const telemetry = createTelemetry({
    connector: 'shops',
    replica: own,
    version: '0.1.0',
    level: 'silent',
    out: { write: () => {} },
    clock: { ...systemClock, now: () => time.now, monotonic: () => time.now },
    readyAfterMs: 120_000,
    placement: name === 'one' ? 'single' : 'group',
  })
  const script = scripts[name]
  const streams = script.here.map(([stream, plot], index) => {
    return { stream, plot, index, observe: reporting(telemetry.observe(stream, polling)) }
  })
  for (const stream of script.elsewhere) telemetry.observe(stream, polling)
  const names = streams.map(({ stream }) => stream)
  telemetry.setReplicaState('running')
  if (name !== 'one') join(telemetry, names)
  for (const { observe } of streams) for (const event of opened) observe(event)
  for (const minute of [1, 40, 41, 60]) {
    time.now = NOW + (minute - 61) * MINUTE
    for (const stream of streams) for (const event of eventsOf(stream, minute)) stream.observe(event)
  }
  time.now = NOW - 2_500
  for (const { observe, plot } of streams)
    if (plot.fails === undefined) for (const event of plot.ends ?? caughtUp) observe(event)
  time.now = NOW
  return { ...telemetry, time }
}

function join({ observePlacement }: Telemetry, streams: readonly string[]): void {
  observePlacement({ kind: 'group-joined', slots: [0, 3, 4, 7, 9, 12, 15, 20], streams: [], tookMs: 1 })
  observePlacement({ kind: 'assignment-changed', streams: streams.length, gained: [...streams], lost: [] })
}

interface Plot {
  /** Clients modified in a minute. */
  readonly busy: number
  readonly readMs: number
  /** From this minute on, nothing is read. */
  readonly fails?: { readonly atMinute: number; readonly events: readonly PipelineEvent[] }
  readonly scans?: (minute: number) => readonly Scan[]
  /** Its last events, a few seconds ago. */
  readonly ends?: readonly PipelineEvent[]
}

const opened: readonly PipelineEvent[] = [
  entered('opening'),
  { kind: 'stream-claimed', epoch: 12, seq: 4210, history: 'done', isNew: false, nextEvent: 0 },
  { kind: 'scan-started', scan: 'live', lastChanged: '2026-11-27T15:34:45' },
]
const caughtUp: readonly PipelineEvent[] = [{ kind: 'caught-up', clients: 0, pages: 1 }]

function eventsOf({ plot, index }: { plot: Plot; index: number }, minute: number): readonly PipelineEvent[] {
  const { fails, busy: clients, readMs: tookMs } = plot
  if (fails !== undefined && minute >= fails.atMinute) return minute === fails.atMinute ? fails.events : []
  return [
    { kind: 'page-read', scan: 'live', clients: clients + 40, limit: 500, bytes: 900 * clients, tookMs },
    published(
      { events: clients, suppressed: 40 },
      {
        seq: 4210 + minute,
        hasLiveEnd: true,
        tookMs: 18,
        delays: [1_500],
        indexSize: { clients: 48_211 + 913 * index, memoryBytes: 1_160_000, segments: 3 },
        scans: {
          createdAt: 0,
          lastScanNumber: 1,
          live: { startedAt: NOW, scan: null },
          lookBacks: [],
          background: plot.scans?.(minute) ?? [],
          history: historyOf(plot.scans === undefined ? 'done' : 'first'),
        },
      },
    ),
  ]
}

/** In 2026. */
const day = (number: number) =>
  new Date(Date.UTC(2026, 0, 1) + number * 86_400_000).toISOString().slice(0, 19) as SourceTime

const upTo = (time: SourceTime) => ({ distinct: 100, last: time }) as const

const quiet: Plot = { busy: 14, readMs: 85 }
const busy: Plot = { busy: 160, readMs: 140 }
const filling: Plot = {
  busy: 900,
  readMs: 320,
  ends: [],
  scans: (minute) => [
    { ...history, clients: 5_230 * minute, pages: 11 * minute, times: upTo(day(2.4 * minute)), startedAt: 1 },
  ],
}

const refused = new ConnectorError('source.unauthorized', 'log in: the server refuses the user (status 401, text/html)')
const held: Plot = { ...quiet, fails: { atMinute: 41, events: [failed('held', refused)] } }
const idle: Plot = { ...quiet, busy: 0 }

interface Script {
  readonly here: readonly (readonly [stream: string, plot: Plot])[]
  readonly elsewhere: readonly string[]
}

const scripts: Readonly<Record<SceneName, Script>> = {
  one: { here: [['clients', busy]], elsewhere: [] },
  everyday: {
    here: [
      ['bordeaux', idle] as const,
      ['brest', quiet] as const,
      ['lille', busy] as const,
      ['lyon', filling] as const,
      ['metz', quiet] as const,
      ['nantes', held] as const,
      ['paris', { ...busy, busy: 420 }] as const,
      ['toulouse', quiet] as const,
    ],
    elsewhere: ['dijon', 'grenoble', 'limoges', 'marseille', 'nice', 'rennes'],
  },
}
