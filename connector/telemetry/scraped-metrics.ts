import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../runtime/clock.ts'
import { groupStates } from './group-status.ts'
import { secondsSince, type WatchedStream } from './health.ts'
import { type MetricEntry, scrapedList } from './metric-list.ts'
import type { ReplicaWatch } from './replica-watch.ts'
import { isActive, streamStates } from './stream-status.ts'

export interface ScrapedParts {
  readonly clock: Clock
  readonly version: string
  readonly replica: string
  /** This replica and all its streams, as they are now. */
  readonly watch: ReplicaWatch
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** The gauges that are computed when somebody asks, from the state of the streams. A stream that runs elsewhere has no ages here. */
export function scrapedMetrics(registry: Registry, parts: ScrapedParts): void {
  const { clock, version, replica, watch } = parts
  const here = () => watch.streams().filter(({ status }) => isActive(status) || status.state === 'stopped')
  const gauge = (metric: MetricEntry, samples: () => readonly Sample[]) => {
    const { name, help, labels } = metric
    new Gauge({
      name,
      help,
      labelNames: labels,
      registers: [registry],
      collect() {
        this.reset()
        for (const [labelled, value] of samples()) this.set(labelled, value)
      },
    })
  }
  gauge(scrapedList.sinceGoodPoll, () =>
    here().map(({ stream, status }) => [
      { stream },
      secondsSince(status.goodPollAt ?? status.begunAt, clock.monotonic()),
    ]),
  )
  gauge(scrapedList.checkpointAge, () =>
    here().flatMap(({ stream, status: { savedAt } }) =>
      savedAt === undefined ? [] : [[{ stream }, secondsSince(savedAt, clock.monotonic())]],
    ),
  )
  gauge(scrapedList.caughtUp, () => here().map(({ stream, status }) => [{ stream }, status.isCaughtUp ? 1 : 0]))
  gauge(scrapedList.session, () => here().map(({ stream, status }) => [{ stream }, status.hasSession ? 1 : 0]))
  gauge(scrapedList.state, () => watch.streams().flatMap(stateSamples))
  gauge(scrapedList.assigned, () => [[{}, watch.group().streams.size]])
  gauge(scrapedList.groupState, () => groupStates.map((state) => [{ state }, watch.group().state === state ? 1 : 0]))
  gauge(scrapedList.ready, () => [[{}, watch.health().ready ? 1 : 0]])
  gauge(scrapedList.build, () => [[{ version, replica }, 1]])
}

function stateSamples({ stream, status }: WatchedStream): readonly Sample[] {
  return streamStates.map((state) => [{ stream, state }, status.state === state ? 1 : 0])
}
