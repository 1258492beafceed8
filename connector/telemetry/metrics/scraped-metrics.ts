import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../../runtime/clock.ts'
import type { Health, WatchedStream } from '../health.ts'
import { groupStates, isDifferent } from '../replica-status.ts'
import type { ReplicaWatch } from '../replica-watch.ts'
import { lookBackReports } from '../scan-status.ts'
import { isActive, type StreamStatus, streamPhases } from '../stream-status.ts'
import { type MetricEntry, scrapedList } from './metric-list.ts'

interface ScrapedParts {
  readonly clock: Clock
  readonly version: string
  readonly replica: string
  /** The current state of this replica and all its streams. */
  readonly watch: ReplicaWatch
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** The gauges computed at each scrape from the state of the streams. A stream that runs elsewhere has no times here. */
export function scrapedMetrics(registry: Registry, parts: ScrapedParts): void {
  const { clock, version, replica, watch } = parts
  const gauge = scrapedGauge(registry)
  const active = () => watch.streams().filter(({ status }) => isActive(status))
  const ofStreams = (metric: MetricEntry, of: (watched: WatchedStream) => number | undefined) =>
    gauge(metric, () =>
      active().flatMap((watched): Sample[] => {
        const value = of(watched)
        return value === undefined ? [] : [[{ stream: watched.stream }, value]]
      }),
    )

  ofStreams(scrapedList.lastPoll, ({ status }) => timestamp(status.goodPollAt ?? status.startedAt, clock))
  ofStreams(scrapedList.lastLiveScan, ({ status }) => timestamp(status.liveScanAt ?? status.startedAt, clock))
  ofStreams(scrapedList.lastSave, ({ status: { savedAt } }) =>
    savedAt === undefined ? undefined : timestamp(savedAt, clock),
  )
  ofStreams(scrapedList.caughtUp, ({ status }) => (status.isCaughtUp ? 1 : 0))
  ofStreams(scrapedList.producerOpen, ({ status }) => (status.hasProducer ? 1 : 0))
  ofStreams(scrapedList.lookBacksBehind, (watched) => lookBacksBehind(watched, clock))
  ofStreams(scrapedList.indexClients, ({ status }) => status.index?.clients)
  ofStreams(scrapedList.missingClients, ({ status }) => status.removal?.missing)
  ofStreams(scrapedList.goneClients, ({ status }) => status.removal?.gone)
  ofStreams(scrapedList.removalsHeld, ({ status }) => status.removal && (isHeld(status.removal) ? 1 : 0))
  gauge(scrapedList.certificateExpiry, () => active().flatMap(certificateSamples))
  gauge(scrapedList.failure, () => watch.health().streams.flatMap(failureSamples))
  gauge(scrapedList.state, () => watch.streams().flatMap(stateSamples))
  gauge(scrapedList.indexMemory, () => [[{}, active().reduce(addMemory, 0)]])
  gauge(scrapedList.assigned, () => [[{}, watch.group().streams.size]])
  gauge(scrapedList.otherConfigurations, () => [[{}, watch.group().members.filter(isDifferent).length]])
  gauge(scrapedList.groupState, () => groupStates.map((state) => [{ state }, watch.group().state === state ? 1 : 0]))
  gauge(scrapedList.controlRead, () => {
    const { readAt } = watch.control()
    return readAt === undefined ? [] : [[{}, readAt / 1000]]
  })
  gauge(scrapedList.controlLost, () => {
    const { lostAt } = watch.control()
    return lostAt === undefined ? [] : [[{}, lostAt / 1000]]
  })
  gauge(scrapedList.ready, () => [[{}, watch.health().ready ? 1 : 0]])
  gauge(scrapedList.build, () => [[{ version, replica }, 1]])
}

/** In seconds since 1970; `at` is of `Clock.monotonic`. */
const timestamp = (at: number, { now, monotonic }: Clock) => Math.round(now() - (monotonic() - at)) / 1000

const scrapedGauge =
  (registry: Registry) =>
  ({ name, help, labels }: MetricEntry, samples: () => readonly Sample[]) =>
    new Gauge({
      name,
      help,
      labelNames: Object.keys(labels),
      registers: [registry],
      collect() {
        this.reset()
        for (const [labelled, value] of samples()) this.set(labelled, value)
      },
    })

const isHeld = ({ held }: NonNullable<StreamStatus['removal']>) => held.marking || held.publishing

function lookBacksBehind({ status: { scans }, poll }: WatchedStream, clock: Clock): number | undefined {
  return scans && lookBackReports(scans, poll, clock).filter(({ isBehind }) => isBehind).length
}

function certificateSamples({ stream, status }: WatchedStream): readonly Sample[] {
  return Object.entries(status.certificates).map(([certificate, expiresAt]) => [
    { stream, certificate },
    expiresAt / 1000,
  ])
}

function failureSamples({ stream, code }: Health['streams'][number]): readonly Sample[] {
  return code === undefined ? [] : [[{ stream, code }, 1]]
}

const addMemory = (sum: number, { status }: WatchedStream) => sum + (status.index?.memoryBytes ?? 0)

/** A stream that was lost or has ended waits until it is assigned again: one series less for each of the two. */
const exportedPhases = streamPhases.filter((phase) => phase !== 'lost' && phase !== 'ended')

function stateSamples({ stream, status: { state } }: WatchedStream): readonly Sample[] {
  const exported = state === 'lost' || state === 'ended' ? 'waiting' : state
  return exportedPhases.map((phase) => [{ stream, state: phase }, exported === phase ? 1 : 0])
}
