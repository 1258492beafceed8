import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { startConnector } from '../../support/connector-process.ts'
import { scriptedServer } from '../../support/servers/scripted-http.ts'

const osc = '\u001b]0;pwned\u0007'
const hostile = `${osc}\u001b[35m\u009b31m\u202e`
const client = (id: number) => ({
  NumClient: `10${id}`,
  [`Nom${hostile}`]: `Dupont${hostile}`,
  'a\nlevel=error msg=forged': 'x',
  DateModification: '2024-05-05T10:00:00',
})
const page = JSON.stringify({ hasMoreResults: false, checkPoint: 't', Clients: [client(1), client(2)] })

it.each([['preview', '--show-data'], ['doctor']])('%s %s prints no control character of a server', async (...args) => {
  await using server = await scriptedServer((_, response) => void response.end(page))
  const directory = mkdtempSync(join(tmpdir(), 'terminal-'))
  onTestFinished(() => rmSync(directory, { recursive: true }))
  const environment = {
    ...{ CONNECTOR_ID: 'x', POLARIS_URL: server.url, POLARIS_CODE_MAGASIN: '1' },
    ...{ POLARIS_LAST_CHANGED: '2024-01-01', POLARIS_OUTPUT: 'json', POLARIS_CLIENT_ID_FIELD: 'NumClient' },
    ...{ KAFKA_BROKERS: '127.0.0.1:1', CHECKPOINT_URL: `file:${directory}` },
  }
  const started = startConnector(args, environment)
  await started.exitCode(60_000)
  const output = started.output()
  if (args[0] === 'preview') expect(output).toContain('\\u009b')
  expect(output).not.toMatch(/(?![\n\t])\p{Cc}|\p{Cf}/u)
  expect(output).not.toMatch(/^level=error msg=forged/m)
})
