import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readFileSync } from 'node:fs'
import type { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'

export interface ServerCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** The server's output is appended to this file. */
  readonly logFile: string
  /** Removed if this process dies before the server has exited. */
  readonly temporaryDirectory?: string | undefined
}

/** A server in a child process. It never outlives this process, even if this process is killed. */
export interface ServerProcess {
  readonly pid: number | undefined
  isRunning(): boolean
  /** Sends the signal and waits for the exit; sends SIGKILL after `killAfterMs`. No effect after the exit. */
  end(signal: 'SIGTERM' | 'SIGKILL', killAfterMs?: number): Promise<void>
}

/**
 * A watcher process reads from a pipe to this process. A line means that the server exited; a closed pipe without a
 * line means that this process died, so the watcher kills the server.
 */
const tiedToParent = `
  temporary=$1; shift
  (read -r ended <&3 || { kill -KILL $$; [ -z "$temporary" ] || rm -rf "$temporary"; }) &
  exec "$@" 3<&-`

/** Starts a server in a separate process group, so that Ctrl-C in the terminal reaches only this process. */
export function startProcess({ command, args, env, logFile, temporaryDirectory = '' }: ServerCommand): ServerProcess {
  const log = openSync(logFile, 'a')
  const child = spawn('sh', ['-c', tiedToParent, 'sh', temporaryDirectory, command, ...args], {
    detached: true,
    env: { ...process.env, ...env },
    stdio: ['ignore', log, log, 'pipe'],
  })
  closeSync(log)
  const watcher = child.stdio[3] as Writable
  watcher.on('error', () => {}) // the watcher may exit first
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

/** Waits for `answers` to be true. Throws the last lines of the log, without stack frames, if the server dies or `withinMs` passes. */
export async function untilServing(
  server: { name: string; process: ServerProcess; logFile: string },
  answers: () => Promise<boolean>,
  withinMs = 60_000,
): Promise<void> {
  const giveUpAt = performance.now() + withinMs
  while (!(await answers())) {
    const late = performance.now() > giveUpAt
    if (late || !server.process.isRunning()) {
      const lines = readFileSync(server.logFile, 'utf8').split('\n')
      const lastLines = lines.filter((line) => !/^\s+at /.test(line)).slice(-20)
      const what = late ? `did not start within ${withinMs} ms` : 'died'
      throw new Error([`${server.name} ${what}:`, ...lastLines].join('\n'))
    }
    await delay(50)
  }
}
