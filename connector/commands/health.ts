import { get } from 'node:http'
import { text } from 'node:stream/consumers'
import type { Settings } from '../config/config-schema.ts'
import { type ConfigSources, loadEndpointSettings } from '../config/load-config.ts'
import { systemClock } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import { type Command, configOption, optionText } from './command.ts'

const answerWithinMs = 3_000

export const health: Command = {
  name: 'health',
  summary: 'ask the running connector on this machine whether it is alive',
  usage:
    'For health checks in a container that has neither shell nor curl: asks /healthz on HTTP_PORT (8080), by loopback. Needs no other\n' +
    'setting, and looks at the endpoints alone in a file. Prints one line.\n' +
    'Exit code: 0 alive, 1 not.',
  options: configOption,
  run: async (args, { environment, readFile, print, complain, stop }) => {
    const settings = endpointsOf({ file: optionText(args, 'config'), environment, readFile })
    const trouble = typeof settings === 'string' ? settings : await troubleAt(addressOf(settings), stop)
    if (trouble === undefined) print('alive')
    else complain(`not alive: ${trouble}`)
    return trouble === undefined ? 0 : 1 // docker knows no other code
  },
}

function endpointsOf(sources: ConfigSources): Settings['http'] | string {
  try {
    const settings = loadEndpointSettings(sources)
    return settings.port === 0 ? 'HTTP_PORT is 0, any free port: set the one to ask' : settings
  } catch (error) {
    if (error instanceof ConnectorError) return error.message
    throw error
  }
}

/** What is wrong there; undefined when the connector is alive. */
async function troubleAt(address: string, stop: AbortSignal): Promise<string | undefined> {
  using patience = systemClock.deadline(answerWithinMs, stop)
  try {
    const { status, body } = await ask(address, patience.signal)
    return status === 200 && body.trim() === 'ok' ? undefined : `${address} answers ${status} and is no connector`
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? error.code : 'failed'
    return `${address} does not answer (${why})`
  }
}

function ask(address: string, signal: AbortSignal): Promise<{ status: number | undefined; body: string }> {
  return new Promise((resolve, reject) => {
    get(address, { signal, agent: false }, async (answer) => {
      try {
        resolve({ status: answer.statusCode, body: await text(answer) })
      } catch (error) {
        reject(error)
      }
    }).on('error', reject)
  })
}

/** Where a process with these settings is heard from here. */
function addressOf({ host, port }: Settings['http']): string {
  const from = host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host
  return `http://${from.includes(':') ? `[${from}]` : from}:${port}/healthz`
}
