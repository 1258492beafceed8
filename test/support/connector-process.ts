import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { constants as connectorConstants } from '../../connector/config/connector-config.ts'
import { mustFit } from './documentation/output-schema.ts'

/** One line of the connector's log. */
export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly stream?: string
  readonly code?: string
  readonly [field: string]: unknown
}

/** Whether a line has this message. */
export const says = (msg: string) => (line: LogLine) => line.msg === msg

/** The report about one stream in `/readyz` and `/status`. */
export interface StreamReport {
  readonly stream: string
  readonly state: string
  readonly progress?: string
  readonly why?: string
  readonly code?: string
  readonly hint?: string
  readonly epoch?: number
  readonly seq?: number
  readonly lastChanged?: string
  readonly secondsSinceLiveScan?: number
  readonly totals?: Readonly<Record<'pages' | 'clients' | 'events' | 'deadLetters' | 'suppressed', number>>
}

interface HttpAnswer {
  readonly status: number
  readonly body: string
}

/**
 * The built connector in a child process. Every method that waits rejects when the process exits or the time limit
 * expires; the error contains the last lines of the log.
 */
export interface ConnectorProcess {
  readonly pid: number
  isRunning(): boolean
  /** Everything written so far, including standard error. */
  output(): string
  /** What was written to standard output. */
  printed(): string
  /** The log lines so far. */
  lines(): readonly LogLine[]
  /** Waits for the first log line that satisfies `isIt`; a line already written counts. */
  line(isIt: (line: LogLine) => boolean, withinMs?: number): Promise<LogLine>
  /** Sends a GET request; waits until the connector listens, then up to 10 s for the response. */
  get(path: string): Promise<HttpAnswer>
  /** Polls `/status` until the only (or the named) stream satisfies `isIt`. */
  status(isIt: (report: StreamReport) => boolean, which?: { stream?: string; withinMs?: number }): Promise<StreamReport>
  /** Writes a text to standard input and closes it. */
  type(text: string): void
  signal(signal: NodeJS.Signals): void
  /** Waits for the exit code, or 128 + the number of the signal that ended the process. */
  exitCode(withinMs?: number): Promise<number>
  /** Sends SIGKILL; resolves when the process has exited. */
  kill(): Promise<void>
  /** Sends SIGTERM; resolves to the exit code. */
  stop(withinMs?: number): Promise<number>
}

const main = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
/** Saves a third of the CPU time of a start. */
const NODE_COMPILE_CACHE = join(tmpdir(), 'polaris-connector-compiled')
const running = new Set<() => void>()
process.on('exit', () => {
  for (const kill of running) kill()
})

const preload = (file: string) => `--import ${new URL(`preloaded/${file}`, import.meta.url).href}`

/** To be imported before the program if its environment has `shortTimes`. */
const shortTimesModule = new URL('preloaded/short-times.ts', import.meta.url).href

/** Settings for the connector's environment: its pauses of minutes take seconds. */
export const SHORT_PAUSES = { NODE_OPTIONS: preload('short-pauses.ts') }

type Some<Values> = {
  readonly [Name in keyof Values]?: Values[Name] extends object ? Some<Values[Name]> : Values[Name]
}
/** Constants of the connector to replace. */
export type ShortTimes = Some<typeof connectorConstants>
/** For the connector's environment. */
export const shortTimes = (times: ShortTimes) => ({ SHORT_TIMES: JSON.stringify(times) })

/** Starts the built connector as an operator would, with exactly these settings in its environment. */
export function startConnector(
  args: readonly string[],
  environment: Record<string, string>,
  nodeFlags: readonly string[] = [],
): ConnectorProcess {
  if (!existsSync(main)) throw new Error('the connector is not built: npm run build')
  const { PATH = '', HOME = '' } = process.env
  const preloads = environment.SHORT_TIMES === undefined ? [] : ['--import', shortTimesModule]
  const child = spawn(process.execPath, [...nodeFlags, ...preloads, main, ...args], {
    env: { PATH, HOME, NODE_COMPILE_CACHE, ...environment },
  })
  const started = connectorIn(child, () => void child.kill('SIGKILL'))
  if (!args.includes('--json')) return started
  const command = args[0] === 'checkpoint' ? `${args[0]}-${args[1]}` : (args[0] ?? '')
  return { ...started, printed: () => mustFit(command, started.printed()) }
}

