import { closeSync, existsSync, fstatSync, openSync, readSync, writeFileSync } from 'node:fs'
import { type ServerProcess, startProcess } from '../../test/support/servers/server-process.ts'

/** One line of the connector's log. */
export interface LogLine {
  readonly level: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** The stream's part of the connector's `/status`. */
export interface ConnectorStatus {
  readonly state: string
  readonly progress?: 'catching up' | 'caught up'
  readonly epoch?: number
  readonly seq?: number
  readonly lastChanged?: string
  /** Background scans in progress. */
  readonly scans?: readonly ScanStatus[]
  readonly indexClients?: number
  readonly totals?: {
    readonly pages: number
    readonly clients: number
    readonly events: number
    readonly deadLetters: number
    readonly suppressed: number
    readonly superseded: number
  }
}

export interface ScanStatus {
  readonly lane: 'live' | 'look-back' | 'backfill' | 'full'
  readonly clients: number
  readonly reached?: string
}

export interface Connector {
  isRunning(): boolean
  /** Log lines written since the last call; a line that is not JSON has the level `output`. */
  newLines(): readonly LogLine[]
  /** Undefined while the connector does not answer. */
  status(): Promise<ConnectorStatus | undefined>
  /** Sends SIGTERM, then SIGKILL if the connector has not exited within `killAfterMs`. */
  end(killAfterMs: number): Promise<void>
}

/** Starts the built connector as a child process, as an operator would. */
export function startConnector(environment: Record<string, string>, logFile: string): Connector {
  const main = new URL('../../dist/main.js', import.meta.url).pathname
  if (!existsSync(main)) throw new Error('the connector is not built: npm run build')
  writeFileSync(logFile, '')
  const process: ServerProcess = startProcess({
    command: globalThis.process.execPath,
    args: [main, 'run'],
    env: environment,
    logFile,
  })
  const log = followedFile(logFile)
  let port: number | undefined
  return {
    isRunning: process.isRunning,
    newLines: () => {
      const lines = log.newLines().map(logLine)
      for (const line of lines) if (line.msg === 'connector started') port = Number(line.port)
      return lines
    },
    status: async () => {
      if (port === undefined) return undefined
      try {
        const response = await fetch(`http://127.0.0.1:${port}/status`, { signal: AbortSignal.timeout(1000) })
        return ((await response.json()) as { streams: ConnectorStatus[] }).streams[0]
      } catch {
        return undefined
      }
    },
    end: async (killAfterMs) => {
      await process.end('SIGTERM', killAfterMs)
      log.close()
    },
  }
}

function followedFile(name: string): { newLines(): string[]; close(): void } {
  const file = openSync(name, 'r')
  let at = 0
  let rest = ''
  return {
    newLines: () => {
      const buffer = Buffer.alloc(fstatSync(file).size - at)
      at += readSync(file, buffer, 0, buffer.length, at)
      const lines = (rest + buffer.toString()).split('\n')
      rest = lines.pop() ?? ''
      return lines.filter((line) => line !== '')
    },
    close: () => closeSync(file),
  }
}

function logLine(text: string): LogLine {
  try {
    return JSON.parse(text)
  } catch {
    return { level: 'output', msg: text }
  }
}
