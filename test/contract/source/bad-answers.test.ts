import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codeOf } from '../../../connector/runtime/connector-error.ts'
import { type BadAnswer, badAnswers, planted } from '../../fixtures/answers/bad-answers.ts'
import { firstPage, sourceAt } from '../../support/one-read.ts'
import { type ScriptedServer, scriptedServer } from '../../support/servers/scripted-http.ts'
import { never } from '../../support/signals.ts'

// A server gives each bad answer to one read, and a good page to the next one.

const user = 'utilisateur-4711'
const password = 'motdepasse-4711'
const GOOD = {
  xml: '<p><hasMoreResults>false</hasMoreResults><l><InfoClient><No>1</No></InfoClient></l></p>',
  json: '{"hasMoreResults":false,"l":[{"No":1}]}',
}

let server: ScriptedServer
/** The next responses; then good pages. */
let bad: BadAnswer | undefined
let badCalls = Number.POSITIVE_INFINITY

beforeAll(async () => {
  server = await scriptedServer((call, response) => {
    const output = call.url.searchParams.get('output') === 'json' ? 'json' : 'xml'
    if (bad === undefined || badCalls <= 0) response.end(GOOD[output])
    else send(bad, response)
    badCalls -= 1
  })
})
afterAll(() => server[Symbol.asyncDispose]())

function send(answer: BadAnswer, response: ServerResponse): void {
  if (answer.raw === undefined) {
    const body = Buffer.from(answer.body ?? '')
    const length = answer.status === 204 || answer.status === 304 ? {} : { 'content-length': body.length }
    response.writeHead(answer.status ?? 200, {
      'content-type': 'text/xml; charset=utf-8',
      ...length,
      ...answer.headers,
    })
    response.end(body)
  } else {
    response.socket?.write(answer.raw)
    if (answer.hangs === undefined) response.socket?.end()
  }
}

const source = ({ hangs }: BadAnswer) =>
  sourceAt({
    url: server.url,
    auth: { kind: 'basic', account: { user, password } },
    timeouts: { connectMs: 5_000, answerMs: hangs === undefined ? 10_000 : 300 },
    maxBodyBytes: 64_000,
  })
const at = ({ output = 'xml' }: BadAnswer) => ({ ...firstPage, limit: 100, output })

/** All text of an error that a log line could contain. */
function everythingOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = Object.getOwnPropertyNames(error).map((name) => `${name}: ${String(Reflect.get(error, name))}`)
  return [
    error.message,
    JSON.stringify(error),
    ...own,
    error.cause === undefined ? '' : everythingOf(error.cause),
  ].join('\n')
}

describe('an answer that is not a complete, well-formed page changes nothing (invariant 9)', () => {
  test('is tested in at least 70 kinds, each with a unique name', () => {
    expect(new Set(badAnswers.map(({ name }) => name)).size).toBe(badAnswers.length)
    expect(badAnswers.length).toBeGreaterThanOrEqual(70)
  })

  test.each(badAnswers)('$name: $code', async (answer) => {
    const reading = source(answer)
    try {
      bad = answer
      const error: unknown = await reading.read(at(answer), never).then(
        () => expect.fail('it was accepted as a page'),
        (thrown: unknown) => thrown,
      )
      expect({ code: codeOf(error), error }).toMatchObject({ code: answer.code })
      // Invariant 8: no personal data and no secret in an error.
      for (const word of [...planted, user, password]) expect(everythingOf(error)).not.toContain(word)

      bad = undefined
      const after = await reading.read(at(answer), never).catch((thrown: unknown) => thrown)
      if (answer.status === 401) expect(after).toBe(error)
      else expect(after).toMatchObject({ clients: [{ No: '1' }], hasMoreResults: false })
    } finally {
      bad = undefined
      await reading.close()
    }
  })
})
