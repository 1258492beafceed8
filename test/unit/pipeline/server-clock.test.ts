import { describe, expect, test } from 'vitest'
import type { ServerClockEvent } from '../../../connector/pipeline/read/server-clock.ts'
import { createServerClock } from '../../../connector/pipeline/read/server-clock.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { pageOf } from './readings.ts'

const NOW = 1_000_000
const HOUR = 3_600_000
const answered = (serverTime: number | undefined, tookMs = 0) => pageOf([], { serverTime, tookMs })

function serverClock() {
  const clock = virtualClock(NOW)
  const events: ServerClockEvent[] = []
  return { clock, server: createServerClock(clock, (event) => events.push(event)), events }
}

describe("the server's clock", () => {
  test('is ours until the first Date header, then the last header plus elapsed time', () => {
    const { clock, server } = serverClock()
    expect(server.now()).toBe(NOW)
    server.learn(answered(NOW + 90_000))
    clock.pass(5_000)
    expect(server.times()).toEqual({ ours: NOW + 5_000, server: NOW + 95_000 })
  })

  test('returns both clocks at the time when the response began', () => {
    const { server } = serverClock()
    expect(server.learn(answered(NOW + 90_000, 2_000.5))).toEqual({ ours: NOW - 2_001, server: NOW + 87_999 })
  })

  test('does not go back when several responses in one second carry the same Date', () => {
    const { clock, server } = serverClock()
    for (let page = 0; page < 3; page += 1) {
      server.learn(answered(NOW))
      clock.pass(300)
    }
    expect(server.now()).toBe(NOW + 900)
  })
})

describe('a Date header that is missing', () => {
  test('is reported after three responses, and our clock is used until there is one again', () => {
    const { clock, server, events } = serverClock()
    server.learn(answered(NOW + HOUR))
    for (let page = 0; page < 2; page += 1) server.learn(answered(undefined))
    expect(server.now()).toBe(NOW)
    expect(events).toEqual([])
    for (let page = 0; page < 9; page += 1) server.learn(answered(undefined))
    expect(events).toEqual([{ kind: 'server-clock-missing', why: 'no-date' }])
    clock.pass(1_000)
    server.learn(answered(NOW + HOUR + 1_000))
    expect(server.now()).toBe(NOW + HOUR + 1_000)
  })
})

describe('a Date header that stands still', () => {
  test('counts as missing after two minutes, and no longer once it advances', () => {
    const { clock, server, events } = serverClock()
    const poll = (serverTime: number) => {
      clock.jump(5_000)
      server.learn(answered(serverTime))
    }
    server.learn(answered(NOW - HOUR))
    for (let page = 0; page < 24; page += 1) poll(NOW - HOUR)
    expect(events).toEqual([])
    expect(server.now()).toBe(NOW - HOUR + 120_000)
    for (let page = 0; page < 4; page += 1) poll(NOW - HOUR)
    expect(events).toEqual([{ kind: 'server-clock-missing', why: 'stands-still' }])
    expect(server.now()).toBe(clock.now())
    poll(NOW - HOUR + 145_000)
    expect(server.now()).toBe(NOW - HOUR + 145_000)
  })
})

describe('a process that stood still', () => {
  const polls = (server: ReturnType<typeof serverClock>, offMs: number, tookMs = 100) => {
    for (let poll = 0; poll < 5; poll += 1) {
      server.clock.jump(5_000)
      server.server.learn(answered(server.clock.now() + offMs, tookMs))
    }
  }

  test('after the server has answered, is no jump of the clock of the server', () => {
    const stage = serverClock()
    stage.server.learn(answered(NOW, 65_000)) // read 65 s later
    polls(stage, 65_000)
    stage.clock.jump(70_000)
    stage.server.learn(answered(stage.clock.now() - 5_000, 70_000))
    polls(stage, 65_000)
    expect(stage.events).toEqual([])
  })

  test('with the whole machine is no jump, since our wall clock advanced alike', () => {
    const stage = serverClock()
    polls(stage, 0)
    const wall = stage.clock.now
    const suspended = { ...stage.clock, now: () => wall() + 90_000 }
    Object.assign(stage.clock, suspended)
    polls(stage, 0)
    expect(stage.events).toEqual([])
  })
})

describe('a server clock that jumps', () => {
  test.each([
    ['ahead', HOUR],
    ['back', -HOUR],
  ])('%s is followed at once, and reported when it has lasted for three responses', (_what, byMs) => {
    const { clock, server, events } = serverClock()
    server.learn(answered(NOW))
    for (let poll = 1; poll <= 9; poll += 1) {
      clock.jump(5_000)
      server.learn(answered(NOW + poll * 5_000 + byMs))
      expect(server.now()).toBe(NOW + poll * 5_000 + byMs)
      expect(events).toEqual(poll < 3 ? [] : [{ kind: 'server-clock-jumped', byMs }])
    }
  })

  test('for one response is not reported', () => {
    const { clock, server, events } = serverClock()
    for (let poll = 0; poll < 720; poll += 1) {
      server.learn(answered(clock.now() - (poll % 20 === 5 ? HOUR : 0)))
      clock.jump(5_000)
    }
    expect(events).toEqual([])
  })

  test('by up to a minute is not reported, as responses may be delayed', () => {
    const { server, events } = serverClock()
    server.learn(answered(NOW))
    server.learn(answered(NOW + 60_000))
    server.learn(answered(NOW))
    expect(events).toEqual([])
  })
})

describe('in ten hours of polls, each trouble is reported at most once an hour', () => {
  const seconds = (ms: number) => Math.floor(ms / 1_000) * 1_000
  test.each<[string, readonly ServerClockEvent['kind'][], (poll: number, now: number) => number | undefined]>([
    ['two machines take turns, 90 s apart', ['server-clock-jumped'], (poll, now) => seconds(now) + (poll % 2) * 90_000],
    [
      'a proxy caches responses for 3 minutes',
      ['server-clock-jumped', 'server-clock-missing'],
      (_, now) => Math.floor(now / 180_000) * 180_000,
    ],
    ['no response has a Date', ['server-clock-missing'], () => undefined],
    ['every second response has no Date', [], (poll, now) => (poll % 2 === 0 ? seconds(now) : undefined)],
  ])('%s: %j', (_, troubles, dateOf) => {
    const { clock, server, events } = serverClock()
    for (let poll = 0; poll < 7_200; poll += 1) {
      clock.jump(5_000)
      server.learn(answered(dateOf(poll, clock.now()), 10))
    }
    const kinds = events.map(({ kind }) => kind)
    expect([...new Set(kinds)].sort()).toEqual(troubles)
    for (const trouble of troubles) expect(kinds.filter((kind) => kind === trouble).length).toBeLessThanOrEqual(10)
  })
})