/** Wraps a connector whose output comes from `child`: the process itself, or a `podman run` of it. `kill` ends it. */
export function connectorIn(child: ChildProcessWithoutNullStreams, kill: () => void): ConnectorProcess {
  const written = { output: '', printed: '', lines: [] as LogLine[] }
  for (const stream of [child.stdout, child.stderr]) {
    let rest = ''
    stream.on('data', (bytes: Buffer) => {
      written.output += bytes
      if (stream === child.stdout) written.printed += bytes
      const texts = (rest + bytes).split('\n')
      rest = texts.pop() ?? ''
      for (const text of texts) if (text.startsWith('{"level"')) written.lines.push(JSON.parse(text))
      child.emit('written')
    })
  }
  running.add(kill)
  const ended = once(child, 'close').then(([code, signal]) => {
    running.delete(kill)
    child.emit('written')
    return (code as number | null) ?? 128 + constants.signals[signal as NodeJS.Signals]
  })
  const isRunning = () => child.exitCode === null && child.signalCode === null
  const failure = (what: string) => new Error(`${what}:\n${lastLines(written.output)}`)
  return waiting({ child, kill, written, ended, isRunning, failure })
}

/** The last lines of a log, to print when a test fails. */
export function lastLines(output: string, count = 25): string {
  return output.trimEnd().split('\n').slice(-count).join('\n')
}

/** The streams that run on a replica. */
export async function runningOn(replica: ConnectorProcess): Promise<string[]> {
  const { streams } = JSON.parse((await replica.get('/status')).body) as { streams: StreamReport[] }
  return streams.filter(isAtWork).map(({ stream }) => stream)
}

/** A failure that recurs shows for five minutes: a stream in state `retrying` may work, and then ends its live scans. */
const isAtWork = ({ state, secondsSinceLiveScan = Infinity }: StreamReport) =>
  state === 'running' || (state === 'retrying' && secondsSinceLiveScan < 5)

interface Parts {
  readonly child: ChildProcessWithoutNullStreams
  readonly written: { readonly output: string; readonly printed: string; readonly lines: readonly LogLine[] }
  readonly ended: Promise<number>
  kill(): void
  isRunning(): boolean
  failure(what: string): Error
}

function waiting({ child, kill, written, ended, isRunning, failure }: Parts): ConnectorProcess {
  const line = async (isIt: (line: LogLine) => boolean, withinMs = 60_000) => {
    const late = AbortSignal.timeout(withinMs)
    for (let seen = 0; ; ) {
      for (; seen < written.lines.length; seen += 1) {
        const found = written.lines[seen]
        if (found !== undefined && isIt(found)) return found
      }
      if (!isRunning()) throw failure('the connector exited before it logged the line')
      await once(child, 'written', { signal: late }).catch(() => {
        throw failure(`no matching log line within ${withinMs} ms: ${isIt}`)
      })
    }
  }
  const get = async (path: string) => {
    const { port } = await line(({ msg }) => msg === 'connector started')
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(10_000) })
    const body = await response.text()
    return { status: response.status, body: path === '/status' || path === '/readyz' ? mustFit('status', body) : body }
  }
  const exitCode = async (withinMs = 60_000) => {
    const late = AbortSignal.timeout(withinMs)
    const tooLate = once(late, 'abort').then(() => {
      throw failure(`did not exit within ${withinMs} ms`)
    })
    return await Promise.race([ended, tooLate])
  }
  return {
    pid: child.pid ?? 0,
    isRunning,
    line,
    get,
    exitCode,
    output: () => written.output,
    printed: () => written.printed,
    lines: () => written.lines,
    status: async (isIt, { stream, withinMs = 60_000 } = {}) => {
      for (const giveUpAt = performance.now() + withinMs; ; await delay(50)) {
        const { streams } = JSON.parse((await get('/status')).body) as { streams: StreamReport[] }
        const report = streams.find((one) => stream === undefined || one.stream === stream)
        if (report !== undefined && isIt(report)) return report
        if (performance.now() > giveUpAt) throw failure(`no matching status within ${withinMs} ms: ${isIt}`)
      }
    },
    type: (text) => void child.stdin.end(text),
    signal: (signal) => void child.kill(signal),
    kill: async () => {
      kill()
      await ended
    },
    stop: async (withinMs) => {
      child.kill('SIGTERM')
      return await exitCode(withinMs)
    },
  }
}
