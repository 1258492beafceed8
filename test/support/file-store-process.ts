import { type ChildProcess, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'

interface StoreScript {
  readonly setUp?: string
  /** Uses `store`, `never` and `fs`. */
  readonly run: string
}

/** Runs a script with the file store of a directory in another process. */
export function fileStoreProcess(directory: string, { setUp = '', run }: StoreScript): ChildProcess {
  const script = `
    import fs from 'node:fs'
    import { fileStore } from ${source('storage/file-store.ts')}
    import { systemClock } from ${source('runtime/clock.ts')}
    ${setUp}
    const never = new AbortController().signal
    const store = fileStore(${JSON.stringify(directory)}, { clock: systemClock, onRetry: () => undefined })
    ${run}`
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['pipe', 'pipe', 'inherit'] })
}

export function outputOf(child: ChildProcess): Readable {
  if (child.stdout === null) throw new Error('no output')
  return child.stdout
}

export async function killed(child: ChildProcess) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exited
}

function source(path: string): string {
  return JSON.stringify(new URL(`../../connector/${path}`, import.meta.url).href)
}
