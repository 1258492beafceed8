import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Admin, Kafka, logLevel } from 'kafkajs'
import type { CloseStack } from '../../connector/runtime/close-stack.ts'
import { freePort } from '../../test/support/servers/free-port.ts'
import { startKafka } from '../../test/support/servers/kafka-broker.ts'
import { type S3Address, startS3 } from '../../test/support/servers/s3-server.ts'
import { startProcess, untilServing } from '../../test/support/servers/server-process.ts'

/** The servers of a benchmark: one broker, one S3 server and a folder for logs. */
export interface Rig {
  readonly brokers: string
  readonly s3: S3Address
  readonly admin: Admin
  readonly folder: string
}

export async function openRig(closing: CloseStack): Promise<Rig> {
  const folder = closing.use(mkdtempSync(join(tmpdir(), 'bench-')), (made) => rmSync(made, { recursive: true }))
  const kafka = closing.use(await startKafka(), (cluster) => cluster.close())
  const s3 = closing.use(await startS3(), (server) => server.close())
  const client = new Kafka({ brokers: [kafka.bootstrap], logLevel: logLevel.NOTHING })
  const admin = closing.use(client.admin(), (one) => one.disconnect())
  await admin.connect()
  return { brokers: kafka.bootstrap, s3, admin, folder }
}

/** Settings of a connector on these servers. `id`: also the folder of its checkpoints. */
export function settingsOf({ brokers, s3 }: Rig, id: string): Record<string, string> {
  return {
    CONNECTOR_ID: id,
    HTTP_PORT: '0',
    KAFKA_BROKERS: brokers,
    CHECKPOINT_URL: `s3://${s3.bucket}/${id}`,
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_REGION: s3.region,
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    NODE_DISABLE_COMPILE_CACHE: '1', // it takes 7 MB, and the image has none
  }
}

interface Stream {
  readonly url: string
  readonly topic: string
  readonly output: 'xml' | 'json'
  readonly limit: number
}

/** Settings of its only stream, which reads all clients of a simulator. */
export const streamSettings = ({ url, topic, output, limit }: Stream): Record<string, string> => ({
  PLACEMENT: 'single',
  POLARIS_URL: url,
  POLARIS_CODE_MAGASIN: '1',
  POLARIS_LAST_CHANGED: '2000-01-01',
  POLARIS_LIST_FIELDS: 'Cartes.Carte',
  POLARIS_LIMIT: String(limit),
  POLARIS_OUTPUT: output,
  KAFKA_TOPIC: topic,
})

/** Starts the Polaris simulator in a separate process. */
export async function startSimulator(options: readonly string[], folder: string) {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/core/api/`
  const command = new URL('../../test/polaris/command.ts', import.meta.url).pathname
  const logFile = join(folder, 'simulator.log')
  const args = [command, '--port', String(port), ...options]
  const process = startProcess({ command: globalThis.process.execPath, args, logFile })
  const isServing = async () => {
    const response = await fetch(`${url}Client.GetClientsModified`).catch(() => undefined)
    return (await response?.arrayBuffer()) !== undefined
  }
  await untilServing({ name: 'simulator', process, logFile }, isServing)
  return { url, close: () => process.end('SIGTERM', 2_000) }
}

/** Prints figures as one line of JSON. */
export function print(figures: object): void {
  const rounded = (_: string, value: unknown) => (typeof value === 'number' ? Math.round(value * 100) / 100 : value)
  console.log(JSON.stringify(figures, rounded))
}
