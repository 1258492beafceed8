import { randomUUID } from 'node:crypto'
import { link, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { segmentsKey } from '../checkpoint-store-config.ts'
import { storeCall } from '../store-call.ts'
import type { CheckpointStore, StoredText, StoreParts, Version, WriteOutcome } from '../versioned-object.ts'
import { fileSegmentStore } from './file-segment-store.ts'
import {
  asStorageError,
  filesIn,
  hasCode,
  makeDirectory,
  syncDirectory,
  writeNamed,
  writeSynced,
} from './file-system.ts'

interface FileStoreConfig {
  readonly directory: string
  readonly callWithinMs: number
}

interface FileObject {
  readonly directory: string
  /** File name without `.json`. */
  readonly name: string
}

/**
 * Versioned objects in a directory, and segments in directories beside them. Each version of an object is a file of its
 * own, `<name>.<20 digits>.json`; the highest number is the newest, and a writer deletes all but the last ten.
 */
export function fileStore(config: FileStoreConfig, parts: StoreParts): CheckpointStore {
  const root = resolve(config.directory)
  const call = <Result>(what: string, attempt: () => Promise<Result>, finish: AbortSignal) => {
    const named = () => attempt().catch((error) => Promise.reject(asStorageError(what, error)))
    return storeCall(named, { what, withinMs: config.callWithinMs, parts }, finish)
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
    segments: (key) => fileSegmentStore({ directory: join(root, segmentsKey(key)), call }),
    probe: (stop) => call(`probe directory ${root}`, () => probeDirectory(root), stop),
    close: () => undefined,
  }
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
    try {
      return { text: await readFile(fileOf(object, version), 'utf8'), version }
    } catch (error) {
      // A writer has replaced it since the listing.
      if (!hasCode(error, 'ENOENT')) throw error
    }
  }
}

async function writeNext(object: FileObject, text: string, expected: Version | null): Promise<WriteOutcome> {
  const before = (await versionsOf(object)).at(-1) ?? null
  const next = String(BigInt(expected ?? 0) + 1n).padStart(20, '0') as Version
  if (before !== expected || !(await linkNew(object, next, text))) return await outcomeAsRead(object, text)
  const now = await versionsOf(object)
  if (newerThan(next, now) >= KEPT_VERSIONS / 2) return await outcomeAsRead(object, text)
  await removeOlder(object, now).catch(() => undefined) // the next write does it
  return { kind: 'written', version: next }
}

/**
 * A writer that was suspended before linking finds its number free again once so many newer versions exist, and counts
 * half of them as enough: a listing is not atomic. For the same reason a reader must find more than the newest version.
 */
const KEPT_VERSIONS = 10

const newerThan = (version: Version, versions: readonly Version[]) => versions.filter((one) => one > version).length

/** Creates a file atomically with its content. False if the name exists: of two writers exactly one succeeds. */
async function linkNew(object: FileObject, version: Version, text: string): Promise<boolean> {
  try {
    await writeNamed(fileOf(object, version), text, link)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

/** Another version exists: reads whether an earlier attempt of this call or another process wrote it. */
async function outcomeAsRead(object: FileObject, text: string): Promise<WriteOutcome> {
  const now = await readNewest(object)
  if (now?.text !== text) return { kind: 'conflict' }
  await syncDirectory(object.directory)
  return { kind: 'written', version: now.version }
}

/** Oldest first. Then temporary files: those of a crash, and those of writers that would meet a conflict anyway. */
async function removeOlder(object: FileObject, versions: readonly Version[]): Promise<void> {
  const { directory, name } = object
  for (const version of versions.slice(0, -KEPT_VERSIONS)) await rm(fileOf(object, version), { force: true })
  const isTemporary = (file: string) => file.startsWith(`.${name}.`) && file.endsWith('.tmp')
  for (const file of (await filesIn(directory)).filter(isTemporary)) await rm(join(directory, file), { force: true })
}

/** Checks that files can be created, synced and linked exactly once in the directory. */
async function probeDirectory(root: string): Promise<void> {
  await makeDirectory(root)
  const file = join(root, `.probe-${randomUUID()}`)
  const linked = `${file}-linked`
  try {
    await writeSynced(file, 'written by the start-up probe; may be deleted')
    await link(file, linked)
    await syncDirectory(root)
    await link(file, linked)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return
    throw error
  } finally {
    await Promise.allSettled([rm(file, { force: true }), rm(linked, { force: true })])
  }
  throw new ConnectorError('storage.no-conditional-writes', `probe directory ${root}: link() replaced an existing file`)
}
