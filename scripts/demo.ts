import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { closeStack } from '../connector/runtime/close-stack.ts'
import { openTopic } from '../test/support/topic-reader.ts'
import { startConnector } from './demo/connector.ts'
import { kafkaAccess } from './demo/kafka-access.ts'
import { lockFolder } from './demo/lock.ts'
import { kafkaPart, polarisPart, simulatorAddress } from './demo/parts.ts'
import { connectorEnvironment, demoPlan, ownVariables } from './demo/plan.ts'
import { openScreen, type Screen } from './demo/screen.ts'
import { orAborted, show } from './demo/show.ts'

/** After this, the demo exits even if a component is still running. */
const LEAVE_WITHIN_MS = 4500
const CONNECTOR_WITHIN_MS = 2500

/** Runs a broker, a Polaris server, the connector and a consumer of the topic, and shows what they do. */
async function demo(screen: Screen, stop: AbortSignal): Promise<number> {
  const plan = demoPlan(process.env)
  const closing = closeStack()
  mkdirSync(plan.folder, { recursive: true })
  closing.use(await lockFolder(plan.folder), (lock) => lock.close())
  screen.say('Polaris → connector → Kafka. Ctrl-C stops everything; the next run resumes where this one stopped.')
  try {
    const starting = [kafkaPart(plan), polarisPart(plan)] as const
    const [kafka, polaris] = await Promise.allSettled(starting)
    for (const part of [kafka, polaris]) if (part.status === 'fulfilled') closing.use(part.value, (one) => one.close())
    for (const part of [kafka, polaris]) if (part.status === 'rejected') throw part.reason
    if (kafka.status === 'rejected' || polaris.status === 'rejected') return 1
    for (const { line } of [kafka.value, polaris.value]) screen.say(line)

    const at = { bootstrap: kafka.value.running, simulator: simulatorAddress(polaris.value.running) }
    const access = kafkaAccess(at.bootstrap, process.env)
    const reader = await orAborted(openTopic({ kafka: access, topic: plan.topic, from: 'end' }), stop)
    if (stop.aborted) return 0
    const logFile = join(plan.folder, 'connector.log')
    const environment = connectorEnvironment(process.env, plan, at)
    const variables = join(plan.folder, 'connector.env')
    writeFileSync(variables, ownVariables(process.env, environment, process.execPath))
    const connector = closing.use(startConnector(environment, logFile), (one) => one.end(CONNECTOR_WITHIN_MS))
    screen.say(`Connector    node dist/main.js run, checkpoint in ${plan.checkpointUrl}, log in ${logFile}`)
    screen.say(`Topic        ${plan.topic}, read by a consumer of committed records`)
    screen.say(`Try          in another terminal: . ${variables}; node dist/main.js doctor (or checkpoint show)`)
    const clients = polaris.value.running?.clientIds.length
    const end = await show({ plan, screen, connector, kafka: access, reader, clients }, stop)
    if (end === 'stopped') return 0
    screen.say(`demo: the connector exited unexpectedly; see its log: ${logFile}`)
    return 1
  } finally {
    if (stop.aborted) screen.say('stopping')
    await Promise.race([closing.close(), delay(LEAVE_WITHIN_MS, undefined, { ref: false })])
  }
}

async function main(): Promise<void> {
  const stop = new AbortController()
  const screen = openScreen(process.stdout, process.env)
  const leave = (signal: 'SIGINT' | 'SIGTERM') => {
    // A second signal exits at once, which also ends the child processes.
    if (stop.signal.aborted) process.exit(signal === 'SIGINT' ? 130 : 143)
    stop.abort()
    setTimeout(() => process.exit(1), LEAVE_WITHIN_MS).unref()
  }
  process.on('SIGINT', leave).on('SIGTERM', leave).on('exit', screen.close)
  try {
    process.exitCode = await demo(screen, stop.signal)
  } catch (error) {
    screen.say(`demo: ${error instanceof Error ? error.message : error}`)
    process.exitCode = 1
  }
  if (stop.signal.aborted) screen.say('stopped')
  process.exit()
}

// kafkajs makes Node print a warning about a negative timer once per process, which would disturb the screen.
process.removeAllListeners('warning')
await main()
