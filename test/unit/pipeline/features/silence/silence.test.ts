import { describe, expect, test } from 'vitest'
import { silence } from '../../../../../connector/pipeline/features/silence/silence.ts'
import { codeOf } from '../../../../../connector/runtime/connector-error.ts'
import { wallClock } from '../../../../../connector/source/source-time.ts'
import { DAY, HOUR, MINUTE, noon } from '../../../scan/scans.ts'
import { building, reportsOf, start } from '../../builders.ts'
import { mappedTo, reading } from '../../readings.ts'

type From = Parameters<typeof building>[1]

/** A stream that is read now and then. `changes` modifies a client at these times before the live scan at `now`. */
function watched(from: From = {}, features = [silence()]) {
  const built = building({ features }, from)
  let next = 0
  const live = (now: number, modified: readonly number[] = [], server = now) => {
    const clients = modified.map((at) => ({ No: `${next++}`, Modif: wallClock(at, 'Europe/Paris') }))
    built.builder.add(reading(clients, { readAt: { ours: now, server } }))
    const group = built.delivered()
    return group.parts.flatMap(({ events }) => events)
  }
  /** A shop whose clients change every hour from 8 to 20, for so many days. */
  const days = (from: number, count: number) => {
    for (let day = 0; day < count; day += 1)
      for (let hour = 0; hour <= 12; hour += 1) {
        const now = from + day * DAY + hour * HOUR
        live(now + 1000, [now])
      }
    return from + (count - 1) * DAY + 12 * HOUR
  }
  return { ...built, live, days }
}

describe('a stream is silent', () => {
  test('when no client has changed for three times the longest quiet spell', () => {
    const { live, days } = watched()
    const last = days(noon, 20) // quiet for twelve hours each night
    expect(live(last + 35 * HOUR)).toEqual([])
    expect(live(last + 37 * HOUR)).toEqual([{ kind: 'source-silent', quietMs: 37 * HOUR - 1000, longestMs: 12 * HOUR }])
    expect(live(last + 38 * HOUR)).toEqual([])
  })

  test('at the earliest after a day', () => {
    const { live } = watched()
    for (let at = noon; at < noon + 15 * DAY; at += HOUR) live(at, [at])
    const last = noon + 15 * DAY - HOUR
    expect(live(last + 23 * HOUR)).toEqual([])
    expect(live(last + 25 * HOUR)).toMatchObject([{ kind: 'source-silent' }])
  })

  test('only after two weeks of observation, even if no client has ever changed', () => {
    const { live } = watched()
    expect(live(noon)).toEqual([])
    expect(live(noon + 13.9 * DAY)).toEqual([])
    expect(live(noon + 14 * DAY)).toEqual([{ kind: 'source-silent', quietMs: 14 * DAY, longestMs: 0 }])
  })

  test('until a client changes again; however long it was, the next alarm comes at most half as late again', () => {
    const { live, days } = watched()
    const last = days(noon, 20)
    live(last + 40 * HOUR)
    const again = last + 20 * DAY
    expect(live(again + 1000, [again])).toEqual([{ kind: 'newest-change', at: again }, { kind: 'silence-ended' }])
    expect(live(again + 53 * HOUR)).toEqual([])
    expect(live(again + 55 * HOUR)).toMatchObject([{ kind: 'source-silent', longestMs: 18 * HOUR }])
  })
})

test('is judged only once a live scan is complete: until then, not all changes were read', () => {
  const { builder, delivered, live, days } = watched()
  const last = days(noon, 20)
  const now = last + 50 * HOUR
  builder.add(reading([], { isLast: false, readAt: { ours: now, server: now } }))
  expect(delivered().parts).toEqual([])
  expect(live(now, [last + 49 * HOUR])).toEqual([{ kind: 'newest-change', at: last + 49 * HOUR }])
})

describe('the newest change', () => {
  test('is that of all clients read, also of those that are not published', () => {
    const { live, builder, delivered } = watched()
    expect(live(noon, [noon - 5000, noon - 9000])).toEqual([{ kind: 'newest-change', at: noon - 5000 }])
    expect(live(noon + 1, [noon - 6000])).toEqual([])
    const touched = { No: '0', Modif: wallClock(noon - 5000, 'Europe/Paris') }
    builder.add(reading([touched], { readAt: { ours: noon + 2, server: noon + 2 } }))
    expect(delivered().parts).toEqual([])
  })

  test('is not ahead of the clock of the server', () => {
    const { live } = watched()
    expect(live(noon, [noon - 5000, noon + DAY])).toEqual([{ kind: 'newest-change', at: noon - 5000 }])
  })

  test('is when a change was read if modification times are not mapped', () => {
    const { builder, delivered } = watched()
    const page = (name: string, now: number) =>
      reading([{ No: '1', Nom: name }], { mapping: mappedTo('No', null), readAt: { ours: now + 9, server: now } })
    builder.add(page('a', noon))
    expect(reportsOf(delivered(), 'newest-change')).toEqual([{ kind: 'newest-change', at: noon }])
    builder.add(page('a', noon + MINUTE))
    expect(delivered().parts).toEqual([])
    builder.add(page('b', noon + HOUR))
    expect(reportsOf(delivered(), 'newest-change')).toEqual([{ kind: 'newest-change', at: noon + HOUR }])
  })
})

test('a clock that jumps ahead makes no quiet spell, neither that of the server nor ours', () => {
  const { live, days } = watched()
  const last = days(noon, 20)
  expect(live(last + HOUR, [], last + 10 * DAY)).toEqual([])
  live(last + 2 * HOUR, [last + 10 * DAY], last + 10 * DAY + HOUR)
  expect(live(last + 10 * DAY, [], last + 3 * HOUR)).toEqual([{ kind: 'newest-change', at: last + 3 * HOUR }])
  const now = last + 4 * HOUR
  live(now, [now])
  expect(live(now + 37 * HOUR)).toMatchObject([{ kind: 'source-silent', longestMs: 12 * HOUR }])
})

test('another replica continues the observation', () => {
  const first = watched()
  const last = first.days(noon, 20)
  const second = watched({ state: first.state(), table: first.table })
  expect(second.live(last + 37 * HOUR)).toMatchObject([{ kind: 'newest-change', at: last }, { kind: 'source-silent' }])
})

test('a silence is reported once while the stream runs here, also if it is opened again', () => {
  const features = [silence()]
  const first = watched({}, features)
  const last = first.days(noon, 20)
  expect(first.live(last + 37 * HOUR)).toHaveLength(1)
  const again = watched({ state: first.state(), table: first.table }, features)
  expect(again.live(last + 38 * HOUR)).toEqual([])
  expect(again.live(last + 39 * HOUR, [last + 39 * HOUR])).toHaveLength(2)
})

test('a damaged state is no reason to guess', () => {
  const opening = () => building({ features: [silence()] }, { state: { ...start, parts: { silence: { since: 'x' } } } })
  expect(opening).toThrow(/invalid state of a part at silence\.since/)
  try {
    opening()
  } catch (error) {
    expect(codeOf(error)).toBe('checkpoint.damaged')
  }
})
