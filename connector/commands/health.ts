import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import * as z from 'zod'
import type { Settings } from '../config/config-schema.ts'
import { type ConfigSources, loadEndpointSettings } from '../config/load-config.ts'
import { systemClock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { type Command, configOption, configSources, jsonOption, printOutput } from './command.ts'

const respondWithinMs = 3_000

const healthShape = z.strictObject({
  alive: z.boolean().describe('Whether the connector responds'),
  problem: z.string().nullable().describe('If not alive: what is wrong'),
})

export const health: Command = {
  name: 'health',
  summary: 'check whether the connector on this machine is alive',
  usage:
    'For health checks in a container that has neither a shell nor curl: requests /healthz on\n' +
    'HTTP_PORT (default 8080) over loopback. Needs no other setting; reads only the http section of a\n' +
    'configuration file. Prints one line.\n' +
    'Exit code: 0 alive, 1 not alive.',
  options: { ...configOption, ...jsonOption },
  examples: ['health --config connector.yaml'],
  outputs: { '--json': healthShape },
  run: async (args, parts) => {
    const settings = endpointsOf(configSources(args, parts))
    const problem = typeof settings === 'string' ? settings : await problemAt(addressOf(settings), parts.stop)
    const json: z.output<typeof healthShape> = { alive: problem === undefined, problem: problem ?? null }
    printOutput(args, parts, { json, lines: () => (problem === undefined ? ['alive'] : []) })
    if (problem !== undefined && args.json !== true) parts.printError(`not alive: ${problem}`)
    return problem === undefined ? 0 : 1 // The only two codes of a Docker health check.
  },
}

function endpointsOf(sources: ConfigSources): Settings['http'] | string {
  try {
    const settings = loadEndpointSettings(sources)
    return settings.port === 0 ? 'HTTP_PORT is 0 (any free port): set it to the port of the connector' : settings
  } catch (error) {
    if (error instanceof ConnectorError) return error.message
    throw error
  }
}

/** Undefined if the connector is alive. */
async function problemAt(address: string, stop: AbortSignal): Promise<string | undefined> {
  using finish = systemClock.deadline(respondWithinMs, stop)
  try {
    const { status, body } = await request(address, finish.signal)
    return status === 200 && body.trim() === 'ok' ? undefined : `${address} answered ${status}, but is not a connector`
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? error.code : 'failed'
    return `${address} did not respond (${why})`
  }
}

function request(address: string, signal: AbortSignal): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    get(address, { signal, agent: false }, async (response) => {
      try {
        resolve({ status: response.statusCode, body: await text(response) })
      } catch (error) {
        reject(error)
      }
    }).on('error', reject)
  })
}

/** The URL of /healthz over loopback, or on the configured host. */
function addressOf({ host, port }: Settings['http']): string {
  const local = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${local.includes(':') ? `[${local}]` : local}:${port}/healthz`
}
