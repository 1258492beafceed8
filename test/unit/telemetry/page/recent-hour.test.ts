import { expect, test } from 'vitest'
import type { PipelineEvent } from '../../../../connector/pipeline/pipeline-event.ts'
import { recentHour } from '../../../../connector/telemetry/page/recent-hour.ts'
import { published } from '../../../support/every-pipeline-event.ts'

const minute = 60_000
const page = (tookMs: number): PipelineEvent => {
  return { kind: 'page-read', scan: 'live', clients: 1, limit: 100, bytes: 1, tookMs }
}

function scene() {
  const time = { now: Date.parse('2026-11-27T14:00:30Z') }
  const hour = recentHour({ now: () => time.now })
  const shop = hour.follow('shop')
  const shown = () => hour.report().streams[0]
  return { time, hour, shop, shown }
}

test('shows the events of each minute, and its slowest read and delivery', () => {
  const { time, hour, shop, shown } = scene()
  for (const event of [page(120), published({ events: 3 }, { tookMs: 40 }), page(80), published({ events: 4 })])
    shop(event)
  time.now += minute
  shop(page(2000))
  expect(hour.report().minute).toBe('2026-11-27T14:01:00.000Z')
  expect(shown()?.events.slice(-3)).toEqual([null, 7, 0])
  expect(shown()?.readSeconds.slice(-3)).toEqual([null, 0.12, 2])
  expect(shown()?.publishSeconds.slice(-3)).toEqual([null, 0.04, null])
})

test('a page group that published nothing is no delivery', () => {
  const { shop, shown } = scene()
  for (const event of [page(9), published({ suppressed: 40 })]) shop(event)
  expect([shown()?.events.at(-1), shown()?.publishSeconds.at(-1)]).toEqual([0, null])
})

test('drops what is older than 60 minutes, also after a long pause', () => {
  const { time, shop, shown } = scene()
  shop(published({ events: 5 }))
  time.now += 59 * minute
  expect(shown()?.events).toHaveLength(60)
  expect(shown()?.events[0]).toBe(5)
  time.now += minute
  expect(shown()?.events.every((events) => events === null)).toBe(true)
  shop(published({ events: 6 }))
  time.now += 500 * minute
  expect(shown()?.events.every((events) => events === null)).toBe(true)
})

test('a clock that goes back changes no older minute', () => {
  const { time, shop, shown } = scene()
  shop(published({ events: 5 }))
  time.now -= 10 * minute
  shop(published({ events: 1 }))
  expect(shown()?.events.slice(-2)).toEqual([null, 6])
})
