import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../runtime/clock.ts'
import { groupStates, isDifferent } from './group-status.ts'
import { secondsSince, type WatchedStream } from './health.ts'
import { type MetricEntry, scrapedList } from './metric-list.ts'
import type { ReplicaWatch } from './replica-watch.ts'
import { lookBackReports } from './scan-status.ts'
import { isActive, streamPhases } from './stream-status.ts'

interface ScrapedParts {
  readonly clock: Clock
  readonly version: string
  readonly replica: string
  /** The current state of this replica and all its streams. */
  readonly watch: ReplicaWatch
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** The gauges computed at each scrape from the state of the streams. A stream that runs elsewhere has no ages here. */
export function scrapedMetrics(registry: Registry, parts: ScrapedParts): void {
  const { clock, version, replica, watch } = parts
  const gauge = scrapedGauge(registry)
  const ofStreams = (metric: MetricEntry, of: (watched: WatchedStream) => number | undefined) =>
    gauge(metric, () =>
      watch.streams().flatMap((watched): Sample[] => {
        const value = isActive(watched.status) ? of(watched) : undefined
        return value === undefined ? [] : [[{ stream: watched.stream }, value]]
      }),
    )
  const since = (at: number) => secondsSince(at, clock.monotonic())

  ofStreams(scrapedList.sinceGoodPoll, ({ status }) => since(status.goodPollAt ?? status.startedAt))
  ofStreams(scrapedList.sinceLiveScan, ({ status }) => since(status.liveScanAt ?? status.startedAt))
  ofStreams(scrapedList.checkpointAge, ({ status: { savedAt } }) =>
    savedAt === undefined ? undefined : since(savedAt),
  )
  ofStreams(scrapedList.caughtUp, ({ status }) => (status.isCaughtUp ? 1 : 0))
  ofStreams(scrapedList.producerOpen, ({ status }) => (status.hasProducer ? 1 : 0))
  ofStreams(scrapedList.lookBacksBehind, (watched) => lookBacksBehind(watched, clock))
  ofStreams(scrapedList.indexClients, ({ status }) => status.index?.clients)
  ofStreams(scrapedList.indexMemory, ({ status }) => status.index?.memoryBytes)
  ofStreams(scrapedList.indexSegments, ({ status }) => status.index?.segments)
  gauge(scrapedList.certificateExpiry, () => watch.streams().flatMap(certificateSamples))
  gauge(scrapedList.state, () => watch.streams().flatMap(stateSamples))
  gauge(scrapedList.assigned, () => [[{}, watch.group().streams.size]])
  gauge(scrapedList.otherConfigurations, () => [[{}, watch.group().members.filter(isDifferent).length]])
  gauge(scrapedList.groupState, () => groupStates.map((state) => [{ state }, watch.group().state === state ? 1 : 0]))
  gauge(scrapedList.controlRead, () => {
    const { readAt } = watch.control()
    return readAt === undefined ? [] : [[{}, readAt / 1000]]
  })
  gauge(scrapedList.ready, () => [[{}, watch.health().ready ? 1 : 0]])
  gauge(scrapedList.build, () => [[{ version, replica }, 1]])
}

const scrapedGauge =
  (registry: Registry) =>
  ({ name, help, labels }: MetricEntry, samples: () => readonly Sample[]) =>
    new Gauge({
      ...{ name, help, labelNames: labels, registers: [registry] },
      collect() {
        this.reset()
        for (const [labelled, value] of samples()) this.set(labelled, value)
      },
    })

function lookBacksBehind({ status: { scans }, poll }: WatchedStream, clock: Clock): number | undefined {
  return scans && lookBackReports(scans, poll, clock).filter(({ isBehind }) => isBehind).length
}

function certificateSamples({ stream, status }: WatchedStream): readonly Sample[] {
  if (!isActive(status)) return []
  return Object.entries(status.certificates).map(([certificate, expiresAt]) => [
    { stream, certificate },
    expiresAt / 1000,
  ])
}

function stateSamples({ stream, status }: WatchedStream): readonly Sample[] {
  return streamPhases.map((state) => [{ stream, state }, status.state === state ? 1 : 0])
}
