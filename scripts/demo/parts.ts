import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { faults, type PolarisSimulator, startPolarisSimulator } from '../../test/polaris/polaris-simulator.ts'

export const topic = 'client.modified'

const CLIENTS = 5000
const CHANGES_EVERY_MS = 500
const CHANGED_WHILE_STOPPED = 20
const LATENCY_MS = 30
const PORT = 3443
const ACCESS = { mode: 'cookie', user: 'demo', password: 'demo' } as const

/** The simulator with the clients of the last run, some of which change every second; and what it says of itself. */
export async function startPolaris(folder: string): Promise<{ simulator: PolarisSimulator; line: string }> {
  const history = join(folder, 'polaris-history.jsonl')
  const hasHistory = existsSync(history)
  const start = (port: number) => startPolarisSimulator({ port, clients: CLIENTS, history, access: ACCESS })
  const simulator = await start(PORT).catch(() => start(0)) // the port may be in use
  simulator.faults.when(() => true, faults.latency(LATENCY_MS))
  if (hasHistory) for (let one = 0; one < CHANGED_WHILE_STOPPED; one += 1) simulator.change()
  simulator.changeEvery(CHANGES_EVERY_MS)
  const details = [
    `${CLIENTS} invented clients, ${1000 / CHANGES_EVERY_MS} change every second`,
    ...(hasHistory ? [`${CHANGED_WHILE_STOPPED} changed while the demo was stopped`] : []),
  ]
  return { simulator, line: `Polaris      ${simulator.url} (simulator: ${details.join('; ')})` }
}

/** The connector's settings, as an operator would give them in variables. */
export function connectorSettings(folder: string, kafkaBrokers: string, polarisUrl: string): Record<string, string> {
  return {
    CONNECTOR_ID: 'demo',
    PLACEMENT: 'single',
    HTTP_PORT: '0',
    POLL_INTERVAL: '1s',
    KAFKA_BROKERS: kafkaBrokers,
    KAFKA_TOPIC: topic,
    CHECKPOINT_URL: `file:${join(folder, 'checkpoint')}`,
    POLARIS_URL: polarisUrl,
    POLARIS_AUTH: 'login',
    POLARIS_USER: ACCESS.user,
    POLARIS_PASSWORD: ACCESS.password,
    POLARIS_CODE_MAGASIN: '1',
    POLARIS_LAST_CHANGED: '2000-01-01T00:00:00',
    POLARIS_CLIENT_ID_FIELD: 'No',
    POLARIS_MODIFIED_AT_FIELD: 'DateModification',
    POLARIS_LIST_FIELDS: 'Cartes.Carte',
    EVENT_TYPES: 'AccepteMailing: boolean\nChiffreAffaires: decimal\nNoVersion: integer',
  }
}

/** Shell text that sets these variables, and finds the demo's Node. */
export function shellText(settings: Readonly<Record<string, string>>, node: string): string {
  const lines = Object.entries(settings).map(([name, value]) => `export ${name}='${value}'`)
  return [...lines, `export PATH='${dirname(node)}':"$PATH"`, ''].join('\n')
}
