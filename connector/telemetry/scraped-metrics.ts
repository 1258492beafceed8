import { Gauge, type Registry } from 'prom-client'
import type { Clock } from '../runtime/clock.ts'
import { secondsSince, type WatchedStream } from './health.ts'
import { type MetricEntry, scrapedList } from './metric-list.ts'
import { isActive, streamStates } from './stream-status.ts'

export interface ScrapedParts {
  readonly clock: Clock
  readonly version: string
  readonly replica: string
  /** All streams that this replica knows of, as they are now. */
  readonly streams: () => readonly WatchedStream[]
  readonly isReady: () => boolean
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number]

/** The gauges that are computed when somebody asks, from the state of the streams. A stream that runs elsewhere has no ages here. */
export function scrapedMetrics(registry: Registry, parts: ScrapedParts): void {
  const { clock, version, replica, streams, isReady } = parts
  const here = () => streams().filter(({ status }) => isActive(status) || status.state === 'stopped')
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
  gauge(scrapedList.state, () => streams().flatMap(stateSamples))
  gauge(scrapedList.ready, () => [[{}, isReady() ? 1 : 0]])
  gauge(scrapedList.build, () => [[{ version, replica }, 1]])
}

function stateSamples({ stream, status }: WatchedStream): readonly Sample[] {
  return streamStates.map((state) => [{ stream, state }, status.state === state ? 1 : 0])
}
