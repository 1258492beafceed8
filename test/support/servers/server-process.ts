import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

export interface ServerCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where its output is appended. */
  readonly logFile: string
  /** Removed when this process is gone before the server has ended. */
  readonly temporaryDirectory?: string | undefined
}

/** A server in a process of its own that never outlives this one, even if this one is killed. */
export interface ServerProcess {
  readonly pid: number | undefined
  isRunning(): boolean
  /** Sends the signal and waits for the end; kills it when it has not ended within `killAfterMs`. Does nothing when it has ended already. */
  end(signal: 'SIGTERM' | 'SIGKILL', killAfterMs?: number): Promise<void>
}

/** A watcher beside the server holds the other end of a pipe to us: a line means a regular end, the bare end of the pipe that we are gone. */
const tiedToParent = `
  temporary=$1; shift
  (read -r ended <&3 || { kill -KILL $$; [ -z "$temporary" ] || rm -rf "$temporary"; }) &
  exec "$@" 3<&-`

/** Starts a server in a process group of its own: Ctrl-C in the terminal reaches us alone, and we decide about the server. */
export function startProcess({ command, args, env, logFile, temporaryDirectory = '' }: ServerCommand): ServerProcess {
  const log = openSync(logFile, 'a')
  const child = spawn('sh', ['-c', tiedToParent, 'sh', temporaryDirectory, command, ...args], {
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['ignore', log, log, 'pipe'],
  })
  closeSync(log)
  const watcher = child.stdio[3] as Writable
  watcher.on('error', () => {}) // the watcher may be gone first
  const ended = once(child, 'exit').then(() => watcher.end('ended\n'))

  const isRunning = () => child.exitCode === null && child.signalCode === null
  return {
    pid: child.pid,
    isRunning,
    end: async (signal, killAfterMs = 30_000) => {
      if (!isRunning()) return
      child.kill(signal)
      const timer = setTimeout(() => child.kill('SIGKILL'), killAfterMs)
      await ended
      clearTimeout(timer)
    },
  }
}

/** Waits until `answers` says yes; throws with the last lines of the log when the server dies or takes longer than `withinMs`. */
export async function untilServing(
  server: { name: string; process: ServerProcess; logFile: string },
  answers: () => Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const giveUpAt = performance.now() + withinMs
  while (!(await answers())) {
    const late = performance.now() > giveUpAt
    if (late || !server.process.isRunning()) {
      const lastLines = readFileSync(server.logFile, 'utf8').split('\n').slice(-20).join('\n')
      throw new Error(`${server.name} ${late ? `does not serve within ${withinMs} ms` : 'died'}:\n${lastLines}`)
    }
    await delay(50)
  }
}
