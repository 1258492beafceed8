import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import { closeStack } from '../../connector/runtime/close-stack.ts'
import { freePort } from '../../test/support/servers/free-port.ts'
import { type KafkaCluster, type KafkaOptions, startKafka } from '../../test/support/servers/kafka-broker.ts'
import { type S3Address, startS3 } from '../../test/support/servers/s3-server.ts'
import { startProcess, untilServing } from '../../test/support/servers/server-process.ts'
import type { Case } from './plan.ts'

/** The servers of a benchmark: one broker, one S3 server and a folder for logs. */
export interface Rig {
  readonly kafka: KafkaCluster
  /** Address of the plaintext listener. */
  readonly brokers: string
  readonly s3: S3Address
  readonly admin: Admin
  readonly folder: string
  close(): Promise<void>
}

export async function openRig(options: KafkaOptions = {}): Promise<Rig> {
  const closing = closeStack()
  const folder = closing.use(mkdtempSync(join(tmpdir(), 'bench-')), async (made) =>
    rmSync(made, { recursive: true, force: true }),
  )
  try {
    const kafka = closing.use(await startKafka(options), (cluster) => cluster.close())
    const s3 = closing.use(await startS3(), (server) => server.close())
    const client = new Kafka({ brokers: [kafka.bootstrap], logLevel: logLevel.NOTHING })
    const admin = closing.use(client.admin(), (one) => one.disconnect())
    await admin.connect()
    return { kafka, brokers: kafka.bootstrap, s3, admin, folder, close: () => closing.close() }
  } catch (error) {
    await closing.close()
    throw error
  }
}

export interface RunningSource {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** Starts the Polaris simulator with pages that it prepares once. */
export function startSource({ clients, latencyMs }: Case, folder: string): Promise<RunningSource> {
  return startSimulator(['--bench', '--clients', String(clients), '--latency', String(latencyMs)], folder)
}

/** Starts the Polaris simulator in a separate process. */
export async function startSimulator(options: readonly string[], folder: string): Promise<RunningSource> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/core/api/`
  const command = new URL('../../test/polaris/command.ts', import.meta.url).pathname
  const logFile = join(folder, 'simulator.log')
  const args = [command, '--port', String(port), ...options]
  const process = startProcess({ command: globalThis.process.execPath, args, logFile })
  const isServing = async () => {
    const response = await fetch(`${url}Client.GetClientsModified?doc`).catch(() => undefined)
    return (await response?.arrayBuffer()) !== undefined
  }
  await untilServing({ name: 'simulator', process, logFile }, isServing)
  return { url, port, close: () => process.end('SIGTERM', 2_000) }
}
