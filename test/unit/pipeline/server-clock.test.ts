import { describe, expect, test } from 'vitest'
import { createServerClock, type ServerClockEvent } from '../../../connector/pipeline/read/server-clock.ts'
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
  test('is reported once, and our clock is used until there is one again', () => {
    const { clock, server, events } = serverClock()
    server.learn(answered(NOW + HOUR))
    for (let page = 0; page < 3; page += 1) server.learn(answered(undefined))
    expect(server.now()).toBe(NOW)
    expect(events).toEqual([{ kind: 'server-clock-missing', why: 'no-date' }])
    clock.pass(1_000)
    server.learn(answered(NOW + HOUR + 1_000))
    expect(server.now()).toBe(NOW + HOUR + 1_000)
    server.learn(answered(undefined))
    expect(events).toHaveLength(2)
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
    for (let page = 0; page < 3; page += 1) poll(NOW - HOUR)
    expect(events).toEqual([{ kind: 'server-clock-missing', why: 'stands-still' }])
    expect(server.now()).toBe(clock.now())
    poll(NOW - HOUR + 140_000)
    expect(server.now()).toBe(NOW - HOUR + 140_000)
  })
})

describe('a server clock that jumps', () => {
  test.each([
    ['ahead', HOUR],
    ['back', -HOUR],
  ])('%s is reported once and followed at once, and so is its return', (_what, byMs) => {
    const { clock, server, events } = serverClock()
    server.learn(answered(NOW))
    clock.jump(5_000)
    server.learn(answered(NOW + 5_000 + byMs))
    clock.jump(5_000)
    server.learn(answered(NOW + 10_000 + byMs))
    expect(server.now()).toBe(NOW + 10_000 + byMs)
    expect(events).toEqual([{ kind: 'server-clock-jumped', byMs }])
    clock.jump(5_000)
    server.learn(answered(NOW + 15_000))
    expect(server.now()).toBe(NOW + 15_000)
    expect(events.slice(1)).toEqual([{ kind: 'server-clock-jumped', byMs: -byMs }])
  })

  test('by up to a minute is not reported, as responses may be delayed', () => {
    const { server, events } = serverClock()
    server.learn(answered(NOW))
    server.learn(answered(NOW + 60_000))
    server.learn(answered(NOW))
    expect(events).toEqual([])
  })
})
