import { expect, test } from 'vitest'
import { judgeRequests } from '../../../../connector/inspect/doctor/judge-requests.ts'

const lookBacks = [{ reachMs: 300_000, everyMs: 60_000 }]
const stream = (url: string, requestsPerSecond?: number) => ({
  polaris: { url, requestsPerSecond },
  poll: { intervalMs: 5_000, maxIntervalMs: 30_000, lookBacks },
})

test('counts the requests of all streams of a server', () => {
  const found = judgeRequests([stream('https://a/x'), stream('https://a/y'), stream('https://b/')])
  expect(found).toEqual({
    verdict: 'ok',
    detail:
      'https://a, 2 streams: about 1560 requests an hour while clients change, 360 while they do not; https://b: about 780 requests an hour while clients change, 180 while they do not; one more for each page of a backfill or full scan',
  })
})

test('warns of more requests than the limit of the server allows', () => {
  expect(judgeRequests([stream('https://a/', 1)]).verdict).toBe('ok')
  const four = Array.from({ length: 5 }, () => stream('https://a/', 1))
  expect(judgeRequests(four)).toMatchObject({ verdict: 'warning', detail: expect.stringMatching(/allows: https:..a$/) })
})
