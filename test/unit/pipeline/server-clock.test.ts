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

test('an answer without a Date header is told about once', () => {
  const { server, missing } = serverClock()
  server.learn(answered(1_090_000))
  expect(missing()).toBe(0)
  for (let page = 0; page < 3; page += 1) server.learn(answered(undefined))
  expect(missing()).toBe(1)
  expect(server.now()).toBe(1_090_000)
})
