import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { freePort } from './free-port.ts'
import { type ServerProcess, startProcess, untilServing } from './server-process.ts'

export interface S3Options {
  /** Made if missing. */
  readonly bucket?: string
  /** Kept on close. Without it: a temporary one, removed on close. */
  readonly dataDirectory?: string
}

/** What a client of an S3 store needs to know. */
export interface S3Address {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly bucket: string
}

export interface S3Server extends S3Address {
  /** `versitygw` keeps its objects from `stop` to `start`, `moto` forgets them. */
  readonly kind: 'versitygw' | 'moto'
  /** Starts it again on the same port. */
  start(): Promise<void>
  /** Kills it. */
  stop(): Promise<void>
  close(): Promise<void>
}

/** Starts a real S3 server on loopback and a free port. Ends with this process at the latest. */
export async function startS3({ bucket = 'connector', dataDirectory }: S3Options = {}): Promise<S3Server> {
  const directory = dataDirectory ?? mkdtempSync(join(tmpdir(), 's3-'))
  mkdirSync(join(directory, 'data'), { recursive: true })
  const address = { ...credentials, bucket, endpoint: `http://127.0.0.1:${await freePort()}` }
  const { kind, ...command } = installedServer(address.endpoint, join(directory, 'data'))
  const logFile = join(directory, 's3.log')
  let process: ServerProcess | undefined

  const start = async () => {
    if (process?.isRunning()) return
    process = startProcess({
      ...command,
      logFile,
      temporaryDirectory: dataDirectory === undefined ? directory : undefined,
    })
    await untilServing({ name: kind, process, logFile }, () => answers(address.endpoint))
    await makeBucket(address)
  }
  const stop = async () => process?.end('SIGKILL')
  const close = async () => {
    await stop()
    if (dataDirectory === undefined) rmSync(directory, { recursive: true, force: true })
  }
  try {
    await start()
  } catch (error) {
    await close()
    throw error
  }
  return { ...address, kind, start, stop, close }
}

const credentials = { region: 'us-east-1', accessKeyId: 'testtesttest', secretAccessKey: 'secretsecret' } as const

function installedServer(endpoint: string, data: string) {
  const { host, port } = new URL(endpoint)
  const versitygw = installed('versitygw/versitygw')
  if (existsSync(versitygw)) {
    const env = { ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey }
    return { kind: 'versitygw' as const, command: versitygw, args: ['--quiet', '--port', host, 'posix', data], env }
  }
  const python = installed('moto/bin/python3')
  if (existsSync(python)) {
    return { kind: 'moto' as const, command: python, args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', port] }
  }
  throw new Error('no S3 server is there yet: run scripts/provision.sh')
}

const installed = (path: string) => fileURLToPath(new URL(`../../../.cache/${path}`, import.meta.url))

async function answers(endpoint: string): Promise<boolean> {
  try {
    await (await fetch(endpoint)).arrayBuffer()
    return true
  } catch {
    return false
  }
}

/** Makes the bucket unless it is there and ours. */
export async function makeBucket({ endpoint, region, bucket, ...keys }: S3Address): Promise<void> {
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials: keys })
  try {
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
  } catch (error) {
    if (!(error instanceof Error && error.name === 'BucketAlreadyOwnedByYou')) throw error
  } finally {
    client.destroy()
  }
}
