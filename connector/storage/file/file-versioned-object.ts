import { link, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ConnectorError } from '../../runtime/connector-error.ts'
import { segmentsKey } from '../checkpoint-store-config.ts'
import { storeCall, uniqueName } from '../store-call.ts'
import type { CheckpointStore, StoredText, StoreParts, Version, WriteOutcome } from '../versioned-object.ts'
import { fileSegmentStore } from './file-segment-store.ts'
import { asStorageError, hasCode, isAbandoned, makeDirectory, syncDirectory, writeSynced } from './file-system.ts'
import {
  filesIn,
  isTemporary,
  mayHaveBeenPruned,
  newestOf,
  removable,
  temporaryFile,
  versionFile,
  versionsAmong,
} from './version-files.ts'

interface FileStoreConfig {
  readonly directory: string
  readonly callWithinMs: number
}

interface FileObject {
  readonly directory: string
  /** File name without `.json`. */
  readonly name: string
  readonly parts: StoreParts
}

/**
 * Versioned objects in a directory, and segments in directories beside them. Each version of an object is a separate
 * file, `<name>.<20 digits>.json`; the highest number is the newest.
 */
export function fileStore(config: FileStoreConfig, parts: StoreParts): CheckpointStore {
  const root = resolve(config.directory)
  const call = <Result>(what: string, attempt: () => Promise<Result>, finish: AbortSignal) => {
    const named = () => attempt().catch((error) => Promise.reject(asStorageError(what, error)))
    return storeCall(named, { what, withinMs: config.callWithinMs, parts }, finish)
  }
  return {
    object: (key) => {
      const object = { directory: join(root, dirname(key)), name: basename(key, '.json'), parts }
      return {
        read: (finish) => call(`read file ${join(root, key)}`, () => readNewest(object), finish),
        write: (text, expected, finish) =>
          call(`write file ${join(root, key)}`, () => writeNext(object, text, expected), finish),
      }
    },
    segments: (key) => {
      return fileSegmentStore({ directory: join(root, segmentsKey(key)), clock: parts.clock, call })
    },
    probe: (stop) => call(`probe directory ${root}`, () => probeDirectory(root, parts), stop),
    close: () => undefined,
  }
}

async function readNewest({ directory, name }: FileObject): Promise<StoredText | undefined> {
  // A version can be pruned between listing and reading, once ten newer ones exist: then read the newest again.
  for (let attempts = 0; attempts < 100; attempts += 1) {
    const newest = newestOf(versionsAmong(await filesIn(directory), name))
    if (newest === null) return undefined
    try {
      return { text: await readFile(join(directory, versionFile(name, newest)), 'utf8'), version: newest }
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
    }
  }
  throw new ConnectorError(
    'storage.unavailable',
    `read file ${join(directory, name)}: replaced during each of 100 reads`,
  )
}

async function writeNext(object: FileObject, text: string, expected: Version | null): Promise<WriteOutcome> {
  const { directory, name } = object
  const before = newestOf(versionsAmong(await filesIn(directory), name))
  const next = following(expected)
  if (before !== expected || !(await linkNew(object, versionFile(name, next), text))) return outcomeAsRead(object, text)

  await syncDirectory(directory)
  const files = await filesIn(directory)
  if (mayHaveBeenPruned(next, versionsAmong(files, name))) return outcomeAsRead(object, text)
  await prune(object, files)
  return { kind: 'written', version: next }
}

/** Creates a file atomically with its content. False if the name exists: of two writers exactly one succeeds. */
async function linkNew({ directory, name, parts }: FileObject, file: string, text: string): Promise<boolean> {
  await makeDirectory(directory)
  const temporary = join(directory, temporaryFile(name, uniqueName(parts.clock)))
  try {
    await writeSynced(temporary, text)
    await link(temporary, join(directory, file))
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  } finally {
    await rm(temporary, { force: true }).catch(() => undefined) // a later write removes what remains, see `removable`
  }
}

/** Another version exists: reads whether an earlier attempt of this call or another process wrote it. */
async function outcomeAsRead(object: FileObject, text: string): Promise<WriteOutcome> {
  const now = await readNewest(object)
  if (now?.text !== text) return { kind: 'conflict' }
  await syncDirectory(object.directory)
  return { kind: 'written', version: now.version }
}

async function prune({ directory, name, parts }: FileObject, files: readonly string[]): Promise<void> {
  try {
    for (const file of removable(files, name)) {
      const path = join(directory, file)
      if (!isTemporary(file) || (await isAbandoned(path, parts.clock))) await rm(path, { force: true })
    }
  } catch {
    // The write has succeeded; the next write prunes.
  }
}

function following(version: Version | null): Version {
  return String(BigInt(version ?? 0) + 1n).padStart(20, '0') as Version
}

/** Checks that files can be created, synced and linked exactly once in the directory. */
async function probeDirectory(root: string, parts: StoreParts): Promise<void> {
  await makeDirectory(root)
  const file = join(root, `.probe-${uniqueName(parts.clock)}`)
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
