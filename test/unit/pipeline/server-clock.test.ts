import { expect, test } from 'vitest'
import { createServerClock } from '../../../connector/pipeline/server-clock.ts'
import type { Page } from '../../../connector/source/client-source.ts'
import { virtualClock } from '../../support/virtual-clock.ts'

const answered = (serverTime: number | undefined): Page => ({
  clients: [],
  hasMoreResults: false,
  checkPoint: null,
  serverTime,
  tookMs: 0,
  bytes: 0,
})

function serverClock() {
  const clock = virtualClock(1_000_000)
  let missing = 0
  return { clock, server: createServerClock(clock, () => (missing += 1)), missing: () => missing }
}

test("the server's time is ours until an answer tells, and goes on with our clock from there", () => {
  const { clock, server } = serverClock()
  expect(server.now()).toBe(1_000_000)
  server.learn(answered(1_090_000))
  clock.pass(5_000)
  expect(server.now()).toBe(1_095_000)
  server.learn(answered(1_000_000))
  expect(server.now()).toBe(1_000_000)
})

test('it shows at most an hour more than ours until an answer tells', () => {
  const { server } = serverClock()
  expect(server.latest()).toBe(1_000_000 + 3_600_000)
  server.learn(answered(1_090_000))
  expect(server.latest()).toBe(1_090_000)
})

test('that our clock is put right does not put back what an answer told, and may mean that we stood still', () => {
  const clock = virtualClock(1_000_000)
  let aheadMs = 0
  const server = createServerClock({ ...clock, now: () => clock.now() + aheadMs }, () => {})
  server.learn(answered(5_000_000))
  clock.pass(1_000)
  aheadMs = -700_000
  expect([server.now(), server.latest()]).toEqual([5_001_000, 5_001_000])
  aheadMs = 700_000
  expect([server.now(), server.latest()]).toEqual([5_001_000, 5_701_000])
})

test('an answer without a Date header is told about once', () => {
  const { server, missing } = serverClock()
  server.learn(answered(1_090_000))
  expect(missing()).toBe(0)
  for (let page = 0; page < 3; page += 1) server.learn(answered(undefined))
  expect(missing()).toBe(1)
  expect(server.now()).toBe(1_090_000)
})
