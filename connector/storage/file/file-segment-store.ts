import { readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { SegmentStore } from '../segment-store.ts'
import { filesIn, hasCode, writeNamed } from './file-system.ts'

interface SegmentDirectory {
  readonly directory: string
  readonly call: <Result>(what: string, attempt: () => Promise<Result>, finish: AbortSignal) => Promise<Result>
}

/** Segments as files of one directory, which the first `put` creates. */
export function fileSegmentStore({ directory, call }: SegmentDirectory): SegmentStore {
  const path = (name: string) => join(directory, name)
  const what = (operation: string, name: string) => `${operation} file ${path(name)}`
  const write = (name: string, bytes: Uint8Array) => writeNamed(path(name), bytes, rename)
  return {
    put: (name, bytes, finish) => call(what('write', name), () => write(name, bytes), finish),
    get: (name, finish) => call(what('read', name), () => bytesIn(path(name)), finish),
    list: (finish) => call(`list files in ${directory}`, () => namesIn(directory), finish),
    remove: (name, finish) => call(what('delete', name), () => rm(path(name), { force: true }), finish),
  }
}

async function bytesIn(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Deletes what a crash left. A `put` whose temporary file it deletes is tried again. */
async function namesIn(directory: string): Promise<string[]> {
  const files = await filesIn(directory)
  for (const file of files.filter((one) => one.endsWith('.tmp')))
    await rm(join(directory, file), { force: true }).catch(() => undefined)
  return files.filter((file) => !file.startsWith('.'))
}
