import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { closeStack } from '../connector/runtime/close-stack.ts'
import type { ConnectorProcess } from '../test/support/connector-process.ts'
import { startKafka } from '../test/support/servers/kafka-broker.ts'
import { startConnector } from './demo/connector.ts'
import { connectorSettings, shellText, startPolaris, topic } from './demo/parts.ts'
import { show } from './demo/show.ts'

/** After this, the demo exits even if a component is still running. */
const LEAVE_WITHIN_MS = 4500
const CONNECTOR_WITHIN_MS = 2500

const { DEMO_FOLDER: folder = '.cache/demo' } = process.env

/** Runs a broker, a simulated Polaris, the connector and a consumer of the topic, and shows what they do. */
async function demo(stop: AbortSignal): Promise<number> {
  const closing = closeStack()
  mkdirSync(folder, { recursive: true })
  console.log('Polaris → connector → Kafka. Ctrl-C stops everything; the next run resumes where this one stopped.')
  try {
    const { simulator, line } = await startPolaris(folder)
    closing.use(simulator, (one) => one.close())
    console.log(line)
    const dataDirectory = join(folder, 'kafka')
    const kafka = closing.use(await startKafka({ dataDirectory }), (one) => one.close())
    console.log(`Kafka        ${kafka.bootstrap}, Apache Kafka on loopback, data in ${dataDirectory}`)
    if (stop.aborted) return 0

    const settings = connectorSettings(folder, kafka.bootstrap, simulator.url)
    const variables = join(folder, 'connector.env')
    writeFileSync(variables, shellText(settings, process.execPath))
    const logFile = join(folder, 'connector.log')
    const connector = closing.use(startConnector(settings), stopped)
    console.log(`Connector    node dist/main.js run, checkpoint in ${settings.CHECKPOINT_URL}, log in ${logFile}`)
    console.log(`Topic        ${topic}, read by a consumer of committed records`)
    console.log(`Try          in another terminal: . ${variables}; node dist/main.js doctor (or checkpoint show)`)
    const clients = simulator.clientIds.length
    if ((await show({ connector, logFile, kafkaBrokers: kafka.bootstrap, clients }, stop)) === 'stopped') return 0
    console.log(`demo: the connector exited unexpectedly; see its log: ${logFile}`)
    return 1
  } finally {
    if (stop.aborted) console.log('stopping')
    await Promise.race([closing.close(), delay(LEAVE_WITHIN_MS, undefined, { ref: false })])
  }
}

async function stopped(connector: ConnectorProcess): Promise<void> {
  await connector.stop(CONNECTOR_WITHIN_MS).catch(connector.kill)
}

async function main(): Promise<void> {
  const stop = new AbortController()
  const leave = (signal: 'SIGINT' | 'SIGTERM') => {
    // A second signal exits at once, which also ends the child processes.
    if (stop.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143)
    stop.abort()
    setTimeout(() => process.exit(1), LEAVE_WITHIN_MS).unref()
  }
  process.on('SIGINT', leave).on('SIGTERM', leave)
  try {
    process.exitCode = await demo(stop.signal)
  } catch (error) {
    console.log(`demo: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
  if (stop.signal.aborted) console.log('stopped')
  process.exit()
}

// kafkajs makes Node print a warning about a negative timer once per process.
process.removeAllListeners('warning')
await main()
