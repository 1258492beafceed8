import { describe, expect, test } from 'vitest'
import { createServerClock } from '../../../connector/pipeline/read/server-clock.ts'
import { virtualClock } from '../../support/fakes/virtual-clock.ts'
import { pageOf } from './readings.ts'

const NOW = 1_000_000
const HOUR = 3_600_000
const answered = (serverTime: number | undefined, tookMs = 0) => pageOf([], { serverTime, tookMs })

function serverClock() {
  const clock = virtualClock(NOW)
  return { clock, server: createServerClock(clock) }
}

describe("the server's clock", () => {
  test('is ours until the first Date header, then the last header plus elapsed time', () => {
    const { clock, server } = serverClock()
    expect(server.times().server).toBe(NOW)
    server.learnFrom(answered(NOW + 90_000))
    clock.pass(5_000)
    expect(server.times()).toEqual({ ours: NOW + 5_000, server: NOW + 95_000 })
  })

  test('returns both clocks at the time when the response began', () => {
    const { server } = serverClock()
    expect(server.learnFrom(answered(NOW + 90_000, 2_000.5))).toEqual({ ours: NOW - 2_001, server: NOW + 87_999 })
  })

  test('does not go back when several responses in one second carry the same Date', () => {
    const { clock, server } = serverClock()
    for (let page = 0; page < 3; page += 1) {
      server.learnFrom(answered(NOW))
      clock.pass(300)
    }
    expect(server.times().server).toBe(NOW + 900)
  })
})

test('without a Date header, our clock is used until there is one again', () => {
  const { clock, server } = serverClock()
  server.learnFrom(answered(NOW + HOUR))
  server.learnFrom(answered(undefined))
  expect(server.times().server).toBe(NOW)
  clock.pass(1_000)
  server.learnFrom(answered(NOW + HOUR + 1_000))
  expect(server.times().server).toBe(NOW + HOUR + 1_000)
})

test('a Date header that stands still counts as missing after two minutes, and no longer once it advances', () => {
  const { clock, server } = serverClock()
  const poll = (serverTime: number) => {
    clock.jump(5_000)
    server.learnFrom(answered(serverTime))
  }
  server.learnFrom(answered(NOW - HOUR))
  for (let page = 0; page < 24; page += 1) poll(NOW - HOUR)
  expect(server.times().server).toBe(NOW - HOUR + 120_000)
  poll(NOW - HOUR)
  expect(server.times().server).toBe(clock.now())
  poll(NOW - HOUR + 130_000)
  expect(server.times().server).toBe(NOW - HOUR + 130_000)
})

test.each([HOUR, -HOUR])('a clock of the server that jumps is followed at once: by %d ms', (byMs) => {
  const { clock, server } = serverClock()
  server.learnFrom(answered(NOW))
  clock.jump(5_000)
  server.learnFrom(answered(NOW + 5_000 + byMs))
  expect(server.times().server).toBe(NOW + 5_000 + byMs)
})
