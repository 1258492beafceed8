import { link, readFile, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { ConnectorError } from '../runtime/connector-error.ts'
import type { CheckpointStore, StoreParts } from './checkpoint-store.ts'
import { asStorageError, hasCode } from './file-failure.ts'
import { storeCall } from './store-call.ts'
import { makeDirectory, syncDirectory, writeSynced } from './synced-files.ts'
import { uniqueName } from './unique-name.ts'
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
import type { StoredText, Version, WriteOutcome } from './versioned-object.ts'

export interface FileStoreConfig {
  readonly directory: string
  readonly callWithinMs: number
}

// No writer waits that long between creating its temporary file and linking it; one that did would try again.
const abandonedAfterMs = 60 * 60 * 1000

interface FileObject {
  readonly directory: string
  /** Without `.json`. */
  readonly name: string
  readonly parts: StoreParts
}

/** Versioned objects in a directory: each version a file of its own, `<name>.<20 digits>.json`, the highest number the newest. */
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
        read: (finish) => call(`read file ${key}`, () => readNewest(object), finish),
        write: (text, expected, finish) => call(`write file ${key}`, () => writeNext(object, text, expected), finish),
      }
    },
    probe: (stop) => call(`probe directory ${basename(root)}`, () => probeDirectory(root, parts), stop),
    close: () => undefined,
  }
}

async function readNewest({ directory, name }: FileObject): Promise<StoredText | undefined> {
  // Ten newer versions may appear, and this one be pruned, before it is read: then there is a newer one to read.
  for (let tries = 0; tries < 100; tries += 1) {
    const newest = newestOf(versionsAmong(await filesIn(directory), name))
    if (newest === null) return undefined
    try {
      return { text: await readFile(join(directory, versionFile(name, newest)), 'utf8'), version: newest }
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
    }
  }
  throw new ConnectorError('storage.unavailable', `read file ${name}: replaced too fast to be read`)
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

/** Creates a file with its whole content at once; false when there is one of that name: of two writers exactly one succeeds. */
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
    await rm(temporary, { force: true }).catch(() => undefined) // what stays is removed later, see `removable`
  }
}

/** Somebody wrote: an earlier try of this very call, or somebody else. */
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
      const isAbandoned = async () => parts.clock.now() - (await stat(path)).mtimeMs > abandonedAfterMs
      if (!isTemporary(file) || (await isAbandoned())) await rm(path, { force: true })
    }
  } catch {
    // The write is done; the next one prunes.
  }
}

function following(version: Version | null): Version {
  return String(BigInt(version ?? 0) + 1n).padStart(20, '0') as Version
}

/** Finds out whether files can be created, synced, and linked exactly once there. */
async function probeDirectory(root: string, parts: StoreParts): Promise<void> {
  await makeDirectory(root)
  const file = join(root, `.probe-${uniqueName(parts.clock)}`)
  const linked = `${file}-linked`
  try {
    await writeSynced(file, 'written by a start-up check, may be deleted')
    await link(file, linked)
    await syncDirectory(root)
    await link(file, linked)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return
    throw error
  } finally {
    await Promise.allSettled([rm(file, { force: true }), rm(linked, { force: true })])
  }
  throw new ConnectorError('storage.no-conditional-writes', 'probe directory: a file was linked over another')
}
