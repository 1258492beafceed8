import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { freePort } from './free-port.ts'
import { type ServerProcess, startProcess, untilServing } from './server-process.ts'

/** Connection settings for a client of an S3 store. */
export interface S3Address {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly bucket: string
}

export interface S3Server extends S3Address {
  /** `versitygw` keeps its objects across `stop` and `start`; `moto` loses them. */
  readonly kind: 'versitygw' | 'moto'
  /** Starts the server again on the same port. */
  start(): Promise<void>
  /** Kills the server. */
  stop(): Promise<void>
  close(): Promise<void>
}

/** Starts a real S3 server on a free loopback port. It never outlives this process. */
export async function startS3(): Promise<S3Server> {
  const directory = mkdtempSync(join(tmpdir(), 's3-'))
  mkdirSync(join(directory, 'data'))
  const address = { ...credentials, bucket: 'connector', endpoint: `http://127.0.0.1:${await freePort()}` }
  const { kind, ...command } = installedServer(address.endpoint, join(directory, 'data'))
  const logFile = join(directory, 's3.log')
  let process: ServerProcess | undefined

  const start = async () => {
    if (process?.isRunning()) return
    process = startProcess({ ...command, logFile, temporaryDirectory: directory })
    await untilServing({ name: kind, process, logFile }, () => answers(address.endpoint))
    await makeBucket(address)
  }
  const stop = async () => process?.end('SIGKILL')
  const close = async () => {
    await stop()
    rmSync(directory, { recursive: true, force: true })
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

/**
 * Starts moto with a user who has the keys, and has it check the keys of each request; by default it accepts any. It
 * takes one request at a time: it checks a condition and stores the object in two steps, so that with a thread for each
 * request two writers could win.
 */
const MOTO = `
import moto.server, moto.settings
from moto.iam.models import iam_backends
iam = iam_backends["123456789012"]["aws"]
iam.create_user("us-east-1", "tests")
key = iam.create_access_key("tests")
key.access_key_id, key.secret_access_key = "${credentials.accessKeyId}", "${credentials.secretAccessKey}"
allowed = '{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'
iam.put_user_policy("tests", "all", allowed)
moto.settings.INITIAL_NO_AUTH_ACTION_COUNT = 0
threaded = moto.server.run_simple
moto.server.run_simple = lambda *args, **options: threaded(*args, **{**options, "threaded": False})
moto.server.main()
`

function installedServer(endpoint: string, data: string) {
  const { host, port } = new URL(endpoint)
  const versitygw = installed('versitygw/versitygw')
  if (existsSync(versitygw)) {
    const env = { ROOT_ACCESS_KEY: credentials.accessKeyId, ROOT_SECRET_KEY: credentials.secretAccessKey }
    return { kind: 'versitygw' as const, command: versitygw, args: ['--quiet', '--port', host, 'posix', data], env }
  }
  const python = installed('moto/bin/python3')
  if (existsSync(python)) {
    return { kind: 'moto' as const, command: python, args: ['-c', MOTO, '-H', '127.0.0.1', '-p', port] }
  }
  throw new Error('no S3 server is installed: run scripts/provision.sh test')
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

/** Creates the bucket unless it exists and belongs to this account. */
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
