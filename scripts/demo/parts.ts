import { existsSync, mkdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { faults, type PolarisSimulator, startPolarisSimulator } from '../../test/polaris/polaris-simulator.ts'
import { startKafka } from '../../test/support/servers/kafka-broker.ts'
import type { Addresses, DemoPlan } from './plan.ts'

/** A running component of the demo, and how to stop it. */
export interface Part<Running> {
  readonly running: Running
  /** Describes the component on the screen. */
  readonly line: string
  close(): Promise<void>
}

const CLIENTS = 5000
const CHANGES_EVERY_MS = 500
const CHANGED_WHILE_STOPPED = 20
const LATENCY_MS = 30
const PORT = 3443
const CONNECT_WITHIN_MS = 5000
const ACCESS = { mode: 'cookie', user: 'demo', password: 'demo' } as const

/** The given brokers; otherwise a local broker with the data of the last run. */
export async function kafkaPart(plan: DemoPlan): Promise<Part<string>> {
  if (plan.brokers !== undefined) {
    await mustAnswer(plan.brokers.split(',').map((broker) => broker.trim()))
    return { running: plan.brokers, line: `Kafka        ${plan.brokers} (yours)`, close: async () => {} }
  }
  const dataDirectory = join(plan.folder, 'kafka')
  const kafka = await startKafka({ dataDirectory })
  const line = `Kafka        ${kafka.bootstrap}, Apache Kafka on loopback, data in ${dataDirectory}`
  return { running: kafka.bootstrap, line, close: kafka.close }
}

/** The given server; otherwise the simulator with the clients of the last run, some of which change every second. */
export async function polarisPart(plan: DemoPlan): Promise<Part<PolarisSimulator | undefined>> {
  if (plan.polarisUrl !== undefined) {
    return { running: undefined, line: `Polaris      ${withoutUser(plan.polarisUrl)} (yours)`, close: async () => {} }
  }
  mkdirSync(plan.folder, { recursive: true })
  const history = join(plan.folder, 'polaris-history.jsonl')
  const hasHistory = existsSync(history)
  const isFree = (await refusal(PORT, '127.0.0.1')) !== undefined
  const simulator = await startPolarisSimulator({ port: isFree ? PORT : 0, clients: CLIENTS, history, access: ACCESS })
  simulator.faults.when(() => true, faults.latency(LATENCY_MS))
  if (hasHistory) for (let one = 0; one < CHANGED_WHILE_STOPPED; one += 1) simulator.change()
  simulator.changeEvery(CHANGES_EVERY_MS)
  const details = [
    `${CLIENTS} invented clients, ${1000 / CHANGES_EVERY_MS} change every second`,
    ...(hasHistory ? [`${CHANGED_WHILE_STOPPED} changed while the demo was stopped`] : []),
    ...(isFree ? [] : [`port ${PORT} is in use`]),
  ]
  return {
    running: simulator,
    line: `Polaris      ${simulator.url} (simulator: ${details.join('; ')})`,
    close: simulator.close,
  }
}

export function simulatorAddress(simulator: PolarisSimulator | undefined): Addresses['simulator'] {
  return simulator === undefined ? undefined : { url: simulator.url, user: ACCESS.user, password: ACCESS.password }
}

/** Rejects, with the reasons, if no broker accepts connections. */
async function mustAnswer(brokers: readonly string[]): Promise<void> {
  const reasons = await Promise.all(
    brokers.map((broker) => {
      const [, host, port] = /^(.+):(\d+)$/.exec(broker) ?? []
      return refusal(Number(port), host)
    }),
  )
  if (reasons.includes(undefined)) return
  const shown = brokers.map((broker, index) => `${broker}: ${reasons[index]}`).join(', ')
  throw new Error(`no broker of KAFKA_BROKERS can be reached (${shown})`)
}

/** Why a port does not accept connections; undefined if it does. */
function refusal(port: number, host: string | undefined): Promise<string | undefined> {
  return new Promise((resolve) => {
    if (host === undefined || port > 65_535) return resolve('must be host:port')
    const socket = connect({ port, host, timeout: CONNECT_WITHIN_MS })
    socket.once('connect', () => resolve(undefined))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'failed'))
    socket.once('timeout', () => resolve('no connection in time'))
    for (const event of ['connect', 'timeout']) socket.once(event, () => socket.destroy())
  })
}

function withoutUser(url: string): string {
  return URL.canParse(url) ? `${new URL(url).origin}${new URL(url).pathname}` : 'POLARIS_URL'
}
