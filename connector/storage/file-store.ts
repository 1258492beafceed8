import { randomUUID } from 'node:crypto'
import { link, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { HOUR_MS } from '../runtime/clock.ts'
import { ConnectorError } from '../runtime/connector-error.ts'
import type {
  CheckpointStore,
  SegmentStore,
  StoredText,
  StoreParts,
  Version,
  WriteOutcome,
} from './checkpoint-store.ts'
import { segmentsKey, storeTimes } from './checkpoint-store-config.ts'
import { storeCall } from './store-call.ts'

/**
 * Keeps versioned objects in a directory, and segments in directories beside them. Each version of an object is a file
 * of its own, `<name>.<20 digits>.json`; the highest number is the newest, and a writer deletes all but the last ten.
 */
export function fileStore(directory: string, parts: StoreParts): CheckpointStore {
  const root = resolve(directory)
  const call: StoreCall = (what, attempt, finish) => {
    const withStorageError = () => attempt().catch((error) => Promise.reject(asStorageError(what, error)))
    return storeCall(withStorageError, { what, withinMs: storeTimes.callWithinMs, parts }, finish)
  }
  return {
    object: (key) => {
      const object = { directory: join(root, dirname(key)), name: basename(key, '.json') }
      return {
        read: (finish) => call(`read file ${join(root, key)}`, () => readNewest(object), finish),
        write: (text, expected, finish) =>
          call(`write file ${join(root, key)}`, () => writeNext(object, text, expected), finish),
      }
    },
    segments: (key) => fileSegmentStore(join(root, segmentsKey(key)), call),
    probe: (stop) => call(`probe directory ${root}`, () => probeDirectory(root, parts.clock.now()), stop),
    close: () => undefined,
  }
}

type StoreCall = <Result>(what: string, attempt: () => Promise<Result>, finish: AbortSignal) => Promise<Result>

interface FileObject {
  readonly directory: string
  /** File name without `.json`. */
  readonly name: string
}

const fileOf = ({ directory, name }: FileObject, version: Version) => join(directory, `${name}.${version}.json`)

async function versionsOf({ directory, name }: FileObject): Promise<Version[]> {
  const numbers = (await filesIn(directory)).flatMap((file) =>
    file.startsWith(`${name}.`) ? (/^\.(\d{20})\.json$/.exec(file.slice(name.length))?.[1] ?? []) : [],
  )
  return numbers.sort() as Version[]
}

async function readNewest(object: FileObject): Promise<StoredText | undefined> {
  for (;;) {
    const version = (await versionsOf(object)).at(-1)
    if (version === undefined) return undefined
    const bytes = await undefinedIfMissing(readFile(fileOf(object, version)))
    // If it is missing, a writer has replaced it since the listing.
    if (bytes !== undefined) return { text: bytes.toString(), version }
  }
}

async function writeNext(object: FileObject, text: string, expected: Version | null): Promise<WriteOutcome> {
  const before = (await versionsOf(object)).at(-1) ?? null
  const next = String(BigInt(expected ?? 0) + 1n).padStart(20, '0') as Version
  if (before === expected && (await linkNew(fileOf(object, next), text))) {
    const now = await versionsOf(object)
    // A writer that was suspended before linking finds its number free again once enough newer versions exist.
    if (now.at(-1) === next) {
      await removeOlder(object, now).catch(() => undefined) // the next write tries again
      return { kind: 'written', version: next }
    }
  }
  return await readOutcome(object, text)
}

/** Creates a file atomically with its content. False if the name exists: of two writers exactly one succeeds. */
async function linkNew(path: string, text: string): Promise<boolean> {
  try {
    await writeNamed(path, text, link)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Reads, where another version exists, whether an earlier attempt of this call or another process wrote it. */
async function readOutcome(object: FileObject, text: string): Promise<WriteOutcome> {
  const now = await readNewest(object)
  if (now?.text !== text) return { kind: 'conflict' }
  await syncDirectory(object.directory)
  return { kind: 'written', version: now.version }
}

/** A listing is not atomic: it must not miss every newer version, whatever is written during it. */
const KEPT_VERSIONS = 10

/** Removes old versions, which are given the oldest first. */
async function removeOlder(object: FileObject, versions: readonly Version[]) {
  for (const version of versions.slice(0, -KEPT_VERSIONS)) await rm(fileOf(object, version), { force: true })
}

/** Keeps segments as files of one directory, which the first `put` creates. */
function fileSegmentStore(directory: string, call: StoreCall): SegmentStore {
  const path = (name: string) => join(directory, name)
  // A crash leaves a temporary file.
  const list = async () => (await filesIn(directory)).filter((file) => !file.startsWith('.'))
  return {
    put: (name, bytes, finish) => call(`write file ${path(name)}`, () => writeNamed(path(name), bytes, rename), finish),
    get: (name, finish) => call(`read file ${path(name)}`, () => undefinedIfMissing(readFile(path(name))), finish),
    list: (finish) => call(`list files in ${directory}`, list, finish),
    remove: (name, finish) => call(`delete file ${path(name)}`, () => rm(path(name), { force: true }), finish),
  }
}

/** Checks that files can be created, synced and linked in the directory. Deletes what killed writers left in it. */
async function probeDirectory(root: string, now: number) {
  const file = join(root, `.probe-${randomUUID()}`)
  await writeNamed(file, 'written by the start-up probe; may be deleted', link)
  await rm(file, { force: true })
  await removeAbandoned(root, now).catch(() => undefined)
}

/** Only a probe and a writer of temporary files use such names. */
const ownDotFile = /^\.(?:probe-|.+\.)[\da-f-]{36}(?:\.tmp)?$/

/** Removes the files of writers that were killed: one that is alive renames or deletes its file within seconds. */
async function removeAbandoned(root: string, now: number) {
  const names = await readdir(root, { recursive: true })
  for (const name of names.filter((path) => ownDotFile.test(basename(path)))) {
    const { mtimeMs } = await stat(join(root, name))
    if (now - mtimeMs > HOUR_MS) await rm(join(root, name), { force: true })
  }
}

/** The documents contain hashes of clients: nobody else may read them. */
const PRIVATE_FILE = 0o600
const PRIVATE_DIRECTORY = 0o700

/**
 * Writes a temporary file in the directory of `path`, which it creates, and gives it its name by `name`, which is
 * `rename` or `link`. Resolves once both survive a power failure.
 */
async function writeNamed(
  path: string,
  content: string | Uint8Array,
  name: (from: string, to: string) => Promise<void>,
) {
  const directory = dirname(path)
  await makeDirectory(directory)
  const temporary = join(directory, `.${basename(path)}.${randomUUID()}.tmp`)
  try {
    const file = await open(temporary, 'wx', PRIVATE_FILE)
    await file
      .writeFile(content)
      .then(() => file.sync())
      .finally(() => file.close())
    await name(temporary, path)
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined)
  }
  await syncDirectory(directory)
}

/** Resolves once the names in a directory survive a power failure. */
async function syncDirectory(path: string) {
  const directory = await open(path, 'r')
  await directory.sync().finally(() => directory.close())
}

/** Creates a directory and its missing parents, and syncs each new name. */
async function makeDirectory(path: string) {
  const first = await mkdir(path, { recursive: true, mode: PRIVATE_DIRECTORY })
  if (first === undefined) return
  for (let created = path; ; created = dirname(created)) {
    await syncDirectory(dirname(created))
    if (created === first) return
  }
}

/** Returns the file names in a directory; none if the directory does not exist. */
const filesIn = async (directory: string): Promise<string[]> => (await undefinedIfMissing(readdir(directory))) ?? []

const undefinedIfMissing = <Result>(work: Promise<Result>): Promise<Result | undefined> =>
  work.catch((error) => {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  })

/** Errors that only an operator can end, by other permissions, another path or another file system. */
const refusals: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted, or the file system has no hard links',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file, not a directory',
  EEXIST: 'a file exists where a directory is needed',
  EISDIR: 'a directory exists where a file is needed',
}

/**
 * Converts a file-system error to `storage.*`. `what` names the whole path. Returns an error without a code unchanged.
 */
export function asStorageError(what: string, error: unknown): unknown {
  const errno = errnoOf(error)
  if (errno === undefined || error instanceof ConnectorError) return error
  const code = Object.hasOwn(refusals, errno) ? 'storage.refused' : 'storage.unavailable'
  return new ConnectorError(code, `${what}: ${errno}: ${refusals[errno] ?? 'check the disk, its space and its mount'}`)
}

function errnoOf(error: unknown): string | undefined {
  const { code }: { code?: unknown } = Object(error)
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined
}
